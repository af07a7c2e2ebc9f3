// Something to know before or after, and what went wrong.
import type { ComponentChildren } from "preact";
import { Problem } from "../api/client";
import type { Live } from "../api/live";
import { isLocal } from "../sign-in";
import { text } from "../text";
import { Loading } from "./card";
import { Icon, type IconName } from "./icon";

export type NoteTone = "" | "ok" | "warn" | "bad";
const ICONS: Record<NoteTone, IconName> = { "": "info", ok: "done", warn: "warn", bad: "bad" };

export function Note({ tone = "", acts, alert, children }: { tone?: NoteTone; acts?: ComponentChildren; alert?: boolean; children: ComponentChildren }) {
  return (
    <div class={`note ${tone && `is-${tone}`}`} role={alert ? "alert" : undefined}>
      <Icon name={ICONS[tone]} />
      <div>{children}{acts && <div class="note-acts">{acts}</div>}</div>
    </div>
  );
}

/** A refusal or a failure: what happened, what to do, and the request ID to pass on. */
export function ProblemNote({ problem, again }: { problem: Problem; again?: () => void }) {
  const gone = problem.code === "Unreachable";
  return (
    <Note tone="bad" alert acts={again && <button class="button" type="button" onClick={again}>{text.problem.again}</button>}>
      <p><b>{gone ? text.problem.unreachable : problem.message}</b>{problem.hint && ` ${problem.hint}`}</p>
      {gone && isLocal() && <p>{text.problem.local(location.port)}</p>}
      <details class="note-details">
        <summary>{text.problem.details}</summary>
        <dl class="facts">
          <div><dt>{text.problem.code}</dt><dd class="mono">{problem.code}</dd></div>
          {problem.requestId && <div><dt>{text.problem.requestId}</dt><dd class="mono">{problem.requestId}</dd></div>}
          {gone && <div><dt>{text.problem.details}</dt><dd class="mono">{problem.message}</dd></div>}
        </dl>
      </details>
    </Note>
  );
}

/** What was read, or that it is being read, or why not. A failed re-read keeps what is there, and says so. */
export function Loaded<T>({ live, what, children }: { live: Live<T>; what?: string; children: (data: T) => ComponentChildren }) {
  const { data, problem, again } = live;
  return (
    <>
      {problem && <ProblemNote problem={problem} again={again} />}
      {data !== undefined ? children(data) : !problem && <Loading what={what} />}
    </>
  );
}
