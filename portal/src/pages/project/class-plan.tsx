// What launching for a class will do and cost, and how far it is.
import type { Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { Badge, type Tone } from "../../parts/badge";
import { EndPlan } from "../../parts/end/shown";
import type { IconName } from "../../parts/icon";
import { Meter } from "../../parts/meter";
import { Name } from "../../parts/name";
import { Warnings } from "../../parts/plan";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { about, money } from "../../text/format";
import type { MemberLaunch, Outcome } from "./launching";

const words = text.course;
export type Plan = Schemas["ClassLaunchPlan"];
type State = keyof typeof words.states;

const MARKS: Record<State, [IconName, Tone]> = {
  launch: ["wait", ""], present: ["done", ""], refused: ["bad", "bad"], waiting: ["wait", ""], asked: ["busy", "busy"], done: ["done", "ok"], failed: ["bad", "bad"], left: ["idle", "warn"],
};

function Mark({ state }: { state: State }) {
  const [icon, tone] = MARKS[state];
  return <Badge icon={icon} tone={tone}>{words.states[state]}</Badge>;
}

export function ClassPlan({ plan, prices }: { plan: Plan; prices: string }) {
  const some = (launch: MemberLaunch["launch"]) => plan.members.filter((one) => one.launch === launch).length;
  return (
    <>
      <div>
        <span class="figure-label">{words.together(plan.count)}</span>
        <span class="figure-value">{plan.usd_per_hour == null ? text.unknown : text.anHour(money(plan.usd_per_hour))}</span>
        <span class="figure-note">{text.saving.sub(plan.instance_type, plan.region)}. {prices}</span>
      </div>
      <div>
        {plan.count > 1 && <p>{words.last(about(plan.wait_s))}</p>}
        {some("present") > 0 && <p>{words.present(some("present"))}</p>}
        {some("refused") > 0 && <p class="text-bad"><b>{words.refused(some("refused"))}</b></p>}
        <details class="more" aria-live="off" open={some("refused") > 0}><summary>{words.each(plan.members.length)}</summary><Launches plan={plan} of={({ launch }) => launch} /></details>
      </div>
      {plan.end && <EndPlan end={plan.end} now={serverNow()} perHour={plan.usd_per_hour == null ? null : plan.usd_per_hour / Math.max(1, plan.count)} several />}
      <Warnings warnings={plan.warnings} />
    </>
  );
}

type Outcomes = Record<string, Outcome>;

/** Each member with what is planned, or with what has become of it: those whose launch failed say why. */
export function Launches({ plan, of, outcomes = {} }: { plan: Plan; of: (member: MemberLaunch) => State; outcomes?: Outcomes }) {
  const columns: Column<MemberLaunch>[] = [
    { label: text.members.user, cell: ({ user, name }) => <><Name mono={false}>{user}</Name><span class="sub"><Name>{name}</Name></span></> },
    { label: text.work.instance, cell: (member) => <><Mark state={of(member)} /><span class="sub" dir="auto">{details(member, outcomes[member.user])}</span></> },
  ];
  return <Table caption={words.title} columns={columns} rows={plan.members} id={({ user }) => user} class="is-flush is-keep" />;
}

/** The state of a launch while a run is going on, and after it. */
export const stateIn = (outcomes: Outcomes, going: boolean) => ({ user, launch }: MemberLaunch): State =>
  (launch === "launch" ? (outcomes[user]?.state ?? (going ? "waiting" : "left")) : launch);

function details({ reason, instance }: MemberLaunch, outcome?: Outcome) {
  if (outcome?.state === "done") return outcome.id;
  if (outcome?.state !== "failed") return reason ?? instance;
  const { message, hint, requestId } = outcome.problem;
  return `${message} ${hint}${requestId && ` ${text.problem.requestId}: ${requestId}`}`;
}

/** What is read aloud while it goes on: the count alone. */
export function Progress({ plan, outcomes, stopping }: { plan: Plan; outcomes: Outcomes; stopping: boolean }) {
  const some = (state: Outcome["state"]) => Object.values(outcomes).filter((one) => one.state === state).length;
  const [done, failed] = [some("done"), some("failed")];
  return (
    <>
      <div>
        <span class="figure-label">{words.progress}</span>
        <span class="figure-value">{words.of(done, plan.count)}</span>
        <Meter label={words.of(done, plan.count)} used={done} limit={plan.count} tone={failed > 0 ? "warn" : undefined} />
        {plan.usd_per_hour != null && <span class="figure-note">{text.anHour(money((plan.usd_per_hour / plan.count) * done))}</span>}
      </div>
      {failed > 0 && <p class="text-bad"><b>{words.failed(failed)}</b></p>}
      {stopping && <p>{words.stopping}</p>}
    </>
  );
}
