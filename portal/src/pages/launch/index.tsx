// Launching an instance: template, name and size, and beside them what it will be and cost.
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { all, api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { useLive } from "../../api/live";
import { repeatable } from "../../api/repeat";
import { config, me, regions } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Card, Head } from "../../parts/card";
import { endErrors, endRequest, endValues } from "../../parts/end/values";
import { toWrong } from "../../parts/field";
import { AddKey } from "../../parts/keys/add";
import { Loaded, ProblemNote } from "../../parts/note";
import { PlanOf, usePlan, type Planning } from "../../parts/plan";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { money } from "../../text/format";
import { type Form, LaunchForm, type Offered } from "./form";
import { LaunchPlan } from "./plan";

const words = text.launch;
const NEVER_MS = 3_600_000;

async function offered(signal: AbortSignal): Promise<Offered> {
  const listed = all<Schemas["TemplateSummary"]>((cursor) => api.GET("/v1/templates", { params: { query: { cursor, limit: 100 } }, signal }));
  const [templates, everywhere, { sizes, prices_in, prices_of }, who] = await Promise.all([listed, regions(), config(), me()]);
  const projects = (who.projects ?? []).filter(({ role }) => role !== "viewer").map(({ name }) => name);
  return { templates: templates.filter(({ state }) => state !== "deleted"), regions: everywhere, sizes, projects, prices: { in: prices_in, of: prices_of } };
}

export function Launch() {
  const found = useLive("offered", offered, () => NEVER_MS);
  return (
    <>
      <Head title={words.title} lede={words.lede} crumb={<a href="/instances">{text.instances.title}</a>} />
      <Loaded live={found}>{(data) => <Filled offered={data} />}</Loaded>
    </>
  );
}

/** Where most people are: the Region of the last launch in this tab, or the first that AWS opened, or any. */
let lastRegion = "us-east-1";

function Filled({ offered }: { offered: Offered }) {
  const { query, route } = useLocation();
  const region = offered.regions.includes(lastRegion) ? lastRegion : (offered.regions[0] ?? lastRegion);
  const [form, setForm] = useState<Form>(() => ({ template: query.template ?? "", name: "", region, size: "", architecture: "", project: "", disk: "", keepVolumes: false, end: { ...endValues(serverNow()), when: "never" } }));
  const [tried, setTried] = useState(false);
  const wrong = endErrors(form.end, serverNow());
  const isWrong = Object.values(wrong).some(Boolean);
  const request = form.template && !isWrong ? requested(form) : undefined;
  const [adding, setAdding] = useState(false);
  const [added, setAdded] = useState(0);
  // A key that was added since changes the plan, and not the request.
  const planning = usePlan(request && { body: { ...request, name: request.name || words.placeholderName }, added }, ({ body }, signal) => planned(body, signal));
  const act = useAct();
  const change = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    const place = event.currentTarget as HTMLFormElement;
    const missing = [form.template, form.name].findIndex((value) => !value);
    if (missing >= 0) return place.querySelectorAll<HTMLInputElement>("input.input")[missing]?.focus();
    if (isWrong) return toWrong(place);
    if (!request || planning.problem || planning.stale) return;
    lastRegion = form.region;
    await act.run(async () => {
      await repeatable(request, (headers) => ask(api.POST("/v1/instances", { body: request, headers })));
      toast(words.launching(form.name));
      route("/instances");
    });
  };
  return (
    <>
      <Card title={words.what} bare class="is-form" foot={<Foot form={form} planning={planning} busy={act.busy || (planning.stale && request !== undefined)} />}>
        <div class="dialog-body">
          <form id="launch-form" class="dialog-form" noValidate onSubmit={(event) => void submit(event)}>
            <LaunchForm form={form} change={change} offered={offered} plan={planning.plan} problem={planning.problem} tried={tried} endErrors={wrong} />
            {act.problem && <ProblemNote problem={act.problem} />}
          </form>
          <div class="dialog-plan" aria-live="polite">
            {planning.problem && <ProblemNote problem={planning.problem} />}
            <PlanOf planning={planning} missing={form.template ? (isWrong ? text.ends.planNeeds : undefined) : words.planNeeds}>{(plan) => <LaunchPlan plan={plan} prices={offered.prices} onAdd={() => setAdding(true)} />}</PlanOf>
          </div>
        </div>
      </Card>
      {adding && <AddKey onClose={() => setAdding(false)} onDone={() => setAdded(added + 1)} />}
    </>
  );
}

function Foot({ form, planning, busy }: { form: Form; planning: Planning<Schemas["LaunchPlan"]>; busy: boolean }) {
  const plan = planning.plan;
  return (
    <>
      <p>{plan?.usd_per_hour != null ? (plan.end ? words.costsUntilEnd : words.costsFrom)(money(plan.usd_per_hour)) : ""}</p>
      <Button large kind="primary" form="launch-form" busy={busy}>{form.template ? words.launch(plan?.template ?? form.template) : words.launchIt}</Button>
    </>
  );
}

function requested(form: Form): Schemas["LaunchRequest"] {
  return {
    template: form.template,
    name: form.name,
    region: form.region,
    size: (form.size || null) as Schemas["Size"] | null,
    architecture: (form.architecture || null) as Schemas["Architecture"] | null,
    project: form.project || null,
    disk_gib: form.disk ? Number(form.disk) : null,
    keep_volumes: form.keepVolumes,
    end: form.end.when === "never" ? null : endRequest(form.end, serverNow()),
  };
}

async function planned(body: Schemas["LaunchRequest"], signal: AbortSignal): Promise<Schemas["LaunchPlan"]> {
  const answer = await ask(api.POST("/v1/instances", { params: { query: { dry_run: true } }, body, signal }));
  return answer.plan;
}
