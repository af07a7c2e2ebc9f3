// The fields of a save.
import type { Problem, Schemas } from "../../api/client";
import { text } from "../../text";
import { about, gib } from "../../text/format";
import { Check, ChoiceField, SelectField, TextField } from "../field";

const words = text.saving;

export interface Form {
  template: string;
  description: string;
  how: "stop" | "reboot";
  copyTo: string[];
  /** The devices of the volumes that are left out. */
  without: string[];
  project: string;
  isPublic: boolean;
  /** Whether the latest version stays the one that it is. */
  keepsLatest: boolean;
  /** Consents to show sensitive files, to move the template, and to lose instance store data. */
  consents: boolean;
  moves: boolean;
  loses: string;
}

interface Props {
  form: Form;
  change: (part: Partial<Form>) => void;
  choices: { instance: Schemas["InstanceView"]; regions: string[]; projects: string[]; templates: Schemas["TemplateSummary"][] };
  plan?: Schemas["SavePlan"];
  /** The plan of the other way to capture the instance, which shows what the choice costs. */
  other?: Schemas["SavePlan"];
  problem?: Problem;
  tried: boolean;
}

/** Problems that concern the name of the template. */
const NAME = ["InvalidTemplateName", "TemplateNameTaken", "NotOwner", "InvalidInput"];

export function SaveForm({ form, change, choices, plan, other, problem, tried }: Props) {
  const { instance, regions, projects, templates } = choices;
  const wrong = problem && NAME.includes(problem.code) ? `${problem.message} ${problem.hint}` : undefined;
  const missing = tried && !form.template ? words.needsName : undefined;
  const running = instance.state === "running";
  const costs = (how: Form["how"]) => {
    const known = [plan, other].find((one) => one && (one.request.how ?? "stop") === how);
    return known && words.downAbout(about(known.expected_downtime_s));
  };
  return (
    <>
      <TextField label={words.template} mono value={form.template} onValue={(template) => change({ template, keepsLatest: false, consents: false, moves: false })} hint={nameHint(form, plan)} error={wrong ?? missing} list={templates.map(({ name }) => name)} />
      <TextField label={words.changed} rows={2} value={form.description} onValue={(description) => change({ description })} hint={words.changedHint} />
      {running && (
        <ChoiceField label={words.how} value={form.how} onValue={(how) => change({ how: how as Form["how"] })} options={[
          { value: "stop", shown: <>{words.byStop}<span class="sub">{words.byStopWhy}</span></>, end: costs("stop") },
          { value: "reboot", shown: <>{words.byReboot}<span class="sub">{words.byRebootWhy}</span></>, end: costs("reboot") },
        ]} />
      )}
      {projects.length > 0 && <SelectField label={words.paidBy} value={form.project} onValue={(project) => change({ project, moves: false })} options={[["", words.asItIs], ...projects.map((name) => [name, name] as const)]} />}
      <Some label={words.copyTo} all={regions.map((region) => [region, region])} chosen={form.copyTo} onChosen={(copyTo) => change({ copyTo })} />
      <Some label={words.without} all={further(plan)} chosen={form.without} onChosen={(without) => change({ without })} />
      {isNext(form, plan) && <Check checked={form.keepsLatest} onChecked={(keepsLatest) => change({ keepsLatest })}>{words.keepLatest}<span class="sub">{words.keepLatestWhy}</span></Check>}
      <Check checked={form.isPublic} onChecked={(isPublic) => change({ isPublic, consents: false })}>{words.everyone}<span class="sub">{words.everyoneWhy}</span></Check>
    </>
  );
}

/** Some of many, which most saves leave alone. */
function Some({ label, all, chosen, onChosen }: { label: string; all: [key: string, shown: string][]; chosen: string[]; onChosen: (chosen: string[]) => void }) {
  if (all.length === 0) return null;
  const toggled = (key: string, on: boolean) => onChosen(on ? [...chosen, key] : chosen.filter((one) => one !== key));
  return (
    <details class="more">
      <summary>{label}{chosen.length > 0 && ` (${chosen.join(", ")})`}</summary>
      <fieldset class="field"><legend class="hide">{label}</legend>{all.map(([key, shown]) => (
        <Check key={key} checked={chosen.includes(key)} onChecked={(on) => toggled(key, on)}>{shown}</Check>
      ))}</fieldset>
    </details>
  );
}

/** The volumes that a save may leave out: all but the root volume. */
function further(plan: Schemas["SavePlan"] | undefined): [string, string][] {
  const { captured = [], excluded = [], root_device: root } = plan?.instance ?? {};
  const found = [...captured, ...excluded].filter(({ device }) => device !== root);
  return found.sort((a, b) => a.device.localeCompare(b.device)).map(({ device, size_gib: size }) => [device, words.volume(device, gib(size))]);
}

/** Whether the plan is for the template that is named, and it has a version. */
const isNext = (form: Form, plan: Schemas["SavePlan"] | undefined) => plan !== undefined && plan.request.template === form.template && plan.next_version > 1;

function nameHint(form: Form, plan: Schemas["SavePlan"] | undefined): string {
  if (!plan || plan.request.template !== form.template) return words.nameHint;
  return isNext(form, plan) ? words.nextVersion(plan.next_version, form.keepsLatest) : words.newTemplate;
}
