// Deleting a version, or a template with all of its versions: the dry run says what goes, and what still uses it.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { Confirm } from "../../parts/confirm";
import { Check } from "../../parts/field";
import { Name } from "../../parts/name";
import { Note } from "../../parts/note";
import { at } from "../../parts/place";
import { text } from "../../text";
import { money } from "../../text/format";
import { type Template, asItIs } from "./data";

type Plan = Schemas["DeletionPlan"];

type Header = { "If-Match": string };
type Planned = { plan: Plan; header: Header };

interface Props {
  template: Template;
  /** The version; without one, the whole template. */
  version?: number;
  onClose: () => void;
  onDone: () => void;
}

export function DeleteDialog({ template, version, onClose, onDone }: Props) {
  const { name } = template;
  const force = useSignal(false);
  const what = version === undefined ? name : `${name}@${version}`;
  const asked = (query: { dry_run?: boolean; force?: boolean }, header?: Header) =>
    ask(version === undefined
      ? api.DELETE("/v1/templates/{name}", { params: { path: { name }, query, header } })
      : api.DELETE("/v1/templates/{name}/versions/{version}", { params: { path: { name, version }, query, header } }));
  // The header first: a change after it, which the plan may lack, makes the deletion fail.
  const planned = async (): Promise<Planned> => {
    const { header } = await asItIs(name, version);
    return { header, plan: (await asked({ dry_run: true })).plan };
  };
  return (
    <Confirm<Planned>
      title={<>{text.deletion.title} <Name>{what}</Name></>}
      plan={planned}
      prevented={({ plan }) => (used(plan) && !force.value ? text.deletion.used : undefined)}
      act={(_, { plan, header }) => asked({ force: used(plan) || undefined }, header)}
      label={text.deletion.label(what)}
      done={text.deletion.done(what)}
      danger
      onClose={onClose}
      onDone={onDone}
    >
      {({ plan }) => (
        <>
          <DeletionFacts plan={plan} />
          {used(plan) && <Check checked={force.value} onChecked={(value) => { force.value = value; }}>{text.deletion.force}</Check>}
        </>
      )}
    </Confirm>
  );
}

const sum = (lists: Record<string, unknown[]> | undefined) => Object.values(lists ?? {}).reduce((count, list) => count + list.length, 0);

/** What the API asks `force` for. */
const used = (plan: Plan) => sum(plan.instances) + plan.instances_of_others + plan.schedules.length + plan.schedules_of_others + (plan.shares?.length ?? 0) + (plan.shares_of_others ?? 0) + sum(plan.launch_templates) > 0;

function DeletionFacts({ plan }: { plan: Plan }) {
  const uses: ComponentChildren[] = [];
  const add = (count: number, words: string, names?: ComponentChildren) => { if (count > 0) uses.push(<li>{words}{names}</li>); };
  add(sum(plan.instances), text.deletion.instances(sum(plan.instances)), <Names of={Object.values(plan.instances).flat()} />);
  add(plan.instances_of_others, text.deletion.instancesOfOthers(plan.instances_of_others));
  add(plan.schedules.length, text.deletion.schedules(plan.schedules.length), <Names of={plan.schedules} path="schedules" />);
  add(plan.schedules_of_others, text.deletion.schedulesOfOthers(plan.schedules_of_others));
  add(plan.shares?.length ?? 0, text.deletion.shares(plan.shares?.length ?? 0), <Names of={plan.shares ?? []} />);
  add(plan.shares_of_others ?? 0, text.deletion.sharesOfOthers(plan.shares_of_others ?? 0));
  add(sum(plan.launch_templates), text.deletion.launchTemplates(sum(plan.launch_templates)), <Names of={Object.values(plan.launch_templates ?? {}).flat()} />);
  return (
    <>
      <dl class="facts">
        <div><dt>{text.deletion.removes}</dt><dd>{plan.whole ? text.deletion.whole(plan.versions.length) : text.deletion.versions(plan.versions)}, {text.deletion.images(sum(plan.images), Object.keys(plan.images).length)}</dd></div>
        {sum(plan.kept) > 0 && <div><dt>{text.deletion.keeps}</dt><dd>{text.deletion.kept(sum(plan.kept))}</dd></div>}
        {sum(plan.protected) > 0 && <div><dt>{text.deletion.protectedLabel}</dt><dd>{text.deletion.protected(sum(plan.protected))}</dd></div>}
        <div><dt>{text.deletion.frees}</dt><dd>{text.atMost(money(plan.usd_per_month))}</dd></div>
        {!plan.whole && plan.latest != null && <div><dt>{text.deletion.then}</dt><dd>{text.deletion.latest(plan.latest)}</dd></div>}
      </dl>
      <p><b>{text.deletion.forEver}</b></p>
      {uses.length > 0 && <Note tone="warn"><p><b>{text.deletion.inUse}</b></p><ul class="marks is-list">{uses}</ul></Note>}
      {plan.launch_templates_unknown && <Note tone="warn"><p>{text.deletion.unknown} <span dir="auto">{plan.launch_templates_unknown}</span></p></Note>}
    </>
  );
}

function Names({ of, path }: { of: string[]; path?: string }) {
  return <>: {of.map((one, index) => <span key={one}>{index > 0 && ", "}{path ? <a href={at(path, one)}><Name>{one}</Name></a> : <Name>{one}</Name>}</span>)}</>;
}
