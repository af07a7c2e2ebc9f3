//! Every route about a template or a project, requested by users with each possible relation to it. This table repeats
//! which responses they get.

use axum::http::Method;
use serde_json::{Value, json};

use crate::portal::{Answer, Ask, Portal, operations};

/// The callers: the template's owner, who is a member of its project; the owner, an admin, a member and a viewer of the
/// project; a user whom the template is shared with; a member and a viewer of another project that it is shared with;
/// and a stranger.
const WHO: [&str; 9] = [
    "ada", "olga", "adam", "mia", "vic", "gus", "pam", "ona", "sue",
];

/// A template of a project, shared with that project, another one and a user.
fn shared() -> Portal {
    let portal = Portal::new();
    let ok = |answer: Answer| {
        assert!(answer.status.is_success(), "{}", answer.text);
    };
    let project = |owner: &str, name: &str| {
        ok(portal.post(owner, "/v1/projects", &json!({"name": name})));
    };
    let member = |by: &str, name: &str, user: &str, role: &str| {
        let path = format!("/v1/projects/{name}/members");
        ok(portal.post(by, &path, &json!({"user": user, "role": role})));
    };
    project("olga", "brain");
    project("pat", "other");
    for (user, role) in [
        ("ada", "member"),
        ("adam", "admin"),
        ("mia", "member"),
        ("vic", "viewer"),
    ] {
        member("olga", "brain", user, role);
    }
    for (user, role) in [("ada", "member"), ("pam", "member"), ("ona", "viewer")] {
        member("pat", "other", user, role);
    }
    let save =
        json!({"instance": "work", "template": "kept", "region": "us-east-1", "project": "brain"});
    ok(portal.post("ada", "/v1/saves", &save));
    portal.world.clock.run_until_idle().unwrap();
    for to in ["project:brain", "project:other", "user:gus"] {
        ok(portal.post("ada", "/v1/templates/kept/shares", &json!({"to": to})));
    }
    // A template in use prevents the project's deletion for everyone.
    portal
}

/// How a response counts: `y` if it was allowed, even if something else prevented it; `n` if the role does not allow
/// it; `0` if the resource does not exist, or not for the caller.
fn letter(answer: &Answer) -> char {
    if answer.status.is_success() {
        return 'y';
    }
    match answer.json()["code"].as_str().unwrap_or_default() {
        "InstanceNotFound" | "LinkNotFound" | "ShareNotFound" | "ProjectInUse" | "OwnerNeeded" => {
            'y'
        }
        "NotAllowed" | "TemplateNameTaken" => 'n',
        "TemplateNotFound" | "ProjectNotFound" => '0',
        code => panic!("{code}: {}", answer.text),
    }
}

fn row(portal: &Portal, method: &str, path: &str, body: Option<&Value>) -> String {
    let ask = |user: &&str| {
        let ask = Ask::new(user, method, path);
        letter(&match body {
            Some(body) => portal.ask(ask.json(body)),
            None => portal.ask(ask),
        })
    };
    WHO.iter().map(ask).collect()
}

/// A route, the body, and the response for each of [`WHO`].
type Row = (&'static str, &'static str, &'static str, &'static str);

const LAUNCH: &str = r#"{"template": "kept", "name": "new", "region": "us-east-1"}"#;
const SAVE: &str = r#"{"instance": "none", "template": "kept", "region": "us-east-1"}"#;
const PAID: &str =
    r#"{"instance": "none", "template": "fresh", "region": "us-east-1", "project": "brain"}"#;
const FOR_IT: &str =
    r#"{"template": "ubuntu", "name": "new", "region": "us-east-1", "project": "brain"}"#;
const FOR_MIA: &str = r#"{"template": "ubuntu", "name": "new", "region": "us-east-1", "project": "brain", "for_member": "mia"}"#;
const CLASS: &str = r#"{"template": "ubuntu", "region": "us-east-1"}"#;
const BATCH: &str = r#"{"members": [{"user": "zed"}]}"#;
const GROUP: &str = r#"{"add": ["mia"]}"#;
const LINK: &str = r#"{"uses": 5, "until": "2026-02-01T00:00:00Z"}"#;
const SHARE: &str = r#"{"to": "user:gus"}"#;
const EDIT: &str = r#"{"approved_only": false}"#;
const BUDGET: &str = r#"{"limit_usd": 1000}"#;
const END: &str = r#"{"at": "2026-07-01T00:00:00Z"}"#;
const VIEWER: &str = r#"{"user": "zed", "role": "viewer"}"#;
const ADMIN: &str = r#"{"user": "zoe", "role": "admin"}"#;

// ada olga adam mia vic | gus pam ona sue
const OF_TEMPLATES: &[Row] = &[
    ("GET", "/v1/templates/kept", "", "yyyyyyyy0"),
    ("GET", "/v1/templates/kept/versions", "", "yyyyyyyy0"),
    ("GET", "/v1/templates/kept/lineage", "", "yyyyyyyy0"),
    ("GET", "/v1/templates/kept/versions/1", "", "yyyyyyyy0"),
    (
        "GET",
        "/v1/templates/kept/versions/1/export",
        "",
        "yyyyyyyy0",
    ),
    (
        "GET",
        "/v1/templates/kept/versions/1/packages",
        "",
        "yyyyyyyy0",
    ),
    ("POST", "/v1/instances?dry_run=true", LAUNCH, "yyyynyyn0"),
    ("POST", "/v1/saves?dry_run=true", SAVE, "yyyynnnnn"),
    ("GET", "/v1/templates/kept/shares", "", "yyynnnnn0"),
    ("POST", "/v1/templates/kept/shares", SHARE, "yyynnnnn0"),
    (
        "POST",
        "/v1/templates/kept/shares?dry_run=true",
        SHARE,
        "yyynnnnn0",
    ),
    (
        "DELETE",
        "/v1/templates/kept/shares?to=user:nobody",
        "",
        "yyynnnnn0",
    ),
    ("GET", "/v1/audit?resource=template:kept", "", "yyynnnnn0"),
];

const OF_PROJECTS: &[Row] = &[
    ("GET", "/v1/projects/brain", "", "yyyyy0000"),
    ("GET", "/v1/projects/brain/members", "", "yyyyy0000"),
    ("GET", "/v1/projects/brain/groups", "", "yyyyy0000"),
    (
        "PATCH",
        "/v1/projects/brain/groups/lab1",
        GROUP,
        "nyynn0000",
    ),
    (
        "POST",
        "/v1/projects/brain/members/batch?dry_run=true",
        BATCH,
        "nyynn0000",
    ),
    ("GET", "/v1/projects/brain/links", "", "nyynn0000"),
    ("POST", "/v1/projects/brain/links", LINK, "nyynn0000"),
    (
        "DELETE",
        "/v1/projects/brain/links/link-0123456789abcdef",
        "",
        "nyynn0000",
    ),
    ("POST", "/v1/projects/brain/launch-plan", CLASS, "nyynn0000"),
    (
        "POST",
        "/v1/projects/brain/instances/none/stop?region=us-east-1",
        "",
        "nyynn0000",
    ),
    ("POST", "/v1/instances?dry_run=true", FOR_MIA, "nyynn0000"),
    ("GET", "/v1/projects/brain/templates", "", "yyyyy0000"),
    ("GET", "/v1/projects/brain/approvals", "", "yyyyy0000"),
    ("GET", "/v1/projects/brain/costs", "", "yyyyn0000"),
    ("GET", "/v1/projects/brain/costs/history", "", "yyyyn0000"),
    ("GET", "/v1/projects/brain/saves", "", "nyynn0000"),
    ("GET", "/v1/projects/brain/schedules", "", "nyynn0000"),
    ("GET", "/v1/projects/brain/instances", "", "nyynn0000"),
    ("GET", "/v1/audit/export?project=brain", "", "nyynn0000"),
    ("GET", "/v1/audit?project=brain", "", "nyynn0000"),
    ("GET", "/v1/audit?resource=project:brain", "", "nyynn0000"),
    ("POST", "/v1/saves?dry_run=true", PAID, "yyyyn0000"),
    ("POST", "/v1/instances?dry_run=true", FOR_IT, "yyyyn0000"),
    ("PATCH", "/v1/projects/brain", EDIT, "nyynn0000"),
    ("PUT", "/v1/projects/brain/budget", BUDGET, "nyynn0000"),
    ("DELETE", "/v1/projects/brain/budget", "", "nyynn0000"),
    ("PUT", "/v1/projects/brain/end", END, "nyynn0000"),
    ("DELETE", "/v1/projects/brain/end", "", "nyynn0000"),
    (
        "PUT",
        "/v1/projects/brain/approvals/ubuntu",
        "",
        "nyynn0000",
    ),
    (
        "DELETE",
        "/v1/projects/brain/approvals/ubuntu",
        "",
        "nyynn0000",
    ),
    ("POST", "/v1/projects/brain/members", VIEWER, "nyynn0000"),
    ("POST", "/v1/projects/brain/members", ADMIN, "nynnn0000"),
    (
        "DELETE",
        "/v1/projects/brain/members?user=olga",
        "",
        "nynnn0000",
    ),
    ("DELETE", "/v1/projects/brain", "", "nynnn0000"),
];

#[test]
fn each_route_answers_each_role_as_was_decided() {
    let portal = shared();
    for (method, path, body, decided) in OF_TEMPLATES.iter().chain(OF_PROJECTS) {
        let parsed: Option<Value> = (!body.is_empty()).then(|| body.parse().unwrap());
        let answered = row(&portal, method, path, parsed.as_ref());
        assert_eq!(&answered, decided, "{method} {path} {body}");
    }
}

fn filled(path: &str, save: &str) -> String {
    let path = path
        .replace("{version}", "1")
        .replace("{id}", save)
        .replace("{template}", "hidden-env");
    let name = if path.starts_with("/v1/projects") {
        "dark-project"
    } else if path.starts_with("/v1/instances") {
        "hidden-box"
    } else if path.starts_with("/v1/schedules") {
        "hidden-nightly"
    } else {
        "hidden-env"
    };
    path.replace("{name}", name)
}

/// A stranger calls every GET route, with every filter, and never receives anything about a private template, its
/// project, its save, its schedule or its instance.
#[test]
fn a_stranger_sees_nothing_of_a_private_template_by_any_route() {
    for project in [false, true] {
        let portal = Portal::new();
        portal.world.launch("ada", "ubuntu", "hidden-box");
        let ok = |answer: Answer| {
            assert!(answer.status.is_success(), "{}", answer.text);
            answer.json()
        };
        let mut save = json!({
            "instance": "hidden-box", "template": "hidden-env", "region": "us-east-1",
            "description": "unheard-of",
        });
        if project {
            ok(portal.post("ada", "/v1/projects", &json!({"name": "dark-project"})));
            save["project"] = json!("dark-project");
        }
        let begun = ok(portal.post("ada", "/v1/saves", &save));
        portal.world.clock.run_until_idle().unwrap();
        let nightly = json!({"name": "hidden-nightly", "cadence": "rate(1 day)", "request": save});
        ok(portal.post("ada", "/v1/schedules", &nightly));
        ok(portal.post(
            "ada",
            "/v1/templates/hidden-env/shares",
            &json!({"to": "user:gus"}),
        ));
        let own = ok(portal.get("ada", "/v1/templates/hidden-env"));
        let id = begun["save_id"].as_str().unwrap();
        let image = own["version"]["amis"]["us-east-1"]["x86_64"]
            .as_str()
            .unwrap();
        let snapshot = own["version"]["snapshots"]["us-east-1"][0]
            .as_str()
            .unwrap();
        let secrets = ["unheard-of", image, snapshot, "\"ada\""];
        let mut asked = 0;
        for (method, path, operation) in operations() {
            if method != Method::GET {
                continue;
            }
            let path = filled(&path, id);
            let parameters = operation["parameters"].as_array();
            let queries = parameters
                .into_iter()
                .flatten()
                .filter(|it| it["in"] == "query");
            let mut filters = vec![String::new()];
            for query in queries {
                let name = query["name"].as_str().unwrap();
                let values: &[&str] = match name {
                    "region" => &["us-east-1"],
                    "resource" => &[
                        "template:hidden-env",
                        "project:dark-project",
                        "schedule:hidden-nightly",
                    ],
                    "project" => &["dark-project"],
                    "user" | "owner" => &["ada"],
                    "search" => &["hidden"],
                    "prefix" => &["ad", "hidden"],
                    _ => &[],
                };
                filters.extend(values.iter().map(|value| format!("{name}={value}")));
            }
            for filter in filters {
                let path = format!("{path}?{filter}");
                let answer = portal.get("sue", path.trim_end_matches('?'));
                let leak = secrets.iter().find(|secret| answer.text.contains(**secret));
                assert_eq!(leak, None, "{path}: {}", answer.text);
                if answer.status.is_success() {
                    // Nor do lists that the stranger may read. A refusal repeats the request.
                    for name in ["hidden-env", "hidden-box", "dark-project"] {
                        assert!(!answer.text.contains(name), "{path}: {}", answer.text);
                    }
                }
                asked += 1;
            }
        }
        assert!(asked > 25, "{asked}");
    }
}
