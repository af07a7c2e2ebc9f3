// The lines of the tables of costs: what versions and what instances cost, by name.
import type { Schemas } from "../../api/client";
import { text } from "../../text";

type Costs = Schemas["ProjectCosts"];
export interface Line { name: string; sub?: string; usd: number; compute: number; frees?: number }

/** By template; what is left is for templates that the reader may not see, or for instances that are not told apart. */
export function linesByTemplate(costs: Costs, manages: boolean): Line[] {
  const saved = costs.templates.map((one) => ({
    name: one.template,
    sub: text.costs.versionsOf(one.versions.length, one.owner),
    usd: one.usd_per_month,
    frees: one.versions.reduce((sum, version) => sum + version.frees_at_least_usd, 0),
  }));
  const sub = manages || costs.compute?.incomplete ? undefined : text.costs.unseenWhy;
  return withRest(merged(saved, costs.compute?.templates), costs, { sub, usd: costs.unseen_usd_per_month ?? 0 });
}

export function linesByPerson(costs: Costs): Line[] {
  const saved = (costs.people ?? []).map((one) => ({ name: one.user, sub: text.costs.saved(one.versions), usd: one.usd_per_month }));
  const lines = merged(saved, costs.compute?.people);
  return costs.compute?.incomplete ? withRest(lines, costs, { usd: 0 }) : lines;
}

export const both = (line: Line) => line.usd + line.compute;

/** What versions and what instances cost, by name, the dearest first. */
function merged(saved: Omit<Line, "compute">[], spent: Schemas["SpendingOf"][] = []): Line[] {
  const lines = new Map(saved.map((one): [string, Line] => [one.name, { ...one, compute: 0 }]));
  for (const { name, spending } of spent) lines.set(name, { name, usd: 0, ...lines.get(name), compute: spending.usd });
  return [...lines.values()].sort((a, b) => both(b) - both(a));
}

/** The lines, and at the end what is left of all instances. */
function withRest(lines: Line[], costs: Costs, left: Pick<Line, "sub" | "usd">): Line[] {
  const rest: Line = { name: "", ...left, compute: (costs.compute?.total.usd ?? 0) - lines.reduce((sum, line) => sum + line.compute, 0) };
  // Less than a cent is what rounding leaves.
  return both(rest) < 0.01 ? lines : [...lines, rest];
}
