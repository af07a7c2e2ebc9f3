// What the user's projects spend on versions and instances, against their budgets.
import type { Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { Meter } from "../../parts/meter";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { dayUtc, money, percent } from "../../text/format";

const words = text.home;

export function Spending({ overview }: { overview: Schemas["Overview"] }) {
  const { projects, prices_of } = overview;
  return (
    <Card title={words.spending} foot={<><span>{words.pricesOf(dayUtc(prices_of))}</span><a href="/projects">{words.allProjects}</a></>}>
      {projects.length === 0 && <p class="quiet"><small>{words.noProjects}</small></p>}
      <ul class="budgets">{projects.map((project) => <Project key={project.name} project={project} />)}</ul>
    </Card>
  );
}

function Project({ project }: { project: Schemas["ProjectSpending"] }) {
  const { name, pledged_usd_per_month: pledged, limit_usd: limit } = project;
  const spent = project.usd_per_month + (project.compute_usd ?? 0);
  const over = limit != null && spent > limit;
  return (
    <li class="l-stack">
      <div class="l-apart">
        <a href={`/projects/${name}`}><b><Name mono={false}>{name}</Name></b></a>
        <span><b>{text.aMonth(money(spent))}</b>{limit != null && <span class="quiet">{words.of(money(limit))}</span>}</span>
      </div>
      {limit != null && <Meter label={words.meter(name, percent(project.used_percent ?? 0))} used={spent} ahead={pledged} limit={Math.max(limit, spent, 0.01)} tone={over ? "bad" : (project.used_percent ?? 0) >= 80 ? "warn" : undefined} />}
      <p class="quiet"><small>{limit == null ? words.noBudget : over ? <><b class="text-bad">{words.over(money(spent - limit))}</b> {project.hard_stop ? words.refused : ""}</> : words.left(money(limit - spent))}</small></p>
    </li>
  );
}
