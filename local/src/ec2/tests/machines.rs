//! Random sequences of calls and waits, checked against the invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::{AccountId, ImageId, InstanceId, Region, Timestamp, VolumeId};
use prism_functions::ports::{ImageCopy, ImageState, NewImage, Tags};
use proptest::prelude::*;

use super::{account, launch, region};
use crate::ec2::Settings;
use crate::ec2::guest::FileBody;
use crate::ec2::model::{Capacity, Data, Model, Scope};

/// One action. Numbers select among the existing resources.
#[derive(Debug, Clone)]
enum Act {
    Wait(u32),
    Launch(usize),
    Stop(usize),
    Start(usize),
    Terminate(usize),
    Image(usize, u8),
    Copy(usize),
    Deregister(usize),
    Share(usize),
    DeleteSnapshot(usize),
    Write(usize, u16),
    Capacity(bool, bool),
    Group(usize),
    FailNext(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0_u32..40_000).prop_map(Act::Wait),
        1 => (0_u32..4_000_000).prop_map(Act::Wait),
        2 => any::<usize>().prop_map(Act::Launch),
        3 => any::<usize>().prop_map(Act::Stop),
        3 => any::<usize>().prop_map(Act::Start),
        1 => any::<usize>().prop_map(Act::Terminate),
        4 => (any::<usize>(), 0_u8..6).prop_map(|(n, name)| Act::Image(n, name)),
        2 => any::<usize>().prop_map(Act::Copy),
        2 => any::<usize>().prop_map(Act::Deregister),
        1 => any::<usize>().prop_map(Act::Share),
        3 => any::<usize>().prop_map(Act::DeleteSnapshot),
        5 => (any::<usize>(), any::<u16>()).prop_map(|(n, v)| Act::Write(n, v)),
        1 => any::<(bool, bool)>().prop_map(|(room, late)| Act::Capacity(room, late)),
        1 => any::<usize>().prop_map(Act::Group),
        1 => (0_u8..3).prop_map(Act::FailNext),
    ];
    prop::collection::vec(act, 1..60)
}

pub(super) struct Run {
    pub(super) model: Model,
    now: Timestamp,
    account: AccountId,
    region: Region,
    pub(super) written: BTreeMap<VolumeId, Vec<(Timestamp, String)>>,
    pub(super) copied: BTreeMap<ImageId, Vec<Option<String>>>,
    pub(super) alive: BTreeSet<String>,
    pub(super) dead: BTreeSet<String>,
}

const PARAMETER: &str = "/aws/service/canonical/ubuntu/amd64/ami-id";
pub(super) const FILE: &str = "/data";

impl Run {
    fn new(seed: u64, orphans: bool) -> Self {
        let mut settings = Settings::default();
        settings.limits.snapshots_outlive_deregistration = orphans;
        settings.limits.events = 100;
        Self {
            model: Model::new(seed, settings),
            now: "2026-03-02T12:00:00Z".parse().unwrap(),
            account: account('1'),
            region: region("us-east-1"),
            written: BTreeMap::new(),
            copied: BTreeMap::new(),
            alive: BTreeSet::new(),
            dead: BTreeSet::new(),
        }
    }

    fn reread(&self) -> Model {
        let written = serde_json::to_string(&self.model.data).unwrap();
        Model::from_data(serde_json::from_str::<Data>(&written).unwrap())
    }

    fn nth<T: Clone>(all: &[T], n: usize) -> Option<T> {
        (!all.is_empty()).then(|| all[n % all.len()].clone())
    }

    fn instance(&self, n: usize) -> Option<InstanceId> {
        let rows = self.model.data.instances.values();
        Self::nth(&rows.map(|r| r.id.clone()).collect::<Vec<_>>(), n)
    }

    fn own_image(&self, n: usize) -> Option<(ImageId, Region)> {
        let rows = self.model.data.images.values();
        let own = rows.filter(|r| r.account == self.account);
        Self::nth(
            &own.map(|r| (r.id.clone(), r.region.clone()))
                .collect::<Vec<_>>(),
            n,
        )
    }

    /// Performs the action; returns the caller's result as text, unless there is nothing to act on.
    fn act(&mut self, act: &Act) -> Option<String> {
        let (account, region) = (self.account.clone(), self.region.clone());
        let scope = Scope {
            account: &account,
            region: &region,
            now: self.now,
        };
        match act {
            Act::Wait(ms) => {
                self.now += Duration::from_millis(u64::from(*ms));
                self.model.advance(self.now);
                None
            }
            Act::Launch(n) => self.launch(&scope, *n),
            Act::Stop(n) => told(self.model.stop_instances(&scope, &[self.instance(*n)?])),
            Act::Start(n) => told(self.model.start_instances(&scope, &[self.instance(*n)?])),
            Act::Terminate(n) => told(
                self.model
                    .terminate_instances(&scope, &[self.instance(*n)?]),
            ),
            Act::Image(n, name) => self.image(&scope, *n, *name),
            Act::Copy(n) => self.copy(scope, *n),
            Act::Deregister(n) => {
                let (id, region) = &self.own_image(*n)?;
                let scope = Scope { region, ..scope };
                told(self.model.deregister_image(&scope, id))
            }
            Act::Share(n) => {
                let (id, region) = &self.own_image(*n)?;
                let scope = Scope { region, ..scope };
                let to = [LaunchPermission::Account(super::account('2'))];
                told(self.model.add_launch_permissions(&scope, id, &to))
            }
            Act::DeleteSnapshot(n) => self.delete_snapshot(scope, *n),
            Act::Write(n, value) => self.write(*n, *value),
            Act::Capacity(room, late) => {
                let how = match (room, late) {
                    (true, _) => Capacity::Available,
                    (_, true) => Capacity::FailsLate,
                    _ => Capacity::Refused,
                };
                let types = self.model.world_mut().capacity.entry(region).or_default();
                types.insert("*".to_owned(), how);
                None
            }
            Act::Group(n) => {
                let row = self
                    .model
                    .data
                    .instances
                    .get_mut(&self.instance(*n)?)
                    .unwrap();
                let group = "aws:autoscaling:groupName".to_owned();
                row.tags.insert(group, "web".to_owned());
                None
            }
            Act::FailNext(what) => {
                let all = &mut self.model.world_mut().misfortunes;
                let list = match what {
                    0 => &mut all.images,
                    1 => &mut all.snapshots,
                    _ => &mut all.copies,
                };
                list.push("bad luck".to_owned());
                None
            }
        }
    }

    fn launch(&mut self, scope: &Scope<'_>, n: usize) -> Option<String> {
        if self.model.data.instances.len() >= 8 {
            return None;
        }
        let image = match self.own_image(n) {
            Some((id, _)) if !n.is_multiple_of(3) => id,
            _ => self.model.parameter(scope, PARAMETER).unwrap(),
        };
        told(self.model.run_instance(scope, &launch(&image, "")))
    }

    fn image(&mut self, scope: &Scope<'_>, n: usize, name: u8) -> Option<String> {
        let new = NewImage {
            instance: self.instance(n)?,
            name: format!("image {name}"),
            reboot: false,
            exclude: std::collections::BTreeSet::new(),
            description: String::new(),
            tags: Tags::from([("save".to_owned(), name.to_string())]),
        };
        told(self.model.create_image(scope, &new))
    }

    fn copy(&mut self, scope: Scope<'_>, n: usize) -> Option<String> {
        let (id, from) = self.own_image(n)?;
        let there = region("eu-west-1");
        let scope = Scope {
            region: &there,
            ..scope
        };
        let copy = ImageCopy {
            source_region: from,
            source_image: id.clone(),
            name: format!("copy {}", n % 4),
            description: String::new(),
            client_token: format!("token {}", n % 50),
            kms_key: None,
            tags: Tags::new(),
        };
        let made = self.model.copy_image(&scope, &copy);
        if let Ok(made) = &made {
            let row = self.model.data.images.get(&id);
            let contents = row.map(|row| {
                let snapshots = row.slots.iter().filter_map(|s| s.snapshot.as_ref());
                let snapshots = snapshots.filter_map(|s| self.model.data.snapshots.get(s));
                snapshots.map(|s| self.content(s.disk)).collect()
            });
            if let Some(contents) = contents {
                self.copied.entry(made.clone()).or_insert(contents);
            }
        }
        told(made)
    }

    fn delete_snapshot(&mut self, scope: Scope<'_>, n: usize) -> Option<String> {
        let rows = self.model.data.snapshots.values();
        let own = rows.filter(|r| r.account == self.account);
        let own = own.map(|r| (r.id.clone(), r.image.clone(), r.region.clone()));
        let (id, image, region) = Self::nth(&own.collect::<Vec<_>>(), n)?;
        let scope = Scope {
            region: &region,
            ..scope
        };
        let done = self.model.delete_snapshot(&scope, &id);
        let image = self.model.data.images.get(&image);
        let in_use = image.is_some_and(|i| i.state != ImageState::Deregistered);
        assert!(done.is_err() || !in_use, "{id} was in use");
        told(done)
    }

    fn write(&mut self, n: usize, value: u16) -> Option<String> {
        self.model.advance(self.now);
        let rows = self.model.data.volumes.values();
        let id = Self::nth(&rows.map(|r| r.id.clone()).collect::<Vec<_>>(), n)?;
        let disk = self.model.data.volumes.get(&id).unwrap().disk;
        let mut disk = self.model.disk(disk).unwrap().clone();
        let text = value.to_string();
        disk.files
            .insert(FILE.to_owned(), FileBody(text.as_bytes().into()));
        self.model.write_volume(&id, disk, 10 << 20);
        self.written.entry(id).or_default().push((self.now, text));
        None
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it ends the actions, which may have no result"
)]
fn told(result: impl std::fmt::Debug) -> Option<String> {
    Some(format!("{result:?}"))
}

proptest! {
    // PROPTEST_CASES can raise this number.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(400)))]

    #[test]
    fn the_invariants_always_hold(acts in acts(), seed: u64, orphans: bool) {
        let mut run = Run::new(seed, orphans);
        for act in &acts {
            run.act(act);
            run.check();
        }
        // Once everything has completed, nothing changes automatically any more.
        run.act(&Act::Wait(u32::MAX));
        run.check();
    }

    #[test]
    fn a_model_that_was_stored_has_the_same_future(acts in acts(), seed: u64, at in 0.0..1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "it chooses a place in a short list")]
        let middle = (acts.len() as f64 * at) as usize;
        let (mut one, mut two) = (Run::new(seed, false), Run::new(seed, false));
        for act in &acts[..middle] {
            one.act(act);
            two.act(act);
        }
        two.model = one.reread();
        for act in &acts[middle..] {
            prop_assert_eq!(one.act(act), two.act(act));
        }
        let json = |run: &Run| serde_json::to_string(&run.model.data).unwrap();
        prop_assert_eq!(json(&one), json(&two));
    }

    #[test]
    fn frequent_observation_changes_nothing(acts in acts(), seed: u64) {
        let (mut seldom, mut often) = (Run::new(seed, false), Run::new(seed, false));
        for act in &acts {
            if let Act::Wait(ms) = act {
                for part in 1..4 {
                    let now = often.now + Duration::from_millis(u64::from(ms / 4 * part));
                    often.model.advance(now);
                }
            }
            prop_assert_eq!(seldom.act(act), often.act(act));
        }
        let json = |run: &Run| serde_json::to_string(&run.model.data).unwrap();
        prop_assert_eq!(json(&seldom), json(&often));
    }
}
