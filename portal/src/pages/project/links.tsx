// The join links of a project: codes with which people add themselves. A code is shown once, when its link is made.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { moment } from "../../text/format";
import { LinkDialog } from "./link-dialog";

const words = text.links;
type Link = Schemas["JoinLink"];

export function Links({ project }: { project: string }) {
  const making = useSignal(false);
  const leaving = useSignal<Link | undefined>(undefined);
  const links = useOnce(`links:${project}`, (signal) => all<Link>((cursor) => api.GET("/v1/projects/{name}/links", { params: { path: { name: project }, query: { cursor, limit: 100 } }, signal })));
  const act: Column<Link> = { label: text.actions, acts: true, cell: (one) => <Button kind="quiet" label={words.withdrawOf(one.id)} onPress={() => { leaving.value = one; }}>{text.approvals.withdraw}</Button> };
  const rows = links.data?.length;
  // Not in the card, whose first row would make it another one.
  return (
    <>
      <Card title={words.title} bare={Boolean(rows)} end={<Button kind="quiet" onPress={() => { making.value = true; }}>{words.make}</Button>}>
        <Loaded live={links}>{(found) => (found.length === 0
          ? <p class="quiet">{words.none}</p>
          : <Table caption={words.title} columns={[...columns, act]} rows={found} id={(one) => one.id} class="is-mid" />)}
        </Loaded>
      </Card>
      {making.value && <LinkDialog project={project} onClose={() => { making.value = false; }} onDone={links.again} />}
      {leaving.value && <WithdrawDialog link={leaving.value} onClose={() => { leaving.value = undefined; }} onDone={links.again} />}
    </>
  );
}

const columns: Column<Link>[] = [
  { label: words.link, cell: (one) => <><Name>{one.id}</Name><span class="sub"><bdi>{[text.roles[one.role], one.group].filter(Boolean).join(" · ")}</bdi></span></> },
  { label: words.used, cell: (one) => text.course.of(one.used, one.uses) },
  { label: words.until, cell: (one) => <>{moment(one.until)}{(one.used >= one.uses || new Date(one.until) <= serverNow()) && <span class="sub">{words.over}</span>}</> },
  { label: text.work.by, cell: (one) => <Name mono={false}>{one.created_by}</Name> },
];

function WithdrawDialog({ link: { id, project, used }, onClose, onDone }: { link: Link; onClose: () => void; onDone: () => void }) {
  const act = () => ask(api.DELETE("/v1/projects/{name}/links/{link}", { params: { path: { name: project, link: id } } }));
  return (
    <Confirm title={<>{words.withdrawing} <Name>{id}</Name></>} label={words.withdrawIt} done={words.withdrawn} danger act={act} onClose={onClose} onDone={onDone}>
      {() => <p>{words.withdrawPlan(used)}</p>}
    </Confirm>
  );
}
