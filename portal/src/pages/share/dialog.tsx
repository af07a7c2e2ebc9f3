// Shares a template: with whom at the left, and at the right what the dry run says they would see.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { me } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Dialog, Send } from "../../parts/dialog";
import { Check, ChoiceField, TextField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Name } from "../../parts/name";
import { Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { ShownFiles, usePlan, Warnings } from "../../parts/plan";
import { PlanSide } from "../../parts/plan-side";
import { toast } from "../../parts/toast";
import { useUsers } from "../../parts/users";
import { text } from "../../text";
import type { Template } from "../template/data";
import { spoken } from "./grantee";

type Plan = Schemas["SharePlan"];
type Kind = "user" | "project" | "colleagues" | "account" | "organization" | "public";

const KINDS: Kind[] = ["user", "project", "colleagues", "account", "organization", "public"];
const named = (kind: Kind) => kind !== "colleagues" && kind !== "public";

export function ShareDialog({ template, onClose, onDone }: { template: Template; onClose: () => void; onDone: () => void }) {
  const { name } = template;
  const kind = useSignal<Kind>("user");
  const who = useSignal("");
  const snapshots = useSignal(false);
  const consent = useSignal(false);
  const missing = useSignal(false);
  const acting = useAct(onClose);
  const to = named(kind.value) ? (who.value.trim() ? `${kind.value}:${who.value.trim()}` : "") : kind.value;
  const body = { to, publish_sensitive: consent.value || undefined, with_snapshots: (kind.value === "account" && snapshots.value) || undefined };
  const planning = usePlan(to ? body : undefined, async (body, signal) => {
    const planned = await ask(api.POST("/v1/templates/{name}/shares", { params: { path: { name }, query: { dry_run: true } }, body, signal }));
    return (planned as Schemas["Planned_SharePlan"]).plan;
  });
  const ready = Boolean(planning.plan) && !planning.stale && !planning.problem;
  // A consent is for those whom it was given for.
  const choose = (next: Kind, name: string) => {
    kind.value = next;
    who.value = name;
    consent.value = false;
    missing.value = false;
  };
  const press = async (event: Event) => {
    event.preventDefault();
    missing.value = !to;
    const form = event.currentTarget as HTMLFormElement;
    if (!to) return form.querySelector<HTMLElement>("input:not([type=radio])")?.focus();
    // The consent is asked for beside the form.
    if (!ready) return document.querySelector<HTMLElement>("dialog[open] .dialog-plan input")?.focus();
    const shared = await acting.run(() => ask(api.POST("/v1/templates/{name}/shares", { params: { path: { name } }, body })));
    if (!shared) return;
    toast(text.share.done(name, spoken(to)));
    onClose();
    onDone();
  };
  const foot = (
    <>
      <p>{text.plan.untouched}</p>
      <Send form="f-share" act={acting}>{to ? text.share.label(name, spoken(to)) : text.share.labelNobody(name)}</Send>
    </>
  );
  const side = <PlanSide planning={planning} missing={to ? undefined : text.share.choose} failed={acting.problem} consent={consent.value} onConsent={(given) => { consent.value = given; }}>{(plan) => <ShareFacts plan={plan} />}</PlanSide>;
  return (
    <Dialog title={<>{text.share.dialog} <Name>{name}</Name></>} foot={foot} plan={side} onClose={acting.leave}>
      <form id="f-share" class="l-stack" onSubmit={(event) => void press(event)}>
        <ChoiceField label={text.share.whom} value={kind.value} onValue={(value) => choose(value as Kind, "")} options={KINDS.map((value) => ({ value, shown: <KindOf kind={value} project={template.project ?? ""} /> }))} />
        {named(kind.value) && <Who kind={kind.value} value={who.value} onValue={(value) => choose(kind.value, value)} error={missing.value ? text.share.missing[kind.value as "user"] : undefined} />}
        {kind.value === "account" && <Check checked={snapshots.value} onChecked={(value) => { snapshots.value = value; }}>{text.share.withSnapshots}</Check>}
      </form>
    </Dialog>
  );
}

/** A kind of grantee, and who that is; what "everybody" means is a setting of the deployment. */
function KindOf({ kind, project }: { kind: Kind; project: string }) {
  const scope = useOnce("scope", async () => (await me()).public_scope);
  const hint = kind === "public" ? scope.data && text.share.publicIs[scope.data] : text.share.kindHints[kind](project);
  return <>{text.share.kinds[kind]} <span class="quiet">{hint}</span></>;
}

function Who({ kind, value, onValue, error }: { kind: Kind; value: string; onValue: (value: string) => void; error?: string }) {
  const users = useUsers(kind === "user" ? value : "");
  const projects = useOnce(`projects:${kind === "project"}`, async (signal) =>
    (kind === "project" ? all((cursor) => api.GET("/v1/projects", { params: { query: { cursor, limit: 100 } }, signal })) : []));
  const list = kind === "user" ? users : (projects.data ?? []).map(({ project }) => project.name);
  return <TextField label={text.share.who[kind as "user"]} hint={text.share.whoHint[kind as "user"]} error={error} value={value} onValue={onValue} mono list={list} />;
}

function ShareFacts({ plan }: { plan: Plan }) {
  const images = Object.values(plan.images).flat().length;
  if (plan.repeated) return <Note tone="ok"><p>{text.share.repeated(spoken(plan.to))}</p></Note>;
  return (
    <>
      <div>
        <span class="figure-label">{text.share.publishes(spoken(plan.to))}</span>
        <ul class="marks">
          <li><Icon name="group" /><span>{text.share.see}</span></li>
          <li><Icon name={images > 0 ? "warn" : "lock"} /><span>{images > 0 ? text.share.opens(images, Object.keys(plan.images).length) : text.share.opensNone}</span></li>
          {plan.launch_only && <li><Icon name="info" /><span>{text.share.launchOnly}</span></li>}
          <li><Icon name="warn" /><span>{text.share.disk}</span></li>
        </ul>
      </div>
      {(plan.shows?.length ?? 0) > 0 && <div><span class="figure-label">{text.share.shows}</span><ShownFiles files={plan.shows ?? []} /></div>}
      <Warnings warnings={plan.warnings} />
    </>
  );
}
