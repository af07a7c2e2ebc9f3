// Groups of members: labels, such as the labs of a course. A group exists as long as it has members.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count } from "../../text/format";
import { GroupDialog } from "./group-dialog";

const words = text.groups;
export type Group = Schemas["Group"];

export const groupsOf = (project: string, signal?: AbortSignal) =>
  all<Group>((cursor) => api.GET("/v1/projects/{name}/groups", { params: { path: { name: project }, query: { cursor, limit: 100 } }, signal }));

/** Adds and removes members of a group. */
export const changeGroup = (project: string, group: string, body: Schemas["GroupEdit"]) =>
  ask(api.PATCH("/v1/projects/{name}/groups/{group}", { params: { path: { name: project, group } }, body }));

export function Groups({ project }: { project: string }) {
  /** A group without a name is one that is made. */
  const changing = useSignal<Group | undefined>(undefined);
  const leaving = useSignal<Group | undefined>(undefined);
  const groups = useOnce(`groups:${project}`, (signal) => groupsOf(project, signal));
  const columns: Column<Group>[] = [
    { label: words.group, cell: ({ name }) => <Name>{name}</Name> },
    { label: text.members.title, row: true, cell: ({ members }) => <>{count(members.length)}<span class="sub"><bdi>{members.join(", ")}</bdi></span></> },
    { label: text.actions, acts: true, cell: (one) => <>
      <Button kind="quiet" label={words.changeOf(one.name)} onPress={() => { changing.value = one; }}>{text.schedule.change}</Button>
      <Button kind="quiet" label={words.removeOf(one.name)} onPress={() => { leaving.value = one; }}>{text.schedule.delete}</Button>
    </> },
  ];
  const rows = groups.data?.length;
  // Not in the card, whose first row would make it another one.
  return (
    <>
      <Card title={words.title} bare={Boolean(rows)} end={<Button kind="quiet" onPress={() => { changing.value = { name: "", members: [] }; }}>{words.make}</Button>}>
        <Loaded live={groups}>{(found) => (found.length === 0
          ? <p class="quiet">{words.none}</p>
          : <Table caption={words.title} columns={columns} rows={found} id={({ name }) => name} class="is-mid" />)}
        </Loaded>
      </Card>
      {changing.value && <GroupDialog project={project} group={changing.value} onClose={() => { changing.value = undefined; }} onDone={groups.again} />}
      {leaving.value && <DeleteDialog project={project} group={leaving.value} onClose={() => { leaving.value = undefined; }} onDone={groups.again} />}
    </>
  );
}

function DeleteDialog({ project, group: { name, members }, onClose, onDone }: { project: string; group: Group; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm title={<>{words.deleting} <Name>{name}</Name></>} label={words.removeOf(name)} done={words.deleted(name)} danger act={() => changeGroup(project, name, { remove: members })} onClose={onClose} onDone={onDone}>
      {() => <p>{words.deletePlan}</p>}
    </Confirm>
  );
}
