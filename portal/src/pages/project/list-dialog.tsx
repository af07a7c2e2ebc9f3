// Adds the members of a list: what would be added and which lines are refused first, then what became of each.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { PlanOf, usePlan } from "../../parts/plan";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { type BadLine, type ClassList, parse } from "./class-list";

const words = text.roster;
/** More than the longest list of members needs, in bytes. */
const MOST_BYTES = 4 << 20;

type Plan = Schemas["MembersPlan"];
type Planned = Schemas["PlannedMember"];
interface Props { project: string; onClose: () => void; onDone: () => void }

export function ListDialog({ project, onClose, onDone }: Props) {
  const list = useSignal("");
  const tooLarge = useSignal(false);
  const tried = useSignal(false);
  const added = useSignal<{ members: Planned[]; refused: BadLine[] } | undefined>(undefined);
  const acting = useAct(onClose);
  const found = parse(list.value);
  const empty = found.members.length === 0 && found.bad.length === 0;
  const all = found.members.map(({ member }) => member);
  const planning = usePlan(all.length > 0 ? all : undefined, async (members, signal) => {
    const planned = await ask(api.POST("/v1/projects/{name}/members/batch", { params: { path: { name: project }, query: { dry_run: true } }, body: { members }, signal }));
    return (planned as Schemas["Planned_MembersPlan"]).plan;
  });
  const plan = planning.stale || planning.problem ? undefined : planning.plan;
  const refused = refusedOf(found, plan);
  const left = plan ? acceptedOf(all, plan) : [];
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (empty || (plan && left.length === 0)) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("textarea")?.focus();
    if (!plan) return;
    const done = await acting.run(async () => {
      const { members } = await ask(api.POST("/v1/projects/{name}/members/batch", { params: { path: { name: project } }, body: { members: left } })) as Schemas["MembersAdded"];
      const changes = new Map(plan.members.map(({ user, change }) => [user, change]));
      added.value = { members: members.map((one) => ({ ...one, groups: one.groups ?? [], change: changes.get(one.user) ?? "none" })), refused };
    });
    if (done) onDone();
  };
  const title = <>{words.dialog} <Name>{project}</Name></>;
  if (added.value) {
    return (
      <Dialog title={title} foot={<Button large kind="primary" onPress={onClose}>{text.close}</Button>} onClose={onClose}>
        <Members members={added.value.members} title={words.done} />
        <Refused lines={added.value.refused} />
      </Dialog>
    );
  }
  const foot = (
    <>
      <p>{text.plan.untouched}</p>
      <Send form="f-list" act={acting}>{plan && left.length > 0 ? words.label(plan.members.length, refused.length) : words.labelNobody}</Send>
    </>
  );
  const side = (
    <>
      {(empty || all.length > 0) && <PlanOf planning={planning} missing={empty ? words.empty : undefined}>{({ members }) => <Members members={members} title={words.planned} />}</PlanOf>}
      <Refused lines={refused} />
      {planning.problem && <ProblemNote problem={planning.problem} />}
      {acting.problem && <ProblemNote problem={acting.problem} />}
    </>
  );
  return (
    <Dialog title={title} foot={foot} plan={side} onClose={acting.leave}>
      <form id="f-list" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={words.list} mono rows={10} hint={words.listHint} error={tooLarge.value ? words.tooLarge : tried.value && empty ? words.empty : undefined} value={list.value} onValue={(value) => { list.value = value; }} />
        <FileField onFile={async (file) => {
          tooLarge.value = file.size > MOST_BYTES;
          if (!tooLarge.value) list.value = await file.text();
        }} />
      </form>
    </Dialog>
  );
}

/** The lines that are refused, by this page or by the API, in their order. */
function refusedOf({ members, bad }: ClassList, plan: Plan | undefined): BadLine[] {
  const more = plan?.refused.map(({ index, user, message }) => ({ line: members[index]?.line ?? 0, message: `${user}: ${message}` })) ?? [];
  return [...bad, ...more].sort((a, b) => a.line - b.line);
}

/** What is requested: if an entry is refused, the API adds nobody. Of a user who is refused, no line is left. */
function acceptedOf(entries: Schemas["NewMember"][], { members, refused }: Plan): Schemas["NewMember"][] {
  const users = new Set(members.map(({ user }) => user));
  const out = new Set(refused.map(({ index }) => index));
  return entries.filter(({ user }, index) => users.has(user) && !out.has(index));
}

function FileField({ onFile }: { onFile: (file: File) => Promise<void> }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{words.file}</label>
      <input class="input" id={id} type="file" accept=".csv,.tsv,.txt,text/csv,text/plain" onChange={({ currentTarget }) => {
        const file = currentTarget.files?.[0];
        if (file) void onFile(file);
      }} />
    </div>
  );
}

/** What would become of each, or what has. */
function Members({ members, title }: { members: Planned[]; title: string }) {
  const of = (change: Planned["change"]) => members.filter((one) => one.change === change).length;
  const columns: Column<Planned>[] = [
    { label: text.members.user, cell: ({ user }) => <Name mono={false}>{user}</Name> },
    { label: text.members.role, cell: ({ role, groups }) => <>{text.roles[role]}<span class="sub">{groups.join(", ")}</span></> },
    { label: words.result, cell: ({ change }) => words.changes[change] },
  ];
  return (
    <div>
      <p>{title} <b>{words.adding(of("add"), of("change"), of("none"))}</b></p>
      <div aria-live="off"><Table caption={words.result} columns={columns} rows={members} id={({ user }) => user} class="is-flush is-keep" /></div>
    </div>
  );
}

function Refused({ lines }: { lines: BadLine[] }) {
  if (lines.length === 0) return null;
  return (
    <div>
      <p class="text-bad"><b>{words.refused(lines.length)}</b></p>
      <ul class="marks">{lines.map(({ line, message }) => <li key={line}><Icon name="bad" /><span dir="auto">{words.line(line, message)}</span></li>)}</ul>
    </div>
  );
}
