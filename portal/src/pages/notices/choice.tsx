// The events that the reader is notified of. They are one list: a change replaces it.
import { useSignal } from "@preact/signals";
import type { Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Check } from "../../parts/field";
import { Note, ProblemNote } from "../../parts/note";
import { toast } from "../../parts/toast";
import { text } from "../../text";
import { type Change, current, type Header, nameOf, type View } from "./data";

type Event = Schemas["NoticeEvent"];

const words = text.notices.choice;
const keyOf = (events: Event[]) => [...events].sort().join();

/** What was ticked, and what the list was when that began. */
interface Draft {
  on: Event[];
  from: string;
}

export function Choice({ view, change }: { view: View; change: Change }) {
  const draft = useSignal<Draft | undefined>(undefined);
  const elsewhere = useSignal<Event[] | undefined>(undefined);
  const acting = useAct();
  const on = draft.value?.on ?? view.on;
  const tick = (event: Event, wanted: boolean) => {
    const others = on.filter((one) => one !== event);
    draft.value = { on: wanted ? [...others, event] : others, from: draft.value?.from ?? keyOf(view.on) };
  };
  const set = async (body: Schemas["NotifyRequest"], done: string, header?: Header) => {
    await change(body, header);
    draft.value = elsewhere.value = undefined;
    toast(done);
  };
  // The list replaces the one that was read: the page looks before whether that is still the one.
  const save = async () => {
    const mine = draft.value;
    if (!mine) return toast(words.saved);
    const { view: { on: now }, header } = await current();
    if (keyOf(now) === mine.from) return set({ on: mine.on }, words.saved, header);
    draft.value = { ...mine, from: keyOf(now) };
    elsewhere.value = now;
  };
  const foot = (
    <>
      <span>{words.all}</span>
      <div class="l-row">
        <Button busy={acting.busy} onPress={() => void acting.run(() => set({ defaults: true }, words.isReset))}>{words.reset}</Button>
        <Button kind="primary" busy={acting.busy} onPress={() => void acting.run(save)}>{words.save}</Button>
      </div>
    </>
  );
  return (
    <Card title={words.title} end={view.defaults && !draft.value && <Badge>{words.defaults}</Badge>} foot={foot}>
      <div class="l-grid is-6-6">{Object.values(text.notices.groups).map(([legend, events]) => (
        <fieldset class="field" key={legend}>
          <legend>{legend}</legend>
          {(Object.keys(events) as Event[]).map((event) => <Check key={event} checked={on.includes(event)} onChecked={(wanted) => tick(event, wanted)}>{nameOf(event)}</Check>)}
        </fieldset>
      ))}</div>
      {elsewhere.value && <Note tone="warn" alert><p>{words.elsewhere(elsewhere.value.map(nameOf).join(", ") || words.none)}</p></Note>}
      {acting.problem && <ProblemNote problem={acting.problem} />}
    </Card>
  );
}
