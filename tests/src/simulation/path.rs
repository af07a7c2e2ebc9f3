//! The paths that a save can take. Each is the setting of a run.

use std::time::Duration;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{How, InstanceId};
use prism_functions::ports::Encryption;
use prism_functions::rules::{PublicScope, Settings};
use prism_local::ec2::{AtReboot, Capacity, Settings as CloudSettings, VolumeSpec};

use super::before::{self, add_instance, room};
use super::fault::Fault;
use super::wanted::Wanted;
use crate::turns;
use crate::world::{World, save_request};

/// Something that happens some seconds after the beginning.
pub(crate) type Later = (u64, fn(&World));

#[derive(Debug, Clone, Copy)]
pub struct Path {
    pub name: &'static str,
    running: bool,
    copies: &'static [&'static str],
    cloud: fn(&mut CloudSettings),
    request: fn(&mut SaveRequest),
    before: fn(&World, &InstanceId),
    pub(crate) later: &'static [Later],
    script: &'static [&'static str],
    /// Whether only a plan is made and nothing is saved.
    pub(crate) dry: bool,
    /// Whether it waits for hours in which all polls are alike.
    pub(crate) waits: bool,
    pub(crate) scheduled: bool,
    /// Whether an existing version is copied to these Regions instead of a save.
    copied_later: bool,
}

/// The permission to start instances is missing from the stop on.
const NO_START_FOR_TWENTY_MINUTES: &[Later] = &[
    (4, |world| {
        world.admin.deny("StartInstances").expect("it is there");
    }),
    (1200, |world| {
        world.admin.allow("StartInstances").expect("it is there");
    }),
];

fn reboots(request: &mut SaveRequest) {
    request.how = How::Reboot;
}

const PLAIN: Path = Path {
    name: "",
    running: true,
    copies: &[],
    cloud: |_| {},
    request: |_| {},
    before: |_, _| {},
    later: &[],
    script: &[],
    dry: false,
    waits: false,
    scheduled: false,
    copied_later: false,
};

/// The main path: a running instance with two volumes, an AMI that takes long enough to be waited for with an event,
/// and copies to two Regions.
pub const MAIN: Path = Path {
    name: "main",
    copies: &["us-west-2", "eu-west-1"],
    ..PLAIN
};

pub const ALL: &[Path] = &[
    MAIN,
    Path {
        name: "stopped",
        running: false,
        copies: &["us-west-2"],
        ..PLAIN
    },
    Path {
        name: "without a volume",
        request: |request| {
            request.exclude_volumes.insert("/dev/sdf".to_owned());
        },
        ..PLAIN
    },
    Path {
        name: "cancelled while down",
        script: &["AwaitSnapshots.Snapshots#1=cancel"],
        ..PLAIN
    },
    Path {
        name: "cancelled in a copy",
        copies: &["us-west-2", "eu-west-1"],
        script: &["AwaitCopy.Images#1=cancel"],
        ..PLAIN
    },
    Path {
        name: "rebooted",
        copies: &["us-west-2"],
        request: reboots,
        ..PLAIN
    },
    Path {
        name: "powers itself off",
        request: reboots,
        before: |world, id| before::at_reboot(world, id, AtReboot::PowersOff),
        ..PLAIN
    },
    Path {
        name: "powers itself off, and no room for ten minutes",
        request: reboots,
        before: |world, id| {
            before::at_reboot(world, id, AtReboot::PowersOff);
            room(world, Capacity::Refused);
        },
        later: &[(600, |world| room(world, Capacity::Available))],
        ..PLAIN
    },
    Path {
        name: "cancelled while it reboots",
        request: reboots,
        before: |world, id| before::at_reboot(world, id, AtReboot::PowersOff),
        script: &["AwaitSnapshots.Snapshots#1=cancel"],
        ..PLAIN
    },
    Path {
        name: "recovered while it reboots",
        request: reboots,
        script: &["CreateImage.CreateImage#1=abort-after"],
        ..PLAIN
    },
    Path {
        name: "handed over while it reboots",
        request: reboots,
        script: &["AwaitSnapshots.Instances#1=hand-over"],
        ..PLAIN
    },
    Path {
        name: "does not shut down",
        request: reboots,
        before: |world, id| before::at_reboot(world, id, AtReboot::Hangs),
        waits: true,
        ..PLAIN
    },
    Path {
        name: "rebooted by a schedule",
        request: reboots,
        before: before::scheduled_to_reboot,
        scheduled: true,
        ..PLAIN
    },
    Path {
        name: "failed image",
        before: |world, _| world.admin.fail_next_image("why").expect("it is there"),
        ..PLAIN
    },
    Path {
        name: "failed snapshot",
        before: |world, _| world.admin.fail_next_snapshot("why").expect("it is there"),
        ..PLAIN
    },
    Path {
        name: "failed copy",
        copies: &["us-west-2", "eu-west-1"],
        before: |world, _| world.admin.fail_next_copy("why").expect("it is there"),
        ..PLAIN
    },
    Path {
        name: "recovered while down",
        script: &["AwaitSnapshots.Snapshots#1=abort"],
        ..PLAIN
    },
    Path {
        name: "recovered when it stops",
        script: &["StopInstance.StopInstance#1=death-after"],
        ..PLAIN
    },
    Path {
        name: "recovered with its version",
        copies: &["us-west-2"],
        script: &["CompleteSave.Get#1=abort"],
        ..PLAIN
    },
    Path {
        name: "handed over",
        script: &["AwaitStopped.Instances#1=hand-over"],
        ..PLAIN
    },
    Path {
        name: "handed over while it cleans up",
        script: &[
            "AwaitSnapshots.Snapshots#1=cancel",
            "DiscardImage.Get#2=hand-over",
        ],
        ..PLAIN
    },
    Path {
        name: "no room for ten minutes",
        before: |world, _| room(world, Capacity::Refused),
        later: &[(600, |world| room(world, Capacity::Available))],
        ..PLAIN
    },
    Path {
        name: "falls back for two minutes",
        before: |world, _| room(world, Capacity::FailsLate),
        later: &[(120, |world| room(world, Capacity::Available))],
        ..PLAIN
    },
    Path {
        name: "no room when it is restored",
        before: |world, _| {
            room(world, Capacity::Refused);
            world.admin.fail_next_image("why").expect("it is there");
        },
        later: &[(600, |world| room(world, Capacity::Available))],
        script: &["AwaitSnapshots.Snapshots#1=cancel"],
        ..PLAIN
    },
    Path {
        name: "stranded for twenty minutes",
        later: NO_START_FOR_TWENTY_MINUTES,
        ..PLAIN
    },
    Path {
        name: "shared and stranded",
        before: before::shared,
        later: NO_START_FOR_TWENTY_MINUTES,
        ..PLAIN
    },
    Path {
        name: "in a fleet and a reservation",
        before: before::tied,
        ..PLAIN
    },
    Path {
        name: "refused",
        before: |world, id| world.admin.terminate(id).expect("it is there"),
        ..PLAIN
    },
    Path {
        name: "dry run",
        dry: true,
        ..PLAIN
    },
    Path {
        name: "public",
        copies: &["us-west-2"],
        request: |request| request.public = true,
        before: |world, _| before::open(world),
        ..PLAIN
    },
    Path {
        name: "shared",
        copies: &["us-west-2"],
        before: before::shared,
        ..PLAIN
    },
    Path {
        name: "shared no more when it is registered",
        copies: &["us-west-2"],
        before: before::shared,
        script: &["RegisterTemplate.AddLaunchPermissions#2=unshare"],
        ..PLAIN
    },
    Path {
        name: "under a key",
        copies: &["us-west-2"],
        before: before::under_a_key,
        ..PLAIN
    },
    Path {
        name: "under a key that is disabled while it is down",
        before: before::under_a_key,
        script: &["AwaitStopped.Instances#2=they-disable-key"],
        ..PLAIN
    },
    Path {
        name: "any letters",
        copies: &["us-west-2"],
        request: |request| {
            "Müller 北京".clone_into(&mut request.instance);
            request.tags.insert("Größe".to_owned(), "groß".to_owned());
        },
        before: |world, _| drop(add_instance(world, "Müller 北京", true)),
        ..PLAIN
    },
    Path {
        name: "in a project",
        request: |request| request.project = Some(before::project()),
        before: before::in_project,
        ..PLAIN
    },
    Path {
        name: "crosses a threshold",
        request: |request| request.project = Some(before::project()),
        before: before::told_of_costs,
        ..PLAIN
    },
    Path {
        name: "described differently",
        request: |request| "It knows more.".clone_into(&mut request.description),
        before: |world, _| before::saved(world),
        ..PLAIN
    },
    Path {
        name: "over the budget",
        request: |request| request.project = Some(before::project()),
        before: before::budget_used_up,
        ..PLAIN
    },
    Path {
        name: "cancelled in a project from before sums were kept",
        request: |request| request.project = Some(before::project()),
        before: before::in_project,
        later: &[(5, before::without_sums)],
        script: &["AwaitImage.Images#2=cancel"],
        ..PLAIN
    },
    Path {
        name: "its template goes to a project",
        before: before::moves_to_a_project,
        ..PLAIN
    },
    Path {
        name: "stranded, and its template goes to a project",
        before: before::moves_to_a_project,
        later: NO_START_FOR_TWENTY_MINUTES,
        ..PLAIN
    },
    Path {
        name: "put out of the project",
        before: before::of_another,
        later: &[(30, before::removed_from_the_project)],
        ..PLAIN
    },
    Path {
        name: "another architecture",
        copies: &["us-west-2"],
        request: |request| {
            "arm".clone_into(&mut request.instance);
            request.add_arch = true;
            request.version = Some(1);
        },
        before: before::another_architecture,
        ..PLAIN
    },
    Path {
        name: "by a schedule",
        before: before::scheduled,
        scheduled: true,
        ..PLAIN
    },
    Path {
        name: "by a schedule, after others",
        before: |world, id| {
            before::scheduled(world, id);
            turns::taken_for(world, 30);
        },
        scheduled: true,
        ..PLAIN
    },
    Path {
        name: "after others",
        before: |world, _| turns::taken_for(world, 30),
        ..PLAIN
    },
    Path {
        name: "cancelled in its turn",
        before: |world, _| turns::taken_for(world, 30),
        script: &["PlanSave.Get#5=cancel"],
        ..PLAIN
    },
    Path {
        name: "the queue is full",
        before: |world, _| turns::taken_for(world, 6 * 3600 + 10),
        ..PLAIN
    },
    Path {
        name: "its copies wait for their turns",
        copies: &["us-west-2", "eu-west-1"],
        before: |world, _| turns::copies_taken_for(world, 300),
        ..PLAIN
    },
    Path {
        name: "by a schedule that keeps one",
        before: before::keeps_one,
        scheduled: true,
        ..PLAIN
    },
    Path {
        name: "copied later",
        copies: &["us-west-2", "eu-west-1"],
        before: |world, _| before::saved(world),
        copied_later: true,
        ..PLAIN
    },
    Path {
        name: "copied later under a key",
        copies: &["us-west-2"],
        before: |world, id| {
            before::under_a_key(world, id);
            before::saved(world);
        },
        copied_later: true,
        ..PLAIN
    },
    Path {
        name: "copied later for everybody",
        copies: &["us-west-2"],
        before: before::public,
        copied_later: true,
        ..PLAIN
    },
    Path {
        name: "copied by an admin of its project",
        copies: &["us-west-2"],
        before: before::managed,
        copied_later: true,
        ..PLAIN
    },
    Path {
        name: "copied later and cancelled",
        copies: &["us-west-2"],
        before: |world, _| before::saved(world),
        copied_later: true,
        script: &["AwaitCopy.Images#1=cancel"],
        ..PLAIN
    },
    Path {
        name: "an image that takes three hours",
        cloud: |cloud| cloud.durations.snapshot_base = Duration::from_hours(3),
        waits: true,
        ..PLAIN
    },
];

impl Path {
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|path| path.name == name)
    }

    pub fn script(&self) -> Vec<Fault> {
        let faults = self.script.iter().map(|text| text.parse());
        faults
            .collect::<Result<_, _>>()
            .expect("the paths are spelt right")
    }

    /// The settings of its cloud: short durations, so that every wait is polled a few times and not dozens of times.
    pub(crate) fn cloud(&self) -> CloudSettings {
        let mut cloud = CloudSettings::default();
        let durations = &mut cloud.durations;
        durations.stop = Duration::from_secs(3);
        durations.start = Duration::from_secs(3);
        durations.shutdown = Duration::from_secs(3);
        durations.boot = Duration::from_secs(3);
        durations.terminate = Duration::from_secs(3);
        // The checks at the end need to see the terminated instances.
        durations.terminated_visible = Duration::from_hours(24 * 30);
        durations.snapshot_base = Duration::from_secs(50);
        durations.copy_base = Duration::from_secs(20);
        durations.registration = Duration::from_secs(3);
        durations.mapping_delay = Duration::from_secs(3);
        (self.cloud)(&mut cloud);
        cloud
    }

    pub(crate) fn settings() -> Settings {
        Settings {
            public_scope: PublicScope::World,
            ..Settings::default()
        }
    }

    pub(crate) fn prepare(&self, world: &World) -> InstanceId {
        let id = add_instance(world, "work", self.running);
        let volume = VolumeSpec {
            device: "/dev/sdf".to_owned(),
            size_gib: 2,
            used_bytes: 1 << 20,
            encryption: Encryption::None,
            delete_on_termination: true,
        };
        let added = world.admin.add_volume(&id, &volume);
        added.expect("the instance is there");
        (self.before)(world, &id);
        id
    }

    pub(crate) fn wanted(&self) -> Wanted {
        let request = self.request();
        if !self.copied_later {
            return Wanted::Save(request);
        }
        Wanted::Copy(CopyRequest {
            template: request.template,
            version: 1,
            regions: request.copy_to,
            publish_sensitive: false,
        })
    }

    fn request(&self) -> SaveRequest {
        let mut request = save_request("work", "kept");
        let regions = self.copies.iter();
        request.copy_to = regions.map(|r| r.parse().expect("a Region")).collect();
        (self.request)(&mut request);
        request
    }
}
