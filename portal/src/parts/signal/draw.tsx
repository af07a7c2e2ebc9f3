// The pieces that the pictures of a save are made of. Sizes from data are percentages, so that text never stretches.
import type { Span } from "./model";

export const at = (value: number, length: number) => `${Math.max(0, Math.min(100, (value / length) * 100)).toFixed(2)}%`;

interface Band {
  top: number;
  height: number;
  length: number;
}

/** A stretch in which the instance runs. */
export function Up({ from, to, top, height, length, ahead }: Span & Band & { ahead?: boolean }) {
  if (to <= from) return null;
  const more = ahead ? "is-ahead" : "";
  return (
    <>
      <rect class={`signal-up ${more}`} x={at(from, length)} y={top} width={at(to - from, length)} height={height} />
      <line class={`signal-edge ${more}`} x1={at(from, length)} x2={at(to, length)} y1={top} y2={top} />
    </>
  );
}

/** A stretch in which it does not: at least three pixels wide, however long the save is. */
export function Dip({ from, to, top, height, length, ahead, opens = true, closes = true }: Span & Band & { ahead?: boolean; opens?: boolean; closes?: boolean }) {
  const more = ahead ? "is-ahead" : "";
  const [left, right, bottom] = [at(from, length), at(to, length), top + height];
  return (
    <>
      <rect class={`signal-down ${more}`} x={left} y={top} width={at(to - from, length)} height={height} />
      {!ahead && to - from < length / 250 && <line class="signal-fall" x1={left} x2={left} y1={top} y2={bottom} transform="translate(1 0)" />}
      {opens && <line class={`signal-fall ${more}`} x1={left} x2={left} y1={top} y2={bottom} />}
      <line class={`signal-fall ${more}`} x1={left} x2={right} y1={bottom} y2={bottom} />
      {closes && <line class={`signal-fall ${more}`} x1={right} x2={right} y1={top} y2={bottom} />}
    </>
  );
}

/** Up, down, up. */
export function Trace({ line, top, height }: { line: { length: number; now: number; over: boolean; down?: Span & { open: boolean; expected?: number } }; top: number; height: number }) {
  const { length, now, over, down } = line;
  const band = { top, height, length };
  if (!down) {
    return <><Up from={0} to={now} {...band} />{!over && <Up from={now} to={length} {...band} ahead />}</>;
  }
  const back = down.open ? (down.expected ?? length) : down.to;
  return (
    <>
      <Up from={0} to={down.from} {...band} />
      <Dip from={down.from} to={down.to} {...band} closes={!down.open} />
      {down.open && !over && <Dip from={now} to={back} {...band} ahead opens={false} closes={back < length} />}
      {!down.open && <Up from={down.to} to={now} {...band} />}
      {!over && <Up from={Math.max(now, back)} to={length} {...band} ahead />}
    </>
  );
}

export function Now({ now, length, top, bottom }: { now: number; length: number; top: number; bottom: number }) {
  return <line class="plot-now" x1={at(now, length)} x2={at(now, length)} y1={top} y2={bottom} />;
}
