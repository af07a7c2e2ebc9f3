// Who sees a template, and who may launch it.
import { useSignal } from "@preact/signals";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card, Empty } from "../../parts/card";
import { Name } from "../../parts/name";
import { Note } from "../../parts/note";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { moment } from "../../text/format";
import type { Grant, Shares, Template } from "../template/data";
import { ShareDialog } from "./dialog";
import { Grantee, GranteeIcon, kindOf, spoken } from "./grantee";
import { UnshareDialog } from "./unshare";

interface Props {
  template: Template;
  shares: Shares;
  again: () => void;
}

export function Sharing({ template, shares, again }: Props) {
  const sharing = useSignal(false);
  const leaving = useSignal<Grant | undefined>(undefined);
  const { grants } = shares;
  const columns: Column<Grant>[] = [
    { label: text.share.with, cell: (grant) => <span class="with-icon"><GranteeIcon to={grant.to} /><span><Grantee to={grant.to} /><span class="sub">{kindOf(grant.to)}</span></span></span> },
    { label: text.share.may, cell: (grant) => mays(grant) },
    { label: text.share.since, cell: (grant) => <>{moment(grant.at)}<span class="sub">{text.version.by}<Name mono={false}>{grant.by}</Name></span></> },
    { label: text.share.state, cell: (grant) => (grant.state === "open" ? <Badge icon="done" tone="ok">{text.share.states.open}</Badge> : <Badge icon="busy" tone="busy">{text.share.states[grant.state]}</Badge>) },
    { label: text.actions, acts: true, cell: (grant) => <Button kind="quiet" label={text.share.unshareWith(spoken(grant.to))} onPress={() => { leaving.value = grant; }}>{text.share.unshare}</Button> },
  ];
  return (
    <div class="l-grid is-8-4">
      <div class="l-stack">
        {grants === undefined && <Note><p>{text.share.notYours}</p></Note>}
        {grants?.length === 0 && <Empty title={text.share.empty} why={text.share.emptyWhy}><Button onPress={() => { sharing.value = true; }}>{text.template.share}</Button></Empty>}
        {grants && grants.length > 0 && (
          <Card title={text.share.title} end={<Button onPress={() => { sharing.value = true; }}>{text.template.share}</Button>} bare>
            <Table caption={text.share.title} columns={columns} rows={grants} id={(grant) => grant.to} class="is-mid" />
          </Card>
        )}
      </div>
      <Card title={text.share.always}>
        <ul class="list is-icon">
          <li><GranteeIcon to="user:" /><div class="list-main"><b><Name mono={false}>{template.owner}</Name></b><span class="sub">{text.share.owner}</span></div></li>
          {template.project && <li><GranteeIcon to="project:" /><div class="list-main"><a href={at("projects", template.project)}><Name>{template.project}</Name></a><span class="sub">{text.share.managers}</span></div></li>}
        </ul>
        <p class="quiet"><small>{text.share.disk}</small></p>
      </Card>
      {sharing.value && <ShareDialog template={template} onClose={() => { sharing.value = false; }} onDone={again} />}
      {leaving.value && <UnshareDialog template={template} grant={leaving.value} onClose={() => { leaving.value = undefined; }} onDone={again} />}
    </div>
  );
}

function mays(grant: Grant): string {
  const outside = grant.to.startsWith("account:") || grant.to.startsWith("organization:");
  if (grant.with_snapshots) return text.share.mayCopy;
  return outside ? text.share.mayLaunchInEc2 : text.share.mayLaunch;
}
