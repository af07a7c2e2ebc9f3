// Saving an instance: what to call it, and beside it what the save will do, cost and show, before anything is touched.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { all, api, ask, type Problem, type Schemas } from "../../api/client";
import { noteBegun } from "../../api/begun";
import { useLive } from "../../api/live";
import { repeatable } from "../../api/repeat";
import { me, regions } from "../../api/shared";
import { text } from "../../text";
import { useAct } from "../act";
import { Button } from "../button";
import { Cancel, Dialog } from "../dialog";
import { Name } from "../name";
import { Loaded, ProblemNote } from "../note";
import { usePlan } from "../plan";
import { toast } from "../toast";
import { type Form, SaveForm } from "./form";
import { SavePlan } from "./plan";

const words = text.saving;
const NEVER_MS = 3_600_000;
const EMPTY: Form = { template: "", description: "", how: "stop", copyTo: [], without: [], project: "", isPublic: false, keepsLatest: false, consents: false, moves: false, loses: "" };

/** The dialog that the query `?save=REGION/INSTANCE` opens, over whatever page. */
export function SaveDialog() {
  const { query, path, route } = useLocation();
  const [region, id] = (query.save ?? "").split("/");
  if (!region || !id) return null;
  return <Saving key={`${region}/${id}`} region={region} id={id} close={() => route(path, true)} />;
}

interface Choices {
  instance: Schemas["InstanceView"];
  regions: string[];
  projects: string[];
  templates: Schemas["TemplateSummary"][];
}

async function choices(region: string, id: string, signal: AbortSignal): Promise<Choices> {
  const path = { params: { path: { name: id }, query: { region } }, signal };
  const own = all<Schemas["TemplateSummary"]>((cursor) => api.GET("/v1/templates", { params: { query: { mine: true, cursor, limit: 100 } }, signal }));
  const [instance, everywhere, who, templates] = await Promise.all([ask(api.GET("/v1/instances/{name}", path)), regions(), me(), own]);
  const projects = (who.projects ?? []).filter(({ role }) => role !== "viewer").map(({ name }) => name);
  return { instance, regions: everywhere.filter((one) => one !== region), projects, templates };
}

function Saving({ region, id, close }: { region: string; id: string; close: () => void }) {
  const found = useLive(`choices ${region} ${id}`, (signal) => choices(region, id, signal), () => NEVER_MS);
  const { route } = useLocation();
  const [form, setForm] = useState<Form>(EMPTY);
  const [tried, setTried] = useState(false);
  const [unclear, setUnclear] = useState(false);
  const act = useAct(close);
  const { instance, templates = [] } = found.data ?? {};
  const change = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
  useEffect(() => {
    // What was launched from a template of one's own most likely becomes its next version.
    const own = templates.find(({ name }) => name === instance?.template?.split("@")[0]);
    if (own) change({ template: own.name });
  }, [instance?.id]);
  const request = instance && form.template ? requested(form, instance, unclear ? instance.id : instance.name) : undefined;
  const planning = usePlan(request, (body, signal) => planned(body, signal).catch((problem: Problem) => {
    if (problem.code === "InstanceNameAmbiguous") setUnclear(true);
    throw problem;
  }));
  const plan = planning.plan;
  // What the other way costs does not depend on what is typed.
  const isSettled = plan !== undefined && !planning.stale && !planning.problem && instance?.state === "running";
  const other = usePlan(isSettled ? { how: form.how === "stop" ? "reboot" as const : "stop" as const, without: form.without } : undefined, ({ how }, signal) => planned({ ...plan!.request, how }, signal));
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    const missing = firstMissing(event.currentTarget as HTMLFormElement, form, plan);
    if (missing) return missing.focus();
    if (!instance || !request || planning.stale || planning.problem) return;
    await act.run(async () => {
      const begun = await repeatable(request, (headers) => ask(api.POST("/v1/saves", { body: request, headers })));
      if (!("save_id" in begun)) throw new Error(words.noPlan);
      noteBegun(begun.save_id);
      if (!begun.repeated) toast(words.begun(instance.name));
      route(`/saves/${begun.save_id}`);
    });
  };
  const target = plan && form.template ? `${plan.request.template}@${plan.next_version}` : form.template;
  return (
    <Dialog
      title={<>{words.title} {instance && <Name>{instance.name}</Name>}</>}
      sub={instance && words.sub(instance.instance_type, instance.region)}
      onClose={act.leave}
      ready={instance !== undefined}
      plan={instance && <SavePlan planning={planning} form={form} change={change} tried={tried} />}
      foot={<>
        <p>{words.untouched}</p>
        <Cancel leave={act.leave} />
        {instance && <Button large kind="primary" form="save-form" busy={act.busy || (planning.stale && form.template !== "")}>{target ? words.saveAs(target) : words.saveIt}</Button>}
      </>}
    >
      <Loaded live={found} what={words.loading}>{(data) => (
        <form id="save-form" class="l-form" noValidate onSubmit={(event) => void submit(event)}>
          <SaveForm form={form} change={change} choices={data} plan={plan} other={other.plan} problem={planning.problem} tried={tried} />
          {act.problem && <ProblemNote problem={act.problem} />}
        </form>
      )}</Loaded>
    </Dialog>
  );
}

function requested(form: Form, instance: Schemas["InstanceView"], name: string): Schemas["SaveRequest"] {
  return {
    instance: name,
    region: instance.region,
    template: form.template,
    description: form.description,
    how: form.how,
    copy_to: form.copyTo,
    exclude_volumes: form.without,
    project: form.project || null,
    public: form.isPublic,
    exclude_from_latest: form.keepsLatest,
    publish_sensitive: form.consents,
    move_template: form.moves,
    accept_instance_store_loss: form.loses || null,
  };
}

async function planned(body: Schemas["SaveRequest"], signal: AbortSignal): Promise<Schemas["SavePlan"]> {
  const answer = await ask(api.POST("/v1/saves", { params: { query: { dry_run: true } }, body, signal }));
  if (!("plan" in answer)) throw new Error(words.noPlan);
  return answer.plan;
}

function firstMissing(place: HTMLFormElement, form: Form, plan: Schemas["SavePlan"] | undefined): HTMLElement | null {
  const dialog = place.closest("dialog") ?? place;
  if (!form.template) return dialog.querySelector("input");
  return plan?.moves && !form.moves ? dialog.querySelector(".dialog-plan input") : null;
}
