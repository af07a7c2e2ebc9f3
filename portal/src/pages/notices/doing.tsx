// What can be done with the ways of being notified, each in its dialog.
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import type { Change, View } from "./data";
import { OneField } from "./one-field";

const words = text.notices;

/** What a question asks for. */
const QUESTIONS: Record<keyof typeof words.questions, Schemas["NotifyRequest"]> = {
  rotate: { rotate_secret: true },
  desktop: { desktop: true },
  "off-email": { off: ["email"] },
  "off-webhook": { off: ["webhook"] },
  "off-desktop": { off: ["desktop"] },
};
type Question = keyof typeof QUESTIONS;
export type What = "" | "email" | "confirm" | "webhook" | Question;

interface Props {
  what: What;
  view: View;
  begin: (what: What) => void;
  change: Change;
  again: () => void;
}

export function Doing({ what, view, begin, change, again }: Props) {
  // In this component's memory alone, until its dialog is closed.
  const secret = useSignal("");
  const close = () => begin("");
  const changeWebhook: Change = async (body) => {
    const changed = await change(body);
    secret.value = changed.secret ?? "";
    return changed;
  };
  const address = view.email?.address ?? "";
  const confirmed = () => {
    toast(words.confirm.done(address));
    again();
  };
  const question = what in QUESTIONS && (what as Question);
  return (
    <>
      {what === "email" && <OneField {...words.email} start={address} isWrong={(email) => !email} act={(email) => change({ email })} onClose={close} onDone={({ notify: { email } }) => email?.confirmed || begin("confirm")} />}
      {what === "confirm" && <OneField {...words.confirm} hint={words.confirm.hint(address)} isWrong={(code) => !/^\d{8}$/.test(code)} act={(code) => ask(api.POST("/v1/notify/confirm", { body: { code } }))} onClose={close} onDone={confirmed} />}
      {what === "webhook" && <OneField {...words.webhook} start={view.webhook?.url} isWrong={(url) => !url} act={(webhook) => changeWebhook({ webhook })} onClose={close} />}
      {question && <Confirm {...words.questions[question]} danger={question.startsWith("off-")} act={() => changeWebhook(QUESTIONS[question])} onClose={close} onDone={() => {}}>{() => <p>{words.questions[question].means}</p>}</Confirm>}
      {secret.value && !what && <Secret secret={secret.value} onClose={() => { secret.value = ""; }} />}
    </>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title={words.secret.title} foot={<Button large onPress={onClose}>{text.close}</Button>} onClose={onClose}>
      <TextField label={words.secret.label} hint={words.secret.hint} mono readOnly value={secret} onValue={() => {}} />
    </Dialog>
  );
}
