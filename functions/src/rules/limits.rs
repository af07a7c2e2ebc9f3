//! The limits of a project: what each of its members may launch for it.

use super::{Env, compute};
use crate::domain::ec2::Architecture;
use crate::domain::limits::Limits;
use crate::domain::money;
use crate::domain::month::Month;
use crate::domain::project::Project;
use crate::domain::sizes::usd_per_hour;
use crate::domain::{Code, Problem, ProjectName, UserId, counted};

/// Refuses an instance type that is larger than a project allows. Types are compared by their price, so that the limit
/// also holds for types that no size stands for; one without a known price is refused.
pub(crate) fn check_type(
    project: &ProjectName,
    limits: &Limits,
    instance_type: &str,
    architecture: Architecture,
) -> Result<(), Problem> {
    let Some(largest) = limits.largest_size else {
        return Ok(());
    };
    let machine = largest.machine(architecture);
    let why = match usd_per_hour(instance_type) {
        Some(usd) if usd <= machine.usd_per_hour => return Ok(()),
        Some(usd) => format!("{instance_type} costs {}", money::usd_per_hour(usd)),
        None => format!("the price of {instance_type} is not known"),
    };
    let message = format!(
        "The project {project} allows instances up to the size {largest} ({}, {}), and {why}.",
        machine.instance_type,
        money::usd_per_hour(machine.usd_per_hour)
    );
    let hint = format!(
        "Choose --size {largest} or a smaller one, or ask an admin of the project: prism project show {project}"
    );
    Err(Problem::new(Code::ProjectLimitReached, message).hint(hint))
}

/// Refuses an instance of a user whose instances have run for the project as long this month as it allows. One that runs
/// already is not stopped.
pub(crate) async fn check_hours(
    env: &Env,
    project: &Project,
    user: &UserId,
) -> Result<(), Problem> {
    let Some(most) = project.limits.hours_per_month else {
        return Ok(());
    };
    let (name, month) = (&project.name, Month::of(env.clock.now()));
    let hours = compute::hours(env, name, user, month).await?;
    if hours < f64::from(most) {
        return Ok(());
    }
    let message = format!(
        "The project {name} allows each member {} a month, and the instances of {user} have run for {hours:.1} hours in {month}.",
        counted(most, "hour")
    );
    let hint = "Wait until the next month, or ask an admin of the project for a higher limit.";
    Err(Problem::new(Code::ProjectLimitReached, message).hint(hint))
}

/// Refuses another instance of a user who has as many as a project allows.
pub(super) fn check_count(
    project: &ProjectName,
    user: &UserId,
    most: u32,
    names: &[&str],
) -> Result<(), Problem> {
    if names.len() < most as usize {
        return Ok(());
    }
    let message = format!(
        "The project {project} allows each member {}, and {user} has {}: {}.",
        counted(most, "instance"),
        names.len(),
        names.join(", ")
    );
    let hint = "Terminate one that is not needed any more, or ask an admin of the project for a higher limit.";
    Err(Problem::new(Code::ProjectLimitReached, message).hint(hint))
}
