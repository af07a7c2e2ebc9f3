// The fields of a launch.
import type { Problem, Schemas } from "../../api/client";
import { EndFields, NEW_ENDS } from "../../parts/end/fields";
import type { EndErrors, EndValues } from "../../parts/end/values";
import { Check, ChoiceField, SelectField, TextField } from "../../parts/field";
import { text } from "../../text";
import { money } from "../../text/format";

const words = text.launch;

export interface Form {
  template: string;
  name: string;
  region: string;
  size: string;
  architecture: string;
  project: string;
  disk: string;
  keepVolumes: boolean;
  end: EndValues;
}

export interface Offered {
  templates: Schemas["TemplateSummary"][];
  regions: string[];
  sizes: Schemas["SizeView"][];
  projects: string[];
  prices: { in: string; of: string };
}

interface Props {
  form: Form;
  change: (part: Partial<Form>) => void;
  offered: Offered;
  plan?: Schemas["LaunchPlan"];
  problem?: Problem;
  tried: boolean;
  endErrors: EndErrors;
}

export function LaunchForm({ form, change, offered, plan, problem, tried, endErrors }: Props) {
  const { templates, regions, projects } = offered;
  const chosen = templates.find(({ name }) => name === form.template.split("@")[0]);
  const missing = (value: string, words: string) => (tried && !value ? words : undefined);
  const diskWrong = form.disk && !/^\d+$/.test(form.disk) ? words.diskWrong : undefined;
  const taken = problem?.code === "InstanceNameTaken" ? problem.message : undefined;
  return (
    <>
      <TextField label={words.template} mono value={form.template} onValue={(template) => change({ template })} hint={chosen?.description || words.templateHint} error={missing(form.template, words.needsTemplate)} list={templates.map(({ name }) => name)} />
      <TextField label={words.name} mono value={form.name} onValue={(name) => change({ name })} hint={words.nameHint} error={taken ?? missing(form.name, words.needsName)} />
      <ChoiceField label={words.size} value={form.size} onValue={(size) => change({ size })} options={sizesOf(offered.sizes, form.architecture || plan?.architecture)} />
      <SelectField label={words.region} value={form.region} onValue={(region) => change({ region })} options={regions.map((name) => [name, name] as const)} />
      {projects.length > 0 && <SelectField label={words.project} value={form.project} onValue={(project) => change({ project })} options={[["", words.noProject], ...projects.map((name) => [name, name] as const)]} />}
      <EndFields values={form.end} errors={tried ? endErrors : {}} change={(end) => change({ end: { ...form.end, ...end } })} ways={NEW_ENDS} />
      <details class="more">
        <summary>{words.more}</summary>
        <div class="l-form">
          <SelectField label={words.architecture} value={form.architecture} onValue={(architecture) => change({ architecture })} options={[["", words.asTemplate], ["x86_64", words.x86], ["arm64", words.arm]]} />
          <TextField label={words.diskSize} value={form.disk} onValue={(disk) => change({ disk })} hint={words.diskHint} error={diskWrong} />
          <Check checked={form.keepVolumes} onChecked={(keepVolumes) => change({ keepVolumes })}>{words.keepVolumes}</Check>
        </div>
      </details>
    </>
  );
}

/** The sizes with what they have and cost, beside the choice. */
export function sizesOf(sizes: Offered["sizes"], architecture = "x86_64") {
  const each = sizes.flatMap(({ size, types }) => {
    const type = types.find((one) => one.architecture === architecture);
    if (!type?.allowed) return [];
    const what = words.has(type.vcpus, type.memory_gib, type.gpu ?? "");
    return [{ value: size as string, shown: <>{size}<span class="sub">{type.instance_type} · {what}</span></>, end: text.anHour(money(type.usd_per_hour)) }];
  });
  return [{ value: "", shown: <>{words.asTemplate}<span class="sub">{words.asTemplateWhy}</span></> }, ...each];
}
