//! Invalid values in the fields of bodies.

use serde_json::{Value, json};

use super::strays;
use crate::nonsense_courses as courses;
use crate::nonsense_team as team;
use crate::odd_templates::edits;
use crate::odds::{Odd, Odds, odd_values};

pub(super) fn save(field: &str, value: Value) -> Value {
    let mut body = json!({"instance": "work", "template": "kept", "region": "us-east-1"});
    body[field] = value;
    body
}

pub(super) fn launch(field: &str, value: Value) -> Value {
    let mut body = json!({"template": "ubuntu", "name": "new", "region": "us-east-1"});
    body[field] = value;
    body
}

pub(super) fn schedule(field: &str, value: Value) -> Value {
    let mut body = json!({"cadence": "rate(1 day)", "request": save("public", json!(false))});
    body[field] = value;
    body
}

pub(super) fn bodies() -> Vec<Odd> {
    let all = [
        saves(),
        launches(),
        schedules(),
        copies(),
        keys(),
        notify(),
        sessions(),
        ends(),
        edits(),
        strays(),
        team::bodies(),
        courses::bodies(),
    ];
    all.into_iter().flatten().collect()
}

fn ends() -> Vec<Odd> {
    let mut all = Odds::default();
    let wrong: [(&'static str, &[Value]); 5] = [
        (
            "at",
            &[
                json!(""),
                json!("tomorrow"),
                json!(5),
                json!("2020-01-01T00:00:00Z"),
            ],
        ),
        (
            "for_minutes",
            &[
                json!(0),
                json!(-1),
                json!(1.5),
                json!("60"),
                json!(u32::MAX),
            ],
        ),
        ("then", &[json!(null), json!("hibernate"), json!("Stop")]),
        ("last_save", &[json!(""), json!("UP"), json!("a/b")]),
        (
            "warn_minutes",
            &[json!(0), json!(-1), json!("15"), json!(100_000)],
        ),
    ];
    for (field, values) in wrong {
        for value in values {
            let mut end = json!({});
            if field != "at" {
                end["for_minutes"] = json!(60);
            }
            end[field] = value.clone();
            // A number that is not possible is refused as an end or a warning, one of another type by its field.
            let names = match field {
                "for_minutes" if value.as_u64().is_some() => "end",
                "warn_minutes" if value.as_u64().is_some() => "warning",
                "last_save" => "template name",
                field => field,
            };
            let path = "/v1/instances/work/end?region=us-east-1";
            all.send("PUT", path, end.clone(), names);
            all.send(
                "POST",
                "/v1/instances?dry_run=true",
                launch("end", end),
                names,
            );
        }
    }
    all.all()
}

fn saves() -> Vec<Odd> {
    let mut all = Odds::default();
    let mut add = |body: Value, names| {
        for path in ["/v1/saves", "/v1/saves?dry_run=true"] {
            all.send("POST", path, body.clone(), names);
        }
    };
    let saves: [(&'static str, &[Value]); 16] = [
        (
            "exclude_volumes",
            &[json!(null), json!("/dev/sdf"), json!([1])],
        ),
        (
            "instance",
            &[
                json!(null),
                json!(""),
                json!(" work"),
                json!("w".repeat(129)),
            ],
        ),
        (
            "template",
            &[
                json!(null),
                json!(""),
                json!("UP"),
                json!("a/b"),
                json!("t".repeat(65)),
            ],
        ),
        (
            "region",
            &[
                json!(null),
                json!(""),
                json!("US-EAST-1"),
                json!("mars-north-1"),
            ],
        ),
        (
            "description",
            &[json!(null), json!("d".repeat(256)), json!("a\nb")],
        ),
        (
            "copy_to",
            &[
                json!(null),
                json!("us-west-2"),
                json!(["x"]),
                json!(["mars-north-1"]),
            ],
        ),
        ("how", &[json!(null), json!("sleep"), json!(1)]),
        ("move_template", &[json!(null), json!("yes"), json!(1)]),
        ("publish_sensitive", &[json!(null), json!("yes"), json!(1)]),
        ("public", &[json!(null), json!("yes"), json!(1)]),
        ("project", &[json!(""), json!("UP")]),
        (
            "tags",
            &[
                json!(null),
                json!({"aws:x": "y"}),
                json!({"k": 1}),
                json!({"": "v"}),
            ],
        ),
        ("accept_instance_store_loss", &[]),
        ("add_arch", &[json!(null), json!("yes"), json!(1)]),
        (
            "exclude_from_latest",
            &[json!(null), json!("yes"), json!(1)],
        ),
        ("version", &[json!(0), json!(1), json!("latest")]),
    ];
    for (field, values) in saves {
        for value in values.iter().cloned().chain(odd_values()) {
            // An error of the service names things, not fields.
            let names = match field {
                "copy_to" if value == json!(["mars-north-1"]) => "mars-north-1",
                "accept_instance_store_loss" if value.is_string() => continue,
                "tags" => "ta",
                field => field,
            };
            add(save(field, value), names);
        }
    }
    all.all()
}

fn launches() -> Vec<Odd> {
    let mut all = Odds::default();
    let mut add = |body: Value, names| {
        for path in ["/v1/instances", "/v1/instances?dry_run=true"] {
            all.send("POST", path, body.clone(), names);
        }
    };
    let launches: [(&'static str, &[Value]); 9] = [
        ("keep_volumes", &[json!(null), json!("yes"), json!(1)]),
        (
            "public_keys",
            &[json!(null), json!("x"), json!(["x"]), json!([""])],
        ),
        (
            "disk_gib",
            &[
                json!(0),
                json!(9),
                json!(16_385),
                json!("large"),
                json!(1.5),
            ],
        ),
        (
            "template",
            &[
                json!(null),
                json!(""),
                json!("UP"),
                json!("ubuntu@0"),
                json!("ubuntu@x"),
            ],
        ),
        (
            "name",
            &[
                json!(null),
                json!(""),
                json!("new "),
                json!("i-0123456789abcdef0"),
            ],
        ),
        (
            "region",
            &[
                json!(null),
                json!(""),
                json!("US-EAST-1"),
                json!("mars-north-1"),
            ],
        ),
        ("size", &[json!(""), json!("XXL")]),
        ("architecture", &[json!(""), json!("riscv64")]),
        ("project", &[json!(""), json!("UP")]),
    ];
    for (field, values) in launches {
        for value in values.iter().cloned().chain(odd_values()) {
            let names = match field {
                // An error of the service names things, not fields.
                "disk_gib" if value.is_u64() => "disk of",
                "public_keys" => "public",
                field => field,
            };
            add(launch(field, value), names);
        }
    }
    all.all()
}

fn schedules() -> Vec<Odd> {
    let mut all = Odds::default();
    let schedules: [(&'static str, &[Value]); 6] = [
        ("name", &[json!(""), json!("UP")]),
        (
            "cadence",
            &[
                json!(null),
                json!(""),
                json!("1m"),
                json!("rate(1 day"),
                json!("cron(0 25 * * ? *)"),
            ],
        ),
        ("timezone", &[json!(null), json!(""), json!("Mars/Olympus")]),
        (
            "jitter_minutes",
            &[
                json!(null),
                json!(-1),
                json!(1.5),
                json!(1441),
                json!("15m"),
            ],
        ),
        (
            "keep",
            &[json!(0), json!(101), json!(-1), json!(1.5), json!("7")],
        ),
        (
            "request",
            &[
                json!(null),
                json!(""),
                json!(["work", "kept", "us-east-1"]),
                save("region", json!("x")),
            ],
        ),
    ];
    for (field, values) in schedules {
        for value in values.iter().cloned().chain(odd_values()) {
            let names = match field {
                "request" if value.get("region").is_some() => "region",
                field => field,
            };
            all.send(
                "POST",
                "/v1/schedules",
                schedule(field, value.clone()),
                names,
            );
            // The fields that can be changed later follow the same rules.
            let changes = ["timezone", "cadence", "jitter_minutes", "keep"];
            if changes.contains(&field) && !value.is_null() {
                all.send(
                    "PATCH",
                    "/v1/schedules/kept",
                    json!({ field: value }),
                    names,
                );
            }
        }
    }
    for value in odd_values().into_iter().chain([json!("true"), json!(0)]) {
        all.send(
            "PATCH",
            "/v1/schedules/kept",
            json!({ "paused": value }),
            "paused",
        );
    }
    for value in odd_values().into_iter().chain([json!(""), json!("a\nb")]) {
        all.send(
            "PATCH",
            "/v1/schedules/kept",
            json!({ "instance": value }),
            "instance",
        );
    }
    for value in odd_values().into_iter().chain([json!("sleep"), json!(1)]) {
        let body = json!({ "how": value });
        all.send("PATCH", "/v1/schedules/kept", body, "how");
    }
    for value in [json!("/dev/sdf"), json!([1]), json!([""])] {
        let body = json!({ "exclude_volumes": value });
        all.send("PATCH", "/v1/schedules/kept", body, "exclude_volumes");
    }
    for value in odd_values().into_iter().chain([json!("yes"), json!(1)]) {
        all.send(
            "PATCH",
            "/v1/schedules/kept",
            json!({ "publish_sensitive": value }),
            "publish_sensitive",
        );
    }
    all.send(
        "PATCH",
        "/v1/schedules/kept",
        json!({ "owner": "bob" }),
        "`owner`",
    );
    all.all()
}

fn copies() -> Vec<Odd> {
    let values = [json!(null), json!(""), json!(["US-EAST-1"]), json!(["x"])];
    let values = values.into_iter().chain(odd_values());
    let (mut all, path) = (Odds::default(), "/v1/templates/kept/versions/1/copies");
    for value in values {
        all.send("POST", path, json!({ "regions": value }), "regions");
    }
    for value in [json!(null), json!("yes"), json!(1)] {
        let body = json!({ "regions": ["us-west-2"], "publish_sensitive": value });
        all.send("POST", path, body, "publish_sensitive");
    }
    all.all()
}

fn keys() -> Vec<Odd> {
    let mut all = Odds::default();
    let ours = [
        json!(null),
        json!(""),
        json!("ssh-ed25519"),
        json!("ssh-ed25519 AAAA"),
        json!("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"),
        json!("x".repeat(5_000)),
    ];
    for value in ours.into_iter().chain(odd_values()) {
        all.send("POST", "/v1/keys", json!({ "public_key": value }), "public");
    }
    all.all()
}

fn notify() -> Vec<Odd> {
    let mut all = Odds::default();
    let ours: [(&'static str, &[Value]); 6] = [
        (
            "on",
            &[json!("save.failed"), json!(["save"]), json!(["test"])],
        ),
        ("defaults", &[json!(null), json!("yes"), json!(1)]),
        (
            "email",
            &[json!(""), json!("ada"), json!("a@b\r\nBcc: c@d.org")],
        ),
        (
            "webhook",
            &[
                json!(""),
                json!("http://example.org/"),
                json!("https://169.254.169.254/"),
            ],
        ),
        ("rotate_secret", &[json!(null), json!("yes"), json!(1)]),
        ("off", &[json!(null), json!("email"), json!(["sms"])]),
    ];
    for (field, values) in ours {
        for value in values.iter().cloned().chain(odd_values()) {
            let names = match (field, &value) {
                ("email", Value::String(_)) => "e-mail address",
                ("webhook", Value::String(_)) => "webhook URL",
                _ => field,
            };
            all.send("PATCH", "/v1/notify", json!({ field: value }), names);
        }
    }
    for value in odd_values() {
        all.send(
            "PATCH",
            "/v1/notify",
            json!({ "desktop": value }),
            "desktop",
        );
        all.send(
            "POST",
            "/v1/notify/confirm",
            json!({ "code": value }),
            "code",
        );
    }
    all.send("PATCH", "/v1/notify", json!({ "x": 1 }), "`x`");
    all.all()
}

fn sessions() -> Vec<Odd> {
    let mut all = Odds::default();
    let path = "/v1/instances/work/sessions?region=us-east-1";
    let whole = json!({"kind": "port", "port": 8888, "local_port": 8888});
    let ours: [(&'static str, &[Value]); 3] = [
        (
            "kind",
            &[json!(null), json!("x"), json!("SHELL"), json!("")],
        ),
        ("port", &[json!(null), json!(0), json!(65_536), json!("80")]),
        ("local_port", &[json!(0), json!(65_536), json!("80")]),
    ];
    for (field, values) in ours {
        for value in values.iter().cloned().chain(odd_values()) {
            let mut body = whole.clone();
            body[field] = value;
            all.send("POST", path, body, field);
        }
    }
    let shell = json!({"kind": "shell", "port": 22});
    all.send("POST", path, shell, "port");
    all.all()
}
