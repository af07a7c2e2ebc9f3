// The words about a template or a version. They are changed only as they were read: nobody else's change is lost.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask } from "../../api/client";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { Opened } from "../../parts/opened";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { type Template, type Version, asItIs } from "./data";

const LONGEST = 255;

interface Props {
  template: Template;
  version?: Version;
  onClose: () => void;
  onDone: () => void;
}

export function EditDialog({ template: { name }, version, onClose, onDone }: Props) {
  const number = version?.number;
  const what = version ? `${name}@${number}` : name;
  const title = <>{text.edit.title} <Name>{what}</Name></>;
  return <Opened title={title} read={() => asItIs(name, number)} onClose={onClose}>{(now) => <Form title={title} what={what} now={now} number={number} onClose={onClose} onDone={onDone} />}</Opened>;
}

interface FormProps {
  title: ComponentChildren;
  what: string;
  now: Awaited<ReturnType<typeof asItIs>>;
  number?: number;
  onClose: () => void;
  onDone: () => void;
}

function Form({ title, what, now: { view, header }, number, onClose, onDone }: FormProps) {
  const { name } = view.template;
  const before = number === undefined ? view.template : view.version;
  const description = useSignal(before.description);
  const notes = useSignal(before.notes ?? "");
  const acting = useAct(onClose);
  const error = [...description.value].length > LONGEST ? text.edit.long(LONGEST) : undefined;
  const press = async (event: Event) => {
    event.preventDefault();
    if (error) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("[aria-invalid]")?.focus();
    const body = { description: description.value, notes: notes.value };
    const saved = await acting.run(() => ask(number === undefined
      ? api.PATCH("/v1/templates/{name}", { params: { path: { name }, header }, body })
      : api.PATCH("/v1/templates/{name}/versions/{version}", { params: { path: { name, version: number }, header }, body })));
    if (!saved) return;
    toast(text.edit.done(what));
    onClose();
    onDone();
  };
  const foot = <Send form="f-edit" act={acting}>{text.edit.label(what)}</Send>;
  return (
    <Dialog title={title} foot={foot} onClose={acting.leave}>
      <form id="f-edit" class="l-stack" onSubmit={(event) => void press(event)}>
        <TextField label={text.edit.description} hint={text.edit.descriptionHint} error={error} value={description.value} onValue={(value) => { description.value = value; }} rows={2} />
        <TextField label={text.edit.notes} hint={text.edit.notesHint} value={notes.value} onValue={(value) => { notes.value = value; }} rows={5} />
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}
