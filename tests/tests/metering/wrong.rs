//! Sums of what instances use that were written by hand: the doctor finds them, and corrects them.

use prism_functions::operations::{Fixed, Left, Leftover};
use prism_functions::ports::{Change, Condition, Key, Table as _, Write};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, World, brain, caller, region};

use crate::{HOUR, costs, for_brain, launch, month_of, swept, team};

fn found(world: &World) -> Vec<Leftover> {
    world.must(world.service.leftovers()).found
}

fn write(world: &World, sk: &str, attribute: &str, amount: i64) {
    let key = Key::new("USED#PROJECT#brain", sk);
    let set = Change::Set(attribute.to_owned(), amount.into());
    let write = Write::Update(key, vec![set], Condition::ItemPresent);
    world.run(world.table.transact(&[write])).unwrap();
}

/// Starts and stops the instance of Ada so often that its meter sums up the first of its periods.
fn started_often(world: &World) {
    for _ in 0..25 {
        ask!(world, stop_instance(&ADA, &region(), "often")).unwrap();
        world.pass(300);
        ask!(world, start_instance(&ADA, &region(), "often")).unwrap();
        world.pass(300);
    }
}

#[test]
fn sums_that_were_written_by_hand_are_found_and_set_right() {
    for often in [false, true] {
        let world = team(21);
        launch(&world, "mia", &for_brain("ubuntu", "work"));
        launch(&world, "mia", &for_brain("ubuntu", "gone"));
        world.pass(HOUR);
        ask!(world, terminate_instance(&caller("mia"), &region(), "gone")).unwrap();
        if often {
            launch(&world, "ada", &for_brain("ubuntu", "often"));
            world.pass(300);
            started_often(&world);
        }
        swept(&world);
        let right = costs(&world, "olga").compute;
        assert_eq!(found(&world), []);
        let month = month_of(&world);
        write(&world, &format!("TOTAL#{month}"), "done_compute", 1);
        if !often {
            let member = format!("PART#{month}#USER#mia");
            write(&world, &member, "base_running", 77);
        }
        let left = found(&world);
        let (project, whats) = (brain(), left.iter().map(|it| &it.what));
        let whats: Vec<&Left> = whats.collect();
        assert_eq!(whats, [&Left::ComputeSum { project }], "{often}");
        let fixed = world.must(world.service.fix(&left));
        assert!(matches!(fixed[..], [(_, Fixed::Done)]), "{fixed:?}");
        assert_eq!(found(&world), []);
        assert_eq!(costs(&world, "olga").compute, right, "{often}");
    }
}
