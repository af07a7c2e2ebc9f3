// Joins a project with the code of a join link: typed, or from the fragment of the address, which no server sees.
import { useLayoutEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask, type Schemas } from "../../api/client";
import { me } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Card, Head } from "../../parts/card";
import { Fact } from "../../parts/end/shown";
import { TextField } from "../../parts/field";
import { Name } from "../../parts/name";
import { Note, ProblemNote } from "../../parts/note";
import { at } from "../../parts/place";
import { toast } from "../../parts/toast";
import { who } from "../../sign-in";
import { text } from "../../text";
import { moment } from "../../text/format";

type Plan = Schemas["JoinPlan"];

const words = text.join;

export function Join() {
  const { route } = useLocation();
  const code = useSignal("");
  const tried = useSignal(false);
  const plan = useSignal<Plan | undefined>(undefined);
  const acting = useAct();
  const change = (now: string) => {
    code.value = now;
    plan.value = undefined;
    acting.clear();
  };
  const look = () => acting.run(async () => {
    const body = { code: code.value.trim() };
    const planned = await ask(api.POST("/v1/join", { params: { query: { dry_run: true } }, body }));
    // Another code may have been typed in the meantime.
    if (code.value.trim() === body.code) plan.value = (planned as Schemas["Planned_JoinPlan"]).plan;
  });
  useLayoutEffect(() => {
    const take = () => {
      const found = takeCode();
      if (!found) return;
      change(found);
      void look();
    };
    take();
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  const value = code.value.trim();
  const join = () => acting.run(async () => {
    const { project, role } = (await ask(api.POST("/v1/join", { body: { code: value } }))) as Schemas["ProjectView"];
    me.forget();
    toast(words.done(project.name, text.roles[role]));
    route(at("projects", project.name));
  });
  // Never by itself: whoever follows a link has not said yet that they want to join.
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (!value) return (event.currentTarget as HTMLFormElement).querySelector("input")?.focus();
    await (plan.value ? join() : look());
  };
  const user = who.value.state === "in" ? who.value.user : "";
  return (
    <>
      <Head title={words.title} crumb={<a href="/projects">{text.projects.title}</a>} lede={words.lede} />
      <Card title={words.label} foot={<><span dir="auto">{user && words.as(user)}</span><Button large kind="primary" form="f-join" busy={acting.busy}>{plan.value ? words.submit : words.look}</Button></>}>
        <form id="f-join" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
          <TextField label={words.label} mono hint={words.hint} error={tried.value && !value ? words.missing : undefined} value={code.value} onValue={change} />
          <div role="status">{plan.value && <Planned plan={plan.value} />}</div>
          {acting.problem && <ProblemNote problem={acting.problem} />}
        </form>
      </Card>
    </>
  );
}

/** What the code gives. */
function Planned({ plan }: { plan: Plan }) {
  return (
    <>
      {plan.joined && <Note><p>{words.present(plan.project)}</p></Note>}
      <dl class="facts">
        <Fact name={text.projects.name}><Name>{plan.project}</Name>{plan.description && <span class="sub" dir="auto">{plan.description}</span>}</Fact>
        <Fact name={text.projects.role}>{text.roles[plan.role]}</Fact>
        {plan.group && <Fact name={text.groups.group}><Name>{plan.group}</Name></Fact>}
        <Fact name={words.madeBy}><Name mono={false}>{plan.created_by}</Name></Fact>
        <Fact name={words.invitedBy}><Name mono={false}>{plan.invited_by}</Name></Fact>
        <Fact name={text.links.until}>{moment(plan.until)}</Fact>
      </dl>
    </>
  );
}

/** Takes the code out of the address, so that neither the history nor a copied URL has it. */
function takeCode(): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("code");
  if (found) history.replaceState(null, "", location.pathname + location.search);
  return found ?? "";
}
