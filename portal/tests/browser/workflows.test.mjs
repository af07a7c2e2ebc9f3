// The workflows of a researcher, of a team and of a course (docs/instance-to-ami-requirements.md), by clicking.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, visit } from "./harness.mjs";

let browser;
before(async () => {
  browser = await launched();
});
after(() => browser?.close());

/** Opens a page as a user, does something there, and sees that the page did nothing that no page may do. */
async function as(server, user, path, act) {
  if (server.user !== user) await server.become(user);
  const { page, context, faults } = await visit(browser, server, path);
  await act(page);
  assert.deepEqual(faults, []);
  await context.close();
}

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const dialog = (page) => page.getByRole("dialog");

async function launch(page, reference, name) {
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await press(page, `Launch ${reference}`);
  await page.waitForURL("**/instances");
  await page.getByRole("row").filter({ hasText: name }).getByText("Running").waitFor();
}

async function save(page, instance, template, description) {
  await page.getByRole("link", { name: `Save ${instance}` }).click();
  await dialog(page).getByLabel("Template").fill(template);
  await dialog(page).getByLabel("What changed").fill(description);
}

/** Shares the template of the page, and consents if its files were not inspected. */
async function share(page, kind, name, label) {
  await page.getByRole("button", { name: "Share…" }).first().click();
  await dialog(page).getByRole("radio", { name: kind }).check();
  if (name) await dialog(page).getByRole("combobox").or(dialog(page).getByRole("textbox")).fill(name);
  await dialog(page).locator(".dialog-plan").getByText(/Published to|may be confidential|not inspected/).first().waitFor();
  const consent = dialog(page).getByRole("checkbox", { name: "I have checked these files" });
  if (await consent.count()) await consent.check();
  await dialog(page).getByText("Published to").waitFor();
  await press(page, label);
  await page.getByRole("status").getByText("is shared with").waitFor();
}

test("a researcher keeps an environment, and launches a larger instance from it", async (t) => {
  const server = await serve({ user: "ada" });
  t.after(server.close);
  await as(server, "ada", "/", async (page) => {
    await page.getByRole("link", { name: "Launch an instance" }).first().click();
    await page.getByRole("combobox", { name: "Template" }).fill("python-ml");
    await launch(page, "python-ml", "earthquake-analysis");
    // The days in between: what a researcher installs is done on the instance.
    await server.prism("exec", "earthquake-analysis", "--", "pip", "install", "obspy");
    await page.getByRole("link", { name: "Home" }).click();
    await save(page, "earthquake-analysis", "seismic-ml-environment", "ML environment optimized for seismic data analysis");
    await dialog(page).getByText("Your instance will be down for").waitFor();
    await dialog(page).getByRole("button", { name: "Save as seismic-ml-environment@1" }).click();
    await page.waitForURL("**/saves/save-*");
    await page.getByText("Your instance was down for").waitFor();
    await page.getByText("Saved", { exact: true }).first().waitFor();
    await page.getByRole("link", { name: "seismic-ml-environment", exact: true }).click();
    await page.getByText("ML environment optimized for seismic data analysis").first().waitFor();
    await page.getByRole("link", { name: "Launch seismic-ml-environment@1…" }).click();
    await page.getByRole("radio", { name: /^GPU-L/ }).check();
    await page.locator(".dialog-plan").getByText("g5.2xlarge").waitFor();
    await launch(page, "seismic-ml-environment@1", "aftershock-prediction");
  });
  const { instances } = JSON.parse(await server.prism("--json", "list"));
  const found = Object.fromEntries(instances.map(({ name, state, template }) => [name, [state, template]]));
  assert.deepEqual(found, {
    "earthquake-analysis": ["running", "python-ml"],
    "aftershock-prediction": ["running", "seismic-ml-environment@1"],
  });
});

test("a lead shares an environment with everybody, and the team launches it", async (t) => {
  const server = await serve({ user: "ada" });
  t.after(server.close);
  await as(server, "ada", "/launch?template=bioinformatics", (page) => launch(page, "bioinformatics", "my-genomics-work"));
  await as(server, "ada", "/instances", async (page) => {
    await page.getByText("ready", { exact: true }).waitFor();
    await save(page, "my-genomics-work", "team-genomics-env", "Genomics pipeline with BWA, GATK, and R Bioconductor");
    await dialog(page).getByRole("button", { name: "Save as team-genomics-env@1" }).click();
    await page.waitForURL("**/saves/save-*");
    await page.getByText("Saved", { exact: true }).first().waitFor();
  });
  await as(server, "ada", "/templates/team-genomics-env", async (page) => {
    await share(page, "Everybody", "", "Share team-genomics-env with everybody");
    await page.getByRole("button", { name: "Unshare with everybody" }).waitFor();
  });
  for (const [user, instance] of [["ben", "variant-calling"], ["chen", "population-analysis"]]) {
    await as(server, user, "/templates", async (page) => {
      await page.getByLabel("Search in names and descriptions").fill("genomics");
      await page.getByRole("link", { name: "team-genomics-env" }).click();
      await page.getByText("Genomics pipeline with BWA, GATK, and R Bioconductor").first().waitFor();
      await page.getByRole("link", { name: "Launch team-genomics-env@1…" }).click();
      await launch(page, "team-genomics-env@1", instance);
    });
  }
  await as(server, "ada", "/templates/team-genomics-env", async (page) => {
    await page.getByText("launched 2 times, last by chen").waitFor();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("row").filter({ hasText: "chen" }).filter({ hasText: "launched" }).waitFor();
  });
});

test("a professor makes a course with its project, and its students launch the same environment", async (t) => {
  const server = await serve({ user: "prof" });
  t.after(server.close);
  await as(server, "prof", "/projects", async (page) => {
    await page.getByRole("button", { name: "Make a project…" }).first().click();
    await dialog(page).getByLabel("Project").fill("cs229");
    await press(page, "Make cs229");
    await page.waitForURL("**/projects/cs229");
    await page.getByRole("button", { name: "Add people…" }).first().click();
    await dialog(page).getByLabel("User names").fill("ben, chen");
    await press(page, "Add 2 people");
    await page.getByRole("row").filter({ hasText: "chen" }).waitFor();
    await page.getByRole("button", { name: "Change the budget…" }).first().click();
    await dialog(page).getByLabel("Limit, US dollars a month").fill("25");
    await press(page, "Set the budget to $25.00");
    await page.getByText("Budget $25.00").first().waitFor();
  });
  await as(server, "prof", "/launch?template=python-ml", (page) => launch(page, "python-ml", "ml-course-prep"));
  await as(server, "prof", "/instances", async (page) => {
    await save(page, "ml-course-prep", "cs229-environment", "Stanford CS229 Machine Learning Course Environment");
    await dialog(page).getByLabel("Paid by").selectOption("cs229");
    await dialog(page).getByRole("button", { name: "Save as cs229-environment@1" }).click();
    await page.waitForURL("**/saves/save-*");
    await page.getByText("Saved", { exact: true }).first().waitFor();
  });
  await as(server, "prof", "/templates/cs229-environment/sharing", async (page) => {
    await share(page, "My colleagues", "", "Share cs229-environment with your colleagues");
    await page.getByRole("row").filter({ hasText: "cs229" }).getByText("Shared").waitFor();
  });
  for (const [user, instance] of [["ben", "assignment-1"], ["chen", "final-project"]]) {
    await as(server, user, "/projects/cs229/templates", async (page) => {
      await page.getByRole("link", { name: "cs229-environment" }).click();
      await page.getByRole("link", { name: "Launch cs229-environment@1…" }).click();
      await launch(page, "cs229-environment@1", instance);
    });
    await as(server, user, "/templates/cs229-environment", async (page) => {
      await page.locator(".lineage li").first().waitFor();
      // A student launches it, and neither shares nor deletes it.
      assert.equal(await page.getByRole("button", { name: "Share…" }).count(), 0);
      assert.equal(await page.getByRole("button", { name: "More about this template" }).count(), 0);
    });
  }
});
