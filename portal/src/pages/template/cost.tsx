// What keeping the versions costs: each for itself, because blocks that versions share are billed once.
import { Card } from "../../parts/card";
import { text } from "../../text";
import { bytes, money } from "../../text/format";
import type { Version } from "./data";

export function CostCard({ versions }: { versions: Version[] }) {
  const all = versions.reduce((sum, version) => sum + version.usd_per_month, 0);
  const most = Math.max(...versions.map((version) => version.usd_per_month), 0);
  return (
    <Card title={text.cost.title} foot={<span>{text.cost.prices}</span>}>
      <p><span class="figure-value">{money(all)} <small>{text.cost.aMonth}</small></span></p>
      <p class="quiet"><small>{text.cost.counted}</small></p>
      <ul class="list is-one">{versions.map((version) => (
        <li key={version.number}><div class="list-main">
          <div class="l-apart"><span>{text.compare.version(version.number)}</span><span>{money(version.usd_per_month)}</span></div>
          {most > 0 && <Bar part={version.usd_per_month / most} />}
          <span class="sub">{text.cost.where(bytes(version.snapshot_bytes), Object.keys(version.snapshots).length)}</span>
        </div></li>
      ))}</ul>
    </Card>
  );
}

function Bar({ part }: { part: number }) {
  return (
    <svg class="meter" aria-hidden="true">
      <rect class="meter-rail" width="100%" height="8" rx="2" />
      <rect class="meter-used is-idle" width={`${(part * 100).toFixed(2)}%`} height="8" rx="2" />
    </svg>
  );
}
