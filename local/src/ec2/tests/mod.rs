//! Tests of the simulated cloud as its callers see it.

mod files;
mod guest;
mod images;
mod invariants;
mod lifecycle;
mod machines;
mod reboots;
mod speed;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{AccountId, ImageId, InstanceId, Region, Timestamp};
use prism_functions::ports::{
    Clock, Ec2, Ec2Error, ImageFilter, Instance, InstanceFilter, NewImage, NewInstance, Snapshot,
    SnapshotFilter, Tags,
};

use super::{Admin, Cloud, InstanceSpec, Settings, SimEc2};

#[derive(Debug)]
pub(super) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(super) fn new() -> Arc<Self> {
        let start = "2026-03-02T12:00:00Z".parse().unwrap();
        Arc::new(Self(Mutex::new(start)))
    }

    pub(super) fn forward(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.forward(duration);
        Box::pin(std::future::ready(()))
    }
}

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) cloud: Cloud,
    pub(super) ec2: SimEc2,
    pub(super) admin: Admin,
    pub(super) region: Region,
}

pub(super) fn account(digit: char) -> AccountId {
    digit.to_string().repeat(12).parse().unwrap()
}

pub(super) fn region(name: &str) -> Region {
    name.parse().unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let clock = ManualClock::new();
        let cloud = Cloud::in_memory(clock.clone(), 7, settings);
        Self::around(cloud, clock)
    }

    pub(super) fn around(cloud: Cloud, clock: Arc<ManualClock>) -> Self {
        Self {
            ec2: cloud.account(account('1')),
            admin: cloud.admin(account('1')),
            region: region("us-east-1"),
            clock,
            cloud,
        }
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.clock.forward(Duration::from_secs(seconds));
    }

    pub(super) fn running(&self) -> InstanceId {
        let spec = InstanceSpec::named("lab");
        self.admin.add_instance(&self.region, &spec).unwrap()
    }

    pub(super) fn stopped(&self) -> InstanceId {
        let id = self.running();
        self.stop_fully(&id);
        assert_eq!(self.state(&id), InstanceState::Stopped);
        id
    }

    pub(super) fn stop(&self, id: &InstanceId) -> Result<(), Ec2Error> {
        block_on(self.ec2.stop_instance(&self.region, id))
    }

    pub(super) fn start(&self, id: &InstanceId) -> Result<(), Ec2Error> {
        block_on(self.ec2.start_instance(&self.region, id))
    }

    pub(super) fn stop_fully(&self, id: &InstanceId) {
        self.stop(id).unwrap();
        self.wait(20);
    }

    pub(super) fn start_fully(&self, id: &InstanceId) {
        self.start(id).unwrap();
        self.wait(15);
    }

    pub(super) fn instance(&self, id: &InstanceId) -> Instance {
        let filter = InstanceFilter::Ids(vec![id.clone()]);
        let mut found = block_on(self.ec2.instances(&self.region, &filter)).unwrap();
        found.remove(0)
    }

    pub(super) fn state(&self, id: &InstanceId) -> InstanceState {
        self.instance(id).state
    }

    pub(super) fn image_of(&self, id: &InstanceId, name: &str) -> Result<ImageId, Ec2Error> {
        let new = NewImage {
            instance: id.clone(),
            name: name.to_owned(),
            reboot: false,
            exclude: std::collections::BTreeSet::new(),
            description: "a test".to_owned(),
            tags: Tags::from([("prism:save".to_owned(), name.to_owned())]),
        };
        block_on(self.ec2.create_image(&self.region, &new))
    }

    pub(super) fn images(
        &self,
        filter: &ImageFilter,
    ) -> Result<Vec<prism_functions::ports::Image>, Ec2Error> {
        block_on(self.ec2.images(&self.region, filter))
    }

    pub(super) fn image(&self, id: &ImageId) -> prism_functions::ports::Image {
        let filter = ImageFilter::Ids(vec![id.clone()]);
        self.images(&filter).unwrap().remove(0)
    }

    pub(super) fn snapshots(&self, name: &str) -> Vec<Snapshot> {
        let filter = SnapshotFilter::Tag("prism:save".to_owned(), name.to_owned());
        block_on(self.ec2.snapshots(&self.region, &filter)).unwrap()
    }

    pub(super) fn run(&self, new: &NewInstance) -> Result<Instance, Ec2Error> {
        block_on(self.ec2.run_instance(&self.region, new))
    }
}

pub(super) fn code<T: std::fmt::Debug>(answer: Result<T, Ec2Error>) -> String {
    answer.expect_err("it is refused").code
}

#[track_caller]
pub(super) fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Ec2Error>, with: &str) {
    assert_eq!(code(answer), with);
}

pub(super) fn launch(image: &ImageId, token: &str) -> NewInstance {
    NewInstance {
        image: image.clone(),
        instance_type: "t3.large".to_owned(),
        volumes: Vec::new(),
        ports: vec![22],
        kms_key: None,
        user_data: None,
        profile: None,
        client_token: token.to_owned(),
        tags: Tags::from([("Name".to_owned(), "launched".to_owned())]),
        subnet: crate::ec2::model::first_subnet(&"us-east-1".parse().unwrap()),
    }
}
