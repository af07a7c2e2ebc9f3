// Two versions side by side: what is different, packages first.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { usePlace } from "../../parts/place";
import { text } from "../../text";
import { bytes, dated, gib, moment, money } from "../../text/format";
import type { Version } from "./data";

type Diff = Schemas["TemplateDiff"];
interface Line { what: string; before: string; after: string; mono?: boolean; kind: "new" | "old" | "changed" }

export function CompareCard({ name, versions, latest }: { name: string; versions: Version[]; latest: number }) {
  const { query, set } = usePlace();
  const numbers = versions.map((version) => version.number);
  const has = (asked: string | undefined) => numbers.find((number) => String(number) === asked);
  const to = has(query.to) ?? (numbers.includes(latest) ? latest : numbers[0]!);
  const older = numbers.filter((number) => number < to);
  const from = has(query.from) ?? older[0] ?? numbers.find((number) => number !== to)!;
  const diff = useOnce(`diff:${name}:${from}:${to}`, (signal) =>
    ask(api.GET("/v1/templates/{name}/versions/{version}/diff", { params: { path: { name, version: from }, query: { with: `${name}@${to}` } }, signal })));
  return (
    <Card title={text.compare.title} end={(
      <div class="l-row">
        <Pick label={text.compare.from} numbers={numbers} value={from} onValue={(value) => set({ from: value })} />
        <span class="quiet">{text.compare.with}</span>
        <Pick label={text.compare.to} numbers={numbers} value={to} onValue={(value) => set({ to: value })} />
      </div>
    )}>
      <Loaded live={diff}>{(found) => <DiffTable diff={found} versions={versions} from={from} to={to} name={name} />}</Loaded>
    </Card>
  );
}

function Pick({ label, numbers, value, onValue }: { label: string; numbers: number[]; value: number; onValue: (value: string) => void }) {
  return (
    <select class="input is-small" aria-label={label} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
      {numbers.map((number) => <option key={number} value={number} selected={number === value}>{text.compare.version(number)}</option>)}
    </select>
  );
}

/** A long list of packages is shown in part: first what was changed. */
const MOST = 60;

function DiffTable({ diff, versions, from, to, name }: { diff: Diff; versions: Version[]; from: number; to: number; name: string }) {
  const [whole, setWhole] = useState(false);
  const packages = diff.packages ? lines(diff.packages) : [];
  const shown = whole ? packages : packages.slice(0, MOST);
  const fields = diff.fields.filter(({ field }) => field !== "saved_date" && field !== "saved_by").map(fieldLine);
  const head = (number: number) => {
    const version = versions.find((one) => one.number === number);
    return <th scope="col">{name}@{number}{version && <span class="sub"><bdi>{text.compare.saved(dated(version.saved_date), version.saved_by)}</bdi></span>}</th>;
  };
  return (
    <>
      {!diff.packages && <Note><p>{text.compare.noPackages}</p></Note>}
      {diff.packages && !diff.packages.complete && <Note tone="warn"><p>{text.compare.incomplete}</p></Note>}
      <table class="diff">
        <caption class="hide">{text.compare.caption(from, to)}</caption>
        <thead><tr><th scope="col" class="diff-what"><span class="hide">{text.compare.what}</span></th>{head(from)}{head(to)}</tr></thead>
        <tbody>
          {diff.packages && <tr class="diff-group"><th colSpan={3} scope="colgroup">{text.compare.packages(diff.packages.added.length, diff.packages.removed.length, diff.packages.changed.length)}</th></tr>}
          {shown.map((line) => <DiffRow key={`p:${line.what}:${line.before}:${line.after}`} line={line} />)}
          <tr class="diff-group"><th colSpan={3} scope="colgroup">{fields.length > 0 ? text.compare.about : text.compare.same}</th></tr>
          {fields.map((line) => <DiffRow key={`f:${line.what}`} line={line} />)}
        </tbody>
      </table>
      {packages.length > shown.length && <button class="button is-quiet" type="button" onClick={() => setWhole(true)}>{text.compare.rest(packages.length - shown.length)}</button>}
    </>
  );
}

function DiffRow({ line }: { line: Line }) {
  const { what, before, after, mono, kind } = line;
  return (
    <tr>
      <th scope="row" class="diff-what"><bdi class={mono ? "mono" : undefined}>{what}</bdi></th>
      {kind === "new"
        ? <td class="is-none">{text.compare.absent}</td>
        : <td class={kind === "old" ? "is-old" : undefined} dir="auto">{kind === "old" && <Mark sign="−" words={text.compare.before} />}{before}</td>}
      {kind === "old"
        ? <td class="is-none">{text.compare.absent}</td>
        : <td class={kind === "new" ? "is-new" : "is-changed"} dir="auto">{kind === "new" ? <Mark sign="+" words={text.compare.now} /> : <Mark sign="~" words={text.compare.changedTo} />}{after}</td>}
    </tr>
  );
}

function Mark({ sign, words }: { sign: string; words: string }) {
  return <><span class="diff-mark" aria-hidden="true">{sign}</span><span class="hide">{words}</span></>;
}

function lines(packages: Schemas["PackageDiff"]): Line[] {
  const named = (one: { name: string; manager: string }) => `${one.name} (${one.manager})`;
  return [
    ...packages.changed.map((one): Line => ({ what: named(one), before: one.from, after: one.to, mono: true, kind: "changed" })),
    ...packages.added.map((one): Line => ({ what: named(one), before: "", after: one.version, mono: true, kind: "new" })),
    ...packages.removed.map((one): Line => ({ what: named(one), before: one.version, after: "", mono: true, kind: "old" })),
  ];
}

/** How the values of fields are written; others are shown as they are. */
const shown: Record<string, (value: string) => string> = {
  saved_date: (value) => moment(value),
  root_size_gib: (value) => gib(Number(value)),
  snapshot_bytes: (value) => bytes(Number(value)),
  usd_per_month: (value) => text.atMost(money(Number(value))),
};

function fieldLine({ field, from, to }: Schemas["FieldDiff"]): Line {
  const words = (value: unknown) => (value === "" ? "" : (shown[field]?.(String(value)) ?? String(value)));
  const what = (text.compare.fields as Record<string, string>)[field] ?? field;
  return { what, before: words(from), after: words(to), kind: from === "" ? "new" : to === "" ? "old" : "changed" };
}
