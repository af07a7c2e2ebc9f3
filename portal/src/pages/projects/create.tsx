import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask } from "../../api/client";
import { me } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { ProblemNote } from "../../parts/note";
import { at } from "../../parts/place";
import { toast } from "../../parts/toast";
import { text } from "../../text";

const NAME = /^[a-z0-9][a-z0-9._-]{2,63}$/;

export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  const name = useSignal("");
  const description = useSignal("");
  const tried = useSignal(false);
  const acting = useAct(onClose);
  const wrong = !NAME.test(name.value.trim());
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (wrong) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("input")?.focus();
    const body = { name: name.value.trim(), description: description.value };
    if (!(await acting.run(() => ask(api.POST("/v1/projects", { body }))))) return;
    me.forget();
    toast(text.projects.made(body.name));
    route(at("projects", body.name));
  };
  const foot = <Send form="f-project" act={acting}>{text.projects.makeNamed(name.value.trim())}</Send>;
  return (
    <Dialog title={text.projects.making} foot={foot} onClose={acting.leave}>
      <form id="f-project" class="l-stack" onSubmit={(event) => void press(event)}>
        <TextField label={text.projects.name} hint={text.nameHint} error={tried.value && wrong ? text.nameHint : undefined} value={name.value} onValue={(value) => { name.value = value; }} mono />
        <TextField label={text.projects.description} value={description.value} onValue={(value) => { description.value = value; }} rows={2} />
        <p class="quiet"><small>{text.projects.makingWhy}</small></p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}
