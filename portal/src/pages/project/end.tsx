// When a project ends, and what happens to its instances then.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { Dialog, Send } from "../../parts/dialog";
import { Check, TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { Note, ProblemNote } from "../../parts/note";
import { Opened } from "../../parts/opened";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { moment, zone } from "../../text/format";
import { type Header, asItIs } from "./data";

const words = text.ending;
type End = Schemas["ProjectEnd"];

/** Members are told a week before: from then on, the end is a warning. */
const NEAR_MS = 7 * 86_400_000;

/** Stands above the project, for everybody in it. */
export function EndNote({ end }: { end: End }) {
  const left = new Date(end.at).getTime() - serverNow().getTime();
  const over = left <= 0;
  return (
    <Note tone={left < NEAR_MS ? "warn" : ""}>
      <p><b>{over ? words.ended(moment(end.at)) : words.ends(moment(end.at))}</b> {!over && `${words.then} `}{end.last_save ? words.saves : words.stops}</p>
    </Note>
  );
}

interface Props { name: string; onClose: () => void; onDone: () => void }

export function EndDialog({ name, ...rest }: Props) {
  const title = <>{words.dialog} <Name>{name}</Name></>;
  return <Opened title={title} read={() => asItIs(name)} onClose={rest.onClose}>{(now) => <Form title={title} {...now} {...rest} />}</Opened>;
}

/** A time as a field for date and time has it: in the reader's zone, to the minute. */
function typed(at: string): string {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

interface FormProps extends Omit<Props, "name"> {
  title: ComponentChildren;
  project: Schemas["Project"];
  header: Header;
}

function Form({ title, project: { name, end }, header, onClose, onDone }: FormProps) {
  const at = useSignal(end ? typed(end.at) : "");
  const save = useSignal(end?.last_save ?? false);
  const tried = useSignal(false);
  const lifting = useSignal(false);
  const acting = useAct(onClose);
  const date = new Date(at.value);
  const wrong = date > serverNow() ? undefined : words.bad;
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (wrong) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("input")?.focus();
    const body = { at: date.toISOString(), last_save: save.value };
    if (!(await acting.run(() => ask(api.PUT("/v1/projects/{name}/end", { params: { path: { name }, header }, body }))))) return;
    toast(words.done(name));
    onClose();
    onDone();
  };
  if (lifting.value) {
    const lift = () => ask(api.DELETE("/v1/projects/{name}/end", { params: { path: { name }, header } }));
    return (
      <Confirm title={<>{words.lifting} <Name>{name}</Name></>} label={words.lift} done={words.lifted(name)} danger act={lift} onClose={onClose} onDone={onDone}>
        {() => <p>{words.liftPlan}</p>}
      </Confirm>
    );
  }
  const foot = (
    <>
      {end && <Button large kind="quiet" disabled={acting.busy} onPress={() => { lifting.value = true; }}>{words.lift}</Button>}
      <Send form="f-end" act={acting}>{words.label}</Send>
    </>
  );
  const side = (
    <>
      <div><p>{words.before}</p><p>{words.then}</p><p>{save.value ? words.saves : words.stops}</p></div>
      {acting.problem && <ProblemNote problem={acting.problem} />}
    </>
  );
  return (
    <Dialog title={title} foot={foot} plan={side} onClose={acting.leave}>
      <form id="f-end" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={words.at} type="datetime-local" hint={text.timesIn(zone)} error={tried.value ? wrong : undefined} value={at.value} onValue={(value) => { at.value = value; }} />
        <Check checked={save.value} onChecked={(value) => { save.value = value; }}>{words.save}</Check>
      </form>
    </Dialog>
  );
}
