import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Dialog, Send } from "../../parts/dialog";
import { ChoiceField, TextField, toWrong } from "../../parts/field";
import { Name } from "../../parts/name";
import { Note, ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { moment } from "../../text/format";
import { GROUP } from "./class-list";
import { groupsOf } from "./groups";

const words = text.links;
type Role = "member" | "viewer";
const ROLES: Role[] = ["member", "viewer"];
const LONGEST_DAYS = 366;
const MOST_USES = 500;

/** When a day ends in the reader's time zone; undefined if it is none that a link can end on. */
function endOf(day: string): Date | undefined {
  const end = new Date(`${day}T00:00`);
  end.setDate(end.getDate() + 1);
  const days = (end.getTime() - serverNow().getTime()) / 86_400_000;
  return days > 0 && days <= LONGEST_DAYS ? end : undefined;
}

interface Props { project: string; onClose: () => void; onDone: () => void }

export function LinkDialog({ project, onClose, onDone }: Props) {
  const created = useSignal<Schemas["LinkCreated"] | undefined>(undefined);
  const day = useSignal("");
  const uses = useSignal("");
  const role = useSignal<Role>("member");
  const group = useSignal("");
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const groups = useOnce(`groups:${project}`, (signal) => groupsOf(project, signal));
  const until = endOf(day.value);
  const count = Number(uses.value);
  const wrong = {
    day: until ? undefined : words.badDay,
    uses: Number.isInteger(count) && count >= 1 && count <= MOST_USES ? undefined : words.badUses,
    group: group.value === "" || GROUP.test(group.value) ? undefined : text.groups.bad,
  };
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    const form = event.currentTarget as HTMLFormElement;
    if (!until || wrong.uses || wrong.group) return toWrong(form);
    const body = { uses: count, until: until.toISOString(), role: role.value, group: group.value || null };
    await acting.run(async () => { created.value = await ask(api.POST("/v1/projects/{name}/links", { params: { path: { name: project } }, body })); });
    if (created.value) onDone();
  };
  const title = <>{words.dialog} <Name>{project}</Name></>;
  if (created.value) return <Code title={title} created={created.value} onClose={onClose} />;
  const shown = (error?: string) => (tried.value ? error : undefined);
  const foot = <Send form="f-link" act={acting}>{words.makeIt}</Send>;
  return (
    <Dialog title={title} foot={foot} onClose={acting.leave}>
      <form id="f-link" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={words.last} type="date" error={shown(wrong.day)} value={day.value} onValue={(value) => { day.value = value; }} />
        <TextField label={words.uses} type="number" error={shown(wrong.uses)} value={uses.value} onValue={(value) => { uses.value = value; }} />
        <ChoiceField label={text.members.role} value={role.value} onValue={(value) => { role.value = value as Role; }} options={ROLES.map((value) => ({ value, shown: <>{text.roles[value]} <span class="quiet">{text.members.roleMeans[value]}</span></> }))} />
        <TextField label={text.groups.group} mono hint={words.groupHint} error={shown(wrong.group)} value={group.value} onValue={(value) => { group.value = value.trim(); }} list={(groups.data ?? []).map(({ name }) => name)} />
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}

/** The code of a new link. It is in this page's memory alone, and goes with the dialog. */
function Code({ title, created: { code, link }, onClose }: { title: ComponentChildren; created: Schemas["LinkCreated"]; onClose: () => void }) {
  const refused = useSignal(false);
  // In the fragment, which is sent to no server.
  const address = `${location.origin}/join#code=${code}`;
  const copy = async (what: string, done: string) => {
    try {
      await navigator.clipboard.writeText(what);
      refused.value = false;
      toast(done);
    } catch {
      // Without TLS, a browser has no clipboard; and its user may have forbidden it.
      refused.value = true;
    }
  };
  const foot = (
    <>
      <Button large onPress={onClose}>{text.close}</Button>
      <Button large onPress={() => void copy(code, words.copied)}>{words.copy}</Button>
      <Button large kind="primary" onPress={() => void copy(address, words.copiedLink)}>{words.copyLink}</Button>
    </>
  );
  return (
    <Dialog title={title} sub={`${words.until} ${moment(link.until)} · ${text.course.of(link.used, link.uses)}`} foot={foot} onClose={onClose}>
      <p>{words.made}</p>
      <dl class="facts is-stacked">
        <div><dt>{words.link}</dt><dd><code class="guide-command">{address}</code></dd></div>
        <div><dt>{words.command}</dt><dd><code class="guide-command">{`prism project join ${code}`}</code></dd></div>
      </dl>
      <Note tone="warn"><p>{words.once}</p></Note>
      {refused.value && <Note tone="bad" alert><p>{words.notCopied}</p></Note>}
    </Dialog>
  );
}
