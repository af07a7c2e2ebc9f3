// What a save makes: the template's version, its AMIs, their size and cost, and who asked for it.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { bytes, gib, money, percent } from "../../text/format";

type Save = Schemas["SaveView"];
const words = text.save;

export function Makes({ save }: { save: Save }) {
  const { request, plan } = save;
  const version = save.version ?? plan?.next_version;
  const cost = save.usd_per_month ?? plan?.usd_per_month_at_most;
  const copies = Object.entries(save.copies);
  const asked = request.copy_to?.filter((region) => !(region in save.copies)) ?? [];
  return (
    <Card title={save.state === "running" ? words.makes : words.made}>
      <dl class="facts">
        <Fact name={words.template}><a href={`/templates/${request.template}`}><Name>{request.template}</Name></a>{version && `, ${text.saves.of(version)}`}{request.exclude_from_latest && <span class="sub">{words.notLatest}</span>}</Fact>
        {save.image && <Fact name={request.region}><span class="mono">{save.image}</span><span class="sub">{imageState(save)}</span></Fact>}
        {copies.map(([region, copy]) => <Fact key={region} name={region}><Copy copy={copy} /></Fact>)}
        {asked.map((region) => <Fact key={region} name={region}><span class="quiet">{words.copyNotYet}</span></Fact>)}
        {plan && <Fact name={words.size}>{save.snapshot_bytes ? words.usedOf(bytes(save.snapshot_bytes), gib(disks(plan))) : gib(disks(plan))}</Fact>}
        {cost != null && <Fact name={words.cost}>{text.atMost(money(cost))}{plan?.paid_by && <>{words.paidBy}<a href={`/projects/${plan.paid_by}`}><Name mono={false}>{plan.paid_by}</Name></a></>}</Fact>}
        <Fact name={words.askedBy}><Name mono={false}>{save.saved_by}</Name>{save.schedule ? <>{words.bySchedule}<a href={`/schedules/${save.schedule}`}><Name>{save.schedule}</Name></a></> : via(save)}</Fact>
      </dl>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function imageState(save: Save): string {
  if (save.discarded_at) return words.removed;
  if (save.state === "running" && (save.progress_percent ?? 0) < 100) return words.pending(percent(save.progress_percent ?? 0));
  return words.available;
}

function Copy({ copy }: { copy: Schemas["RegionCopy"] }) {
  if (copy.state === "failed") return <><span class="text-bad">{words.copyFailed}</span><span class="sub">{copy.cause}</span></>;
  return <><span class="mono">{copy.image}</span><span class="sub">{copy.state === "available" ? words.available : words.copyingNow}</span></>;
}

function disks(plan: Schemas["SavePlan"]): number {
  return Object.values(plan.instance.volumes).reduce((sum, size) => sum + size, 0);
}

function via(save: Save): string {
  const channel = save.origin?.channel;
  return channel === "cli" ? words.byCli : channel === "api" ? words.byApi : "";
}
