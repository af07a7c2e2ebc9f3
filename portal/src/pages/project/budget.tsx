// What a project costs, beside its budget and the shares of it at which its owners are told.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { text } from "../../text";
import { money, percent } from "../../text/format";
import { CostHistory } from "./history";

interface Props {
  project: Schemas["Project"];
  costs: Schemas["ProjectCosts"];
  change?: ComponentChildren;
}

export function BudgetCard({ project, costs, change }: Props) {
  const { budget } = project;
  return (
    <Card title={text.budget.title} end={change} foot={<><details class="more"><summary>{text.budget.counted}</summary><p>{costs.counted}</p></details><span>{text.budget.prices(costs.prices_of)}</span></>}>
      {budget ? <Limit budget={budget} costs={costs} /> : <p class="quiet">{text.budget.none}</p>}
      <h3>{text.history.title}</h3>
      <CostHistory project={project} />
    </Card>
  );
}

function Limit({ budget, costs }: { budget: Schemas["Budget"]; costs: Schemas["ProjectCosts"] }) {
  const used = costs.used_percent ?? 0;
  // The bar ends at what is larger, the limit or the costs, so that both are to scale.
  const end = Math.max(100, used);
  const place = (value: number) => `${((value / end) * 100).toFixed(2)}%`;
  const kind = used >= 100 ? "is-bad" : budget.alerts.some((alert) => used >= alert) ? "is-warn" : "";
  return (
    <div class="l-grid is-8-4">
      <figure>
        <p class="l-apart"><span><b>{money(costs.month_usd ?? costs.usd_per_month)}</b> {text.budget.aMonth}</span><span>{text.budget.limit(money(budget.limit_usd), budget.hard_stop)}</span></p>
        <svg class="meter is-tall" role="img" aria-label={text.budget.picture(percent(used), money(budget.limit_usd))}>
          <rect class="meter-rail" width="100%" height="16" rx="2" />
          <rect class={`meter-used ${kind}`} width={place(used)} height="16" rx="2" />
          {budget.alerts.map((alert) => <line key={alert} class="meter-tick" x1={place(alert)} x2={place(alert)} y1="0" y2="16" />)}
        </svg>
      </figure>
      <table class="table is-flush is-keep">
        <caption class="hide">{text.budget.alerts}</caption>
        <thead><tr><th scope="col">{text.budget.at}</th><th scope="col" class="num">{text.budget.amount}</th><th scope="col">{text.budget.happens}</th></tr></thead>
        <tbody>
          {budget.alerts.filter((alert) => alert !== 100).sort((a, b) => a - b).map((alert) => (
            <tr key={alert}><th scope="row"><span class="num">{percent(alert)}</span></th><td class="num">{money((budget.limit_usd * alert) / 100)}</td><td>{budget.told?.includes(alert) ? text.budget.told : text.budget.tells}</td></tr>
          ))}
          <tr><th scope="row"><span class="num">{percent(100)}</span></th><td class="num">{money(budget.limit_usd)}</td><td>{budget.alerts.includes(100) && `${budget.told?.includes(100) ? text.budget.told : text.budget.tells}; `}{budget.hard_stop ? text.budget.stops : text.budget.goesOn}</td></tr>
        </tbody>
      </table>
    </div>
  );
}
