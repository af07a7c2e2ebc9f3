// Instances as a table: what each is, what it costs, and what can be done with it.
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { serverNow } from "../../api/clock";
import { text } from "../../text";
import { moment, money, when } from "../../text/format";
import { InstanceBadge } from "../badge";
import { Button } from "../button";
import { EndState } from "../end/shown";
import { Menu } from "../menu";
import { Name } from "../name";
import { Table, type Column } from "../table";
import { Icon } from "../icon";
import { Changing, type Change } from "./changing";
import { isOn, perHour, rateOf, tells, type Instance } from "./state";

const words = text.instances;

interface Props {
  items: Instance[];
  /** Called when something was changed. */
  changed: () => void;
}

export function InstanceTable({ items, changed }: Props) {
  const [change, setChange] = useState<Change | undefined>();
  const now = serverNow();
  const ends: Column<Instance> = { label: text.ends.title, cell: (one) => (one.end && tells(one) ? <EndState end={one.end} now={now} /> : "") };
  const columns: Column<Instance>[] = [
    { label: words.instance, cell: (one) => <><Name>{one.name}</Name><span class="sub">{[one.template, one.region].filter(Boolean).join(" · ")}</span><span class="sub">{one.instance_type}{one.public_ip && <> · <span class="mono">{one.public_ip}</span></>}</span></> },
    { label: words.state, cell: (one) => <State one={one} /> },
    { label: words.thisMonth, cell: (one) => <Cost one={one} /> },
    // Only if it says something.
    ...(items.some(tells) ? [ends] : []),
    { label: text.actions, acts: true, cell: (one) => <Acts one={one} choose={(kind) => setChange({ kind, one })} /> },
  ];
  const cost = perHour(items);
  const total = [words.count(items.length), cost ? words.allCost(money(cost)) : ""].filter(Boolean).join(" · ");
  return (
    <>
      <Table class="is-3" caption={words.title} columns={columns} rows={items} id={(one) => one.id} sums={[total]} />
      {change && <Changing change={change} close={() => setChange(undefined)} changed={changed} />}
    </>
  );
}

/** What it has cost this month, and what it costs as it is. */
function Cost({ one }: { one: Instance }) {
  const { spending } = one;
  const isMore = spending != null && spending.unpriced_hours + spending.unmeasured_hours > 0;
  const rate = rateOf(one);
  const hourly = rate === undefined ? words.priceUnknown : isOn(one) ? text.anHour(money(rate)) : words.diskOnly(money(rate));
  return (
    <>
      {spending ? (isMore ? words.atLeast : words.soFar)(money(spending.usd)) : <span class="quiet">{text.unknown}</span>}
      {rate !== 0 && <span class="sub">{hourly}</span>}
    </>
  );
}

/** EC2's codes for what the user asked for explain nothing. */
const ASKED = /^Client\.(UserInitiated|InstanceInitiatedShutdown)/;

function State({ one }: { one: Instance }) {
  return (
    <>
      <InstanceBadge state={one.state} saving={one.save_id != null} />
      {one.setup && <span class={one.setup.failure ? "sub text-warn" : "sub"}>{words.setup[one.setup.state]}{one.setup.failure && `: ${one.setup.failure}`}</span>}
      {isOn(one) && <span class="sub">{words.since(when(one.launched_at))}</span>}
      {one.save_id && <a class="sub" href={`/saves/${one.save_id}`}>{words.saving}</a>}
      {one.state_reason && one.state !== "running" && !ASKED.test(one.state_reason) && <span class="sub">{one.state_reason}</span>}
    </>
  );
}

function Acts({ one, choose }: { one: Instance; choose: (kind: Change["kind"]) => void }) {
  const { path } = useLocation();
  const gone = one.state === "terminated" || one.state === "shutting-down";
  if (gone) return <span class="quiet">{words.gone}</span>;
  const held = one.save_id != null;
  const save = `${path}?${new URLSearchParams({ save: `${one.region}/${one.id}` })}`;
  const canSave = !held && (one.state === "running" || one.state === "stopped");
  return (
    <>
      {one.state === "stopped"
        ? <Button kind="quiet" disabled={held} label={words.startOf(one.name)} onPress={() => choose("start")}>{words.start}</Button>
        : <Button kind="quiet" disabled={one.state !== "running"} label={words.connectTo(one.name)} onPress={() => choose("connect")}>{words.connect}</Button>}
      {canSave
        ? <a class="button is-quiet" href={save} aria-label={words.saveOf(one.name)}>{words.save}</a>
        : <Button kind="quiet" disabled label={words.saveOf(one.name)}>{words.save}</Button>}
      <Menu label={words.moreOf(one.name)} face={<Icon name="more" />} class="button is-quiet is-icon">
        {one.state === "running" && <button class="menu-item" type="button" disabled={held} onClick={() => choose("stop")}>{words.stop}</button>}
        <button class="menu-item" type="button" onClick={() => choose("end")}>{words.end}</button>
        <button class="menu-item" type="button" disabled={held} onClick={() => choose("terminate")}>{words.terminate}</button>
        <p class="menu-text quiet"><small class="mono">{one.id}</small><span class="sub">{words.launchedAt(moment(one.launched_at))}</span></p>
      </Menu>
    </>
  );
}
