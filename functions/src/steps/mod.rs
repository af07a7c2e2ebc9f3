//! The steps of a save, one file each, always in the same order: `Input`, `Output`, `run`, tests.
//!
//! A step is stateless and idempotent: it may run again after a crash, a lost response or a time-out, and a second
//! execution of the same save may run it too. Whatever it must remember is kept in the save's record. This module is
//! the registry of all steps; the Lambda entry point, the embedded cloud and the checks of the definition read the same
//! list.

/// The test that the step may run twice: it plays saves of these courses and repeats every run of the step. The crate
/// `prism_tests` depends on this one, so what runs there is this source compiled as its library, found by the step's
/// name.
#[cfg(test)]
macro_rules! repeated {
    ($step:ident: $($course:ident),+) => {
        #[test]
        fn a_second_run_returns_the_same_and_has_no_effect() {
            let courses = [$(prism_tests::repeated::Course::$course),+];
            prism_tests::repeated::check(<$step as super::Step>::NAME.into_str(), &courses);
        }
    };
}

mod copies;
mod env;
mod excluded;
mod findings;
mod images;
pub(crate) mod keys;
mod label;
mod opened;
pub(crate) mod opening;
pub(crate) mod openings;
pub(crate) mod pacing;
mod packages;
mod payer;
pub(crate) mod permissions;
mod planning;
mod preflight;
mod rights;
mod runs;
pub(crate) mod scheduled;
mod tags;

mod await_copy;
mod await_event;
mod await_image;
mod await_running;
mod await_snapshots;
mod await_stopped;
mod complete_save;
mod copy_image;
mod create_image;
mod discard_image;
mod fail_copy;
mod fail_save;
mod plan_copy;
mod plan_save;
mod register_template;
mod restart_instance;
mod restore_instance;
mod stop_instance;
mod stranded;
mod ties;
mod turns;

use std::future::Future;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{Code, Problem, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub use env::SaveRef;

pub(crate) use discard_image::LATE_S;
pub(crate) use fail_save::failure;
pub(crate) use findings::{Standing, look, standing};
pub(crate) use packages::look as ask_instance;
pub(crate) use plan_copy::check as check_copy;
pub(crate) use planning::{plan, plan_scheduled, shown};
pub(crate) use preflight::addressed;
pub(crate) use rights::check_moves_not;
pub(crate) use rights::check_target;

/// One step of a save.
pub trait Step: 'static {
    const NAME: StepName;
    /// The port calls that it makes. The policy of its function allows exactly these.
    const CALLS: &'static [Call];
    type Input: DeserializeOwned + Send;
    type Output: Serialize;

    fn run(
        env: &Env,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

/// A step as the registry lists it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    /// The port calls that the step makes.
    pub calls: &'static [Call],
    /// Runs the step on JSON. A payload that is not the step's input fails with [`Code::InvalidInput`].
    pub invoke: for<'a> fn(&'a Env, Value) -> BoxFuture<'a, Result<Value, Problem>>,
}

/// All steps, in the order in which a save may reach them.
pub const ALL: &[Entry] = &[
    entry::<plan_save::PlanSave>(),
    entry::<stop_instance::StopInstance>(),
    entry::<await_stopped::AwaitStopped>(),
    entry::<create_image::CreateImage>(),
    entry::<await_snapshots::AwaitSnapshots>(),
    entry::<restart_instance::RestartInstance>(),
    entry::<await_running::AwaitRunning>(),
    entry::<await_image::AwaitImage>(),
    entry::<await_event::AwaitEvent>(),
    entry::<plan_copy::PlanCopy>(),
    entry::<copy_image::CopyImage>(),
    entry::<await_copy::AwaitCopy>(),
    entry::<fail_copy::FailCopy>(),
    entry::<register_template::RegisterTemplate>(),
    entry::<complete_save::CompleteSave>(),
    entry::<restore_instance::RestoreInstance>(),
    entry::<discard_image::DiscardImage>(),
    entry::<fail_save::FailSave>(),
    entry::<stranded::Stranded>(),
];

/// Returns the step with that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

const fn entry<S: Step>() -> Entry {
    Entry {
        name: S::NAME.into_str(),
        calls: S::CALLS,
        invoke: |env, payload| Box::pin(invoke::<S>(env, payload)),
    }
}

async fn invoke<S: Step>(env: &Env, payload: Value) -> Result<Value, Problem> {
    let input = serde_json::from_value(payload).map_err(|error| {
        Problem::new(
            Code::InvalidInput,
            format!("The payload of {} is not a valid input.", S::NAME),
        )
        .because(error)
    })?;
    let output = S::run(env, input).await?;
    serde_json::to_value(output).map_err(|error| {
        Problem::new(
            Code::Internal,
            format!("The output of {} cannot be written as JSON.", S::NAME),
        )
        .because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_file_and_its_test_of_idempotence() {
        for step in ALL {
            let mut file = String::new();
            for letter in step.name.chars() {
                if letter.is_uppercase() && !file.is_empty() {
                    file.push('_');
                }
                file.push(letter.to_ascii_lowercase());
            }
            let path = format!("{}/src/steps/{file}.rs", env!("CARGO_MANIFEST_DIR"));
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            let test = format!("\nrepeated!({}: ", step.name);
            assert!(source.contains(&test), "{path} has no such test");
        }
    }
}
