// Every page, once: its path and its component, and whether the navigation names it.
import type { ComponentType } from "preact";
import { Home } from "./pages/home";
import { Instances } from "./pages/instances";
import { Launch } from "./pages/launch";
import { Saves } from "./pages/saves";
import { Templates } from "./pages/templates";
import { later } from "./parts/later";
import { text } from "./text";

export interface PageRoute {
  path: string;
  page: ComponentType<any>;
  /** Its name in the navigation, if it is there. */
  nav?: string;
}

export const routes: PageRoute[] = [
  { path: "/", page: Home, nav: text.nav.home },
  { path: "/instances", page: Instances, nav: text.nav.instances },
  { path: "/launch", page: Launch },
  { path: "/saves", page: Saves, nav: text.nav.saves },
  { path: "/saves/:id", page: later("OneSave") },
  { path: "/templates", page: Templates, nav: text.nav.templates },
  { path: "/templates/:name/:tab?", page: later("Template") },
  { path: "/projects", page: later("Projects"), nav: text.nav.projects },
  { path: "/projects/:name/:tab?", page: later("Project") },
  { path: "/schedules", page: later("Schedules"), nav: text.nav.schedules },
  { path: "/schedules/:name", page: later("ScheduleOne") },
  { path: "/keys", page: later("Keys") },
  { path: "/notices", page: later("Notices") },
  { path: "/join", page: later("Join") },
  { path: "/audit", page: later("Audit"), nav: text.nav.audit },
];
