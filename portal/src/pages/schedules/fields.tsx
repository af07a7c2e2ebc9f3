// The fields of a schedule.
import { Check, SelectField, TextField } from "../../parts/field";
import { type Instance, useInstances } from "../../parts/instances/state";
import { Loaded } from "../../parts/note";
import { text } from "../../text";
import { WEEKDAYS, type Weekday } from "./cadence";
import type { Values } from "./values";

/** A change of what is saved, or of where to, ends a consent: it was given for other files, or to others. */
interface Props {
  values: Values;
  errors: { instance?: string; template?: string; days?: string; keep?: string };
  /** A schedule that exists keeps its Region and its template. */
  region?: string;
  change: (part: Partial<Values>) => void;
}

const words = text.scheduleForm;

export function ScheduleFields({ values, errors, region, change }: Props) {
  const instances = useInstances();
  const fits = (one: Instance) => (one.state === "running" || one.state === "stopped") && one.region === (region ?? one.region);
  return (
    <>
      <Loaded live={instances}>{({ items }) => <InstanceField instances={items.filter(fits)} value={values.instance} error={errors.instance} onValue={(instance) => change({ instance, consent: false })} />}</Loaded>
      {!region && <TextField label={words.template} hint={words.templateHint} error={errors.template} value={values.template} onValue={(template) => change({ template, consent: false })} mono />}
      <SelectField label={words.when} value={values.kind} onValue={(kind) => change({ kind: kind as Values["kind"] })} options={Object.entries(words.kinds)} />
      {values.kind === "weekly" && <DaysField days={values.days} error={errors.days} onDays={(days) => change({ days })} />}
      {values.kind === "other"
        ? <TextField label={words.expression} hint={words.expressionHint} value={values.expression} onValue={(expression) => change({ expression })} mono />
        : <TextField label={words.time} type="time" value={values.time} onValue={(time) => change({ time })} required />}
      <TextField label={words.timezone} hint={words.timezoneHint} value={values.timezone} onValue={(timezone) => change({ timezone })} mono />
      <TextField label={words.keep} hint={words.keepHint} error={errors.keep} value={values.keep} onValue={(keep) => change({ keep })} type="number" />
    </>
  );
}

function InstanceField({ instances, value, error, onValue }: { instances: Instance[]; value: string; error?: string; onValue: (value: string) => void }) {
  const options = instances.map((one): [string, string] => [`${one.region}/${one.name}`, words.instanceIn(one.name, one.region)]);
  if (value && !options.some(([key]) => key === value)) options.push([value, value.slice(value.indexOf("/") + 1)]);
  return <SelectField label={words.instance} error={error} value={value} onValue={onValue} options={[["", words.pick], ...options]} />;
}

function DaysField({ days, error, onDays }: { days: Weekday[]; error?: string; onDays: (days: Weekday[]) => void }) {
  return (
    <fieldset class="field"><legend>{words.days}</legend>
      <div class="l-row">{WEEKDAYS.map((day) => (
        <Check key={day} checked={days.includes(day)} onChecked={(wanted) => onDays(WEEKDAYS.filter((one) => (one === day ? wanted : days.includes(one))))}>{text.schedules.days[day]}</Check>
      ))}</div>
      {error && <span class="field-error">{error}</span>}
    </fieldset>
  );
}
