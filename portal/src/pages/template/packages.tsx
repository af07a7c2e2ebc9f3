// The packages that were installed when a version was saved.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { Card, Empty } from "../../parts/card";
import { FilterField, FilterSelect, Filters } from "../../parts/filters";
import { Grow } from "../../parts/grow";
import { Name } from "../../parts/name";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { usePlace } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, moment } from "../../text/format";
import { type Version, live } from "./data";

type Package = Schemas["Package"];

const columns: Column<Package>[] = [
  { label: text.packages.name, cell: (one) => <Name>{one.name}</Name> },
  { label: text.packages.version, cell: (one) => <Name>{one.version}</Name> },
  { label: text.packages.manager, cell: (one) => one.manager },
];

export function Packages({ name, versions, latest }: { name: string; versions: Version[]; latest: number }) {
  const { query, set } = usePlace();
  const [wanted, setWanted] = useState("");
  const numbers = versions.filter(live).map((version) => version.number);
  const version = numbers.find((number) => String(number) === query.version) ?? latest;
  const found = useOnce(`packages:${name}:${version}`, async (signal) => {
    const inventory = await ask(api.GET("/v1/templates/{name}/versions/{version}/packages", { params: { path: { name, version } }, signal }));
    return { inventory: inventory ?? null };
  });
  return (
    <>
      <Filters label={text.packages.filters}>
        <FilterField label={text.packages.search} value={wanted} onValue={setWanted} type="search" wide />
        <FilterSelect label={text.packages.of} value={String(version)} onValue={(value) => set({ version: value })} options={numbers.map((number) => [String(number), text.compare.version(number)])} />
      </Filters>
      <Loaded live={found}>{({ inventory }) => {
        if (!inventory) return <Empty title={text.packages.unknown} why={text.packages.unknownWhy} />;
        const rows = inventory.packages.filter((one) => one.name.toLowerCase().includes(wanted.trim().toLowerCase()));
        return (
          <Card title={text.packages.title(version)} end={<p role="status">{text.packages.count(count(rows.length), count(inventory.packages.length))}</p>} bare foot={<span>{text.packages.captured(moment(inventory.captured_at))}</span>}>
            {inventory.truncated && <Note tone="warn"><p>{text.packages.truncated}</p></Note>}
            <Grow items={rows} of={`${version}:${wanted}`}>{(some, first) => <Table caption={text.packages.title(version)} columns={columns} rows={some} id={(one) => `${one.manager}:${one.name}:${one.version}`} class={`is-3 is-fixed ${first ? "" : "is-more"}`} />}</Grow>
          </Card>
        );
      }}</Loaded>
    </>
  );
}
