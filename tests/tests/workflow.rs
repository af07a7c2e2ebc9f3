//! Whole saves on the virtual clock.

use prism_functions::domain::save::SaveState;
use prism_tests::world::{World, save_request};

#[test]
fn a_running_instance_is_saved_and_runs_again() {
    let world = World::new(1);
    let instance = world.launch("ada", "python-ml", "earthquake-analysis");
    let record = world
        .save(
            "ada",
            save_request("earthquake-analysis", "seismic-ml-environment"),
        )
        .unwrap();
    assert_eq!(record.state, SaveState::Succeeded);
    assert_eq!(
        world.instance(instance.id.as_str()).state.as_str(),
        "running"
    );
}
