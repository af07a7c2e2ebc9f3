//! CreateImage of a running instance that reboots it.

use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::InstanceId;
use prism_functions::domain::ec2::{InstanceState, StatusChecks};
use prism_functions::ports::{Clock, Ec2, NewImage, Tags};

use super::{World, account};
use crate::ec2::{AtReboot, GuestError};

/// From the request to the snapshot, with the default durations, in seconds.
const CAPTURED_S: u64 = 10 + 2;

fn rebooted(w: &World, id: &InstanceId) {
    rebooted_as(w, id, "lab");
}

fn rebooted_as(w: &World, id: &InstanceId, name: &str) {
    let new = NewImage {
        instance: id.clone(),
        name: name.to_owned(),
        description: String::new(),
        tags: Tags::from([("prism:save".to_owned(), "lab".to_owned())]),
        reboot: true,
        exclude: std::collections::BTreeSet::new(),
    };
    block_on(w.ec2.create_image(&w.region, &new)).unwrap();
}

fn which(at_reboot: AtReboot) -> (World, InstanceId) {
    let w = World::new();
    let id = w.running();
    w.wait(200);
    let edited = w.admin.edit(&id, |facts| facts.at_reboot = at_reboot);
    edited.unwrap();
    rebooted(&w, &id);
    (w, id)
}

#[test]
fn its_operating_system_is_down_while_its_state_is_running() {
    let w = World::new();
    let id = w.running();
    w.wait(200);
    let (before, since) = (w.instance(&id), w.clock.now());
    rebooted(&w, &id);
    let guest = w.cloud.guest(account('1'), w.region.clone(), id.clone());
    let ls = || guest.run(&["ls".to_owned()], b"");
    let checks = || block_on(w.ec2.status_checks(&w.region, &id)).unwrap();
    w.wait(CAPTURED_S - 1);
    assert_eq!(w.snapshots("lab").len(), 0);
    w.wait(2);
    let [snapshot] = w.snapshots("lab").try_into().unwrap();
    let captured = w.cloud.was_down_for_reboot(&id, snapshot.started_at);
    assert!(captured.unwrap());
    assert!(matches!(ls(), Err(GuestError::Rebooting(_))));
    assert_eq!(checks(), StatusChecks::Initializing);
    w.wait(20);
    assert_eq!(ls().unwrap().exit_code, 0);
    w.wait(120);
    assert_eq!(checks(), StatusChecks::Ok);
    assert_eq!(w.instance(&id), before);
    let down = w.cloud.down(&id, since, w.clock.now()).unwrap();
    assert_eq!(down, Duration::from_secs(CAPTURED_S + 20));
}

#[test]
fn a_reboot_that_begins_during_another_is_not_counted_twice() {
    let w = World::new();
    let id = w.running();
    w.wait(200);
    let since = w.clock.now();
    rebooted(&w, &id);
    w.wait(CAPTURED_S + 10);
    rebooted_as(&w, &id, "again");
    w.wait(200);
    let down = w.cloud.down(&id, since, w.clock.now()).unwrap();
    assert_eq!(down, Duration::from_secs(CAPTURED_S + 10 + CAPTURED_S + 20));
}

#[test]
fn an_operating_system_may_power_off_instead() {
    let (w, id) = which(AtReboot::PowersOff);
    w.wait(11);
    assert_eq!(w.state(&id), InstanceState::Stopping);
    w.wait(20);
    let instance = w.instance(&id);
    assert_eq!(instance.state, InstanceState::Stopped);
    let reason = instance.state_reason.unwrap();
    assert!(reason.is_shutdown() && !reason.is_user_request());
    let [snapshot] = w.snapshots("lab").try_into().unwrap();
    let captured = w.cloud.was_down_for_reboot(&id, snapshot.started_at);
    assert!(captured.unwrap());
}

#[test]
fn a_forced_reboot_captures_what_was_not_written() {
    let (w, id) = which(AtReboot::Hangs);
    w.wait(241);
    assert_eq!(w.snapshots("lab").len(), 0);
    w.wait(2);
    let [snapshot] = w.snapshots("lab").try_into().unwrap();
    let captured = w.cloud.was_down_for_reboot(&id, snapshot.started_at);
    assert!(!captured.unwrap());
    assert_eq!(w.state(&id), InstanceState::Running);
}

/// EC2 reboots only a running instance.
#[test]
fn a_stopped_instance_is_not_rebooted() {
    let w = World::new();
    let id = w.stopped();
    rebooted(&w, &id);
    w.wait(4);
    assert_eq!(w.snapshots("lab").len(), 1);
    assert_eq!(w.state(&id), InstanceState::Stopped);
}
