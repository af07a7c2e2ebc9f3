import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { Dialog, Send } from "../../parts/dialog";
import { Check, TextField, toWrong } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { Opened } from "../../parts/opened";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { money, percent } from "../../text/format";
import { type Header, asItIs } from "./data";

const alertsOf = (typed: string) => typed.split(/[\s,;%]+/).filter(Boolean).map(Number);

interface Props {
  name: string;
  onClose: () => void;
  onDone: () => void;
}

export function BudgetDialog({ name, ...rest }: Props) {
  const title = <>{text.budget.dialog} <Name>{name}</Name></>;
  return <Opened title={title} read={() => asItIs(name)} onClose={rest.onClose}>{(now) => <Form title={title} {...now} {...rest} />}</Opened>;
}

interface FormProps extends Omit<Props, "name"> {
  title: ComponentChildren;
  project: Schemas["Project"];
  header: Header;
}

function Form({ title, project, header, onClose, onDone }: FormProps) {
  const { name, budget } = project;
  const limit = useSignal(budget ? String(budget.limit_usd) : "");
  const alerts = useSignal((budget?.alerts ?? [50, 80, 100]).join(", "));
  const hard = useSignal(budget?.hard_stop ?? false);
  const tried = useSignal(false);
  const lifting = useSignal(false);
  const acting = useAct(onClose);
  const costs = useOnce(`costs:${name}`, (signal) => ask(api.GET("/v1/projects/{name}/costs", { params: { path: { name }, query: { limit: 1 } }, signal })));
  const amount = Number(limit.value);
  const wrong = {
    limit: limit.value.trim() !== "" && amount > 0 ? undefined : text.budget.badLimit,
    alerts: alertsOf(alerts.value).every((one) => Number.isInteger(one) && one >= 1) ? undefined : text.budget.badAlerts,
  };
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    const form = event.currentTarget as HTMLFormElement;
    if (wrong.limit || wrong.alerts) return toWrong(form);
    const body = { limit_usd: amount, alerts: alertsOf(alerts.value), hard_stop: hard.value };
    if (!(await acting.run(() => ask(api.PUT("/v1/projects/{name}/budget", { params: { path: { name }, header }, body }))))) return;
    toast(text.budget.set(name, money(amount)));
    onClose();
    onDone();
  };
  if (lifting.value) {
    const lift = () => ask(api.DELETE("/v1/projects/{name}/budget", { params: { path: { name }, header } }));
    return (
      <Confirm title={<>{text.budget.lifting} <Name>{name}</Name></>} label={text.budget.lift} done={text.budget.lifted(name)} danger act={lift} onClose={onClose} onDone={onDone}>
        {() => <p>{text.budget.liftPlan}</p>}
      </Confirm>
    );
  }
  const foot = (
    <>
      {budget && <Button large kind="quiet" disabled={acting.busy} onPress={() => { lifting.value = true; }}>{text.budget.lift}</Button>}
      <Send form="f-budget" act={acting}>{wrong.limit ? text.budget.setLabel : text.budget.setTo(money(amount))}</Send>
    </>
  );
  const side = (
    <>
      {costs.data && <div><span class="figure-label">{text.project.now}</span><span class="figure-value">{money((costs.data.month_usd ?? costs.data.usd_per_month))}</span><span class="figure-note">{wrong.limit ? text.budget.aMonth : text.budget.would(percent(((costs.data.month_usd ?? costs.data.usd_per_month) / amount) * 100))}</span></div>}
      <p>{hard.value ? text.budget.stopsLong : text.budget.goesOnLong}</p>
      {hard.value && costs.data && !wrong.limit && (costs.data.month_usd ?? costs.data.usd_per_month) > amount && <p class="text-warn"><b>{text.budget.alreadyOver}</b></p>}
      {acting.problem && <ProblemNote problem={acting.problem} />}
    </>
  );
  return (
    <Dialog title={title} foot={foot} plan={side} onClose={acting.leave}>
      <form id="f-budget" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <TextField label={text.budget.limitLabel} hint={text.budget.limitHint} error={tried.value ? wrong.limit : undefined} value={limit.value} onValue={(value) => { limit.value = value; }} type="number" />
        <TextField label={text.budget.alertsLabel} hint={text.budget.alertsHint} error={tried.value ? wrong.alerts : undefined} value={alerts.value} onValue={(value) => { alerts.value = value; }} />
        <Check checked={hard.value} onChecked={(value) => { hard.value = value; }}>{text.budget.hard}</Check>
      </form>
    </Dialog>
  );
}
