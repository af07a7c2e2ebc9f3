// The fields of an end: when it is, what happens then, and when its owner is warned.
import { all, api, type Schemas } from "../../api/client";
import { text } from "../../text";
import { duration, zone } from "../../text/format";
import { ChoiceField, SelectField, TextField } from "../field";
import { useOnce } from "../once";
import type { EndErrors, EndValues } from "./values";

interface Props {
  values: EndValues;
  errors: EndErrors;
  change: (part: Partial<EndValues>) => void;
  /** The ways to say when, in the order in which they are offered. */
  ways: readonly { value: EndValues["when"]; shown: string; why?: string }[];
  /** Whether instances of several owners end, which are not saved to one template. */
  several?: boolean;
}

const words = text.ends;

/** The ways for an instance that has no end yet. */
export const NEW_ENDS = [
  { value: "never", shown: words.ways.never, why: words.runsOn },
  { value: "for", shown: words.ways.for },
  { value: "until", shown: words.ways.until },
] as const;

export function EndFields({ values, errors, change, ways, several }: Props) {
  return (
    <>
      <ChoiceField label={words.when} value={values.when} onValue={(when) => change({ when: when as EndValues["when"] })} options={ways.map(({ value, shown, why }) => ({ value, shown: <>{shown}{why && <span class="sub">{why}</span>}</> }))} />
      {values.when === "for" && (
        <div class="l-grid is-6-6">
          <TextField label={words.amount} type="number" value={values.amount} onValue={(amount) => change({ amount })} error={errors.time} />
          <SelectField label={words.unit} value={values.unit} onValue={(unit) => change({ unit: unit as EndValues["unit"] })} options={Object.entries(words.units)} />
        </div>
      )}
      {values.when === "until" && <TextField label={words.until} type="datetime-local" value={values.until} onValue={(until) => change({ until })} error={errors.time} hint={text.timesIn(zone)} />}
      {values.when !== "never" && <Then values={values} errors={errors} change={change} several={several} />}
    </>
  );
}

function Then({ values, errors, change, several }: Omit<Props, "ways">) {
  const warnings = Object.entries(words.warnings);
  // One that was set on the command line may be any.
  if (!warnings.some(([minutes]) => minutes === values.warnMinutes)) warnings.push([values.warnMinutes, duration(Number(values.warnMinutes) * 60)]);
  return (
    <>
      <ChoiceField label={words.then} value={values.then} onValue={(then) => change({ then: then as EndValues["then"] })} options={[
        { value: "stop", shown: <>{words.thenStop}<span class="sub">{words.means.stop}</span></> },
        { value: "terminate", shown: <>{words.thenTerminate}<span class="sub">{words.means.terminate}</span></> },
      ]} />
      {!several && <LastSave values={values} errors={errors} change={change} />}
      <SelectField label={words.warn} value={values.warnMinutes} onValue={(warnMinutes) => change({ warnMinutes })} options={warnings} />
    </>
  );
}

function LastSave({ values, errors, change }: Omit<Props, "ways">) {
  const own = useOnce("own-templates", (signal) => all<Schemas["TemplateSummary"]>((cursor) => api.GET("/v1/templates", { params: { query: { mine: true, cursor, limit: 100 } }, signal })));
  return <TextField label={words.saveAs} mono value={values.lastSave} onValue={(lastSave) => change({ lastSave })} hint={words.saveAsHint} error={errors.lastSave} list={own.data?.map(({ name }) => name) ?? []} />;
}
