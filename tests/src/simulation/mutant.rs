//! Deliberate defects that the simulation must detect; otherwise it would prove nothing. They are injected between the
//! parts of the simulated world, and the shipped code does not contain them.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use prism_asl::Machine;
use prism_functions::ports::Write;
use prism_local::executions::DEFINITION;
use serde_json::Value;

pub struct Mutant {
    pub name: &'static str,
    /// The path, and the fault on it, that reveal the defect.
    pub(crate) caught_on: (&'static str, Option<&'static str>),
    /// Whether AMIs are only found by their recorded ID, not by their tag.
    pub(crate) by_id_alone: bool,
    /// Whether each CreateImage uses another name.
    pub(crate) renames: bool,
    pub(crate) keeps_closed: bool,
    /// Whether CreateImage never reboots the instance.
    pub(crate) keeps_running: bool,
    /// Whether resources of other deployments are treated as this deployment's.
    pub(crate) takes_all_for_its_own: bool,
    pub(crate) writes: fn(Vec<Write>) -> Vec<Write>,
    pub(crate) definition: fn(&mut Value),
}

impl std::fmt::Debug for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const NONE: Mutant = Mutant {
    name: "",
    caught_on: ("main", None),
    by_id_alone: false,
    renames: false,
    keeps_closed: false,
    keeps_running: false,
    takes_all_for_its_own: false,
    writes: |writes| writes,
    definition: |_| {},
};

pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no duty is written",
        caught_on: ("recovered while down", None),
        writes: |writes| {
            without(writes, |w| {
                matches!(w, Write::Put(..)) && w.key().sk == "DUTY"
            })
        },
        ..NONE
    },
    Mutant {
        name: "the instance is started before it has its snapshots",
        definition: |definition| {
            let rule = &mut definition["States"]["HasSnapshots"]["Choices"][0];
            rule["Condition"] = "{% $stops %}".into();
        },
        ..NONE
    },
    Mutant {
        name: "one state has no Catch",
        caught_on: ("cancelled while down", None),
        definition: |definition| drop(definition["States"]["AwaitSnapshots"]["Catch"].take()),
        ..NONE
    },
    Mutant {
        name: "the lock is never released",
        writes: |writes| {
            without(writes, |w| {
                matches!(w, Write::Delete(..)) && w.key().sk == "LOCK"
            })
        },
        ..NONE
    },
    Mutant {
        name: "what is left is looked for by its id alone",
        caught_on: ("main", Some("CreateImage.CreateImage#1=death-after")),
        by_id_alone: true,
        ..NONE
    },
    Mutant {
        name: "each try to make the AMI has another name",
        caught_on: ("main", Some("CreateImage.CreateImage#1=lost")),
        renames: true,
        ..NONE
    },
    Mutant {
        name: "a version is not opened to those whom its template is shared with",
        caught_on: ("shared", None),
        keeps_closed: true,
        ..NONE
    },
    Mutant {
        name: "a running instance is captured without a reboot",
        caught_on: ("rebooted", None),
        keeps_running: true,
        ..NONE
    },
    Mutant {
        name: "a rebooted instance that powers itself off is left stopped",
        caught_on: ("powers itself off", None),
        definition: |definition| {
            let rules = definition["States"]["HasSnapshots"]["Choices"].as_array_mut();
            drop(rules.map(|rules| rules.remove(1)));
        },
        ..NONE
    },
    Mutant {
        name: "what another deployment made is discarded like its own",
        caught_on: ("cancelled while down", None),
        takes_all_for_its_own: true,
        ..NONE
    },
    Mutant {
        name: "a restore that fails is not caught",
        caught_on: ("stranded for twenty minutes", None),
        definition: |definition| {
            let catch = &mut definition["States"]["RestoreInstance"]["Catch"];
            catch[1]["ErrorEquals"] = serde_json::json!(["Internal"]);
        },
        ..NONE
    },
];

fn without(mut writes: Vec<Write>, lost: fn(&Write) -> bool) -> Vec<Write> {
    writes.retain(|write| !lost(write));
    writes
}

impl Mutant {
    pub(crate) fn machine(&self) -> Arc<Machine> {
        type Loaded = Vec<(&'static str, Arc<Machine>)>;
        static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, machine)) = loaded.iter().find(|(name, _)| *name == self.name) {
            return Arc::clone(machine);
        }
        let mut definition: Value = serde_json::from_str(DEFINITION).expect("it is JSON");
        (self.definition)(&mut definition);
        // A state that was removed is left as null.
        let states = definition["States"].as_object_mut().into_iter().flatten();
        for (_, state) in states {
            if let Some(state) = state.as_object_mut() {
                state.retain(|_, field| !field.is_null());
            }
        }
        let machine = machine_of(&definition.to_string());
        loaded.push((self.name, Arc::clone(&machine)));
        machine
    }
}

fn machine_of(definition: &str) -> Arc<Machine> {
    Arc::new(prism_local::executions::load(definition).expect("the definition is valid"))
}
