// A question before something is changed: what will happen, read by a dry run where the API has one, and one button
// that names what it does.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { text } from "../text";
import { useAct } from "./act";
import { Button } from "./button";
import { Loading } from "./card";
import { Consent, wantsConsent } from "./consent";
import { Cancel, Dialog } from "./dialog";
import { Note, ProblemNote } from "./note";
import { useOnce } from "./once";
import { toast } from "./toast";

interface Props<Plan> {
  title: ComponentChildren;
  sub?: ComponentChildren;
  /** The dry run. Without one, `children` says what is known. */
  plan?: (consent: boolean) => Promise<Plan>;
  children: (plan: Plan) => ComponentChildren;
  label: string;
  /** Leaves the question, where "Cancel" could be meant for what it asks. */
  keep?: string;
  danger?: boolean;
  /** Whether a consent that is missing cannot be given here. */
  takesNoConsent?: boolean;
  /** Why it cannot be done, by its plan. */
  prevented?: (plan: Plan) => string | undefined;
  act: (consent: boolean, plan: Plan) => Promise<unknown>;
  done: string;
  onClose: () => void;
  onDone: () => void;
}

export function Confirm<Plan = undefined>({ title, sub, plan, children, label, keep, danger, takesNoConsent, prevented, act, done, onClose, onDone }: Props<Plan>) {
  const consent = useSignal(false);
  const acting = useAct(onClose);
  const read = useOnce(`plan:${consent.value}`, async () => (plan ? plan(consent.value) : (undefined as Plan)));
  const asks = takesNoConsent ? undefined : [read.problem, acting.problem].find(wantsConsent);
  const asked = useSignal(asks);
  if (asks && asked.value !== asks) asked.value = asks;
  const ready = read.problem === undefined && (plan === undefined || read.data !== undefined);
  const stop = ready ? prevented?.(read.data as Plan) : undefined;
  const press = async () => {
    // What is missing is a consent: the only fields of such a question.
    if (!ready || stop) return document.querySelector<HTMLElement>("dialog[open] .dialog-form input")?.focus();
    if (!(await acting.run(() => act(consent.value, read.data as Plan)))) return;
    toast(done);
    onClose();
    onDone();
  };
  const foot = (
    <>
      <p>{text.plan.untouched}</p>
      <Cancel leave={acting.leave} label={keep} />
      <Button large kind={danger ? "danger" : "primary"} busy={acting.busy} onPress={() => void press()}>{label}</Button>
    </>
  );
  return (
    <Dialog title={title} sub={sub} foot={foot} onClose={acting.leave}>
      {ready ? children(read.data as Plan) : !read.problem && <Loading what={text.plan.making} />}
      {stop && <Note tone="bad"><p>{stop}</p></Note>}
      {asked.value && <Consent problem={asked.value} given={consent.value} onGiven={(given) => { consent.value = given; }} />}
      {read.problem && !asks && <ProblemNote problem={read.problem} again={read.again} />}
      {acting.problem && !asks && <ProblemNote problem={acting.problem} />}
    </Dialog>
  );
}
