//! Invalid values in the queries of the portal's pages.

use crate::odds::{Odd, Odds};

pub(crate) fn addresses() -> Vec<Odd> {
    let mut all = Odds::default();
    for wait in ["21", "-1", "1.5", "x", "", "99999999999"] {
        all.ask("GET", format!("/v1/saves?wait={wait}"), "wait");
        let path = format!("/v1/saves/save-0123456789?wait={wait}");
        all.ask("GET", path, "wait");
    }
    for (query, names) in [
        ("state=Running", "state"),
        ("state=", "state"),
        ("instance=", "instance"),
        ("instance=a%0Ab", "instance"),
        ("template=UP", "template name"),
    ] {
        all.ask("GET", format!("/v1/saves?{query}"), names);
    }
    for path in [
        "/v1/templates/kept/deprecate",
        "/v1/templates/kept/versions/1/deprecate",
    ] {
        for (query, names) in [
            ("replaced_by=", "template"),
            ("replaced_by=UP", "template"),
            ("replaced_by=kept@1", "replaced_by"),
            ("end_of_life=x", "end_of_life"),
            ("end_of_life=2027-01-01", "end_of_life"),
            ("at=2027-01-01T00:00:00Z", "at"),
        ] {
            all.ask("POST", format!("{path}?{query}"), names);
        }
    }
    ranges(&mut all);
    lists(&mut all);
    all.all()
}

/// The times of schedules and of audit events.
fn ranges(all: &mut Odds) {
    for path in [
        "/v1/schedules",
        "/v1/schedules/kept",
        "/v1/audit",
        "/v1/audit/export",
    ] {
        for name in ["from", "until"] {
            for value in [
                "",
                "x",
                "2026-01-05",
                "2026-02-30T00:00:00Z",
                "%00",
                "1767603600",
            ] {
                all.ask("GET", format!("{path}?{name}={value}"), name);
            }
        }
        let backwards = "from=2026-03-01T00:00:00Z&until=2026-02-01T00:00:00Z";
        all.ask("GET", format!("{path}?{backwards}"), "until");
        let empty = "from=2026-03-01T00:00:00Z&until=2026-03-01T00:00:00Z";
        all.ask("GET", format!("{path}?{empty}"), "until");
    }
    for path in ["/v1/schedules", "/v1/schedules/kept"] {
        let long = "from=2026-03-01T00:00:00Z&until=2026-04-01T00:00:01Z";
        all.ask("GET", format!("{path}?{long}"), "until");
    }
}

fn lists(all: &mut Odds) {
    for format in ["", "xml", "CSV", "pdf"] {
        all.ask("GET", format!("/v1/audit/export?format={format}"), "format");
    }
    for limit in ["0", "1001", "-1", "x", ""] {
        all.ask("GET", format!("/v1/audit/export?limit={limit}"), "limit");
    }
    for cursor in ["", "x", "7b7d"] {
        all.ask("GET", format!("/v1/audit/export?cursor={cursor}"), "cursor");
    }
    for user in ["", "a%20b"] {
        all.ask("GET", format!("/v1/audit/export?user={user}"), "user");
    }
    all.ask("GET", "/v1/audit/export?resource=kept", "resource");
    all.ask("GET", "/v1/audit/export?project=UP", "project name");
    all.ask("GET", "/v1/users", "prefix");
    let long = "x".repeat(129);
    for prefix in ["", "a", "a%20b", "%00%00", "b*", "b%25", &long] {
        all.ask("GET", format!("/v1/users?prefix={prefix}"), "prefix");
    }
    for months in ["0", "37", "-1", "1.5", "x", ""] {
        let path = format!("/v1/projects/brain/costs/history?months={months}");
        all.ask("GET", path, "months");
    }
    for rest in ["saves", "schedules", "instances", "costs/history"] {
        for name in ["UP", "a", "x%0Ay"] {
            all.ask("GET", format!("/v1/projects/{name}/{rest}"), "project name");
        }
    }
    for rest in ["saves", "schedules", "instances"] {
        for limit in ["0", "101", "x"] {
            let path = format!("/v1/projects/brain/{rest}?limit={limit}");
            all.ask("GET", path, "limit");
        }
    }
}
