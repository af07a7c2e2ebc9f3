import { useSignal } from "@preact/signals";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { Check, TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { Loaded, ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { GROUP } from "./class-list";
import { membersOf } from "./data";
import { changeGroup, type Group } from "./groups";

const words = text.groups;

/** Makes a group, which has no name yet, or changes who is in it. */
export function GroupDialog({ project, group, onClose, onDone }: { project: string; group: Group; onClose: () => void; onDone: () => void }) {
  const fresh = group.name === "";
  const name = useSignal(group.name);
  const chosen = useSignal(new Set(group.members));
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const members = useOnce(`group-members:${project}`, (signal) => membersOf(project, signal));
  const wrong = GROUP.test(name.value) ? undefined : words.bad;
  const choose = (user: string, on: boolean) => {
    const next = new Set(chosen.value);
    if (on) next.add(user);
    else next.delete(user);
    chosen.value = next;
  };
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    const first = wrong ? "input" : "[type=checkbox]";
    if (wrong || chosen.value.size === 0) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>(first)?.focus();
    const add = [...chosen.value].filter((user) => !group.members.includes(user));
    const remove = group.members.filter((user) => !chosen.value.has(user));
    if (!(await acting.run(() => changeGroup(project, name.value, { add, remove })))) return;
    toast(words.changed(name.value, chosen.value.size));
    onClose();
    onDone();
  };
  const foot = <Send form="f-group" act={acting}>{fresh ? words.makeIt : words.changeOf(name.value)}</Send>;
  return (
    <Dialog title={<>{fresh ? words.making : words.changing} <Name>{fresh ? project : name.value}</Name></>} foot={foot} ready={Boolean(members.data)} onClose={acting.leave}>
      <form id="f-group" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        {fresh && <TextField label={words.group} mono error={tried.value ? wrong : undefined} value={name.value} onValue={(value) => { name.value = value.trim(); }} />}
        <fieldset class="field">
          <legend>{text.members.title}</legend>
          <Loaded live={members}>{(found) => <>{found.map(({ user }) => <Check key={user} checked={chosen.value.has(user)} onChecked={(on) => choose(user, on)}><Name>{user}</Name></Check>)}</>}</Loaded>
          {tried.value && chosen.value.size === 0 && <span class="field-error">{words.choose}</span>}
        </fieldset>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}
