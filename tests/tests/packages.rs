//! The packages installed on an instance are recorded before it stops and stay with the version. An inventory that is
//! missing, late or failing does not delay the save.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prism_functions::domain::inventory::{Inventory, Package};
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::domain::{Code, InstanceId, Region};
use prism_functions::ports::{Clock, Ec2Error, Inspect};
use prism_local::executions::VirtualTime;
use prism_tests::asks::Asks as _;
use prism_tests::contract;
use prism_tests::world::{Setup, World, caller, launched, region, save_request};

fn install(world: &World, words: &[&str]) {
    let id = prism_tests::world::id_of(world);
    let guest = world.cloud.guest(world.ec2.account().clone(), region(), id);
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(guest.run(&words, &[]).unwrap().exit_code, 0);
}

fn packages(world: &World, user: &str, version: u32) -> Option<Inventory> {
    let (user, reference) = (caller(user), format!("kept@{version}").parse().unwrap());
    let told = world.clock.run(world.service.packages(&user, &reference));
    told.unwrap()
}

fn installed(name: &str, version: &str, manager: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        manager: manager.to_owned(),
    }
}

#[test]
fn each_version_keeps_the_packages_of_its_own_moment() {
    let world = launched(Setup::seeded(5));
    install(&world, &["pip", "install", "obspy==1.4.1"]);
    let before = world.now();
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.state, SaveState::Succeeded);
    install(&world, &["apt-get", "install", "-y", "git"]);
    world.save("ada", save_request("work", "kept")).unwrap();
    let (first, second) = (
        packages(&world, "ada", 1).unwrap(),
        packages(&world, "ada", 2).unwrap(),
    );
    assert!(first.packages.contains(&installed("obspy", "1.4.1", "pip")));
    assert!(first.packages.iter().all(|package| package.name != "git"));
    assert!(second.packages.contains(&installed("git", "2.43.0", "apt")));
    assert!(!first.truncated);
    // The inventory was taken while the instance was running.
    assert!(first.captured_at >= before && first.captured_at < record.stopped_at.unwrap());
    let (ada, kept) = (caller("ada"), "kept".parse().unwrap());
    let versions = world.service.versions(&ada, &kept, 10, None);
    let counts: Vec<_> = world.clock.run(versions).unwrap().items;
    let counts: Vec<_> = counts.iter().map(|version| version.packages).collect();
    assert_eq!(
        counts,
        [Some(second.packages.len()), Some(first.packages.len())]
    );
}

#[test]
fn the_simulated_cloud_keeps_the_contract() {
    let world = launched(Setup::seeded(5));
    let (id, account) = (prism_tests::world::id_of(&world), world.ec2.account());
    let home = region();
    let check = contract::inspect::check(&world.ec2, &world.cloud, account, &home, &id);
    world.clock.run(check);
}

#[test]
fn nobody_else_sees_the_packages_of_a_private_template() {
    let world = launched(Setup::seeded(5));
    world.save("ada", save_request("work", "kept")).unwrap();
    let (bob, reference) = (caller("bob"), "kept".parse().unwrap());
    let problem = world.clock.run(world.service.packages(&bob, &reference));
    assert_eq!(problem.unwrap_err().code, Code::TemplateNotFound);
}

#[derive(Clone, Copy)]
enum Silent {
    Unmanaged,
    Failing,
    Hanging,
}

struct Mute(Silent, VirtualTime);

#[async_trait]
impl Inspect for Mute {
    async fn packages(&self, _: &Region, _: &InstanceId) -> Result<Option<Inventory>, Ec2Error> {
        match self.0 {
            Silent::Unmanaged => Ok(None),
            Silent::Failing => Err(Ec2Error::new("ssm:List", "AccessDeniedException", "no")),
            Silent::Hanging => {
                self.1.sleep(Duration::from_hours(1)).await;
                Ok(None)
            }
        }
    }
}

fn saved_without(silent: Silent) -> (SaveRecord, Option<Inventory>) {
    let mut setup = Setup::seeded(5);
    setup.inspect = Some(Box::new(move |time| Arc::new(Mute(silent, time))));
    let world = launched(setup);
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    let told = packages(&world, "ada", 1);
    (record, told)
}

#[test]
fn a_missing_package_list_delays_no_save() {
    for silent in [Silent::Unmanaged, Silent::Failing, Silent::Hanging] {
        let (record, told) = saved_without(silent);
        assert_eq!(record.state, SaveState::Succeeded);
        assert_eq!(told, None);
        let waited = record.stop_requested_at.unwrap() - record.started_at;
        assert!(waited.num_seconds() <= 10, "{waited}");
    }
}
