// The signal of a save in a row or beside a plan: up, down, up, to scale.
import { text } from "../../text";
import { about, duration } from "../../text/format";
import { Dip, Now, Trace, Up } from "./draw";
import type { Timeline } from "./model";

export function MiniSignal({ line }: { line: Timeline }) {
  return (
    <svg class="signal is-mini" role="img" aria-label={described(line)}>
      <Trace line={line} top={4} height={20} />
      {!line.over && <Now now={line.now} length={line.length} top={0} bottom={28} />}
    </svg>
  );
}

/** What the picture shows, in words. */
export function described({ down, over, now }: Timeline): string {
  const words = text.signal;
  if (!down) return over ? words.neverDown(duration(now)) : words.notDown(duration(now));
  const [from, long] = [duration(down.from), duration(down.to - down.from)];
  if (down.open) return words.stillDown(from, long);
  return over ? words.wasDown(duration(now), from, long) : words.downSoFar(duration(now), from, long);
}

/** A plan, to scale: the part before and after have no expected length, so that only the dip has a figure. */
export function PlanSignal({ seconds }: { seconds: number }) {
  const band = { top: 4, height: 20, length: 100 };
  const [from, to] = [12, 48];
  return (
    <svg class="signal is-mini" role="img" aria-label={seconds ? text.signal.plan(about(seconds)) : text.signal.planUp}>
      {seconds ? (
        <>
          <Up from={0} to={from} {...band} ahead />
          <Dip from={from} to={to} {...band} ahead />
          <Up from={to} to={100} {...band} ahead />
        </>
      ) : <Up from={0} to={100} {...band} ahead />}
    </svg>
  );
}

export function SignalKey() {
  return (
    <div class="key" aria-hidden="true">
      <span><svg><rect class="signal-up" y="1" width="20" height="11" /><line class="signal-edge" x1="0" x2="20" y1="1" y2="1" /></svg>{text.signal.running}</span>
      <span><svg><rect class="signal-down" width="20" height="11" /><line class="signal-fall" x1="0" x2="20" y1="11" y2="11" /></svg>{text.signal.down}</span>
      <span><svg><line class="signal-edge is-ahead" x1="1" x2="20" y1="6" y2="6" /></svg>{text.signal.expected}</span>
    </div>
  );
}
