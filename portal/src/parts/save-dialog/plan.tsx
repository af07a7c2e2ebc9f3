// What a save will do, cost and show: the dry run, in words and to scale.
import type { Problem, Schemas } from "../../api/client";
import { text } from "../../text";
import { about, count, gib, money } from "../../text/format";
import { Check, TextField } from "../field";
import { Name } from "../name";
import { Note, ProblemNote } from "../note";
import { PlanOf, ShownFiles, VisibleTo, Warnings, type Planning } from "../plan";
import { PlanSignal } from "../signal/mini";
import type { Form } from "./form";

const words = text.saving;

interface Props {
  planning: Planning<Schemas["SavePlan"]>;
  form: Form;
  change: (part: Partial<Form>) => void;
  tried: boolean;
}

export function SavePlan({ planning, form, change, tried }: Props) {
  return (
    <>
      {planning.problem && <Refused problem={planning.problem} form={form} change={change} />}
      <PlanOf planning={planning} missing={form.template ? undefined : words.planNeeds}>{(plan) => (
        <>
          <Downtime plan={plan} />
          <div class="l-apart">
            <span><span class="figure-label">{words.cost}</span><b>{text.atMost(money(plan.usd_per_month_at_most))}</b></span>
            <span class="figure-note">{words.stored(gib(disks(plan)), count(1 + (plan.request.copy_to?.length ?? 0)))}{plan.paid_by && <><br />{words.paidByIs} <Name mono={false}>{plan.paid_by}</Name></>}</span>
          </div>
          {(plan.instance.excluded?.length ?? 0) > 0 && <p>{words.leftOut(plan.instance.excluded?.map(({ device }) => device).join(", ") ?? "")}</p>}
          <VisibleTo plan={plan} />
          <Warnings warnings={plan.warnings} />
          {plan.moves && <Moves moves={plan.moves} form={form} change={change} wrong={tried && !form.moves} />}
          {(plan.shows?.length ?? 0) > 0 && <div><span class="figure-label">{words.shows}</span><ShownFiles files={plan.shows ?? []} />{form.consents && <Check checked onChecked={(consents) => change({ consents })}>{words.consent}</Check>}</div>}
          <details class="more"><summary>{words.steps}</summary><ol class="guide">{plan.steps.map((step) => <li key={step}>{step}</li>)}</ol></details>
        </>
      )}</PlanOf>
    </>
  );
}

function Downtime({ plan }: { plan: Schemas["SavePlan"] }) {
  const seconds = plan.expected_downtime_s;
  const reboots = plan.request.how === "reboot" && seconds > 0;
  return (
    <div>
      <span class="figure-label">{seconds ? words.downFor : words.notDown}</span>
      {seconds > 0 && <span class="figure-value">{text.about(about(seconds))}</span>}
      <PlanSignal seconds={seconds} />
      <span class="figure-note">{!seconds ? words.isStopped : reboots ? words.thenReboot : words.then}</span>
    </div>
  );
}

function disks(plan: Schemas["SavePlan"]): number {
  return (plan.instance.captured ?? []).reduce((sum, volume) => sum + volume.size_gib, 0) || plan.instance.root_size_gib;
}

function Moves({ moves, form, change, wrong }: { moves: Schemas["TemplateMove"]; form: Form; change: Props["change"]; wrong: boolean }) {
  return (
    <div>
      <Check checked={form.moves} onChecked={(on) => change({ moves: on })}>{words.moves(moves.to, moves.up_to_version, money(moves.usd_per_month))}</Check>
      {wrong && <span class="field-error">{words.needsMove}</span>}
    </div>
  );
}

/** A refusal, with the consent that would lift it, if one does. */
function Refused({ problem, form, change }: { problem: Problem; form: Form; change: Props["change"] }) {
  if (problem.code === "SensitiveFiles") {
    return (
      <div>
        <Note tone="warn" alert><p><b>{words.sensitive}</b> {words.sensitiveWhy}</p></Note>
        <ShownFiles files={problem.files} />
        <Check checked={form.consents} onChecked={(consents) => change({ consents })}>{words.consent}</Check>
      </div>
    );
  }
  if (problem.code === "InstanceStoreData") {
    return (
      <div>
        <Note tone="warn" alert><p><b>{problem.message}</b> {words.moveData}</p></Note>
        <TextField label={words.typeToLose} mono value={form.loses} onValue={(loses) => change({ loses })} />
      </div>
    );
  }
  return <ProblemNote problem={problem} />;
}
