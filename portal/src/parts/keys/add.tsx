// Adds a public SSH key, which the next launches install.
import { useSignal } from "@preact/signals";
import { api, ask } from "../../api/client";
import { text } from "../../text";
import { useAct } from "../act";
import { Dialog, Send } from "../dialog";
import { TextField } from "../field";
import { ProblemNote } from "../note";
import { toast } from "../toast";

export function AddKey({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const line = useSignal("");
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const missing = !line.value.trim();
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (missing) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("textarea")?.focus();
    if (!(await acting.run(() => ask(api.POST("/v1/keys", { body: { public_key: line.value.trim() } }))))) return;
    toast(text.keys.added);
    onClose();
    onDone();
  };
  const foot = <Send form="f-key" act={acting}>{text.keys.addIt}</Send>;
  return (
    <Dialog title={text.keys.adding} foot={foot} onClose={acting.leave}>
      <form id="f-key" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={text.keys.line} mono rows={4} value={line.value} onValue={(value) => { line.value = value; }} hint={text.keys.lineHint} error={tried.value && missing ? text.keys.needsLine : undefined} />
        <p class="quiet"><small>{text.keys.next}</small></p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}
