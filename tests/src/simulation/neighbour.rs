//! Another deployment in the same account. Its resources look just like this deployment's, down to the save IDs, and
//! none of them may be changed (promise P9).

use std::collections::BTreeMap;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::tags::{
    ATTEMPT_TAG, DEPLOYMENT_TAG, OWNER_TAG, SAVE_TAG, TEMPLATE_TAG,
};
use prism_functions::domain::{Region, SaveId};
use prism_functions::ports::{Ec2 as _, Ec2Error, ImageCopy, NewImage, Tags};
use prism_functions::rules::Identity;
use prism_local::ec2::{InstanceSpec, Inventory};

use super::before::OWNER;
use crate::world::{World, region};

pub(crate) const NEIGHBOUR: &str = "another-deployment";
const REGIONS: [&str; 2] = ["eu-west-1", "us-west-2"];

/// Everything it has, by ID: the properties that only its owner changes, and none that change with time.
#[derive(Debug, PartialEq)]
pub(crate) struct Belongings(BTreeMap<String, String>);

pub(crate) fn is_theirs(tags: &Tags) -> bool {
    tags.get(DEPLOYMENT_TAG).map(String::as_str) == Some(NEIGHBOUR)
}

/// The account's inventory without the neighbour's resources.
pub(crate) fn without(mut inventory: Inventory) -> Inventory {
    inventory.images.retain(|(_, it)| !is_theirs(&it.tags));
    inventory.snapshots.retain(|(_, it)| !is_theirs(&it.tags));
    inventory.instances.retain(|(_, it)| !is_theirs(&it.tags));
    inventory
}

/// A result without the neighbour's resources.
pub(crate) fn spared<T, E>(
    found: Option<Result<Vec<T>, E>>,
    tags: fn(&T) -> &Tags,
) -> impl Iterator<Item = T> {
    let found = found.and_then(Result::ok).unwrap_or_default();
    found.into_iter().filter(move |it| !is_theirs(tags(it)))
}

pub(crate) fn identity() -> Identity {
    Identity::known(NEIGHBOUR.parse().expect("it is a deployment's id"))
}

pub(crate) fn settle(world: &World, saves: &[SaveId]) {
    let mut spec = InstanceSpec::named("theirs");
    spec.tags.insert(OWNER_TAG.to_owned(), OWNER.to_owned());
    let theirs = (DEPLOYMENT_TAG.to_owned(), NEIGHBOUR.to_owned());
    spec.tags.extend([theirs]);
    spec.stopped = true;
    let instance = world.admin.add_instance(&region(), &spec);
    let instance = instance.expect("there is room");
    for id in saves {
        let new = NewImage {
            instance: instance.clone(),
            name: format!("theirs-{id}"),
            reboot: false,
            exclude: std::collections::BTreeSet::new(),
            description: String::new(),
            tags: tags(id),
        };
        let ask = || world.run(world.ec2.create_image(&region(), &new));
        let image = in_time(world, ask).expect("the neighbour has an AMI");
        for there in REGIONS {
            let copy = ImageCopy {
                source_region: region(),
                source_image: image.clone(),
                name: new.name.clone(),
                description: String::new(),
                client_token: new.name.clone(),
                kms_key: None,
                tags: new.tags.clone(),
            };
            let there: Region = there.parse().expect("it is a Region");
            // If images take days or fail, it has none.
            in_time(world, || world.run(world.ec2.copy_image(&there, &copy)));
        }
    }
    world.pass(600);
}

/// The response of EC2 once its preconditions are met; `None` if that takes hours.
fn in_time<T>(world: &World, ask: impl Fn() -> Result<T, Ec2Error>) -> Option<T> {
    (0..30).find_map(|_| {
        let answer = ask().ok();
        if answer.is_none() {
            world.pass(300);
        }
        answer
    })
}

fn tags(id: &SaveId) -> Tags {
    let tags = [
        (SAVE_TAG, id.as_str()),
        (ATTEMPT_TAG, "1"),
        (TEMPLATE_TAG, "kept"),
        (OWNER_TAG, OWNER),
        (DEPLOYMENT_TAG, NEIGHBOUR),
    ];
    let owned = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    owned.into_iter().collect()
}

pub(crate) fn belongings(world: &World) -> Belongings {
    let inventory = world.admin.inventory().expect("the cloud answers");
    let mut all = BTreeMap::new();
    for (region, image) in inventory
        .images
        .iter()
        .filter(|(_, it)| is_theirs(&it.tags))
    {
        let open = world.ec2.launch_permissions(region, &image.id);
        let open: Vec<LaunchPermission> = world.run(open).expect("EC2 answers");
        let told = format!("{region} {:?} {open:?}", image.tags);
        all.insert(image.id.to_string(), told);
    }
    let snapshots = inventory.snapshots.iter();
    for (region, it) in snapshots.filter(|(_, it)| is_theirs(&it.tags)) {
        all.insert(it.id.to_string(), format!("{region} {:?}", it.tags));
    }
    let instances = inventory.instances.iter();
    for (region, it) in instances.filter(|(_, it)| is_theirs(&it.tags)) {
        let told = format!("{region} {:?} {:?} {}", it.state, it.tags, it.launched_at);
        all.insert(it.id.to_string(), told);
    }
    Belongings(all)
}

impl Belongings {
    pub(crate) fn differences(&self, now: &Self) -> Vec<String> {
        let lost = self
            .0
            .iter()
            .filter(|(id, was)| now.0.get(*id) != Some(was));
        let differ = |(id, was): (&String, &String)| {
            let now = now.0.get(id).map_or("gone", String::as_str);
            format!("P9: {id} of another deployment was {was} and is {now}")
        };
        lost.map(differ).collect()
    }
}
