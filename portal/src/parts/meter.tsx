// An amount of a limit.
import { at } from "./signal/draw";

interface Props {
  label: string;
  used: number;
  /** What will be added. */
  ahead?: number;
  limit: number;
  tone?: "bad" | "warn";
}

export function Meter({ label, used, ahead = 0, limit, tone }: Props) {
  return (
    <svg class="meter" role="img" aria-label={label}>
      <rect class="meter-rail" width="100%" height="8" rx="2" />
      {ahead > 0 && <rect class="meter-ahead" x={at(used, limit)} width={at(Math.min(ahead, Math.max(0, limit - used)), limit)} height="8" />}
      <rect class={`meter-used ${tone ? `is-${tone}` : ""}`} width={at(used, limit)} height="8" rx="2" />
    </svg>
  );
}
