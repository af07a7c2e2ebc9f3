// The versions of a template, and what can be done with each.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { api } from "../../api/client";
import { useWatched } from "../../api/live";
import { Badge } from "../../parts/badge";
import { Card } from "../../parts/card";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { bytes, count, dated, moment } from "../../text/format";
import { type Rights, type Template, type Version, live, note } from "./data";
import { type Doing, VersionDialog } from "./doing";
import { launchOf } from "./launch";
import { Outlook, isDeprecated } from "./outlook";

interface Props {
  template: Template;
  versions: Version[];
  rights: Rights;
  chosen?: number;
  again: () => void;
}

export function VersionsCard({ template, versions, rights, chosen, again }: Props) {
  const doing = useSignal<Doing | undefined>(undefined);
  const shown = useSignal(false);
  const gone = versions.filter((version) => !live(version));
  const rows = shown.value ? versions : versions.filter(live);
  const columns = columnsOf(template, rights, (what) => { doing.value = what; });
  const foot = gone.length > 0 && (
    <><span>{text.version.gone(gone.length)}</span><button class="button is-quiet" type="button" onClick={() => { shown.value = !shown.value; }}>{shown.value ? text.version.hideGone : text.version.showGone}</button></>
  );
  return (
    <Card title={text.version.title} end={<p>{text.version.never}</p>} bare foot={foot}>
      <Saving name={template.name} ended={again} />
      <Table caption={text.version.table(template.name)} columns={columns} rows={rows} id={(version) => String(version.number)} now={(version) => version.number === chosen} />
      {doing.value && <VersionDialog doing={doing.value} template={template} onClose={() => { doing.value = undefined; }} onDone={again} />}
    </Card>
  );
}

function columnsOf(template: Template, rights: Rights, begin: (what: Doing) => void): Column<Version>[] {
  return [
    { label: text.version.number, cell: (version) => <a href={`${at("templates", template.name)}?version=${version.number}`}><span class="l-phone">{text.version.number} </span>{version.number}</a> },
    { label: text.version.state, cell: (version) => <State template={template} version={version} /> },
    { label: text.version.saved, cell: (version) => <><span class="keep">{dated(version.saved_date)}</span><span class="sub">{text.version.by}<Name mono={false}>{version.imported_by ?? version.saved_by}</Name></span></> },
    { label: text.version.changed, row: true, cell: (version) => <span dir="auto">{note(version) || <span class="quiet">{text.version.noNote}</span>}</span> },
    { label: text.version.size, num: true, cell: (version) => bytes(version.snapshot_bytes) },
    { label: text.version.launches, num: true, cell: (version) => <>{count(version.usage?.launches ?? 0)}{version.usage?.last_launched_at && <span class="sub">{dated(version.usage.last_launched_at)}</span>}</> },
    { label: text.actions, acts: true, cell: (version) => live(version) && <Acts template={template} version={version} rights={rights} begin={begin} /> },
  ];
}

function State({ template, version }: { template: Template; version: Version }) {
  if (!live(version)) return version.removed_at ? <Badge icon="idle">{text.templateState.deleted}</Badge> : <Badge icon="busy" tone="busy">{text.templateState.deleting}</Badge>;
  const isOld = isDeprecated(version);
  return (
    <>
      {version.number === template.latest && <Badge icon="done" tone="ok">{text.templateState.latest}</Badge>}
      {isOld && <Badge icon="warn" tone="warn">{text.templateState.deprecated}</Badge>}
      {version.number !== template.latest && !isOld && <Badge>{text.templateState.active}</Badge>}
      <Outlook of={version} />
      {version.number > template.latest && <span class="sub">{text.outlook.newer(`${template.name}@${version.number}`)}</span>}
      {Object.keys(version.failed_regions).length > 0 && <span class="sub text-warn">{text.version.copyFailed}</span>}
    </>
  );
}

interface ActsProps {
  template: Template;
  version: Version;
  rights: Rights;
  begin: (what: Doing) => void;
}

function Acts({ template, version, rights: { manages, deletes }, begin }: ActsProps) {
  const { number } = version;
  const item = (what: Doing["what"], label: string) => <button class="menu-item" type="button" onClick={() => begin({ what, version })}>{label}</button>;
  return (
    <>
      <a class="button is-quiet" href={launchOf(template.name, number)} aria-label={text.version.launchThis(number)}>{text.version.launch}</a>
      <Menu label={text.version.more(number)} face={<Icon name="more" />} class="button is-quiet is-icon">
        {manages && number !== template.latest && item("roll-back", text.version.makeLatest)}
        {manages && item("edit", text.version.edit)}
        {manages && item("copy", text.version.copy)}
        {item("export", text.version.export)}
        {manages && version.state !== "deprecated" && item("deprecate", text.version.deprecate)}
        {manages && (version.state === "deprecated" || version.deprecation) && item("restore", text.version.restore)}
        {deletes && item("delete", text.version.delete)}
      </Menu>
    </>
  );
}

/** The reader's saves of this template that are in progress: they become its next versions. */
function Saving({ name, ended }: { name: string; ended: () => void }) {
  const saves = useWatched(`saves:${name}`, ({ signal, headers, wait }) => api.GET("/v1/saves", { params: { query: { state: "running", template: name, wait } }, headers, signal }));
  const here = saves.data?.items ?? [];
  const before = useRef(0);
  useEffect(() => {
    // One that has ended is a version now, or has failed.
    if (here.length < before.current) ended();
    before.current = here.length;
  }, [here.length]);
  return (
    <>{here.map((save) => (
      <p class="card-line" key={save.save_id}>
        <Badge icon="busy" tone="busy">{text.version.beingSaved}</Badge> <Name>{save.request.instance}</Name> <span class="quiet">{moment(save.started_at)}</span> <a href={at("saves", save.save_id)}>{text.version.watch}</a>
      </p>
    ))}</>
  );
}
