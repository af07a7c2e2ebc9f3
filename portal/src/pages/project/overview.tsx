import { all, api, type Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { text } from "../../text";
import { count, money, percent } from "../../text/format";
import { Approvals } from "./approvals";
import { BudgetCard } from "./budget";
import { CostsByPerson, CostsByTemplate } from "./costs";
import type { Rights } from "./data";
import { Members } from "./members";

interface Props {
  view: Schemas["ProjectView"];
  rights: Rights;
  again: () => void;
  addPeople: () => void;
  addList: () => void;
  changeBudget: () => void;
}

export function Overview({ view, rights, again, addPeople, addList, changeBudget }: Props) {
  const { project } = view;
  return (
    <>
      {rights.seesCosts && <Costs project={project} manages={rights.manages} changeBudget={changeBudget} />}
      <div class="l-grid is-6-6">
        <Members project={project.name} rights={rights} addPeople={addPeople} addList={addList} again={again} />
        <Approvals project={project} rights={rights} again={again} />
      </div>
    </>
  );
}

/** The costs with all templates, the most expensive first: the API returns them in pages, by name. */
async function costsOf(name: string, signal: AbortSignal): Promise<Schemas["ProjectCosts"]> {
  let costs: Schemas["ProjectCosts"] | undefined;
  const templates = await all(async (cursor) => {
    const answer = await api.GET("/v1/projects/{name}/costs", { params: { path: { name }, query: { cursor, limit: 100 } }, signal });
    costs = answer.data ?? costs;
    return { ...answer, data: answer.data && { items: answer.data.templates, cursor: answer.data.cursor } };
  });
  return { ...costs!, templates: templates.sort((a, b) => b.usd_per_month - a.usd_per_month) };
}

function Costs({ project, manages, changeBudget }: { project: Schemas["Project"]; manages: boolean; changeBudget: () => void }) {
  const { name } = project;
  const costs = useOnce(`costs:${name}`, (signal) => costsOf(name, signal));
  return (
    <Loaded live={costs} what={text.project.loadingCosts}>{(found) => (
      <>
        <Figures project={project} costs={found} />
        <BudgetCard project={project} costs={found} change={manages ? <Button kind="quiet" onPress={changeBudget}>{text.project.changeBudget}</Button> : undefined} />
        {found.compute?.incomplete && <Note><p>{text.costs.incomplete}</p></Note>}
        <div class="l-grid is-6-6 is-even">
          <CostsByTemplate costs={found} manages={manages} />
          <CostsByPerson costs={found} />
        </div>
      </>
    )}</Loaded>
  );
}

function Figures({ project, costs }: { project: Schemas["Project"]; costs: Schemas["ProjectCosts"] }) {
  const versions = costs.templates.reduce((sum, template) => sum + template.versions.length, 0);
  return (
    <div class="figures">
      <div><span class="figure-label">{text.project.now}</span><span class="figure-value">{money(costs.month_usd ?? costs.usd_per_month)} <small>{costs.limit_usd == null ? text.project.aMonth : text.project.of(money(costs.limit_usd))}</small></span><span class="figure-note">{costs.used_percent == null ? text.project.noBudget : text.project.used(percent(costs.used_percent))}</span></div>
      <div><span class="figure-label">{text.project.kept}</span><span class="figure-value">{text.templates.found(count(costs.templates.length), costs.cursor != null)}</span><span class="figure-note">{text.project.versions(versions)}</span></div>
      <div><span class="figure-label">{text.project.people}</span><span class="figure-value">{count(project.members)}</span><span class="figure-note">{text.project.owners(project.owners)}</span></div>
    </div>
  );
}
