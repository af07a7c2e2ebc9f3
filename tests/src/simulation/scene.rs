//! The initial state of a run.

use prism_functions::domain::SaveId;
use prism_functions::operations::{copy_id_of, save_id_of};
use prism_functions::rules::Settings;
use prism_local::ec2::Settings as CloudSettings;

use super::before::OWNER;
use super::chance::Script;
use super::fault::Fault;
use super::mutant::Mutant;
use super::path::Path;
use super::wanted::Wanted;
use crate::world::{World, caller};

/// The ID of a scheduled save is derived from the execution's name. For this name, the ID is equal to the name.
pub(crate) const SCHEDULED: &str = "save-aeaeaeaeaeaeaeaeaeae";
/// A save that is requested some milliseconds after the beginning.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) after_ms: u64,
    pub(crate) wanted: Wanted,
    pub(crate) request_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Requests,
    Schedule,
    DryRun,
}

pub(crate) type Deed = Box<dyn Fn(&World) + Send + Sync>;

pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) cloud: CloudSettings,
    pub(crate) settings: Settings,
    pub(crate) events: bool,
    pub(crate) prepare: Deed,
    pub(crate) wishes: Vec<Wish>,
    /// What happens some seconds after the beginning.
    pub(crate) later: Vec<(u64, Deed)>,
    pub(crate) way: Way,
    pub(crate) script: Script,
    pub(crate) mutant: Option<&'static Mutant>,
    /// Whether everything is started once more at the end.
    pub(crate) again: bool,
    /// Whether permissions to clean up are missing for longer than a save retries.
    pub(crate) denies: bool,
}

impl Scene {
    pub(crate) fn on(path: Path, faults: &[Fault]) -> Self {
        let mut all = path.script();
        all.extend(faults);
        Self {
            seed: 1,
            cloud: path.cloud(),
            settings: Path::settings(),
            events: false,
            prepare: Box::new(move |world| drop(path.prepare(world))),
            wishes: vec![Wish {
                after_ms: 0,
                wanted: path.wanted(),
                request_id: "first".to_owned(),
            }],
            later: path
                .later
                .iter()
                .map(|(after_s, deed)| (*after_s, Box::new(*deed) as Deed))
                .collect(),
            way: match (path.dry, path.scheduled) {
                (true, _) => Way::DryRun,
                (false, true) => Way::Schedule,
                (false, false) => Way::Requests,
            },
            script: Script {
                faults: all,
                ..Script::default()
            },
            mutant: None,
            again: true,
            denies: false,
        }
    }

    pub(crate) fn saves(&self) -> Vec<SaveId> {
        let owner = caller(OWNER).user;
        let wishes = self.wishes.iter().map(|wish| match &wish.wanted {
            Wanted::Save(_) => save_id_of(&owner, &wish.request_id),
            Wanted::Copy(_) => copy_id_of(&owner, &wish.request_id),
        });
        let mut saves: Vec<SaveId> = wishes.map(|id| id.expect("it is a request id")).collect();
        if self.way == Way::Schedule {
            saves.push(SCHEDULED.parse().expect("it is the id of a save"));
        }
        saves.sort();
        saves.dedup();
        saves
    }
}
