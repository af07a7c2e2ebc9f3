// An instance for each member: for whom and at what price first, then what became of each launch.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { config, regions } from "../../api/shared";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { EndFields, NEW_ENDS } from "../../parts/end/fields";
import { endErrors, endRequest, endValues } from "../../parts/end/values";
import { ChoiceField, SelectField, TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { Opened } from "../../parts/opened";
import { PlanOf, usePlan } from "../../parts/plan";
import { text } from "../../text";
import { sizesOf } from "../launch/form";
import { ClassPlan, Launches, Progress, stateIn, type Plan } from "./class-plan";
import { groupsOf } from "./groups";
import { launchAll, type Outcome } from "./launching";

const words = text.course;

interface Props { project: string; onClose: () => void; onDone: () => void }

async function offer(project: string) {
  const listed = all<Schemas["TemplateSummary"]>((cursor) => api.GET("/v1/templates", { params: { query: { cursor, limit: 100 } } }));
  const [templates, groups, everywhere, { sizes, prices_in, prices_of }] = await Promise.all([listed, groupsOf(project), regions(), config()]);
  return { templates: templates.filter(({ state }) => state !== "deleted").map(({ name }) => name), groups, regions: everywhere, sizes, prices: text.launch.pricesOf(prices_in, prices_of) };
}

export function ClassLaunchDialog(props: Props) {
  const title = <>{words.dialog} <Name>{props.project}</Name></>;
  return <Opened title={title} read={() => offer(props.project)} onClose={props.onClose}>{(found) => <Form title={title} offered={found} {...props} />}</Opened>;
}

const USUAL = "us-east-1";

function Form({ title, offered, project, onClose, onDone }: Props & { title: ComponentChildren; offered: Awaited<ReturnType<typeof offer>> }) {
  const form = useSignal({ template: "", group: "", name: "", size: "", region: offered.regions.includes(USUAL) ? USUAL : (offered.regions[0] ?? USUAL), end: { ...endValues(serverNow()), when: "never" as Parameters<typeof endErrors>[0]["when"] } });
  const tried = useSignal(false);
  // A run has launched some of them, so that the plan is another one, for the same form.
  const round = useSignal(0);
  const run = useRun(project, onDone);
  const { template, group, name, size, region, end } = form.value;
  const wrong = endErrors(end, serverNow());
  const isWrong = Boolean(wrong.time);
  const body = { template, region, group: group || null, name: name || null, size: (size || null) as Schemas["Size"] | null, end: end.when === "never" || isWrong ? null : endRequest(end, serverNow()) };
  const planning = usePlan(template && !isWrong ? { body, round: round.value } : undefined, ({ body }, signal) => ask(api.POST("/v1/projects/{name}/launch-plan", { params: { path: { name: project } }, body, signal })));
  const change = (part: Partial<typeof form.value>) => { form.value = { ...form.value, ...part }; };
  const { plan } = planning;
  const press = (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (!template || isWrong) return (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>("input")?.focus();
    if (plan?.count && !planning.stale && !planning.problem) void run.begin(plan, body);
  };
  const again = () => {
    round.value += 1;
    run.clear();
  };
  // The first Esc ends what was not requested; the second leaves what was. A browser lets no page keep a dialog for longer.
  const leave = () => (run.going && !run.stopping ? run.stop() : onClose());
  const ran = run.plan;
  const missing = ran && run.done < ran.count;
  // The button that was pressed stays where it is, and so the focus.
  const foot = (
    <>
      {(!ran || run.going || missing) && <Button large onPress={leave}>{!ran ? text.cancel : run.going && !run.stopping ? words.stop : text.close}</Button>}
      {!ran && <Button key="go" large kind="primary" form="f-class" busy={planning.stale && template !== "" && !isWrong}>{plan?.count && !planning.problem ? words.launchAll(plan.count) : words.launchIt}</Button>}
      {ran && <Button key="go" large kind="primary" busy={run.going} onPress={missing ? again : onClose}>{run.going ? words.launching : missing ? words.rest : text.close}</Button>}
    </>
  );
  const side = ran
    ? <Progress plan={ran} outcomes={run.outcomes} stopping={run.stopping} />
    : <>
      {planning.problem && <ProblemNote problem={planning.problem} />}
      <PlanOf planning={planning} missing={template ? (isWrong ? text.ends.planNeeds : undefined) : text.launch.planNeeds}>{(found) => <ClassPlan plan={found} prices={offered.prices} />}</PlanOf>
    </>;
  return (
    <Dialog title={title} foot={foot} plan={side} onClose={leave}>
      {ran ? <Launches plan={ran} of={stateIn(run.outcomes, run.going)} outcomes={run.outcomes} /> : (
        <form id="f-class" class="l-stack" noValidate onSubmit={press}>
          <TextField label={text.launch.template} mono hint={text.launch.templateHint} error={tried.value && !template ? text.launch.needsTemplate : undefined} value={template} onValue={(template) => change({ template })} list={offered.templates} />
          <SelectField label={words.who} value={group} onValue={(group) => change({ group })} options={[["", words.everybody], ...offered.groups.map(({ name, members }) => [name, words.group(name, members.length)] as const)]} />
          <TextField label={words.prefix} mono hint={words.prefixHint} value={name} onValue={(name) => change({ name })} />
          <ChoiceField label={text.launch.size} value={size} onValue={(size) => change({ size })} options={sizesOf(offered.sizes, plan?.architecture)} />
          <SelectField label={text.launch.region} value={region} onValue={(region) => change({ region })} options={offered.regions.map((name) => [name, name] as const)} />
          <EndFields values={end} errors={tried.value ? wrong : {}} change={(part) => change({ end: { ...end, ...part } })} ways={NEW_ENDS} several />
        </form>
      )}
    </Dialog>
  );
}

type Asked = Pick<Schemas["LaunchRequest"], "region" | "size" | "end">;

/** The launches of a plan. Whoever leaves the page ends what was not requested. */
function useRun(project: string, onDone: () => void) {
  const plan = useSignal<Plan | undefined>(undefined);
  const outcomes = useSignal<Record<string, Outcome>>({});
  const going = useSignal(false);
  const stopping = useSignal(false);
  const left = useRef(false);
  useEffect(() => () => { left.current = true; }, []);
  const begin = async (found: Plan, { region, size, end }: Asked) => {
    if (going.value) return;
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    plan.value = found;
    outcomes.value = {};
    going.value = true;
    stopping.value = false;
    await launchAll(found.members.filter(({ launch }) => launch === "launch"), found.interval_ms, {
      launch: async (member) => {
        const body: Schemas["LaunchRequest"] = { template: found.template, region, size, end, name: member.name, project, for_member: member.user };
        return (await ask(api.POST("/v1/instances", { body, headers })) as Schemas["Launched"]).instance.id;
      },
      tell: (user, outcome) => { outcomes.value = { ...outcomes.value, [user]: outcome }; },
      stopped: () => stopping.value || left.current,
    });
    going.value = false;
    if (!left.current) onDone();
  };
  return {
    plan: plan.value,
    outcomes: outcomes.value,
    going: going.value,
    stopping: stopping.value,
    done: doneOf(outcomes.value),
    begin,
    stop: () => { stopping.value = true; },
    clear: () => { plan.value = undefined; },
  };
}

const doneOf = (outcomes: Record<string, Outcome>) => Object.values(outcomes).filter(({ state }) => state === "done").length;
