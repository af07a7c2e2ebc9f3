// A state: a shape, a word, and a colour, in this order of weight.
import type { Schemas } from "../api/client";
import { text } from "../text";
import { Icon, type IconName } from "./icon";

export type Tone = "ok" | "busy" | "warn" | "bad" | "";

export function Badge({ icon, tone = "", children }: { icon?: IconName; tone?: Tone; children: string }) {
  const kind = `${tone ? `is-${tone}` : ""}${icon ? "" : " is-plain"}`;
  return <span class={`badge ${kind}`}>{icon && <Icon name={icon} />}{children}</span>;
}

const SAVES: Record<Schemas["SaveState"], [IconName, Tone]> = {
  running: ["busy", "busy"],
  succeeded: ["done", "ok"],
  failed: ["bad", "bad"],
  cancelled: ["idle", ""],
  stranded: ["bad", "bad"],
};

export function SaveBadge({ state }: { state: Schemas["SaveState"] }) {
  const [icon, tone] = SAVES[state];
  return <Badge icon={icon} tone={tone}>{text.state[state]}</Badge>;
}

const INSTANCES: Record<Schemas["InstanceState"], [IconName, Tone]> = {
  pending: ["busy", "busy"],
  running: ["ok", "ok"],
  stopping: ["down", ""],
  stopped: ["idle", ""],
  "shutting-down": ["idle", ""],
  terminated: ["idle", ""],
};

/** The state of an instance; one that a save has stopped is "down", and comes back by itself. */
export function InstanceBadge({ state, saving }: { state: Schemas["InstanceState"]; saving?: boolean }) {
  if (saving && (state === "stopping" || state === "stopped" || state === "pending")) {
    return <Badge icon="down" tone="warn">{text.instanceState.down}</Badge>;
  }
  const [icon, tone] = INSTANCES[state];
  return <Badge icon={icon} tone={tone}>{text.instanceState[state]}</Badge>;
}
