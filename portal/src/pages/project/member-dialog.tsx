import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { ChoiceField, TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { toast } from "../../parts/toast";
import { useUsers } from "../../parts/users";
import { text } from "../../text";

type Role = Schemas["ProjectRole"];

/** Adds people: several at once, because a class has many. */
export function MemberDialog({ project, appoints, onClose, onDone }: { project: string; appoints: boolean; onClose: () => void; onDone: () => void }) {
  const names = useSignal("");
  const role = useSignal<Role>("member");
  const added = useSignal<string[]>([]);
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const users = [...new Set(names.value.split(/[\s,;]+/).filter(Boolean))];
  const known = useUsers(users.length === 1 ? users[0]! : "");
  const roles: Role[] = appoints ? ["member", "viewer", "admin", "owner"] : ["member", "viewer"];
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (users.length === 0) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("input:not([type=radio])")?.focus();
    const all = await acting.run(async () => {
      for (const user of users) {
        if (added.value.includes(user)) continue;
        await ask(api.POST("/v1/projects/{name}/members", { params: { path: { name: project } }, body: { user, role: role.value } }));
        added.value = [...added.value, user];
      }
    });
    if (!all) return onDoneSome();
    toast(text.members.added(users.length, text.roles[role.value]));
    onClose();
    onDone();
    return undefined;
  };
  // Those who were added before the failure are in: the page shows them.
  const onDoneSome = () => { if (added.value.length > 0) onDone(); };
  const foot = <Send form="f-member" act={acting}>{text.members.add(users.length)}</Send>;
  return (
    <Dialog title={<>{text.members.adding} <Name>{project}</Name></>} foot={foot} onClose={acting.leave}>
      <form id="f-member" class="l-stack" onSubmit={(event) => void press(event)}>
        <TextField label={text.members.names} hint={text.members.namesHint} error={tried.value && users.length === 0 ? text.members.noNames : undefined} value={names.value} onValue={(value) => { names.value = value; }} mono list={known} />
        <ChoiceField label={text.members.role} value={role.value} onValue={(value) => { role.value = value as Role; }} options={roles.map((one) => ({ value: one, shown: <>{text.roles[one]} <span class="quiet">{text.members.roleMeans[one]}</span></> }))} />
        <p class="quiet"><small>{text.members.sees}</small></p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
        {acting.problem && added.value.length > 0 && <p>{text.members.addedSome(added.value)}</p>}
      </form>
    </Dialog>
  );
}
