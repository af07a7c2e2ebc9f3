// The ways in which notices reach the reader, what became of the last ones, and a test.
import type { Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { moment } from "../../text/format";
import { deliveries, fate, nameOf, type Sent, type View, type Way } from "./data";
import type { What } from "./doing";

const words = text.notices;
const WAYS: Way[] = ["email", "webhook", "desktop"];

interface Props {
  view: View;
  sent: Sent | undefined;
  begin: (what: What) => void;
  test: () => Promise<void>;
}

export function Ways({ view, sent, begin, test }: Props) {
  const testing = useAct();
  const columns: Column<Way>[] = [
    { label: words.way, cell: (way) => <>{words.ways[way]}<Where view={view} way={way} /></> },
    { label: words.delivered, num: true, cell: (way) => lastOf(deliveries(view, way)) },
    { label: words.givenUp, row: true, cell: (way) => givenUp(deliveries(view, way)) },
    { label: text.actions, acts: true, cell: (way) => <Acts view={view} way={way} begin={begin} /> },
  ];
  const foot = (
    <>
      <div role="status">{sent ? <Outcome sent={sent} view={view} /> : words.test.why}</div>
      <Button busy={testing.busy} onPress={() => void testing.run(test)}>{words.test.send}</Button>
    </>
  );
  return (
    <>
      {testing.problem && <ProblemNote problem={testing.problem} />}
      <Card title={words.how} bare foot={foot}><Table caption={words.how} columns={columns} rows={WAYS} id={(way) => way} /></Card>
    </>
  );
}

const lastOf = (last: Schemas["Deliveries"] | undefined) => last?.delivered_at && moment(last.delivered_at);

/** Where a way leads, and its state. */
function Where({ view: { email, webhook, desktop }, way }: { view: View; way: Way }) {
  const one = { email: { to: email?.address, until: email?.code_expires_at }, webhook: { to: webhook?.url, until: webhook?.former_secret_until }, desktop: { to: desktop ? "" : undefined, until: "" } }[way];
  const isOpen = way === "email" && email?.confirmed === false;
  return (
    <>
      {one.to && <span class="sub"><Name>{one.to}</Name></span>}
      <div>{isOpen ? <Badge icon="wait" tone="warn">{words.unconfirmed}</Badge> : one.to === undefined ? <Badge icon="idle">{words.off}</Badge> : <Badge icon="done" tone="ok">{words.on}</Badge>}</div>
      {one.until && <span class="sub">{(isOpen ? words.codeUntil : words.formerUntil)(moment(one.until))}</span>}
    </>
  );
}

/** No element if there is nothing: its cell is left out where rows are stacked. */
function givenUp(last: Schemas["Deliveries"] | undefined) {
  const failure = last?.failure;
  return failure && <>{nameOf(failure.event)}, {moment(failure.at)}<span class="sub" dir="auto">{failure.reason}</span></>;
}

/** The first button stays the same one when a way is set: the focus returns to it. */
function Acts({ view, way, begin }: { view: View; way: Way; begin: (what: What) => void }) {
  const act = (name: keyof typeof words.acts, what: What) => <Button kind="quiet" label={words.actOf(words.ways[way], words.acts[name])} onPress={() => begin(what)}>{words.acts[name]}</Button>;
  if (way === "desktop") return view.desktop ? act("turnOff", "off-desktop") : act("turnOn", "desktop");
  return (
    <>
      {act(view[way] ? "change" : "set", way)}
      {way === "email" && view.email && !view.email.confirmed && act("confirm", "confirm")}
      {way === "webhook" && view.webhook && act("rotate", "rotate")}
      {view[way] && act("remove", `off-${way}`)}
    </>
  );
}

function Outcome({ sent, view }: { sent: Sent; view: View }) {
  return (
    <>
      {sent.ways.map((way) => {
        const came = fate(sent, view, way);
        const name = words.ways[way];
        if (!came) return <p key={way}>{words.test.waits(name)}</p>;
        return "reason" in came
          ? <p key={way} class="text-bad" dir="auto">{words.test.failed(name, came.reason)}</p>
          : <p key={way} class="text-ok">{words.test.arrived(name, moment(came.deliveredAt))}</p>;
      })}
      <p class="quiet"><small>{words.test.id(sent.id)}</small></p>
    </>
  );
}
