import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask, type Schemas } from "../../api/client";
import { me } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Confirm } from "../../parts/confirm";
import { Dialog, Send } from "../../parts/dialog";
import { Check, TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { Opened } from "../../parts/opened";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { type Header, asItIs, unchanged } from "./data";

interface Props {
  name: string;
  onClose: () => void;
  onDone: () => void;
}

export function EditDialog({ name, ...rest }: Props) {
  const title = <>{text.edit.title} <Name>{name}</Name></>;
  return <Opened title={title} read={() => asItIs(name)} onClose={rest.onClose}>{(now) => <Form title={title} {...now} {...rest} />}</Opened>;
}

interface FormProps extends Omit<Props, "name"> {
  title: ComponentChildren;
  project: Schemas["Project"];
  header: Header;
}

function Form({ title, project, header, onClose, onDone }: FormProps) {
  const { name } = project;
  const description = useSignal(project.description);
  const approved = useSignal(project.approved_only ?? false);
  const acting = useAct(onClose);
  const press = async (event: Event) => {
    event.preventDefault();
    const body = { description: description.value, approved_only: approved.value };
    if (!(await acting.run(() => ask(api.PATCH("/v1/projects/{name}", { params: { path: { name }, header }, body }))))) return;
    toast(text.edit.done(name));
    onClose();
    onDone();
  };
  const foot = <Send form="f-project" act={acting}>{text.edit.label(name)}</Send>;
  return (
    <Dialog title={title} foot={foot} onClose={acting.leave}>
      <form id="f-project" class="l-stack" onSubmit={(event) => void press(event)}>
        <TextField label={text.projects.description} value={description.value} onValue={(value) => { description.value = value; }} rows={2} />
        <Check checked={approved.value} onChecked={(value) => { approved.value = value; }}>{text.project.approvedOnly}</Check>
        <p class="quiet"><small>{approved.value ? text.project.approvedMeans : text.project.anyMeans}</small></p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}

export function DeleteDialog({ project: { name }, onClose }: { project: Schemas["Project"]; onClose: () => void }) {
  const { route } = useLocation();
  const act = (_: boolean, header: Header) => ask(api.DELETE("/v1/projects/{name}", { params: { path: { name }, header } }));
  return (
    <Confirm title={<>{text.project.deleting} <Name>{name}</Name></>} plan={() => unchanged(name)} label={text.project.deleteLabel(name)} done={text.project.deleted(name)} danger act={act} onClose={onClose} onDone={() => { me.forget(); route("/projects"); }}>
      {() => <p>{text.project.deletePlan}</p>}
    </Confirm>
  );
}
