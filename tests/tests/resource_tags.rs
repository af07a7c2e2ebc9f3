//! The deployment's own tags on everything that it creates in EC2, which tag policies may demand.

use std::collections::BTreeMap;

use prism_functions::domain::Region;
use prism_functions::domain::save::SaveState;
use prism_functions::ports::{Ec2 as _, ImageFilter, SnapshotFilter, Tags};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, copied, copy_request, id_of, launch_request, launched, region, save_request,
    west,
};

const TEMPLATE: (&str, &str) = ("prism:template", "kept");

fn tagged(tags: &str) -> World {
    let mut setup = Setup::seeded(9);
    setup.settings.resource_tags = tags.parse().expect("they are tags");
    launched(setup)
}

#[track_caller]
fn assert_ours(tags: &Tags) {
    let of = |key: &str| tags.get(key).map(String::as_str);
    assert_eq!((of("CostCentre"), of("Owner")), (Some("42"), Some("lab")));
}

/// The tags of the AMIs and snapshots of Ada's template in a Region.
fn made(world: &World, region: &Region) -> Vec<Tags> {
    let tag = || (TEMPLATE.0.to_owned(), TEMPLATE.1.to_owned());
    let (key, value) = tag();
    let images = world.run(world.ec2.images(region, &ImageFilter::OwnTag(key, value)));
    let (key, value) = tag();
    let snapshots = world.run(
        world
            .ec2
            .snapshots(region, &SnapshotFilter::Tag(key, value)),
    );
    let images = images.expect("EC2 answers").into_iter().map(|it| it.tags);
    let snapshots = snapshots
        .expect("EC2 answers")
        .into_iter()
        .map(|it| it.tags);
    images.chain(snapshots).collect()
}

#[test]
fn everything_that_is_created_has_the_tags_of_the_deployment() {
    let world = tagged("CostCentre=42,Owner=lab");
    assert_ours(&world.instance(id_of(&world).as_str()).tags);

    let mut request = copied(save_request("work", "kept"), &["us-west-2"]);
    request.tags = BTreeMap::from([
        ("CostCentre".to_owned(), "mine".to_owned()),
        ("grant".to_owned(), "7".to_owned()),
    ]);
    let record = world.save("ada", request).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    for region in [region(), west()] {
        let made = made(&world, &region);
        assert_eq!(made.len(), 2, "an AMI and its snapshot");
        for tags in made {
            assert_ours(&tags);
            assert_eq!(tags["grant"], "7");
        }
    }
    let copy = copy_request("kept", 1, &["eu-west-1"]);
    ask!(world, start_copy(&ADA, &copy, None)).unwrap();
    world.pass(7200);
    let made = made(&world, &"eu-west-1".parse().unwrap());
    assert_eq!(made.len(), 2);
    made.iter().for_each(assert_ours);

    let again = launch_request("kept", "again");
    let (_, instance) = ask!(world, launch(&ADA, &again)).unwrap();
    world.pass(60);
    let tags = world.instance(instance.id.as_str()).tags;
    assert_ours(&tags);
    assert_eq!(tags["grant"], "7");
    // The user's own tag is kept in the version.
    assert_eq!(world.version("kept", 1).tags["CostCentre"], "mine");
}
