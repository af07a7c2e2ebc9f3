// The signal of one save in full: the instance, the save's steps, and the downtime enlarged, with EC2's own share of it.
import { useId } from "preact/hooks";
import { text } from "../../text";
import { duration, time } from "../../text/format";
import { at, Now, Trace } from "./draw";
import { described } from "./mini";
import type { Down, Step, Timeline } from "./model";

const words = text.signal;
/** Labels are drawn where they fit: this share of the width for each letter, on a wide and on a narrow card. */
const WIDE_LETTER = 0.0065;
const NARROW_LETTER = 0.022;

export function FullSignal({ line, began }: { line: Timeline; began: string }) {
  const id = useId();
  const lens = line.down && line.down.to > line.down.from ? line.down : undefined;
  return (
    <svg class="signal is-full" height={lens ? 270 : 150} role="img" aria-labelledby={`${id}t`} aria-describedby={`${id}d`}>
      <title id={`${id}t`}>{words.title}</title>
      <desc id={`${id}d`}>{`${described(line)} ${words.table}`}</desc>
      <Axis line={line} began={began} />
      <text class="is-strong" x="0" y="40">{words.instance}</text>
      <Trace line={line} top={48} height={40} />
      {lens && <Plate down={lens} length={line.length} />}
      <text class="is-strong" x="0" y="112">{words.save}</text>
      {line.steps.map((step) => <StepBar key={`${step.name}${step.from}`} step={step} line={line} />)}
      {!line.over && <Now now={line.now} length={line.length} top={20} bottom={146} />}
      {lens && <Lens down={lens} length={line.length} />}
    </svg>
  );
}

const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200];

/** The longest step of time of which the length has at least three. */
export function tick(length: number): number {
  return [...TICKS].reverse().find((seconds) => length / seconds >= 3) ?? 1;
}

function Axis({ line, began }: { line: Timeline; began: string }) {
  const { length, now, over } = line;
  const every = tick(length);
  const marks = Array.from({ length: Math.floor(length / every) }, (_, index) => (index + 1) * every);
  // The mark of now is written to the left of its line.
  const clear = (value: number) => value < now - length * 0.16 || value > now + length * 0.05;
  return (
    <>
      {marks.filter((mark) => mark / length < 0.97).map((mark, index) => (
        <g key={mark}>
          <line class={`plot-grid ${index % 2 ? "" : "is-wide-only"}`} x1={at(mark, length)} x2={at(mark, length)} y1="20" y2="146" />
          {clear(mark) && mark / length > 0.1 && <text class="plot-mid is-wide-only" x={at(mark, length)} y="12">{`+${short(mark)}`}</text>}
        </g>
      ))}
      <text x="0" y="12">{time(began)}</text>
      {over
        ? <text class="plot-end is-strong" x="100%" y="12">{words.took(duration(now))}</text>
        : <text class="plot-end is-strong" x={at(Math.max(now, length * 0.3), length)} y="12">{words.now(duration(now))}</text>}
    </>
  );
}

/** 1 min, not 1 min 00 s: marks of the axis are whole. */
function short(seconds: number): string {
  if (seconds < 60) return `${seconds}\u00a0s`;
  if (seconds < 3600) return seconds % 60 ? duration(seconds) : `${seconds / 60}\u00a0min`;
  return seconds % 3600 ? duration(seconds) : `${seconds / 3600}\u00a0h`;
}

function Plate({ down, length }: { down: Down; length: number }) {
  const long = duration(down.to - down.from);
  const half = long.length * 3.4 + 8;
  const share = (down.to - down.from) / length;
  // Where the dip is too narrow for its own figure, the enlarged part below has it.
  const kind = share > 0.25 ? "" : share > 0.08 ? "is-wide-only" : undefined;
  if (kind === undefined) return null;
  return (
    <svg class={kind} x={at((down.from + down.to) / 2, length)} y="56" overflow="visible">
      <rect class="signal-plate" x={-half} y="0" width={2 * half} height="24" rx="4" />
      <text class="is-warn plot-mid" x="0" y="16">{long}</text>
    </svg>
  );
}

function StepBar({ step, line }: { step: Step; line: Timeline }) {
  if (step.from === undefined || step.to === undefined) return null;
  const [share, label] = [(step.to - step.from) / line.length, text.steps[step.name] ?? step.name];
  const kind = step.down ? "is-down" : step.name === "PlanSave" || step.name === "WaitForTurn" ? "is-quick" : "";
  return (
    <svg x={at(step.from, line.length)} y="120" width={at(step.to - step.from, line.length)} height="22">
      <rect class={`signal-step ${kind}`} width="100%" height="22" />
      <rect class="signal-cut" x="100%" width="2" height="22" transform="translate(-2 0)" />
      <Fitting label={label} share={share} x={8} y={15} />
    </svg>
  );
}

/** A label inside its bar, if it fits. */
function Fitting({ label, share, x, y }: { label: string; share: number; x: number; y: number }) {
  if (share > label.length * NARROW_LETTER) return <text class="signal-in" x={x} y={y}>{label}</text>;
  if (share > label.length * WIDE_LETTER + 0.02) return <text class="signal-in is-wide-only" x={x} y={y}>{label}</text>;
  return null;
}

function Lens({ down, length }: { down: Down; length: number }) {
  const whole = down.to - down.from;
  const [left, right] = [(down.from / length) * 100, (down.to / length) * 100];
  return (
    <>
      <svg x="0" y="142" width="100%" height="54" viewBox="0 0 100 54" preserveAspectRatio="none">
        <polygon class="signal-lens" points={`${left},0 ${right},0 100,54 0,54`} />
        <line class="signal-lens-edge" x1={left} y1="0" x2="0" y2="54" />
        <line class="signal-lens-edge" x1={right} y1="0" x2="100" y2="54" />
      </svg>
      <text class="is-strong" x="0" y="186">{down.open ? words.lensOpen(duration(whole)) : words.lens(duration(whole))}</text>
      {down.phases.map((part) => (
        <svg key={part.phase} x={at(part.from - down.from, whole)} y="196" width={at(part.to - part.from, whole)} height="28">
          <rect class="signal-step is-down" width="100%" height="28" />
          <rect class="signal-cut" x="100%" width="2" height="28" transform="translate(-2 0)" />
          <Fitting label={`${words.phases[part.phase]}, ${duration(part.to - part.from)}`} share={(part.to - part.from) / whole} x={10} y={18} />
        </svg>
      ))}
      {down.floor !== undefined && <Floor floor={down.floor} own={down.own ?? 0} />}
    </>
  );
}

function Floor({ floor, own }: { floor: number; own: number }) {
  const end = at(floor, floor + own);
  return (
    <>
      <line class="signal-floor" x1="0" x2={end} y1="240" y2="240" />
      <line class="signal-floor" x1="0.5" x2="0.5" y1="235" y2="245" />
      <line class="signal-floor" x1={end} x2={end} y1="235" y2="245" />
      {own > 0 && <line class="signal-over" x1={end} x2="100%" y1="240" y2="240" />}
      <text class="is-strong is-wide-only" x="0" y="262">{words.floor(duration(floor))}</text>
      <text class="is-strong is-narrow-only" x="0" y="262">{words.floorShort(duration(floor))}</text>
      <text class="plot-end" x="100%" y="262">{words.own(duration(own))}</text>
    </>
  );
}
