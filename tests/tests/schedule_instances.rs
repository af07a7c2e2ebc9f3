//! Schedules save the instance that they were created for. If its name now refers to another instance, that is
//! reported, and versions saved from one instance are never deleted in favour of another.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::save::SaveState;
use prism_functions::domain::template::{TemplateState, Version};
use prism_functions::domain::{Code, InstanceId, NoticeEvent};
use prism_functions::operations::{SaveView, ScheduleEdit, ScheduleView};
use prism_functions::ports::{Condition, Key, Notice, Table as _, Write};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, id_of, keeping, kept, launched, nightly, region, save_request,
    schedule_request,
};

/// A world whose schedule keeps two versions of Ada's `work`, with that instance.
fn world(seed: u64) -> (World, InstanceId) {
    let world = launched(Setup::seeded(seed));
    let asked = keeping(schedule_request("nightly", save_request("work", "kept")), 2);
    let made = ask!(world, create_schedule(&ADA, asked)).unwrap();
    let instance = id_of(&world);
    assert_eq!(made.instance_id.as_ref(), Some(&instance));
    (world, instance)
}

fn night(world: &World) -> SaveView {
    world.pass(24 * 3600);
    let fired = ask!(world, fire_due_schedules()).unwrap();
    assert_eq!(fired.len(), 1);
    world.clock.run_until_idle().unwrap();
    let saves = ask!(world, saves(&ADA, 1, None)).unwrap();
    saves.items.into_iter().next().unwrap()
}

fn succeeds(world: &World) {
    let save = night(world);
    assert_eq!(save.state, SaveState::Succeeded, "{:?}", save.failure);
}

fn fails(world: &World) {
    let save = night(world);
    let failure = save.record.failure.unwrap();
    assert_eq!(failure.code, "ScheduleInstanceChanged", "{failure:?}");
    assert!(failure.hint.contains("--instance i-"), "{failure:?}");
}

fn replaced(world: &World) -> InstanceId {
    ask!(world, terminate_instance(&ADA, &region(), "work")).unwrap();
    world.pass(7200);
    world.launch("ada", "ubuntu", "work").id
}

fn versions(world: &World) -> Vec<Version> {
    let registry = &world.service.env.registry;
    let listed = world.run(registry.versions(&kept(), 1000, None));
    let mut versions = listed.unwrap().items;
    versions.retain(|version| version.state != TemplateState::Deleted);
    versions
}

fn there(world: &World) -> Vec<u32> {
    versions(world)
        .iter()
        .map(|version| version.number)
        .collect()
}

fn shown(world: &World) -> ScheduleView {
    ask!(world, schedule(&ADA, &nightly())).unwrap()
}

/// Resets records to the format of versions of Prism that identified instances only by name.
fn forget(world: &World, pk: &str, sk: &str, field: &str) {
    let key = Key::new(pk, sk);
    let item = world.run(world.table.get(&key));
    let mut item = item.unwrap().unwrap();
    let record = item.attributes.get_mut("record").unwrap();
    record.as_object_mut().unwrap().remove(field);
    let put = [Write::Put(item, Condition::Always)];
    world.run(world.table.transact(&put)).unwrap();
}

fn forget_all(world: &World) {
    forget(world, "SCHEDULE#ada#nightly", "META", "instance_id");
    for version in versions(world) {
        let sk = format!("VERSION#{:06}", version.number);
        forget(world, "TEMPLATE#kept", &sk, "saved_from_id");
    }
    assert!(versions(world).iter().all(|it| it.saved_from_id.is_none()));
}

#[test]
fn a_name_that_means_another_instance_saves_and_deletes_nothing() {
    let (world, old) = world(71);
    succeeds(&world);
    succeeds(&world);
    let new = replaced(&world);
    let told = world.notices.0.lock().unwrap().len();
    for _ in 0..3 {
        fails(&world);
    }
    assert_eq!(there(&world), [2, 1]);
    let notices = world.notices.0.lock().unwrap()[told..].to_vec();
    // The runs begin late here, so each one also says that one was missed.
    let failed = |it: &&Notice| it.event == NoticeEvent::ScheduleFailed;
    let others = |it: &&Notice| !failed(it) && it.event != NoticeEvent::ScheduleMissed;
    assert_eq!(notices.iter().filter(failed).count(), 3, "{notices:?}");
    assert_eq!(notices.iter().filter(others).count(), 0, "{notices:?}");
    let view = shown(&world);
    assert_eq!(view.schedule.instance_id.as_ref(), Some(&old));
    let last = view.runs[0].failure.as_ref().unwrap();
    assert_eq!(last.code, "ScheduleInstanceChanged");
    let by_hand = ask!(world, run_schedule(&ADA, &nightly(), None)).unwrap_err();
    assert_eq!(by_hand.code, Code::ScheduleInstanceChanged);
    let found = ask!(world, leftovers()).unwrap().found;
    assert!(
        found
            .iter()
            .any(|it| it.why == "work is now another instance"),
        "{found:?}"
    );
    // The same request again does not take the old schedule for one of the new instance.
    let again = keeping(schedule_request("nightly", save_request("work", "kept")), 2);
    let again = ask!(world, create_schedule(&ADA, again)).unwrap_err();
    assert_eq!(again.code, Code::ScheduleInstanceChanged);
    // Its owner chooses the instance: versions of the other one are neither counted nor deleted.
    let edit = ScheduleEdit {
        instance: Some("work".to_owned()),
        ..ScheduleEdit::default()
    };
    let edited = ask!(world, edit_schedule(&ADA, &nightly(), edit)).unwrap();
    assert_eq!(edited.instance_id, Some(new.clone()));
    for _ in 0..3 {
        succeeds(&world);
    }
    assert_eq!(there(&world), [5, 4, 2, 1]);
    let from: Vec<_> = versions(&world)
        .into_iter()
        .map(|it| it.saved_from_id)
        .collect();
    let (old, new) = (Some(old), Some(new));
    assert_eq!(from, [new.clone(), new, old.clone(), old]);
}

#[test]
fn an_instance_of_another_name_is_still_the_one_that_is_meant() {
    let (world, instance) = world(72);
    let rename = |name: &str| {
        let tags = ("Name".to_owned(), name.to_owned());
        let rename = world
            .admin
            .edit(&instance, |facts| drop(facts.tags.insert(tags.0, tags.1)));
        rename.unwrap();
    };
    rename("renamed");
    succeeds(&world);
    // A second instance with the same name does not prevent the run either.
    rename("work");
    let other = world.launch("ada", "ubuntu", "other");
    let tags = ("Name".to_owned(), "work".to_owned());
    let rename = world
        .admin
        .edit(&other.id, |facts| drop(facts.tags.insert(tags.0, tags.1)));
    rename.unwrap();
    succeeds(&world);
    let from = versions(&world).into_iter().map(|it| it.saved_from_id);
    assert!(from.into_iter().all(|it| it.as_ref() == Some(&instance)));
}

#[test]
fn a_schedule_that_knows_a_name_alone_takes_what_it_saved_last() {
    let (world, instance) = world(73);
    // A schedule that has not run yet saves the instance that its name refers to.
    forget(&world, "SCHEDULE#ada#nightly", "META", "instance_id");
    assert_eq!(shown(&world).schedule.instance_id, None);
    succeeds(&world);
    assert_eq!(shown(&world).schedule.instance_id, Some(instance.clone()));
    for _ in 0..2 {
        forget_all(&world);
        succeeds(&world);
        assert_eq!(shown(&world).schedule.instance_id, Some(instance.clone()));
    }
    // Versions whose records have no instance are counted by their saves.
    assert_eq!(there(&world), [3, 2]);
}

#[test]
fn a_schedule_that_knows_a_name_alone_is_not_given_another_instance() {
    let (world, _) = world(74);
    succeeds(&world);
    succeeds(&world);
    forget_all(&world);
    replaced(&world);
    for _ in 0..3 {
        fails(&world);
    }
    assert_eq!(there(&world), [2, 1]);
    assert_eq!(shown(&world).schedule.instance_id, None);
}
