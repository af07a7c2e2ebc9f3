//! What callers learn about themselves, and what anybody learns before signing in.

use std::collections::BTreeSet;

use prism_functions::rules::{PublicScope, SignIn};
use prism_tests::recorded::ec2_calls;
use prism_tests::world::Setup;
use serde_json::{Value, json};

use crate::portal::{Ask, Portal, document};

fn anonymous(portal: &Portal) -> Value {
    let ask = Ask::new("", "GET", "/v1/config");
    portal.ask(Ask { user: None, ..ask }).ok(200)
}

#[test]
fn a_caller_learns_their_projects_and_what_is_allowed() {
    let mut setup = Setup::seeded(7).profiled();
    setup.settings.allowed_regions = "us-east-1,eu-west-1".parse().unwrap();
    setup.settings.allowed_types = "t3.*,m7i.large".parse().unwrap();
    setup.settings.public_scope = PublicScope::World;
    let portal = Portal::over(setup);
    for name in ["brain", "atlas"] {
        portal
            .post("ada", "/v1/projects", &json!({ "name": name }))
            .ok(201);
    }
    let member = json!({"user": "bob", "role": "viewer"});
    portal
        .post("ada", "/v1/projects/brain/members", &member)
        .ok(200);
    let calls = ec2_calls();
    let expected = |user: &str, projects: Value| {
        json!({
            "user": user,
            "projects": projects,
            "public_scope": "world",
            "allowed_regions": ["eu-west-1", "us-east-1"],
            "allowed_instance_types": ["m7i.large", "t3.*"],
            "has_sessions": true,
        })
    };
    let ada = json!([{"name": "atlas", "role": "owner"}, {"name": "brain", "role": "owner"}]);
    assert_eq!(portal.get("ada", "/v1/me").ok(200), expected("ada", ada));
    let bob = json!([{"name": "brain", "role": "viewer"}]);
    assert_eq!(portal.get("bob", "/v1/me").ok(200), expected("bob", bob));
    let sue = expected("sue", json!([]));
    assert_eq!(portal.get("sue", "/v1/me").ok(200), sue);
    assert_eq!(ec2_calls(), calls);
}

#[test]
fn without_restrictions_nothing_is_named() {
    let me = Portal::new().get("ada", "/v1/me").ok(200);
    assert_eq!(me["allowed_regions"], json!([]));
    assert_eq!(me["allowed_instance_types"], json!([]));
    assert_eq!(me["public_scope"], "deployment");
    assert_eq!(me["has_sessions"], false);
}

#[test]
fn anybody_may_read_how_to_sign_in_and_what_sizes_cost() {
    let mut setup = Setup::seeded(7);
    setup.settings.allowed_regions = "us-east-1".parse().unwrap();
    setup.settings.allowed_types = "t3.*".parse().unwrap();
    setup.settings.launch_subnets = vec!["subnet-0123456789abcdef0".parse().unwrap()];
    setup.settings.sign_in = Some(SignIn {
        issuer: "https://id.example.org".to_owned(),
        client_id: "prism".to_owned(),
        ..SignIn::default()
    });
    let portal = Portal::over(setup);
    let (reads, calls) = (portal.world.table.reads(), ec2_calls());
    let config = anonymous(&portal);
    assert_eq!((portal.world.table.reads(), ec2_calls()), (reads, calls));
    let sign_in = json!({"issuer": "https://id.example.org", "client_id": "prism"});
    assert_eq!(config["sign_in"], sign_in);
    assert_eq!(config["regions"], json!(["us-east-1"]));
    assert_eq!(config["prices_in"], "us-east-1");
    assert_eq!(
        config["prices_of"].as_str().unwrap().len(),
        "2026-01-01".len()
    );
    assert_eq!(config["sizes"].as_array().unwrap().len(), 9);
    let small = &config["sizes"][0];
    assert_eq!(small["size"], "XS");
    let expected = json!({
        "architecture": "x86_64", "instance_type": "t3.small", "vcpus": 2, "memory_gib": 2,
        "gpu": null, "usd_per_hour": 0.0208, "allowed": true,
    });
    assert_eq!(small["types"][0], expected);
    assert_eq!(small["types"][1]["architecture"], "arm64");
    assert_eq!(small["types"][1]["allowed"], false);
    // Nothing else is told: neither settings of the account nor users.
    let keys: BTreeSet<&String> = config.as_object().unwrap().keys().collect();
    let document = document();
    let schema = &document["components"]["schemas"]["PublicConfig"]["properties"];
    let described: BTreeSet<&String> = schema.as_object().unwrap().keys().collect();
    assert_eq!(keys, described);
    let text = config.to_string();
    for secret in ["subnet-", "123456789012", "ada"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn a_deployment_without_a_portal_says_so() {
    let portal = Portal::new();
    assert_eq!(anonymous(&portal)["sign_in"], Value::Null);
    // Somebody who has signed in gets the same.
    let known = portal.get("ada", "/v1/config").ok(200);
    assert_eq!(known, anonymous(&portal));
    let posted = portal.post("ada", "/v1/config", &json!({}));
    posted.problem(405, "MethodNotAllowed");
}
