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
}

const words = text.ends;

export function EndFields({ values, errors, change, ways }: Props) {
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
      {values.when !== "never" && <Then values={values} errors={errors} change={change} />}
    </>
  );
}

function Then({ values, errors, change }: Omit<Props, "ways">) {
  const own = useOnce("own-templates", (signal) => all<Schemas["TemplateSummary"]>((cursor) => api.GET("/v1/templates", { params: { query: { mine: true, cursor, limit: 100 } }, signal })));
  const warnings = Object.entries(words.warnings);
  // One that was set on the command line may be any.
  if (!warnings.some(([minutes]) => minutes === values.warnMinutes)) warnings.push([values.warnMinutes, duration(Number(values.warnMinutes) * 60)]);
  return (
    <>
      <ChoiceField label={words.then} value={values.then} onValue={(then) => change({ then: then as EndValues["then"] })} options={[
        { value: "stop", shown: <>{words.thenStop}<span class="sub">{words.means.stop}</span></> },
        { value: "terminate", shown: <>{words.thenTerminate}<span class="sub">{words.means.terminate}</span></> },
      ]} />
      <TextField label={words.saveAs} mono value={values.lastSave} onValue={(lastSave) => change({ lastSave })} hint={words.saveAsHint} error={errors.lastSave} list={own.data?.map(({ name }) => name) ?? []} />
      <SelectField label={words.warn} value={values.warnMinutes} onValue={(warnMinutes) => change({ warnMinutes })} options={warnings} />
    </>
  );
}
