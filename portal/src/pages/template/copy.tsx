// Copies a version to further Regions: the dry run says how much is copied and what it costs.
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { all, api, ask, once, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Cancel, Dialog } from "../../parts/dialog";
import { Check } from "../../parts/field";
import { Name } from "../../parts/name";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { usePlan, Warnings } from "../../parts/plan";
import { PlanSide } from "../../parts/plan-side";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { bytes, money } from "../../text/format";
import type { Template, Version } from "./data";

type Plan = Schemas["CopyPlan"];

export function CopyDialog({ template, version, onClose, onDone }: { template: Template; version: Version; onClose: () => void; onDone: () => void }) {
  const { name } = template;
  const { number } = version;
  const path = { name, version: number };
  const { route } = useLocation();
  const chosen = useSignal<string[]>([]);
  const consent = useSignal(false);
  const acting = useAct(onClose);
  const regions = useOnce("regions", (signal) => all((cursor) => api.GET("/v1/regions", { params: { query: { cursor, limit: 100 } }, signal })));
  const body = { regions: chosen.value, publish_sensitive: consent.value || undefined };
  const planning = usePlan(chosen.value.length > 0 ? body : undefined, async (body, signal) => {
    const planned = await ask(api.POST("/v1/templates/{name}/versions/{version}/copies", { params: { path, query: { dry_run: true } }, body, signal }));
    return (planned as Schemas["Planned_CopyPlan"]).plan;
  });
  const ready = Boolean(planning.plan) && !planning.stale && !planning.problem;
  const press = () => {
    if (!ready) return document.querySelector<HTMLElement>("dialog[open] .dialog-form input")?.focus();
    return void acting.run(async () => {
      const started = await ask(api.POST("/v1/templates/{name}/versions/{version}/copies", { params: { path, header: once() }, body }));
      toast(text.copy.done(`${name}@${number}`));
      onDone();
      route(at("saves", (started as Schemas["Started"]).save_id));
    });
  };
  const pick = (region: string, wanted: boolean) => { chosen.value = wanted ? [...chosen.value, region] : chosen.value.filter((one) => one !== region); };
  const foot = (
    <>
      <p>{text.plan.untouched}</p>
      <Cancel leave={acting.leave} />
      <Button large kind="primary" busy={acting.busy} onPress={press}>{text.copy.label(`${name}@${number}`)}</Button>
    </>
  );
  const side = <PlanSide planning={planning} missing={chosen.value.length > 0 ? undefined : text.copy.choose} failed={acting.problem} consent={consent.value} onConsent={(given) => { consent.value = given; }}>{(plan) => <CopyFacts plan={plan} />}</PlanSide>;
  return (
    <Dialog title={<>{text.copy.title} <Name>{`${name}@${number}`}</Name></>} foot={foot} plan={side} onClose={acting.leave}>
      <Loaded live={regions}>{(found) => (
        <fieldset class="field"><legend>{text.copy.regions}</legend>
          {found.filter((region) => region.allowed && !version.amis[region.name]).map(({ name: region }) => (
            <Check key={region} checked={chosen.value.includes(region)} onChecked={(wanted) => pick(region, wanted)}>{region}{version.failed_regions[region] && <span class="sub text-warn" dir="auto">{text.copy.failed(version.failed_regions[region])}</span>}</Check>
          ))}
          {found.every((region) => !region.allowed || version.amis[region.name]) && <Note><p>{text.copy.everywhere}</p></Note>}
        </fieldset>
      )}</Loaded>
    </Dialog>
  );
}

function CopyFacts({ plan }: { plan: Plan }) {
  return (
    <>
      <div><span class="figure-label">{text.copy.cost}</span><b>{text.atMost(money(plan.usd_per_month_at_most))}</b><span class="figure-note">{text.copy.amount(bytes(plan.bytes), plan.regions.length)}</span></div>
      <p>{text.copy.stays}</p>
      <Warnings warnings={plan.warnings} />
    </>
  );
}
