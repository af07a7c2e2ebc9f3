// The questions that the pages of templates, projects and schedules ask, and how each is opened.
import { ENDING } from "./ends.mjs";
import { tabTo } from "./tabbing.mjs";
import { PROJECT, SCHEDULE, TEMPLATE } from "./team.mjs";

/** Presses a button with the keyboard alone. */
const button = (name) => async (page) => {
  await page.getByRole("button", { name, exact: true }).first().waitFor();
  await tabTo(page, new RegExp(`^${name}$`));
  await page.keyboard.press("Enter");
};
const item = (menu, name) => async (page) => {
  await button(menu)(page);
  await button(name)(page);
};
const template = `/templates/${TEMPLATE}`;
const project = `/projects/${PROJECT}`;
const schedule = `/schedules/${SCHEDULE}`;

export const QUESTIONS = [
  { name: "share", path: template, open: async (page) => {
    await button("Share…")(page);
    await page.getByLabel("User name").fill("dana");
  }, wait: ".dialog-plan :is(.marks, .note)" },
  { name: "unshare", path: `${template}/sharing`, open: button("Unshare with chen") },
  { name: "roll-back", path: template, open: item("More for version 2", "Make it the latest…") },
  { name: "edit", path: template, open: item("More about this template", "Edit the description…") },
  { name: "copy", path: template, open: async (page) => {
    await item("More for version 2", "Copy to Regions…")(page);
    await page.getByRole("checkbox").first().check();
  }, wait: ".dialog-plan :is(.figure-label, .note)" },
  { name: "export", path: template, open: item("More for version 2", "Export…") },
  { name: "deprecate", path: template, open: item("More about this template", "Deprecate the template…") },
  { name: "delete", path: template, open: item("More about this template", "Delete the template…"), wait: "dialog .note" },
  { name: "add-key", path: "/keys", open: button("Add a key…") },
  { name: "remove-key", path: "/keys", open: button("Remove ada@laptop") },
  { name: "set-email", path: "/notices", open: button("E-mail: Set…") },
  { name: "change-webhook", path: "/notices", open: button("Webhook: Change…") },
  { name: "rotate-secret", path: "/notices", open: button("Webhook: New secret…") },
  { name: "remove-webhook", path: "/notices", open: button("Webhook: Remove…") },
  { name: "desktop", path: "/notices", open: button("Desktop: Turn on…") },
  { name: "make-project", path: "/projects", open: button("Make a project…") },
  { name: "people", path: project, open: button("Add people…") },
  { name: "remove", path: project, open: button("Remove chen") },
  { name: "role", path: project, open: async (page) => {
    await page.getByLabel("Role of chen").focus();
    await page.getByLabel("Role of chen").selectOption("viewer");
  } },
  { name: "budget", path: project, open: button("Change the budget…"), wait: ".dialog-plan .figure-value" },
  { name: "lift-budget", path: project, open: item("Change the budget…", "Remove the budget"), wait: "dialog .is-danger" },
  { name: "approve", path: project, open: button("Approve a template…") },
  { name: "withdraw", path: project, open: button(`Withdraw the approval of ${TEMPLATE}`) },
  { name: "edit-project", path: project, open: item("More about this project", "Edit the project…") },
  { name: "end-project", path: project, open: item("More about this project", "Set the end…"), wait: "dialog .dialog-plan p" },
  { name: "lift-end", path: project, open: async (page) => {
    await item("More about this project", "Set the end…")(page);
    await button("Remove the end")(page);
  }, wait: "dialog .is-danger" },
  { name: "delete-project", path: project, open: item("More about this project", "Delete the project…"), wait: "dialog .dialog-form p" },
  { name: "add-list", path: project, open: async (page) => {
    await button("Add a list…")(page);
    await page.getByLabel("List", { exact: true }).fill("user,role,group\ndana,,lab1\nA B,,\nchen,owner,\n");
  }, wait: "dialog .dialog-plan .marks" },
  { name: "class-launch", path: `${project}/course`, open: async (page) => {
    await button("Launch for the class…")(page);
    await page.getByRole("combobox", { name: "Template" }).fill(TEMPLATE);
  }, wait: ".dialog-plan .figure-value" },
  { name: "make-link", path: `${project}/course`, open: button("Make a join link…") },
  { name: "withdraw-link", path: `${project}/course`, open: (page) => page.getByRole("button", { name: /^Withdraw link-/ }).click() },
  { name: "make-group", path: `${project}/course`, open: button("Make a group…"), wait: "dialog .check" },
  { name: "change-group", path: `${project}/course`, open: button("Change lab1"), wait: "dialog .check" },
  { name: "delete-group", path: `${project}/course`, open: button("Delete lab1") },
  { name: "stop-instance", path: `${project}/work`, open: button("Stop course-prep of ben…") },
  { name: "make-schedule", path: "/schedules", open: async (page) => {
    await button("Make a schedule…")(page);
    await page.getByLabel("Instance").selectOption({ label: "earthquake-analysis in us-east-1" });
    await page.getByLabel("Template").fill("nightly-env");
  }, wait: ".dialog-plan .figure-value" },
  { name: "change-schedule", path: schedule, open: button("Change…") },
  { name: "run", path: schedule, open: button("Run now…") },
  { name: "pause", path: schedule, open: item("More about this schedule", "Pause…") },
  { name: "start", path: "/instances", open: button("Start array-detection…") },
  { name: "connect", path: "/instances", open: button(`Connect to ${ENDING}…`) },
  { name: "stop", path: "/instances", open: item(`More for ${ENDING}`, "Stop…"), wait: "dialog .facts dd" },
  { name: "terminate", path: "/instances", open: item(`More for ${ENDING}`, "Terminate…"), wait: "dialog .facts dd" },
  { name: "end", path: "/instances", open: item(`More for ${ENDING}`, "End…"), wait: ".dialog-plan .facts" },
  { name: "restore", path: template, open: item("More for version 1", "Restore…") },
  { name: "delete-schedule", path: schedule, open: item("More about this schedule", "Delete…") },
];
