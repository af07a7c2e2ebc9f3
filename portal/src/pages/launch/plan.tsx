// What a launch will be and cost: the dry run, in words.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { EndPlan } from "../../parts/end/shown";
import { InstalledKeys } from "../../parts/keys/installed";
import { Name } from "../../parts/name";
import { Warnings } from "../../parts/plan";
import { text } from "../../text";
import { gib, money } from "../../text/format";
import type { Offered } from "./form";

const words = text.launch;

export function LaunchPlan({ plan, prices, onAdd }: { plan: Schemas["LaunchPlan"]; prices: Offered["prices"]; onAdd: () => void }) {
  const tags = Object.entries(plan.tags ?? {});
  return (
    <>
      <div>
        <span class="figure-label">{words.whileItRuns}</span>
        <span class="figure-value">{plan.usd_per_hour == null ? text.unknown : text.anHour(money(plan.usd_per_hour))}</span>
        <span class="figure-note">{words.pricesOf(prices.in, prices.of)}</span>
      </div>
      {plan.end && <EndPlan end={plan.end} now={serverNow()} perHour={plan.usd_per_hour} />}
      <dl class="facts">
        <Fact name={words.machine}>{plan.instance_type}, {plan.architecture}</Fact>
        <Fact name={words.volumes}>{plan.volumes?.map((volume) => (
          <div key={volume.device}><Name>{volume.device}</Name> {gib(volume.size_gib)}<span class="sub">{volume.delete_on_termination ? words.deletedWithIt : words.keptAfterIt}</span></div>
        ))}</Fact>
        <Fact name={words.where}>{plan.region}{plan.zones && plan.zones.length > 0 && <span class="sub">{words.zones(plan.zones.join(", "))}</span>}</Fact>
        {plan.login && <Fact name={words.login}><span class="mono">{plan.login}</span></Fact>}
        <Fact name={words.keys}><InstalledKeys keys={plan.public_keys ?? []} onAdd={onAdd} /></Fact>
        {plan.ports.length > 0 && <Fact name={words.ports}>{plan.ports.join(", ")}</Fact>}
        {tags.length > 0 && <Fact name={words.tags}>{tags.map(([key, value]) => <div key={key}><Name>{key}</Name>: <Name>{value}</Name></div>)}</Fact>}
        <Fact name={words.ami}><span class="mono">{plan.image}</span></Fact>
      </dl>
      <Warnings warnings={plan.warnings} />
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
