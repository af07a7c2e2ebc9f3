//! Small bursts of saves keep the limits that `cargo xtask bench burst` also checks for thousands.

use prism_functions::domain::pace::Ec2Share;
use prism_tests::burst::{Burst, Outcome};

/// A burst in an account whose other users take the half of EC2's throttles that the deployment leaves to them.
fn burst(saves: u32, varied: bool) -> Burst {
    Burst {
        saves,
        varied,
        neighbour_percent: 50,
        interactive: saves > 1,
        share: Ec2Share::default(),
        events: true,
    }
}

#[test]
fn fifty_saves_at_one_instant_keep_the_limits() {
    let burst = burst(50, true);
    assert_eq!(burst.exceeded(&burst.play()), [""; 0]);
}

#[test]
fn a_save_alone_keeps_its_limits() {
    for varied in [false, true] {
        let burst = burst(1, varied);
        let outcome = burst.play();
        assert_eq!(burst.exceeded(&outcome), [""; 0]);
        let refusal = outcome.refusal.unwrap();
        assert!(refusal.calls > 5, "it is refused early: {refusal:?}");
    }
}

type Change = fn(&mut Outcome);

#[test]
fn whatever_gets_worse_exceeds_its_limit() {
    let burst = burst(1, false);
    let outcome = burst.play();
    let worse: [(Change, &str); 8] = [
        (|it| it.stranded = 1, "1 stranded"),
        (|it| it.over_floor[0] = 1.2, "p99 of the downtime"),
        (|it| it.beyond_floor_s += 0.5, "beyond the floor"),
        (|it| it.last_registered_s += 2.0, "its version takes"),
        (|it| it.transitions = 55, "55 transitions"),
        (
            |it| it.traffic.get_mut("DescribeImages").unwrap().0.calls = 50,
            "requests",
        ),
        (
            |it| it.refusal.as_mut().unwrap().after_s += 2.0,
            "a refusal takes",
        ),
        (
            |it| it.refusal.as_mut().unwrap().calls = 20,
            "a refusal takes 20 requests",
        ),
    ];
    for (change, what) in worse {
        let mut outcome = outcome.clone();
        change(&mut outcome);
        let exceeded = burst.exceeded(&outcome);
        assert!(
            exceeded.len() == 1 && exceeded[0].contains(what),
            "{exceeded:?}"
        );
    }
}
