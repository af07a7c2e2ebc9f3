//! The names of the steps.
#![expect(missing_docs, reason = "the file of each step describes it")]

use strum::{Display, EnumString, IntoStaticStr};

/// The name of a step, of its state in the definition, and of its Lambda function. Records keep it as text, so that a
/// client can read a step that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(const_into_str)]
pub enum StepName {
    /// The state in which a save waits for its turn, which its record shows. No step runs in it.
    WaitForTurn,
    PlanSave,
    StopInstance,
    AwaitStopped,
    CreateImage,
    AwaitSnapshots,
    RestartInstance,
    AwaitRunning,
    AwaitImage,
    AwaitEvent,
    PlanCopy,
    CopyImage,
    AwaitCopy,
    FailCopy,
    RegisterTemplate,
    CompleteSave,
    RestoreInstance,
    DiscardImage,
    FailSave,
    Stranded,
}

impl PartialEq<StepName> for str {
    fn eq(&self, name: &StepName) -> bool {
        self == name.into_str()
    }
}
