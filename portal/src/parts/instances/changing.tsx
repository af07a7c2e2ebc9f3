// Starting, stopping, ending and terminating an instance, each with what it means first; and how to connect to one.
import type { ComponentChildren } from "preact";
import { api, ask } from "../../api/client";
import { useLive } from "../../api/live";
import { text } from "../../text";
import { gib, money } from "../../text/format";
import { Button } from "../button";
import { Confirm } from "../confirm";
import { Dialog } from "../dialog";
import { Name } from "../name";
import { Loaded, Note } from "../note";
import { EndDialog } from "./end";
import { named, start, startCost, stop, terminate, type Instance } from "./state";

const words = text.instances;

export interface Change {
  kind: "start" | "stop" | "terminate" | "connect" | "end";
  one: Instance;
}

const DO = { start, stop, terminate };

export function Changing({ change, close, changed }: { change: Change; close: () => void; changed: () => void }) {
  const { kind, one } = change;
  if (kind === "connect") return <Connect one={one} close={close} />;
  if (kind === "end") return <EndDialog one={one} close={close} changed={changed} />;
  return (
    <Confirm title={<>{words.ask[kind]} <Name>{one.name}</Name></>} sub={`${one.instance_type}, ${one.region}`} label={words.now[kind](one.name)} done={words.changing[kind](one.name)} danger={kind !== "start"} act={() => DO[kind](one)} onClose={close} onDone={changed}>
      {() => (
        <>
          <What kind={kind} one={one} />
          {kind !== "start" && <Volumes one={one} kind={kind} />}
        </>
      )}
    </Confirm>
  );
}

function What({ kind, one }: { kind: "start" | "stop" | "terminate"; one: Instance }): ComponentChildren {
  if (kind === "terminate") return <Note tone="warn"><p><b>{words.forGood}</b> {words.saveFirst}</p></Note>;
  return <p>{kind === "stop" ? words.stopWhat : startCost(one)}</p>;
}

/** What happens to the disks, and what they cost: known to EC2 alone, so it is read when it is asked for. */
function Volumes({ one, kind }: { one: Instance; kind: "stop" | "terminate" }) {
  const volumes = useLive(`volumes ${one.id}`, (signal) => ask(api.GET("/v1/instances/{name}/volumes", { ...named(one), signal })), () => 60_000);
  return (
    <Loaded live={volumes}>{({ volumes: found }) => (
      <dl class="facts">{found.map((volume) => (
        <div key={volume.id}>
          <dt class="mono">{volume.device}</dt>
          <dd>
            {gib(volume.size_gib)}, {kind === "terminate" && volume.delete_on_termination ? <b>{words.deleted}</b> : words.kept}
            {volume.usd_per_month != null && <span class="sub">{kind === "terminate" && volume.delete_on_termination ? words.freed(money(volume.usd_per_month)) : text.aMonth(money(volume.usd_per_month))}</span>}
          </dd>
        </div>
      ))}</dl>
    )}</Loaded>
  );
}

function Connect({ one, close }: { one: Instance; close: () => void }) {
  const lines = [["shell", `prism connect ${one.id} --region ${one.region}`], ["notebook", `prism open ${one.id} --region ${one.region}`]] as const;
  return (
    <Dialog title={<>{words.connectWith} <Name>{one.name}</Name></>} onClose={close} foot={<Button large onPress={close}>{text.close}</Button>}>
      <p>{words.connectHow}</p>
      <dl class="facts is-stacked">{lines.map(([kind, line]) => (
        <div key={kind}><dt>{words.ways[kind]}</dt><dd><code class="guide-command">{line}</code></dd></div>
      ))}</dl>
      {one.login && <p class="quiet"><small>{words.loginAs(one.login)}</small></p>}
    </Dialog>
  );
}
