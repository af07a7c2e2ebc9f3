//! A small part of the simulation. `cargo xtask simulate` runs all of it, with an optimised build of its own. These
//! tests show that it detects deliberate defects, and that it is exactly repeatable.

use prism_tests::simulation::{
    Coverage, Failure, Fault, Kind, MAIN, MUTANTS, PATHS, Part, Path, play, points, random,
    randoms, singles, tell, trace,
};

fn none(failures: &[Failure]) {
    if let Some(failure) = failures.first() {
        panic!(
            "{}\nagain: {}\nviolated: {:#?}\nand {} more",
            failure.tale,
            failure.replay,
            failure.violations,
            failures.len() - 1
        );
    }
}

#[test]
fn every_path_keeps_the_promises() {
    for path in PATHS {
        let run = play(*path, &[], None);
        assert_eq!(
            run.violations,
            Vec::<String>::new(),
            "{}:\n{}",
            path.name,
            tell(&run)
        );
    }
}

#[test]
fn single_faults_keep_the_promises() {
    let part = Part {
        every: 997,
        from: 0,
    };
    let tally = singles(PATHS, part, &|_| {});
    assert!(tally.runs > 100, "{} runs", tally.runs);
    none(&tally.failures);
}

#[test]
fn half_of_the_single_faults_must_reach_every_state_and_every_kind_of_fault() {
    let nothing = Coverage::default();
    let missing = |every, what: &str| nothing.missing(every).iter().any(|it| it == what);
    for often in ["the state CreateImage", "the fault odd"] {
        assert_eq!([1, 2, 3].map(|n| missing(n, often)), [true, true, false]);
    }
    let seldom = "the call CreateImage of CreateImage";
    assert_eq!([1, 2, 3].map(|n| missing(n, seldom)), [true, false, false]);
}

#[test]
fn a_late_execution_starts_nothing_that_somebody_else_stopped() {
    for fault in [
        "AwaitRunning.Get#5=they-stop",
        "AwaitRunning.Instances#3=they-stop",
    ] {
        let run = play(MAIN, &[fault.parse().expect("it is a fault")], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
    }
}

#[test]
fn late_effects_are_waited_for() {
    let unshared = "shared no more when it is registered";
    for (path, fault) in [
        ("cancelled while down", "CreateImage.CreateImage#1=late"),
        (unshared, "RegisterTemplate.AddLaunchPermissions#1=late"),
        (unshared, "Api.RemoveLaunchPermissions#1=hand-over"),
    ] {
        let path = Path::named(path).expect("it is a path");
        let run = play(path, &[fault.parse().expect("it is a fault")], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
    }
}

#[test]
fn a_request_after_a_slow_write_is_recorded_again() {
    for step in ["StopInstance", "CreateImage", "CopyImage"] {
        let fault = format!("{step}.Put#2=slow");
        let run = play(MAIN, &[fault.parse().expect("it is a fault")], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
    }
}

/// A stop is recorded again because the first record took long, and it is under way when its execution is stopped.
#[test]
fn the_last_stop_is_the_one_that_is_waited_for() {
    let faults = [
        "StopInstance.Get#2=slow",
        "StopInstance.StopInstance#1=zombie",
    ];
    let faults = faults.map(|fault| fault.parse().expect("it is a fault"));
    let run = play(MAIN, &faults, None);
    assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
}

/// Renewed credentials, quotas, concurrent copies, and unknown refusals of a start: the save succeeds as if nothing had
/// happened, at any step.
#[test]
fn temporary_errors_fail_no_save() {
    for fault in [
        "StopInstance.StopInstance#1=expired",
        "CreateImage.CreateImage#1=expired",
        "AwaitSnapshots.Snapshots#1=expired",
        "RestartInstance.StartInstance#1=expired",
        "RestartInstance.StartInstance#1=full",
        "RestartInstance.StartInstance#1=odd",
        "AwaitRunning.Instances#1=expired",
        "AwaitImage.Images#1=expired",
        "CopyImage.CopyImage#1=expired",
        "CopyImage.CopyImage#1=full",
        "AwaitCopy.Images#1=expired",
        "AwaitImage.begin#1=throttle-10",
    ] {
        let run = play(MAIN, &[fault.parse().expect("it is a fault")], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
        let (told, ends) = (tell(&run), ["CompleteSave", "DiscardImage"]);
        assert_eq!(
            ends.map(|step| told.contains(step)),
            [true, false],
            "{told}"
        );
    }
}

#[test]
fn two_faults_at_once_keep_the_promises() {
    for faults in [
        // A stop is under way while one from outside was seen and undone.
        ["StopInstance.StopInstance#1=zombie", "Wake.Get#1=they-stop"],
        // The snapshots of the first AMI exist, and those of the second do not.
        [
            "CreateImage.CreateImage#1=hangs-after",
            "CreateImage.CreateImage#2=they-deregister",
        ],
        // A copy is rolled back by an execution that another one has superseded.
        [
            "AwaitCopy.Images#7=refused",
            "FailCopy.DeregisterImage#1=hand-over",
        ],
        [
            "AwaitCopy.Images#8=refused",
            "FailCopy.DeregisterImage#1=hand-over",
        ],
        // The intended request is recorded late twice. EC2 is only called once it was recorded in time.
        ["CreateImage.Put#2=slow", "CreateImage.Get#3=slow"],
        // The snapshots are read in a past state when the AMI exists: what runs again after the end changes nothing.
        [
            "CreateImage.CreateImage#1=hangs-after",
            "AwaitImage.Snapshots#4=stale",
        ],
        // Somebody starts the instance just before it is captured, and it is seen in its state of before.
        [
            "AwaitSnapshots.Snapshots#2=they-start",
            "AwaitSnapshots.Instances#1=stale",
        ],
        // The clean-up is throttled for an hour, and then for another.
        [
            "RegisterTemplate.Images#1=throttle-100",
            "DiscardImage.Snapshots#1=throttle-100",
        ],
    ] {
        let faults = faults.map(|fault| fault.parse().expect("it is a fault"));
        let run = play(MAIN, &faults, None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
    }
}

/// If EC2 refuses to make a template's AMI public, its copies are not public either.
#[test]
fn what_is_not_made_public_is_public_nowhere() {
    let public = Path::named("public").expect("it is a path");
    for fault in [
        "RegisterTemplate.AddLaunchPermissions#1=refused",
        "RegisterTemplate.AddLaunchPermissions#2=refused",
    ] {
        let run = play(public, &[fault.parse().expect("it is a fault")], None);
        assert_eq!(run.violations, Vec::<String>::new(), "{}", tell(&run));
    }
}

/// A sample of what others do to the volumes of the instance and to the results of saves, at every step.
#[test]
fn the_promises_hold_when_others_attach_detach_and_protect() {
    let kinds = [Kind::TheyDetach, Kind::TheyAttach, Kind::TheyProtect];
    for path in [
        "main",
        "cancelled while down",
        "failed copy",
        "by a schedule that keeps one",
    ] {
        let path = Path::named(path).expect("it is a path");
        for (n, point) in points(path).into_iter().enumerate().step_by(13) {
            let kind = kinds[n % kinds.len()];
            let fault = Fault { point, kind };
            if !point.site.takes(kind) {
                continue;
            }
            let run = play(path, &[fault], None);
            assert_eq!(
                run.violations,
                Vec::<String>::new(),
                "{}: {fault}\n{}",
                path.name,
                tell(&run)
            );
        }
    }
}

#[test]
fn seeds_keep_the_promises() {
    none(&randoms(1, 40, &|_| {}).failures);
}

#[test]
fn each_deliberate_defect_is_caught() {
    for mutant in MUTANTS {
        let sound = mutant.run(false);
        assert_eq!(
            sound.violations,
            Vec::<String>::new(),
            "without the defect: {}",
            mutant.name
        );
        let mutated = mutant.run(true);
        assert!(
            !mutated.violations.is_empty(),
            "not caught: {}",
            mutant.name
        );
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let faulty = (1..).map(|seed| (seed, trace(&random(seed))));
    let mut faulty = faulty.filter(|(_, trace)| trace.contains(" = "));
    for (seed, first) in faulty.by_ref().take(3) {
        assert_eq!(first, trace(&random(seed)), "the seed {seed}");
    }
}
