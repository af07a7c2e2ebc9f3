// What needs somebody: why a save failed, what keeps an instance down, and the steps out of it.
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Note, ProblemNote } from "../../parts/note";
import { toast } from "../../parts/toast";
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
  const act = useAct();
  const recover = () => act.run(async () => {
    await ask(api.POST("/v1/saves/{id}/recover", { params: { path: { id: save.save_id } } }));
    toast(words.recovering);
    again();
  });
  return (
    <>
      <Note acts={<Button kind="primary" busy={act.busy} onPress={() => void recover()}>{words.recover}</Button>}><p>{words.recoverWhy}</p></Note>
      {act.problem && <ProblemNote problem={act.problem} />}
    </>
  );
}
