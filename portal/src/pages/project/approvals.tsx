// The templates that a project has approved. Whether others may be used is the project's choice.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { Loaded, ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { useSettled } from "../../parts/settled";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { dated } from "../../text/format";
import { type Header, type Rights, unchanged } from "./data";

type Project = Schemas["Project"];
interface Props { project: Project; rights: Rights; again: () => void }

export function Approvals({ project, rights, again }: Props) {
  const { name } = project;
  const approving = useSignal(false);
  const leaving = useSignal("");
  const approvals = useOnce(`approvals:${name}`, (signal) => all((cursor) => api.GET("/v1/projects/{name}/approvals", { params: { path: { name }, query: { cursor, limit: 100 } }, signal })));
  const end = rights.manages && <Button kind="quiet" onPress={() => { approving.value = true; }}>{text.approvals.approve}</Button>;
  return (
    <Card title={text.approvals.title} end={end} foot={<span>{project.approved_only ? text.project.approvedMeans : text.project.anyMeans}</span>}>
      <Loaded live={approvals}>{(found) => (found.length === 0
        ? <p class="quiet">{project.approved_only ? text.approvals.noneStrict : text.approvals.none}</p>
        : (
          <ul class="list">{found.map((one) => (
            <li key={one.template}>
              <Badge icon="done" tone="ok">{text.approvals.approved}</Badge>
              <div class="list-main"><a href={at("templates", one.template)}><Name>{one.template}</Name></a><span class="sub">{text.approvals.by}<Name mono={false}>{one.by}</Name>, {dated(one.at)}</span></div>
              {rights.manages && <Button kind="quiet" label={text.approvals.withdrawOf(one.template)} onPress={() => { leaving.value = one.template; }}>{text.approvals.withdraw}</Button>}
            </li>
          ))}</ul>
        ))}
      </Loaded>
      {approving.value && <ApproveDialog project={name} onClose={() => { approving.value = false; }} onDone={again} />}
      {leaving.value && <WithdrawDialog project={name} template={leaving.value} onClose={() => { leaving.value = ""; }} onDone={again} />}
    </Card>
  );
}

function ApproveDialog({ project, onClose, onDone }: { project: string; onClose: () => void; onDone: () => void }) {
  const template = useSignal("");
  const acting = useAct(onClose);
  const typed = useSettled(template.value.trim());
  const known = useOnce(`templates:${typed}`, async (signal) => (typed.length < 2 ? [] : (await ask(api.GET("/v1/templates", { params: { query: { search: typed, limit: 20 } }, signal }))).items.map((one) => one.name)));
  const press = async (event: Event) => {
    event.preventDefault();
    const name = template.value.trim();
    if (!name) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("input")?.focus();
    if (!(await acting.run(async () => ask(api.PUT("/v1/projects/{name}/approvals/{template}", { params: { path: { name: project, template: name } } }))))) return;
    toast(text.approvals.done(name));
    onClose();
    onDone();
  };
  const foot = <Send form="f-approve" act={acting}>{text.approvals.label(template.value.trim())}</Send>;
  return (
    <Dialog title={<>{text.approvals.dialog} <Name>{project}</Name></>} foot={foot} onClose={acting.leave}>
      <form id="f-approve" class="l-stack" onSubmit={(event) => void press(event)}>
        <TextField label={text.approvals.template} hint={text.approvals.hint} value={template.value} onValue={(value) => { template.value = value; }} mono list={known.data ?? []} />
        <p>{text.approvals.plan}</p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}

function WithdrawDialog({ project, template, onClose, onDone }: { project: string; template: string; onClose: () => void; onDone: () => void }) {
  const act = (_: boolean, header: Header) => ask(api.DELETE("/v1/projects/{name}/approvals/{template}", { params: { path: { name: project, template }, header } }));
  return (
    <Confirm title={<>{text.approvals.withdrawing} <Name>{template}</Name></>} plan={() => unchanged(project)} label={text.approvals.withdrawLabel(template)} done={text.approvals.withdrawn(template)} danger act={act} onClose={onClose} onDone={onDone}>
      {() => <p>{text.approvals.withdrawPlan}</p>}
    </Confirm>
  );
}
