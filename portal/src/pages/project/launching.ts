// The launches for a class: each is a request of its own, and begins at the interval that the plan says.
import type { Problem, Schemas } from "../../api/client";

export type MemberLaunch = Schemas["MemberLaunch"];
export type Outcome = { state: "asked" } | { state: "done"; id: string } | { state: "failed"; problem: Problem };

/** How often a launch is requested while EC2's throttle leaves no turn for it. */
const TRIES = 60;
/** A browser opens six connections to a server that has no HTTP/2: two are left to the page. */
const AT_ONCE = 4;

export interface Run {
  /** Launches the instance of a member, and returns its ID; fails with a `Problem`. */
  launch: (member: MemberLaunch) => Promise<string>;
  tell: (user: string, outcome: Outcome) => void;
  /** Whether no further launch is to be requested. Those that were requested are waited for. */
  stopped: () => boolean;
  sleep?: (ms: number) => Promise<void>;
}

const asleep = (ms: number) => new Promise<void>((done) => { setTimeout(done, ms); });

export async function launchAll(members: MemberLaunch[], intervalMs: number, run: Run): Promise<void> {
  const { tell, stopped, sleep = asleep } = run;
  const open = new Set<Promise<void>>();
  for (const [index, member] of members.entries()) {
    if (index > 0) await sleep(intervalMs);
    if (open.size >= AT_ONCE) await Promise.race(open);
    if (stopped()) break;
    tell(member.user, { state: "asked" });
    const one: Promise<void> = inTurn(member, run)
      .then((id) => tell(member.user, { state: "done", id }), (problem: Problem) => tell(member.user, { state: "failed", problem }))
      .finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
}

/** Requests a launch again for as long as the server says that its turn comes later. */
async function inTurn(member: MemberLaunch, { launch, stopped, sleep = asleep }: Run): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await launch(member);
    } catch (error) {
      const { retryAfterS } = error as Problem;
      if (retryAfterS === undefined || tries >= TRIES || stopped()) throw error;
      await sleep(retryAfterS * 1000);
    }
  }
}
