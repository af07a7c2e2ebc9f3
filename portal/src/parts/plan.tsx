// A form beside what it will do: the plan is made again after each change, without touching anything.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import { asProblem } from "../api/live";
import type { Schemas } from "../api/client";
import { text } from "../text";
import { Icon } from "./icon";
import { Note } from "./note";
import { Loading } from "./card";

/** A pause in typing, in milliseconds. */
const SETTLED_MS = 350;
/** How long after the server could not be reached it is asked again, in milliseconds. */
const AGAIN_MS = 3000;

export interface Planning<T> {
  plan?: T;
  problem?: Problem;
  /** The plan is not that of the current form. */
  stale: boolean;
}

/** Plans what a form asks for, once it settles. `request` is undefined while the form lacks something. */
export function usePlan<R, T>(request: R | undefined, plan: (request: R, signal: AbortSignal) => Promise<T>): Planning<T> {
  const key = request === undefined ? "" : JSON.stringify(request);
  const made = useSignal<{ key: string; plan?: T; problem?: Problem }>({ key: "" });
  useEffect(() => {
    if (request === undefined) return;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const make = async () => {
      clearTimeout(timer);
      try {
        const found = await plan(request, ended.signal);
        if (!ended.signal.aborted) made.value = { key, plan: found };
      } catch (error) {
        if (ended.signal.aborted) return;
        const problem = asProblem(error);
        made.value = { key, plan: made.value.plan, problem };
        // A network that was lost comes back by itself.
        if (problem.code === "Unreachable") timer = setTimeout(make, AGAIN_MS);
      }
    };
    timer = setTimeout(make, made.value.key ? SETTLED_MS : 0);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [key]);
  const current = made.value.key === key;
  return { plan: made.value.plan, problem: current ? made.value.problem : undefined, stale: !current };
}

/** What is still missing, what is being asked, or what the plan says. */
export function PlanOf<T>({ planning, missing, children }: { planning: Planning<T>; missing?: string; children: (plan: T) => ComponentChildren }) {
  if (missing) return <p class="quiet">{missing}</p>;
  if (planning.plan === undefined) return planning.problem ? null : <Loading what={text.plan.making} />;
  return <>{children(planning.plan)}</>;
}

/** Sentences that name an option of the command line are left out: the form beside offers the same. */
function withoutOptions(warning: string): string {
  return warning.split(/(?<=\.) /).filter((sentence) => !/ --[a-z]/.test(sentence)).join(" ");
}

export function Warnings({ warnings }: { warnings?: Schemas["Warning"][] }) {
  return <>{warnings?.map((warning) => <Note key={warning.code + warning.text} tone="warn"><p dir="auto">{withoutOptions(warning.text)}</p></Note>)}</>;
}

/** Who else gets a version. */
export function VisibleTo({ plan: { visible_to: names = [] } }: { plan: Pick<Schemas["SavePlan"], "visible_to"> }) {
  return names.length > 0 && <div><span class="figure-label">{text.plan.visibleTo}</span><bdi>{names.join(", ")}</bdi></div>;
}

/** Files that would be shown to more people, grouped as the API names them. */
export function ShownFiles({ files }: { files: Schemas["ShownFile"][] }) {
  if (files.length === 0) return null;
  return (
    <ul class="marks">{files.map((file) => (
      <li key={file.path}><Icon name="lock" /><span><bdi class="mono">{file.path}</bdi><span class="sub">{text.consent.file(file.what, file.versions ?? [])}</span></span></li>
    ))}</ul>
  );
}
