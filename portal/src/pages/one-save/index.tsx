// One save: its downtime against the floor, its steps as they happen, what it makes, and what to do if it failed.
import { api, type Schemas } from "../../api/client";
import { justBegun } from "../../api/begun";
import { useWatched } from "../../api/live";
import { Badge, SaveBadge } from "../../parts/badge";
import { Card, Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useNow } from "../../parts/now";
import { timeline, type Timeline } from "../../parts/signal/model";
import { isMe } from "../../sign-in";
import { text } from "../../text";
import { CancelSave } from "./cancel";
import { Hero } from "./hero";
import { Makes } from "./makes";
import { Steps } from "./steps";
import { Troubles } from "./troubles";

type Save = Schemas["SaveView"];
const words = text.save;

export function OneSave({ id }: { id: string }) {
  const save = useWatched(`save ${id}`, ({ signal, headers, wait }) =>
    api.GET("/v1/saves/{id}", { params: { path: { id }, query: { wait } }, headers, signal }));
  const waits = save.data === undefined && save.problem?.status === 404 && justBegun(id);
  return (
    <>
      {save.data === undefined && <Head title={words.title(id)} crumb={<Crumb id={id} />} />}
      <Loaded live={waits ? { again: save.again } : save} what={words.beginning}>{(found) => <Shown save={found} again={save.again} />}</Loaded>
    </>
  );
}

function Crumb({ id }: { id: string }) {
  return <><a href="/saves">{text.saves.title}</a><span aria-hidden="true">/</span><span class="mono">{id}</span></>;
}

function Shown({ save, again }: { save: Save; again: () => void }) {
  const running = save.state === "running";
  const now = useNow(running);
  const line = timeline(save, now);
  return (
    <>
      <Head title={titled(save)} crumb={<Crumb id={save.save_id} />} badge={<State save={save} line={line} />}>
        {running && isMe(save.saved_by) && <CancelSave save={save} done={again} />}
        {save.state === "succeeded" && save.version != null && <a class="button is-primary" href={`/launch?template=${save.request.template}@${save.version}`}>{text.launch.launch(`${save.request.template}@${save.version}`)}</a>}
      </Head>
      <Troubles save={save} again={again} />
      <Hero save={save} line={line} />
      <div class="l-grid is-8-4">
        <Steps save={save} line={line} />
        <div class="l-stack">
          <Makes save={save} />
          {running && <Card title={words.ifFails}><p><small>{save.plan?.instance.original_state === "stopped" ? words.ifFailsStopped : words.ifFailsRunning}</small></p></Card>}
          {save.request.description && <Card title={words.changed}><p><Name mono={false}>{save.request.description}</Name></p></Card>}
        </div>
      </div>
    </>
  );
}

export function titled(save: Save): string {
  if (save.copy_of) return words.copying(`${save.request.template}@${save.copy_of.version}`);
  const version = save.version ?? save.plan?.next_version;
  return words.saving(save.plan?.instance.name ?? save.request.instance, version ? `${save.request.template}@${version}` : save.request.template);
}

function State({ save, line }: { save: Save; line: Timeline }) {
  if (save.state !== "running") return <SaveBadge state={save.state} />;
  const at = line.steps.findIndex((step) => step.state === "now");
  const step = line.steps[at];
  if (!step) return <SaveBadge state={save.state} />;
  return <Badge icon="busy" tone="busy">{words.stepOf(text.steps[step.name] ?? step.name, at + 1, line.steps.length)}</Badge>;
}
