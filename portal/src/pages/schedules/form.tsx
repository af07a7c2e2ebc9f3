// Makes or changes a schedule. The plan at the right is the dry run of the save that each run requests.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { toWrong } from "../../parts/field";
import { Name } from "../../parts/name";
import { Opened } from "../../parts/opened";
import { usePlan } from "../../parts/plan";
import { PlanSide } from "../../parts/plan-side";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { type Now, asItIs } from "./data";
import { ScheduleFields } from "./fields";
import { RunPlan } from "./run-plan";
import { type Values, editOf, errorsOf, requestOf, timingOf, valuesOf } from "./values";

interface Props extends Partial<Now> {
  onClose: () => void;
  onDone: () => void;
}

const words = text.scheduleForm;
const dryRun = async (body: Schemas["SaveRequest"], signal: AbortSignal) =>
  ((await ask(api.POST("/v1/saves", { params: { query: { dry_run: true } }, body, signal }))) as Schemas["Planned_SavePlan"]).plan;

/** The form of a schedule that exists. */
export function ChangeSchedule({ name, ...rest }: { name: string; onClose: () => void; onDone: () => void }) {
  const title = <>{words.changing} <Name>{name}</Name></>;
  return <Opened title={title} read={() => asItIs(name)} onClose={rest.onClose}>{(now) => <ScheduleForm {...now} {...rest} />}</Opened>;
}

/** The form of a new schedule, or of one as it is now. */
export function ScheduleForm({ schedule, header, onClose, onDone }: Props) {
  const [values, setValues] = useState<Values>(() => valuesOf(schedule));
  const [tried, setTried] = useState(false);
  const acting = useAct(onClose);
  const change = (part: Partial<Values>) => setValues((before) => ({ ...before, ...part }));
  const errors = errorsOf(values);
  const request = requestOf(values, schedule);
  const planning = usePlan(errors.instance || errors.template ? undefined : request, dryRun);
  const press = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    const form = event.currentTarget as HTMLFormElement;
    if (Object.values(errors).some(Boolean)) return toWrong(form);
    const done = await acting.run(() => (schedule
      ? ask(api.PATCH("/v1/schedules/{name}", { params: { path: { name: schedule.name }, header }, body: editOf(values, schedule) }))
      : ask(api.POST("/v1/schedules", { body: { request, ...timingOf(values) } }))));
    if (!done) return;
    toast(schedule ? words.changed(schedule.name) : words.made(request.template));
    onClose();
    onDone();
  };
  const foot = (
    <>
      <p>{words.untouched}</p>
      <Send form="f-schedule" act={acting}>{schedule ? words.change(schedule.name) : words.make}</Send>
    </>
  );
  const side = <PlanSide planning={planning} missing={errors.instance || errors.template ? words.choose : undefined} failed={acting.problem} consent={values.consent} onConsent={(consent) => change({ consent })}>{(plan) => <RunPlan plan={plan} keep={timingOf(values).keep} />}</PlanSide>;
  return (
    <Dialog title={schedule ? <>{words.changing} <Name>{schedule.name}</Name></> : words.making} foot={foot} plan={side} onClose={acting.leave}>
      <form id="f-schedule" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
        <ScheduleFields values={values} errors={tried ? errors : {}} region={schedule?.request.region} change={change} />
      </form>
    </Dialog>
  );
}
