// One project: who is in it, what it may use, what it costs, and what is done in it.
import { useSignal } from "@preact/signals";
import { ask, api, type Schemas } from "../../api/client";
import { useLive } from "../../api/live";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { Icon } from "../../parts/icon";
import { Loaded } from "../../parts/note";
import { Menu } from "../../parts/menu";
import { at } from "../../parts/place";
import { Tabs } from "../../parts/tabs";
import { text } from "../../text";
import { History } from "../audit/history";
import { BudgetDialog } from "./budget-dialog";
import { Course } from "./course";
import { type Rights, rightsOf } from "./data";
import { EditDialog, DeleteDialog } from "./edit";
import { EndDialog, EndNote } from "./end";
import { ListDialog } from "./list-dialog";
import { MemberDialog } from "./member-dialog";
import { Overview } from "./overview";
import { ProjectTemplates } from "./templates";
import { Work } from "./work";

const EVERY = 20_000;
type View = Schemas["ProjectView"];
type Doing = "" | "edit" | "delete" | "budget" | "people" | "list" | "end";

export function Project({ name, tab = "overview" }: { name: string; tab?: string }) {
  const project = useLive(`project:${name}`, (signal) => ask(api.GET("/v1/projects/{name}", { params: { path: { name } }, signal })), () => EVERY);
  return (
    <>
      {!project.data && <Head title={name} crumb={<a href="/projects">{text.projects.title}</a>} />}
      <Loaded live={project}>{(view) => <One view={view} tab={tab} again={project.again} />}</Loaded>
    </>
  );
}

function One({ view, tab, again }: { view: View; tab: string; again: () => void }) {
  const { project, role } = view;
  const { name } = project;
  const rights = rightsOf(role);
  const doing = useSignal<Doing>("");
  const changed = useSignal(0);
  const close = () => { doing.value = ""; };
  const done = () => {
    changed.value += 1;
    again();
  };
  return (
    <>
      <Head
        title={name}
        crumb={<a href="/projects">{text.projects.title}</a>}
        badge={<>{project.approved_only && <Badge icon="lock">{text.projects.approvedOnly}</Badge>}<Badge>{text.project.youAre(text.roles[role])}</Badge></>}
        lede={project.description ? <span dir="auto">{project.description}</span> : undefined}
      >
        {rights.manages && <Acts rights={rights} begin={(what) => { doing.value = what; }} />}
      </Head>
      {project.end && <EndNote end={project.end} />}
      <Tabs label={text.project.tabs.label} tabs={tabsOf(name, rights, tab)} />
      {tab === "overview" && <Overview key={changed.value} view={view} rights={rights} again={done} addPeople={() => { doing.value = "people"; }} addList={() => { doing.value = "list"; }} changeBudget={() => { doing.value = "budget"; }} />}
      {tab === "templates" && <ProjectTemplates name={name} rights={rights} />}
      {tab === "course" && <Course name={name} again={done} />}
      {tab === "work" && <Work name={name} />}
      {tab === "history" && <History project={name} />}
      {doing.value === "edit" && <EditDialog name={name} onClose={close} onDone={done} />}
      {doing.value === "delete" && <DeleteDialog project={project} onClose={close} />}
      {doing.value === "budget" && <BudgetDialog name={name} onClose={close} onDone={done} />}
      {doing.value === "people" && <MemberDialog project={name} appoints={rights.appoints} onClose={close} onDone={done} />}
      {doing.value === "list" && <ListDialog project={name} onClose={close} onDone={done} />}
      {doing.value === "end" && <EndDialog name={name} onClose={close} onDone={done} />}
    </>
  );
}

function Acts({ rights, begin }: { rights: Rights; begin: (what: Doing) => void }) {
  return (
    <>
      <Menu label={text.project.more} face={<Icon name="more" />}>
        <button class="menu-item" type="button" onClick={() => begin("edit")}>{text.project.edit}</button>
        <button class="menu-item" type="button" onClick={() => begin("end")}>{text.ending.set}</button>
        {rights.deletes && <button class="menu-item" type="button" onClick={() => begin("delete")}>{text.project.delete}</button>}
      </Menu>
      <Button onPress={() => begin("budget")}>{text.project.changeBudget}</Button>
      <Button kind="primary" onPress={() => begin("people")}>{text.project.addPeople}</Button>
    </>
  );
}

function tabsOf(name: string, rights: Rights, tab: string) {
  const tabs = ["overview", "templates", ...(rights.manages ? ["course", "work", "history"] : [])] as const;
  return tabs.map((id) => ({ href: id === "overview" ? at("projects", name) : at("projects", name, id), name: text.project.tabs[id as "overview"], here: id === tab }));
}
