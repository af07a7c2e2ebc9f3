// A question with one field.
import { useSignal } from "@preact/signals";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { ProblemNote } from "../../parts/note";

interface Props<T> {
  title: string;
  label: string;
  hint: string;
  /** What is said of a value that is wrong. */
  missing: string;
  submit: string;
  start?: string;
  isWrong: (value: string) => boolean;
  act: (value: string) => Promise<T>;
  onClose: () => void;
  onDone?: (result: T) => void;
}

export function OneField<T>({ title, label, hint, missing, submit, start = "", isWrong, act, onClose, onDone }: Props<T>) {
  const typed = useSignal(start);
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const value = typed.value.trim();
  const wrong = isWrong(value);
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (wrong) return (event.currentTarget as HTMLFormElement).querySelector("input")?.focus();
    await acting.run(async () => {
      const result = await act(value);
      onClose();
      onDone?.(result);
    });
  };
  const foot = <Send form="f-notify" act={acting}>{submit}</Send>;
  return (
    <Dialog title={title} foot={foot} onClose={acting.leave}>
      <form id="f-notify" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={label} mono hint={hint} error={tried.value && wrong ? missing : undefined} value={typed.value} onValue={(now) => { typed.value = now; }} />
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}
