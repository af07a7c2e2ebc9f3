// A team and its work: what the pages of templates, projects, schedules and the audit show.
export const TEMPLATE = "seismic-ml";
export const DERIVED = "geo-course";
export const PROJECT = "geo-ml-2026";
export const SCHEDULE = "nightly-seismic";
/** A name that is markup, in a script that is read from right to left, and long: each field of words shows it. */
export const HOSTILE = `"><img src=x onerror=alert(1)> \u05e9\u05dc\u05d5\u05dd ${"x".repeat(60)}`;

/** The longest names that the API takes. */
export const LONG = `aftershock-sequence-2026-reprocessing-${"x".repeat(26)}`;
export const LONG_USER = `student/${"m".repeat(120)}`;

export async function seedTeam(prism) {
  const as = (user) => (...args) => prism("--as", user, ...args);
  const [ada, ben] = ["ada", "ben"].map(as);
  await ada("project", "edit", PROJECT, "--description", `Seismology, winter term ${HOSTILE}`);
  await ada("project", "member", "add", PROJECT, "ben", "--role", "admin");
  await ada("project", "member", "add", PROJECT, "chen", "--role", "member");
  await ada("project", "member", "add", PROJECT, LONG_USER, "--role", "viewer");
  await ada("project", "budget", PROJECT, "--limit", "5", "--alert", "5,80,100", "--hard-stop");

  await ada("project", "group", "add", PROJECT, "lab1", "chen", LONG_USER);
  const later = new Date(Date.now() + 100 * 86_400_000).toISOString().slice(0, 10);
  await ada("project", "link", "create", PROJECT, "--uses", "60", "--until", later, "--group", "lab1");
  await ada("project", "end", PROJECT, "--on", later, "--last-save");

  await ada("exec", "earthquake-analysis", "--", "pip", "install", "obspy");
  await ada("save", "earthquake-analysis", TEMPLATE, "--yes", "--description", "Adds obspy for seismic data analysis", "--project", PROJECT, "--publish-sensitive");
  await ada("exec", "earthquake-analysis", "--", "pip", "install", "xarray");
  await ada("save", "earthquake-analysis", TEMPLATE, "--yes", "--description", HOSTILE, "--publish-sensitive", "--region", "us-west-2");
  await ada("template", "deprecate", `${TEMPLATE}@1`);
  await ada("template", "share", TEMPLATE, "--project", PROJECT, "--yes", "--publish-sensitive");
  await ada("template", "share", TEMPLATE, "--user", "chen", "--yes", "--publish-sensitive");
  await ada("template", "share", TEMPLATE, "--user", LONG_USER, "--yes", "--publish-sensitive");
  await ada("template", "edit", TEMPLATE, "--notes", HOSTILE);
  await ada("project", "approve", PROJECT, TEMPLATE);

  await ben("launch", `${TEMPLATE}@2`, "course-prep", "--project", PROJECT);
  await ben("save", "course-prep", DERIVED, "--yes", "--project", PROJECT, "--publish-sensitive");
  await ben("template", "share", DERIVED, "--project", PROJECT, "--yes", "--publish-sensitive");

  await ben("template", "share", DERIVED, "--user", "ada", "--yes", "--publish-sensitive");
  await ben("save", "course-prep", LONG, "--yes", "--project", PROJECT, "--publish-sensitive", "--description", HOSTILE);

  await ada("schedule", "create", "earthquake-analysis", TEMPLATE, "--name", SCHEDULE, "--cron", "0 3 ? * MON-FRI *", "--timezone", "Europe/Berlin", "--keep", "7", "--publish-sensitive");
  await ada("schedule", "run", SCHEDULE);
}

export const TEAM_PAGES = [
  { name: "templates", path: "/templates", wait: ".table tbody tr" },
  { name: "template", path: `/templates/${TEMPLATE}`, wait: ".lineage li" },
  { name: "template-built-in", path: "/templates/python-ml", wait: ".lineage li" },
  { name: "packages", path: `/templates/${TEMPLATE}/packages`, wait: ".table tbody tr" },
  { name: "share", path: `/templates/${TEMPLATE}/sharing`, wait: ".table tbody tr" },
  { name: "template-history", path: `/templates/${TEMPLATE}/history`, wait: ".table tbody tr" },
  { name: "projects", path: "/projects", wait: ".table tbody tr" },
  { name: "project", path: `/projects/${PROJECT}`, wait: ".plot-bar" },
  { name: "project-templates", path: `/projects/${PROJECT}/templates`, wait: ".table tbody tr" },
  { name: "project-course", path: `/projects/${PROJECT}/course`, wait: ".table.is-mid tbody tr" },
  { name: "project-work", path: `/projects/${PROJECT}/work`, wait: ".table tbody tr" },
  { name: "project-history", path: `/projects/${PROJECT}/history`, wait: ".table tbody tr" },
  { name: "schedules", path: "/schedules", wait: ".month-runs li" },
  { name: "schedule", path: `/schedules/${SCHEDULE}`, wait: ".month-runs li" },
  { name: "audit", path: "/audit", wait: ".table tbody tr" },
];
