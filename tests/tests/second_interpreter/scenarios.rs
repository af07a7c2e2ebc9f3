//! The scenarios that run on both interpreters.

use prism_functions::domain::save::SaveRequest;
use prism_local::executions::DEFINITION;
use prism_tests::world::{id_of, save_request};
use serde_json::Value;

use crate::play::{Begins, Scenario};
use crate::trouble::{Act, Fault};

/// A code that no Retry names, so an error with it is final.
const FINAL: &str = "SnapshotFailed";

pub(crate) fn all() -> Vec<Scenario> {
    let mut all = plain();
    all.extend(catches());
    all.extend(retries());
    all.extend(ends_from_outside());
    all
}

fn copied(regions: &[&str]) -> SaveRequest {
    SaveRequest {
        copy_to: regions.iter().map(|name| name.parse().unwrap()).collect(),
        ..save_request("work", "kept")
    }
}

fn scenario(name: &str) -> Scenario {
    Scenario {
        name: name.to_owned(),
        request: copied(&[]),
        before: |_| {},
        faults: Vec::new(),
        begins: Begins::Save,
        timeout_s: None,
        by_chance: false,
        swept: false,
        ends: ("SUCCEEDED", None),
    }
}

fn fault(step: &'static str, act: Act) -> Fault {
    Fault {
        step,
        region: None,
        after: 0,
        times: 1,
        act,
    }
}

fn times(times: u32, fault: Fault) -> Fault {
    Fault { times, ..fault }
}

fn after(after: u32, fault: Fault) -> Fault {
    Fault { after, ..fault }
}

fn in_region(region: &'static str, fault: Fault) -> Fault {
    Fault {
        region: Some(region),
        ..fault
    }
}

/// Scenarios without faults, other than actions of EC2 or the caller.
fn plain() -> Vec<Scenario> {
    vec![
        scenario("a running instance"),
        Scenario {
            before: |world| {
                world.admin.stop(&id_of(world)).unwrap();
                world.pass(60);
            },
            ..scenario("an instance that was stopped")
        },
        Scenario {
            begins: Begins::DryRun,
            ..scenario("a dry run")
        },
        Scenario {
            request: copied(&["us-west-2", "eu-west-1"]),
            by_chance: true,
            ..scenario("two Regions")
        },
        Scenario {
            request: copied(&["us-west-2", "eu-west-1"]),
            by_chance: true,
            faults: vec![after(
                2,
                in_region("eu-west-1", fault("AwaitCopy", Act::Fail(FINAL))),
            )],
            ..scenario("two Regions, of which one fails")
        },
        Scenario {
            request: save_request("no-such", "kept"),
            ends: ("FAILED", Some("InstanceNotFound")),
            ..scenario("a save that is refused")
        },
        Scenario {
            before: |world| {
                world
                    .admin
                    .fail_next_image("EC2's \"bad\" day: {% 1 %} — \\")
                    .unwrap();
            },
            ends: ("FAILED", Some("ImageFailed")),
            ..scenario("an image that fails")
        },
        Scenario {
            faults: vec![fault("AwaitStopped", Act::Cancel)],
            ends: ("FAILED", Some("SaveCancelled")),
            ..scenario("a cancel while the instance stops")
        },
        Scenario {
            faults: vec![fault("AwaitImage", Act::Cancel)],
            ends: ("FAILED", Some("SaveCancelled")),
            ..scenario("a cancel while the image is made")
        },
        Scenario {
            faults: vec![fault("AwaitEvent", Act::Wake)],
            ..scenario("an event that ends the wait for an image")
        },
    ]
}

fn catches() -> Vec<Scenario> {
    let definition: Value = serde_json::from_str(DEFINITION).unwrap();
    let states = definition["States"].as_object().unwrap();
    let inner = states
        .values()
        .filter_map(|s| s["ItemProcessor"]["States"].as_object());
    let every = inner.chain([states]).flatten();
    let caught = every.flat_map(|(name, state)| {
        let catchers = state["Catch"].as_array().into_iter().flatten();
        catchers.map(move |catcher| {
            let errors = &catcher["ErrorEquals"];
            (name.as_str(), errors[0].as_str().unwrap())
        })
    });
    caught.map(|(state, error)| catch(state, error)).collect()
}

fn catch(state: &str, caught: &str) -> Scenario {
    // The states whose function has another name.
    let step = match state {
        "CopyToRegions" => "FailCopy",
        "AwaitStopEvent" | "AwaitStartEvent" | "AwaitImageEvent" => "AwaitEvent",
        _ => {
            prism_functions::steps::find(state)
                .expect("it is a step")
                .name
        }
    };
    let error = match caught {
        "States.ALL" => FINAL,
        // Time limits are covered by the plain scenarios; this is the other error of the same catcher.
        "States.Timeout" if step == "AwaitEvent" => "EventMissed",
        "EventMissed" => "EventMissed",
        "Superseded" => "Superseded",
        other => panic!("{state} catches {other}, of which no scenario is known"),
    };
    let failing = fault(step, Act::Fail(error));
    let image = fault("AwaitImage", Act::Fail("ImageFailed"));
    let there = |fault| in_region("eu-west-1", fault);
    let (faults, ends) = match state {
        "RestoreInstance" if caught == "States.ALL" => (vec![image, failing], FINAL),
        "RestoreInstance" | "DiscardImage" | "FailSave" => (vec![image, failing], "ImageFailed"),
        "Stranded" => {
            let restore = fault("RestoreInstance", Act::Fail("RestoreGaveUp"));
            (vec![image, restore, failing], "RestoreGaveUp")
        }
        "CopyImage" | "AwaitCopy" => (vec![there(failing)], ""),
        _ if step == "AwaitEvent" => (vec![failing], ""),
        "CopyToRegions" => {
            let copy = fault("CopyImage", Act::Fail("CopyFailed"));
            (vec![there(copy), there(failing)], FINAL)
        }
        _ => (vec![failing], FINAL),
    };
    Scenario {
        request: copied(&["eu-west-1"]),
        begins: match state {
            "PlanCopy" => Begins::Copy,
            _ => Begins::Save,
        },
        faults,
        ends: match ends {
            "" => ("SUCCEEDED", None),
            error => ("FAILED", Some(error)),
        },
        ..scenario(&format!("{state} fails, and {caught} catches it"))
    }
}

/// Retries: with each kind of Retry, until it succeeds and until it gives up.
fn retries() -> Vec<Scenario> {
    let works = |name: &str, fault: Fault| Scenario {
        request: copied(&["eu-west-1"]),
        faults: vec![fault],
        ..scenario(name)
    };
    let gives_up = |name: &str, error: &'static str, fault: Fault| Scenario {
        ends: ("FAILED", Some(error)),
        ..works(name, fault)
    };
    let jitters = |scenario| Scenario {
        by_chance: true,
        ..scenario
    };
    let fail = |step, code| fault(step, Act::Fail(code));
    let busy = |step| fault(step, Act::Refuse("TooManyRequestsException"));
    vec![
        jitters(works(
            "a throttle",
            times(3, fail("CreateImage", "Throttled")),
        )),
        jitters(works(
            "a conflict",
            times(2, fail("RegisterTemplate", "RegistryConflict")),
        )),
        works(
            "a Region that is not ready",
            times(4, fail("CopyImage", "NotReady")),
        ),
        works(
            "no capacity",
            times(6, fail("RestartInstance", "NoCapacity")),
        ),
        jitters(Scenario {
            faults: vec![
                times(11, fail("StopInstance", "NotReady")),
                fail("StopInstance", "RegistryConflict"),
                fail("StopInstance", "AwsUnavailable"),
            ],
            ..scenario("two kinds of errors, of which each Retry counts its own")
        }),
        jitters(works(
            "a Lambda that is busy",
            times(3, busy("StopInstance")),
        )),
        jitters(works(
            "an answer that comes late",
            times(2, fault("RegisterTemplate", Act::Dawdle(61))),
        )),
        works(
            "an answer that is just in time",
            fault("StopInstance", Act::Dawdle(60)),
        ),
        gives_up(
            "an instance that is never ready",
            "NotReady",
            times(13, fail("StopInstance", "NotReady")),
        ),
        gives_up(
            "answers that never come",
            "States.Timeout",
            times(4, fault("CreateImage", Act::Dawdle(61))),
        ),
        jitters(gives_up(
            "a Lambda that stays busy",
            "Lambda.TooManyRequestsException",
            times(101, busy("StopInstance")),
        )),
    ]
}

fn ends_from_outside() -> Vec<Scenario> {
    let stopped = |step: &'static str| Scenario {
        request: copied(&["eu-west-1"]),
        faults: vec![fault(step, Act::Stop)],
        swept: true,
        ends: ("ABORTED", None),
        ..scenario(&format!("an execution that is stopped in {step}"))
    };
    let limited = |name: &str, seconds, faults: Vec<Fault>| Scenario {
        request: copied(&["eu-west-1"]),
        faults,
        timeout_s: Some(seconds),
        swept: true,
        ends: ("TIMED_OUT", None),
        ..scenario(name)
    };
    vec![
        stopped("StopInstance"),
        stopped("CreateImage"),
        stopped("AwaitImage"),
        stopped("CopyImage"),
        stopped("RegisterTemplate"),
        limited("a time limit that passes in a wait", 49, Vec::new()),
        limited(
            "a time limit that passes in a task",
            70,
            vec![after(1, fault("AwaitSnapshots", Act::Dawdle(60)))],
        ),
        limited(
            "a time limit that passes before a retry",
            30,
            vec![fault("RestartInstance", Act::Fail("NoCapacity"))],
        ),
    ]
}
