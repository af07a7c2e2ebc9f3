import { useSignal } from "@preact/signals";
import { usePlace } from "../../parts/place";
import { SharedWith } from "../share/shared-with";
import { CompareCard } from "./compare";
import { CostCard } from "./cost";
import type { Rights, Saved, Shares, Version } from "./data";
import { live } from "./data";
import { LineageCard } from "./lineage";
import { VersionFacts } from "./facts";
import { VersionsCard } from "./versions";

interface Props {
  view: Saved;
  versions: Version[];
  shares: Shares;
  rights: Rights;
  again: () => void;
}

/** What people come for: the versions, what is different, and what it comes from. */
export function Overview({ view, versions, shares, rights, again }: Props) {
  const { template } = view;
  const { query } = usePlace();
  const changed = useSignal(0);
  const there = versions.filter(live);
  const chosen = there.find((version) => String(version.number) === query.version) ?? there.find((version) => version.number === template.latest);
  const done = () => {
    changed.value += 1;
    again();
  };
  return (
    <div class="l-grid is-8-4">
      <div class="l-stack">
        <VersionsCard template={template} versions={versions} rights={rights} again={done} chosen={chosen?.number} />
        {there.length > 1 && <CompareCard name={template.name} versions={there} latest={template.latest} />}
        <LineageCard name={template.name} here={`${template.name}@${template.latest}`} key={changed.value} />
      </div>
      <div class="l-stack">
        {chosen && <VersionFacts template={template} version={chosen} faults={chosen.number === view.version.number ? view.faults : undefined} />}
        <SharedWith template={template} shares={shares} again={again} />
        <CostCard versions={there} />
      </div>
    </div>
  );
}
