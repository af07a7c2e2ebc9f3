//! Images, snapshots, copies and launch permissions.

use futures::executor::block_on;
use prism_functions::domain::ImageId;
use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::ports::{
    Ec2, Ec2Error, Encryption, ImageCopy, ImageFilter, ImageState, SnapshotFilter, SnapshotState,
    Tags,
};

use super::{World, account, assert_refused, launch, region};
use crate::ec2::{KeyPolicy, Settings, VolumeSpec};

fn data_volume(encryption: Encryption) -> VolumeSpec {
    VolumeSpec {
        device: "/dev/sdf".to_owned(),
        size_gib: 200,
        used_bytes: 64 << 30,
        encryption,
        delete_on_termination: true,
    }
}

fn copy_of(image: &ImageId, token: &str) -> ImageCopy {
    ImageCopy {
        source_region: region("us-east-1"),
        source_image: image.clone(),
        name: "lab copy".to_owned(),
        description: String::new(),
        client_token: token.to_owned(),
        kms_key: None,
        tags: Tags::from([("prism:save".to_owned(), "lab copy".to_owned())]),
    }
}

fn available(w: &World, name: &str) -> ImageId {
    let id = w.stopped();
    let image = w.image_of(&id, name).unwrap();
    w.wait(3600);
    assert_eq!(w.image(&image).state, ImageState::Available);
    image
}

#[test]
fn snapshots_appear_soon_whatever_the_size_and_the_image_much_later() {
    let w = World::new();
    let id = w.running();
    w.admin
        .add_volume(&id, &data_volume(Encryption::None))
        .unwrap();
    w.stop_fully(&id);
    let image = w.image_of(&id, "lab v1").unwrap();
    let missing = w.images(&ImageFilter::Ids(vec![image.clone()]));
    assert_refused(missing, "InvalidAMIID.NotFound");
    assert!(w.snapshots("lab v1").is_empty());
    w.wait(4);
    let snapshots = w.snapshots("lab v1");
    assert_eq!(snapshots.len(), 2);
    assert!(snapshots.iter().all(|s| s.state == SnapshotState::Pending));
    assert!(snapshots.iter().all(|s| s.full_size_bytes.is_none()));
    // At first, the image does not name them (EC2 fact 2).
    let early = w.image(&image);
    assert_eq!(early.state, ImageState::Pending);
    assert!(early.volumes.iter().all(|v| v.snapshot.is_none()));
    assert_eq!(early.source_instance, Some(id.clone()));
    // 64 GiB at 64 MiB per second, the base duration of a snapshot, and the registration.
    w.wait(1024 + 30 + 5);
    assert_eq!(w.image(&image).state, ImageState::Pending);
    w.wait(10);
    let done = w.image(&image);
    assert_eq!(done.state, ImageState::Available);
    assert!(done.volumes.iter().all(|v| v.snapshot.is_some()));
    let sizes = w.snapshots("lab v1");
    let sizes: Vec<_> = sizes.iter().filter_map(|s| s.full_size_bytes).collect();
    assert!(sizes.contains(&(64 << 30)), "{sizes:?}");

    // The second image of the same volumes has almost nothing to copy.
    let second = w.image_of(&id, "lab v2").unwrap();
    w.wait(2 + 1 + 30 + 10);
    assert_eq!(w.image(&second).state, ImageState::Available);
}

#[test]
fn a_volume_whose_only_snapshot_is_gone_is_copied_whole_again() {
    let w = World::new();
    let id = w.stopped();
    let took = |name: &str| {
        let image = w.image_of(&id, name).unwrap();
        let seconds = (0..10_000).find(|_| {
            w.wait(1);
            w.image(&image).state == ImageState::Available
        });
        (image, seconds.unwrap())
    };
    let (first, whole) = took("first");
    let (second, changed) = took("second");
    assert!(changed < whole, "{changed} {whole}");
    let gone = |image: &ImageId, name: &str| {
        block_on(w.ec2.deregister_image(&w.region, image)).unwrap();
        for snapshot in w.snapshots(name) {
            block_on(w.ec2.delete_snapshot(&w.region, &snapshot.id)).unwrap();
        }
    };
    // The second image does not depend on the first one.
    gone(&first, "first");
    let (third, still) = took("third");
    assert_eq!(still, changed);
    gone(&second, "second");
    gone(&third, "third");
    assert_eq!(took("fourth").1, whole);
}

#[test]
fn of_one_volume_so_many_snapshots_are_pending_at_once() {
    let w = World::new();
    let id = w.stopped();
    let volume = w.instance(&id).volumes[0].volume.clone();
    for kind in ["gp3", "sc1"] {
        w.admin.set_volume_kind(&volume, kind).unwrap();
        let most = if kind == "gp3" { 5 } else { 1 };
        for n in 0..most {
            w.admin.take_snapshot(&volume).unwrap();
            let filter = SnapshotFilter::Pending(vec![volume.clone()]);
            w.wait(1);
            let pending = block_on(w.ec2.snapshots(&w.region, &filter)).unwrap();
            assert_eq!(pending.len(), n + 1);
        }
        let refused = w.image_of(&id, kind);
        assert_refused(refused, "ConcurrentSnapshotLimitExceeded");
        w.wait(600);
        w.image_of(&id, kind).unwrap();
        w.wait(600);
    }
}

#[test]
fn a_snapshot_captures_its_moment() {
    let w = World::new();
    let id = w.running();
    let volume = w.instance(&id).volumes[0].volume.clone();
    let write = |text: &str| {
        w.admin
            .write_file(&volume, "/data", text.as_bytes())
            .unwrap();
    };
    write("before");
    w.stop_fully(&id);
    let image = w.image_of(&id, "moment").unwrap();
    w.wait(1);
    write("between");
    w.wait(1);
    // The snapshot's moment has passed; what is written from here on is not in the image.
    assert_eq!(w.state(&id).as_str(), "stopped");
    write("after");
    w.wait(3600);
    assert_eq!(w.image(&image).state, ImageState::Available);
    let snapshot = w.snapshots("moment").remove(0);
    let disk = w.admin.disk_of_snapshot(&snapshot.id).unwrap();
    assert_eq!(disk.file("/data"), Some(&b"between"[..]));
    let launched = w.run(&launch(&image, "")).unwrap();
    let root = &launched.volumes[0].volume;
    let disk = w.admin.disk_of_volume(root).unwrap();
    assert_eq!(disk.file("/data"), Some(&b"between"[..]));
    let disk = w.admin.disk_of_volume(&volume).unwrap();
    assert_eq!(disk.file("/data"), Some(&b"after"[..]));
}

#[test]
fn names_are_checked_and_unique() {
    let w = World::new();
    let id = w.stopped();
    for bad in ["ab", "a*b", "naïve", &"x".repeat(129)] {
        assert_refused(w.image_of(&id, bad), "InvalidAMIName.Malformed");
    }
    let first = w.image_of(&id, "same (1) [a]/b's@_").unwrap();
    let again = w.image_of(&id, "same (1) [a]/b's@_").unwrap_err();
    assert_eq!(again.code, "InvalidAMIName.Duplicate");
    assert!(again.message.contains(first.as_str()));
    w.wait(2);
    block_on(w.ec2.deregister_image(&w.region, &first)).unwrap();
    w.image_of(&id, "same (1) [a]/b's@_").unwrap();
}

#[test]
fn an_instance_in_the_wrong_state_is_not_imaged() {
    let w = World::new();
    let id = w.stopped();
    w.start(&id).unwrap();
    let refused = w.image_of(&id, "pending").unwrap_err();
    assert_eq!(refused.code, "InvalidParameterValue");
    assert!(refused.message.contains("is not in state"));
    w.wait(15);
    w.image_of(&id, "running").unwrap();
    w.stop(&id).unwrap();
    w.image_of(&id, "stopping").unwrap();
    let mut settings = Settings::default();
    settings.durations.stopped_settles = std::time::Duration::from_secs(3);
    w.cloud.set_settings(settings).unwrap();
    w.wait(20);
    assert_refused(w.image_of(&id, "too soon"), "InvalidParameterValue");
    w.wait(3);
    w.image_of(&id, "settled").unwrap();
}

#[test]
fn a_pending_image_can_be_neither_launched_nor_shared() {
    let w = World::new();
    let id = w.stopped();
    let image = w.image_of(&id, "pending").unwrap();
    w.wait(2);
    assert_refused(w.run(&launch(&image, "")), "InvalidAMIID.Unavailable");
    let share =
        |p: &[LaunchPermission]| block_on(w.ec2.add_launch_permissions(&w.region, &image, p));
    let everyone = [LaunchPermission::Everyone];
    assert_refused(share(&everyone), "InvalidAMIID.Unavailable");
    w.wait(3600);
    assert_refused(share(&everyone), "OperationNotPermitted");
    w.admin.block_public_images(&w.region, false).unwrap();
    share(&everyone).unwrap();
    let told = block_on(w.ec2.launch_permissions(&w.region, &image)).unwrap();
    assert_eq!(told, everyone);
}

#[test]
fn only_permitted_accounts_launch_an_image() {
    let w = World::new();
    let image = available(&w, "shared");
    let guest = w.cloud.account(account('2'));
    let run = || block_on(guest.run_instance(&w.region, &launch(&image, "")));
    assert_refused(run(), "AuthFailure");
    let to = [LaunchPermission::Account(account('2'))];
    block_on(w.ec2.add_launch_permissions(&w.region, &image, &to)).unwrap();
    run().unwrap();
    let theirs = block_on(guest.deregister_image(&w.region, &image));
    assert_refused(theirs, "AuthFailure");
    let copy = block_on(guest.copy_image(&region("eu-west-1"), &copy_of(&image, "t")));
    assert_refused(copy, "InvalidRequest");
}

#[test]
fn an_image_under_the_default_key_cannot_be_shared() {
    let w = World::new();
    let id = w.running();
    let volume = w.instance(&id).volumes[0].volume.clone();
    w.admin
        .set_encryption(&volume, Encryption::AwsManagedKey)
        .unwrap();
    w.stop_fully(&id);
    let image = w.image_of(&id, "locked").unwrap();
    w.wait(3600);
    let to = [LaunchPermission::Account(account('2'))];
    let shared = block_on(w.ec2.add_launch_permissions(&w.region, &image, &to));
    assert_refused(shared, "InvalidParameter");
}

/// The key of a copy: the one that is asked for, else the destination's default; one of another Region fails later.
#[test]
fn a_copy_of_an_encrypted_image_does_not_keep_its_key() {
    let w = World::new();
    let key = |region: &str, id: &str| format!("arn:aws:kms:{region}:111122223333:key/{id}");
    let id = w.running();
    let volume = w.instance(&id).volumes[0].volume.clone();
    let source = Encryption::CustomerKey(key("us-east-1", "a"));
    w.admin.set_encryption(&volume, source).unwrap();
    w.stop_fully(&id);
    let image = w.image_of(&id, "encrypted").unwrap();
    w.wait(3600);
    let west = region("us-west-2");
    let copied = |token: &str, kms_key: Option<String>| {
        let copy = ImageCopy {
            name: token.to_owned(),
            kms_key,
            ..copy_of(&image, token)
        };
        let id = block_on(w.ec2.copy_image(&west, &copy)).unwrap();
        w.wait(7200);
        let found = block_on(w.ec2.images(&west, &ImageFilter::Ids(vec![id]))).unwrap();
        let ids: Vec<_> = found[0]
            .volumes
            .iter()
            .filter_map(|it| it.snapshot.clone())
            .collect();
        let keys = block_on(w.ec2.snapshot_keys(&west, &ids)).unwrap();
        (found[0].state, keys.into_values().next())
    };
    let managed = Some(Encryption::AwsManagedKey);
    assert_eq!(copied("default", None), (ImageState::Available, managed));
    let own = key("us-west-2", "b");
    let encrypted = Some(Encryption::CustomerKey(own.clone()));
    assert_eq!(copied("own", Some(own)), (ImageState::Available, encrypted));
    let far = copied("far", Some(key("us-east-1", "a")));
    assert_eq!(far.0, ImageState::Failed);
}

#[test]
fn five_public_images_are_enough() {
    let w = World::with(Settings::instant());
    w.admin.block_public_images(&w.region, false).unwrap();
    let id = w.running();
    let share = |n: u32| -> Result<(), Ec2Error> {
        let image = w.image_of(&id, &format!("public {n}")).unwrap();
        let everyone = [LaunchPermission::Everyone];
        block_on(w.ec2.add_launch_permissions(&w.region, &image, &everyone))
    };
    for n in 0..5 {
        share(n).unwrap();
    }
    assert_refused(share(5), "ResourceLimitExceeded");
}

#[test]
fn snapshots_in_use_stay_until_their_image_is_deregistered() {
    let w = World::new();
    let image = available(&w, "held");
    let snapshot = w.snapshots("held").remove(0).id;
    let delete = || block_on(w.ec2.delete_snapshot(&w.region, &snapshot));
    assert_refused(delete(), "InvalidSnapshot.InUse");
    block_on(w.ec2.deregister_image(&w.region, &image)).unwrap();
    let again = block_on(w.ec2.deregister_image(&w.region, &image));
    assert_refused(again, "InvalidAMIID.Unavailable");
    assert_eq!(w.image(&image).state, ImageState::Deregistered);
    delete().unwrap();
    assert_refused(delete(), "InvalidSnapshot.NotFound");
    w.wait(60);
    let gone = w.images(&ImageFilter::Ids(vec![image]));
    assert_refused(gone, "InvalidAMIID.NotFound");
    let left = w.admin.inventory().unwrap();
    assert!(left.images.is_empty() && left.snapshots.is_empty());
}

#[test]
fn a_protected_image_is_not_deregistered_until_the_protection_is_lifted() {
    let w = World::new();
    let image = available(&w, "held");
    w.admin.protect_image(&image, true).unwrap();
    assert!(w.image(&image).protected);
    let deregister = || block_on(w.ec2.deregister_image(&w.region, &image));
    assert_refused(deregister(), "OperationNotPermitted");
    assert_eq!(w.image(&image).state, ImageState::Available);
    w.admin.protect_image(&image, false).unwrap();
    deregister().unwrap();
}

#[test]
fn a_disabled_image_cannot_be_used_and_is_not_shared_once_enabled() {
    let w = World::new();
    let image = available(&w, "off");
    let account = [LaunchPermission::Account(account('2'))];
    let share = || block_on(w.ec2.add_launch_permissions(&w.region, &image, &account));
    share().unwrap();
    w.admin.disable_image(&image).unwrap();
    assert_eq!(w.image(&image).state, ImageState::Disabled);
    let refused = w.run(&launch(&image, "off"));
    assert_refused(refused, "InvalidAMIID.Unavailable");
    let refused = block_on(
        w.ec2
            .copy_image(&region("us-west-2"), &copy_of(&image, "off")),
    );
    assert_refused(refused, "InvalidAMIID.Unavailable");
    assert_refused(share(), "InvalidAMIID.Unavailable");
    let held = || block_on(w.ec2.launch_permissions(&w.region, &image)).unwrap();
    assert!(held().is_empty());
    let snapshot = w.snapshots("off").remove(0).id;
    let deleted = block_on(w.ec2.delete_snapshot(&w.region, &snapshot));
    assert_refused(deleted, "InvalidSnapshot.InUse");
    w.admin.enable_image(&image).unwrap();
    assert_eq!(w.image(&image).state, ImageState::Available);
    assert!(held().is_empty());
    w.admin.disable_image(&image).unwrap();
    block_on(w.ec2.deregister_image(&w.region, &image)).unwrap();
}

#[test]
fn misfortunes_end_as_failed_with_their_reason() {
    let w = World::new();
    let id = w.stopped();
    w.admin.fail_next_image("Internal error").unwrap();
    let image = w.image_of(&id, "image fails").unwrap();
    w.wait(3600);
    let failed = w.image(&image);
    assert_eq!(failed.state, ImageState::Failed);
    assert_eq!(failed.state_reason.unwrap().message, "Internal error");
    w.admin.fail_next_snapshot("Snapshot error").unwrap();
    let image = w.image_of(&id, "snapshot fails").unwrap();
    w.wait(3600);
    assert_eq!(w.image(&image).state, ImageState::Failed);
    assert_eq!(w.snapshots("snapshot fails")[0].state, SnapshotState::Error);
}

#[test]
fn copies_take_time_and_are_idempotent() {
    let w = World::new();
    let image = available(&w, "source");
    let there = region("eu-west-1");
    let copy = |c: &ImageCopy| block_on(w.ec2.copy_image(&there, c));
    let first = copy(&copy_of(&image, "t")).unwrap();
    assert_eq!(copy(&copy_of(&image, "t")).unwrap(), first);
    let other = ImageCopy {
        name: "another".to_owned(),
        ..copy_of(&image, "t")
    };
    assert_refused(copy(&other), "IdempotentParameterMismatch");
    assert_refused(copy(&copy_of(&image, "u")), "InvalidAMIName.Duplicate");
    // The source may be deleted while the copy is in progress.
    block_on(w.ec2.deregister_image(&w.region, &image)).unwrap();
    let snapshot = w.snapshots("source").remove(0).id;
    block_on(w.ec2.delete_snapshot(&w.region, &snapshot)).unwrap();
    let state = || {
        let filter = ImageFilter::Ids(vec![first.clone()]);
        block_on(w.ec2.images(&there, &filter)).unwrap()[0].state
    };
    w.wait(60);
    assert_eq!(state(), ImageState::Pending);
    w.wait(60);
    assert_eq!(state(), ImageState::Available);
    let permissions = block_on(w.ec2.launch_permissions(&there, &first)).unwrap();
    assert!(permissions.is_empty());
}

#[test]
fn a_bad_key_lets_a_copy_fail_late() {
    const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/1";
    let w = World::new();
    let id = w.running();
    let encryption = Encryption::CustomerKey(KEY.to_owned());
    w.admin.add_volume(&id, &data_volume(encryption)).unwrap();
    w.stop_fully(&id);
    let image = w.image_of(&id, "encrypted").unwrap();
    w.wait(7200);
    w.admin.set_key_policy(KEY, KeyPolicy::Nobody).unwrap();
    let there = region("eu-west-1");
    let copy = block_on(w.ec2.copy_image(&there, &copy_of(&image, "t"))).unwrap();
    w.wait(7200);
    let filter = ImageFilter::Ids(vec![copy]);
    let failed = block_on(w.ec2.images(&there, &filter)).unwrap().remove(0);
    assert_eq!(failed.state, ImageState::Failed);
    assert!(failed.state_reason.unwrap().message.contains("key"));
}

#[test]
fn snapshots_may_outlive_a_deregistration() {
    for outlive in [false, true] {
        let mut settings = Settings::default();
        settings.limits.snapshots_outlive_deregistration = outlive;
        let w = World::with(settings);
        let id = w.stopped();
        let image = w.image_of(&id, "cut short").unwrap();
        w.wait(1);
        block_on(w.ec2.deregister_image(&w.region, &image)).unwrap();
        w.wait(600);
        let left = w.snapshots("cut short");
        assert_eq!(left.len(), usize::from(outlive));
        for snapshot in left {
            block_on(w.ec2.delete_snapshot(&w.region, &snapshot.id)).unwrap();
        }
        assert!(w.admin.inventory().unwrap().snapshots.is_empty());
    }
}
