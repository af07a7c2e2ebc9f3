// Deprecating a template or a version, at once or from a day on, with what to use instead; and undoing it.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask } from "../../api/client";
import { useAct } from "../../parts/act";
import { Confirm } from "../../parts/confirm";
import { Dialog, Send } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { Opened } from "../../parts/opened";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { type Template, asItIs } from "./data";

interface Props {
  template: Template;
  /** The version; without one, the whole template. */
  version?: number;
  onClose: () => void;
  onDone: () => void;
}

type Now = Awaited<ReturnType<typeof asItIs>>;

export function DeprecateDialog(props: Props) {
  const { template: { name }, version, onClose } = props;
  const what = version === undefined ? name : `${name}@${version}`;
  const title = <>{text.deprecate.title} <Name>{what}</Name></>;
  return <Opened title={title} read={() => asItIs(name, version)} onClose={onClose}>{(now) => <Form {...props} title={title} what={what} now={now} />}</Opened>;
}

function Form({ title, what, now: { view, header }, template: { name }, version, onClose, onDone }: Props & { title: ComponentChildren; what: string; now: Now }) {
  // Each request replaces what was said before.
  const before = (version === undefined ? view.template : view.version).deprecation;
  const instead = useSignal(before?.replaced_by ?? "");
  const day = useSignal(before?.end_of_life?.slice(0, 10) ?? "");
  const acting = useAct(onClose);
  const press = async (event: Event) => {
    event.preventDefault();
    const query = { replaced_by: instead.value.trim() || undefined, end_of_life: day.value ? `${day.value}T00:00:00Z` : undefined };
    const done = await acting.run(() => ask(version === undefined
      ? api.POST("/v1/templates/{name}/deprecate", { params: { path: { name }, query, header } })
      : api.POST("/v1/templates/{name}/versions/{version}/deprecate", { params: { path: { name, version }, query, header } })));
    if (!done) return;
    toast(text.deprecate.done(what));
    onClose();
    onDone();
  };
  const foot = (
    <>
      <p>{text.plan.untouched}</p>
      <Send form="f-deprecate" act={acting}>{text.deprecate.label(what)}</Send>
    </>
  );
  return (
    <Dialog title={title} foot={foot} onClose={acting.leave}>
      <form id="f-deprecate" class="l-form" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={text.deprecate.instead} mono value={instead.value} onValue={(value) => { instead.value = value; }} hint={text.deprecate.insteadHint} />
        <TextField label={text.deprecate.from} type="date" value={day.value} onValue={(value) => { day.value = value; }} hint={text.deprecate.fromHint} />
        <p>{text.deprecate.plan}</p>
        {acting.problem && <ProblemNote problem={acting.problem} />}
      </form>
    </Dialog>
  );
}

export function RestoreDialog({ template: { name }, version, onClose, onDone }: Props) {
  const what = version === undefined ? name : `${name}@${version}`;
  const act = (_: boolean, { header }: Now) => ask(version === undefined
    ? api.POST("/v1/templates/{name}/restore", { params: { path: { name }, header } })
    : api.POST("/v1/templates/{name}/versions/{version}/restore", { params: { path: { name, version }, header } }));
  return (
    <Confirm title={<>{text.restore.title} <Name>{what}</Name></>} plan={() => asItIs(name, version)} label={text.restore.label(what)} act={act} done={text.restore.done(what)} onClose={onClose} onDone={onDone}>
      {() => <p>{text.restore.plan}</p>}
    </Confirm>
  );
}
