// What needs somebody: why a save failed, what keeps an instance down, and the steps out of it.
import { useSignal } from "@preact/signals";
import { api, ask, type Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { named, startCost } from "../../parts/instances/state";
import { Name } from "../../parts/name";
import { Note } from "../../parts/note";
import { text } from "../../text";
import { moment } from "../../text/format";

const words = text.save;

export function Troubles({ save, again }: { save: Schemas["SaveView"]; again: () => void }) {
  const { failure, guide, trouble, turn, leftovers } = save;
  const waits = save.state === "running" && save.step === "WaitForTurn" && turn;
  return (
    <>
      {waits && <Note><p>{words.waits(moment(turn.at))}</p></Note>}
      {trouble && <Note tone="bad" alert><p><b>{words.cannotStart}</b> {trouble.message}</p></Note>}
      {failure && (
        <Note tone={save.state === "cancelled" ? "" : "bad"}>
          <p><b>{failure.message}</b> {failure.hint}</p>
          <details class="note-details"><summary>{text.problem.details}</summary>
            <dl class="facts"><div><dt>{text.problem.code}</dt><dd class="mono">{failure.code}</dd></div><div><dt>{words.step}</dt><dd class="mono">{failure.step}</dd></div></dl>
          </details>
        </Note>
      )}
      {guide && <GuideNote guide={guide} />}
      {save.state === "stranded" && <Recover save={save} again={again} />}
      {leftovers && <Note tone="warn"><p><b>{words.leftovers}</b> {leftovers}</p></Note>}
    </>
  );
}

function GuideNote({ guide }: { guide: Schemas["Guide"] }) {
  return (
    <Note tone="warn">
      <p><b>{guide.happened}</b></p>
      <ol class="guide">{guide.steps.map((step) => (
        <li key={step.text}>{step.text}{step.command && <code class="guide-command">{step.command}</code>}</li>
      ))}</ol>
    </Note>
  );
}

function Recover({ save, again }: { save: Schemas["SaveView"]; again: () => void }) {
  const asks = useSignal(false);
  const name = save.plan?.instance.name ?? save.request.instance;
  // Only for its price: a start does not wait for EC2 to describe the instance, and whoever manages the save's project
  // need not see it.
  const plan = () => ask(api.GET("/v1/instances/{name}", named({ id: save.plan?.instance.id ?? name, region: save.request.region }))).catch(() => null);
  const act = () => ask(api.POST("/v1/saves/{id}/recover", { params: { path: { id: save.save_id } } }));
  return (
    <>
      <Note acts={<Button kind="primary" onPress={() => { asks.value = true; }}>{words.recover}</Button>}><p>{words.recoverWhy}</p></Note>
      {asks.value && (
        <Confirm title={<>{words.recoverOf} <Name>{name}</Name></>} plan={plan} label={text.instances.now.start(name)} done={words.recovering} act={act} onClose={() => { asks.value = false; }} onDone={again}>
          {(instance) => <ul class="marks is-list"><li>{words.recoverWhat}</li>{instance && <li>{startCost(instance)}</li>}</ul>}
        </Confirm>
      )}
    </>
  );
}
