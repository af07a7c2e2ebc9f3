// What a run of a schedule does: the dry run of its save.
import type { Schemas } from "../../api/client";
import { Name } from "../../parts/name";
import { ShownFiles, VisibleTo, Warnings } from "../../parts/plan";
import { text } from "../../text";
import { about, money } from "../../text/format";

/** `keep` is how many versions a schedule keeps: all of them if it is null; a single run has no such number. */
export function RunPlan({ plan, keep }: { plan: Schemas["SavePlan"]; keep?: number | null }) {
  return (
    <>
      {plan.expected_downtime_s > 0
        ? <div><span class="figure-label">{text.scheduleForm.down}</span><span class="figure-value">{text.about(about(plan.expected_downtime_s))}</span><span class="figure-note">{text.scheduleForm.downNote}</span></div>
        : <p>{text.scheduleForm.notDown}</p>}
      <div><span class="figure-label">{text.scheduleForm.cost}</span><b>{text.atMost(money(plan.usd_per_month_at_most))}</b>{keep !== undefined && <span class="figure-note">{keep === null ? text.scheduleForm.keepsAll : text.scheduleForm.keeps(keep, money(plan.usd_per_month_at_most * keep))}</span>}</div>
      <div><span class="figure-label">{text.scheduleForm.first}</span><b><Name>{`${plan.request.template}@${plan.next_version}`}</Name></b></div>
      <VisibleTo plan={plan} />
      {(plan.shows?.length ?? 0) > 0 && <div><span class="figure-label">{text.share.shows}</span><ShownFiles files={plan.shows ?? []} /></div>}
      <Warnings warnings={plan.warnings} />
    </>
  );
}
