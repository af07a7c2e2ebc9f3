// One version in figures: where its AMIs are, and what it was saved from.
import { Badge } from "../../parts/badge";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { text } from "../../text";
import { bytes, count, gib, moment } from "../../text/format";
import type { Saved, Template, Version } from "./data";
import { Outlook } from "./outlook";

export function VersionFacts({ template, version, faults }: { template: Template; version: Version; faults?: Saved["faults"] }) {
  const { name } = template;
  const said = [version, template].find(({ deprecation }) => deprecation);
  return (
    <Card title={text.version.about(version.number)} end={version.number === template.latest && <Badge icon="done" tone="ok">{text.templateState.latest}</Badge>}>
      {version.notes && <p class="is-lines" dir="auto">{version.notes}</p>}
      <dl class="facts">
        {Object.entries(version.amis).map(([region, images]) => (
          <div key={region}><dt>{region}</dt><dd>{Object.entries(images).map(([arch, image]) => (
            <div key={arch}><Name>{image}</Name><span class="sub">{arch}{faults?.[region]?.[image] && <span class="text-bad"> {text.version.fault[faults[region][image]]}</span>}</span></div>
          ))}</dd></div>
        ))}
        {Object.entries(version.failed_regions).map(([region, why]) => <div key={region}><dt>{region}</dt><dd class="text-warn" dir="auto">{text.version.notCopied} {why}</dd></div>)}
        {said && <div><dt>{text.outlook.said}</dt><dd><Outlook of={said} /></dd></div>}
        <div><dt>{text.version.savedFrom}</dt><dd><Name>{version.saved_from}</Name>{version.imported_by && <span class="sub">{text.version.importedBy}<Name mono={false}>{version.imported_by}</Name></span>}</dd></div>
        <div><dt>{text.version.saved}</dt><dd>{moment(version.saved_date)}{text.version.byAfter}<Name mono={false}>{version.saved_by}</Name></dd></div>
        {version.parent && <div><dt>{text.version.parent}</dt><dd><Name>{version.parent}</Name></dd></div>}
        <div><dt>{text.version.machine}</dt><dd>{version.instance_type}, {version.architecture}</dd></div>
        <div><dt>{text.version.size}</dt><dd>{text.version.disk(bytes(version.snapshot_bytes), gib(version.root_size_gib))}</dd></div>
        <div><dt>{text.version.ports}</dt><dd>{version.ports.length > 0 ? version.ports.join(", ") : text.template.noPorts}</dd></div>
        {version.login && <div><dt>{text.version.login}</dt><dd><Name>{version.login}</Name></dd></div>}
        {version.packages != null && <div><dt>{text.version.packages}</dt><dd><a href={`${at("templates", name, "packages")}?version=${version.number}`}>{count(version.packages)}</a></dd></div>}
        {version.schedule && <div><dt>{text.version.schedule}</dt><dd><Name>{version.schedule}</Name></dd></div>}
        <div><dt>{text.version.save}</dt><dd><a href={at("saves", version.save_id)}><Name>{version.save_id}</Name></a></dd></div>
      </dl>
    </Card>
  );
}
