//! The limits of a project.

use serde::{Deserialize, Serialize};

use super::sizes::Size;
use super::{Code, Problem};

/// The highest number in a limit.
const HIGHEST: u32 = 10_000;

/// What each member of a project may launch for it. A limit that is absent does not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest size of an instance. Instance types are compared by their price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_size: Option<Size>,
    /// The maximum number of instances that a member has at the same time, running or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10000)]
    pub instances_per_member: Option<u32>,
    /// The maximum number of hours in a calendar month (UTC) that the instances of a member run, added up. Beyond it, launches
    /// and starts are refused; what runs is not stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10000)]
    pub hours_per_month: Option<u32>,
}

impl Limits {
    /// Checks the numbers.
    pub fn check(&self) -> Result<(), Problem> {
        for (name, number) in [
            ("instances_per_member", self.instances_per_member),
            ("hours_per_month", self.hours_per_month),
        ] {
            if number.is_some_and(|it| !(1..=HIGHEST).contains(&it)) {
                let message =
                    format!("The {name} of the limits is not valid: it must be 1 to {HIGHEST}.");
                return Err(Problem::new(Code::InvalidInput, message));
            }
        }
        Ok(())
    }

    /// Whether no limit applies.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}
