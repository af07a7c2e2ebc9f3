// Who is in a project, and with which role.
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask, type Schemas } from "../../api/client";
import { me } from "../../api/shared";
import { isMe } from "../../sign-in";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { dated } from "../../text/format";
import { type Header, type Rights, membersOf, unchanged } from "./data";

type Member = Schemas["Member"];
type Role = Schemas["ProjectRole"];
const ROLES: Role[] = ["owner", "admin", "member", "viewer"];
type Doing = { member: Member; role?: Role };

interface Props {
  project: string;
  rights: Rights;
  addPeople: () => void;
  addList: () => void;
  again: () => void;
}

export function Members({ project, rights, addPeople, addList, again }: Props) {
  const doing = useSignal<Doing | undefined>(undefined);
  const members = useOnce(`members:${project}`, (signal) => membersOf(project, signal));
  const close = () => { doing.value = undefined; };
  return (
    <Card title={text.members.title} end={rights.manages ? <div class="l-row"><Button kind="quiet" onPress={addList}>{text.roster.open}</Button><Button kind="quiet" onPress={addPeople}>{text.project.addPeople}</Button></div> : <p>{text.members.count(members.data?.length ?? 0)}</p>} bare>
      <Loaded live={members}>{(found) => (
        <Table caption={text.members.title} columns={columnsOf(found, rights, (what) => { doing.value = what; })} rows={found} id={(member) => member.user} class="is-mid is-3 is-fixed" />
      )}</Loaded>
      {doing.value?.role && <RoleDialog project={project} member={doing.value.member} role={doing.value.role} onClose={close} onDone={again} />}
      {doing.value && !doing.value.role && <RemoveDialog project={project} member={doing.value.member} onClose={close} onDone={again} />}
    </Card>
  );
}

function columnsOf(members: Member[], rights: Rights, begin: (what: Doing) => void): Column<Member>[] {
  const owners = members.filter((member) => member.role === "owner").length;
  /** Owners and admins are appointed by owners alone; the last owner stays. */
  const may = (member: Member) => rights.manages && (rights.appoints || member.role === "member" || member.role === "viewer") && !(member.role === "owner" && owners === 1);
  const roles = rights.appoints ? ROLES : ROLES.slice(2);
  return [
    { label: text.members.user, cell: (member) => <><b><Name mono={false}>{member.user}</Name></b>{isMe(member.user) && <span class="quiet"> {text.members.you}</span>}</> },
    { label: text.members.role, cell: (member) => (may(member)
      ? <select class="input is-small" aria-label={text.members.roleOf(member.user)} value={member.role} onChange={(event) => {
        const role = event.currentTarget.value as Role;
        // The question may be answered with no: the field shows what is, not what was chosen.
        event.currentTarget.value = member.role;
        begin({ member, role });
      }}>{roles.map((role) => <option key={role} value={role} selected={role === member.role}>{text.roles[role]}</option>)}</select>
      : text.roles[member.role]) },
    { label: text.members.since, cell: (member) => <>{dated(member.added_at)}<span class="sub">{text.version.by}<Name mono={false}>{member.added_by}</Name></span></> },
    { label: text.actions, acts: true, cell: (member) => {
      if (member.role === "owner" && owners === 1) return <span class="sub">{text.members.lastOwner}</span>;
      if (isMe(member.user)) return <Button kind="quiet" onPress={() => begin({ member })}>{text.members.leave}</Button>;
      return may(member) && <Button kind="quiet" label={text.members.removeUser(member.user)} onPress={() => begin({ member })}>{text.members.remove}</Button>;
    } },
  ];
}

interface DialogProps {
  project: string;
  member: Member;
  onClose: () => void;
  onDone: () => void;
}

function RoleDialog({ project, member: { user }, role, onClose, onDone }: DialogProps & { role: Role }) {
  const act = (_: boolean, header: Header) => ask(api.POST("/v1/projects/{name}/members", { params: { path: { name: project }, header }, body: { user, role } }));
  return (
    <Confirm title={<>{text.members.roleTitle} <Name mono={false}>{user}</Name></>} plan={() => unchanged(project)} label={text.members.makeRole(user, text.roles[role])} done={text.members.madeRole(user, text.roles[role])} act={act} onClose={onClose} onDone={() => { me.forget(); onDone(); }}>
      {() => <p>{text.members.roleMeans[role]}</p>}
    </Confirm>
  );
}

function RemoveDialog({ project, member: { user }, onClose, onDone }: DialogProps) {
  const { route } = useLocation();
  const mine = isMe(user);
  const act = (_: boolean, header: Header) => ask(api.DELETE("/v1/projects/{name}/members", { params: { path: { name: project }, query: { user }, header } }));
  return (
    <Confirm title={<>{mine ? text.members.leaveTitle : text.members.removeTitle} <Name>{project}</Name></>} plan={() => unchanged(project)} label={mine ? text.members.leaveLabel(project) : text.members.removeLabel(user)} done={mine ? text.members.left(project) : text.members.removed(user)} danger act={act} onClose={onClose} onDone={() => { me.forget(); if (mine) route("/projects"); else onDone(); }}>
      {() => <ul class="marks is-list"><li>{text.members.loses(mine ? "" : user)}</li><li>{text.members.stays}</li></ul>}
    </Confirm>
  );
}
