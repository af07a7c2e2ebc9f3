//! The checks of an embedded cloud.

use std::path::Path;
use std::{fs, io};

use prism_functions::domain::{Code, Problem};
use prism_functions::operations::Service;
use prism_functions::ports::ExecutionStatus;
use prism_local::{Embedded, FILES};

use super::Check;
use crate::environment::Environment;
use crate::global::Global;
use crate::opening;
use crate::profile::Profile;

/// The maximum number of open saves to check.
const SAVES: usize = 100;

pub(super) async fn checks(
    global: &Global,
    environment: &Environment,
    profile: &Profile,
) -> Vec<Check> {
    let home = match opening::home(global, environment, profile) {
        Ok(home) => home,
        Err(problem) => return vec![Check::fail("folder", problem)],
    };
    let mut checks = vec![Check::of(
        "user",
        environment
            .user(global.user.as_deref())
            .map(|user| user.to_string()),
    )];
    let known = FILES.iter().any(|name| home.join(name).exists());
    let folder = folder(&home);
    let usable = folder.is_ok();
    checks.push(Check::of("folder", folder));
    if !known || !usable {
        return checks;
    }
    match opening::embedded(&home, environment) {
        Ok(cloud) => {
            checks.push(Check::ok("databases", "can be opened"));
            checks.push(saves(&cloud).await);
        }
        Err(problem) => checks.push(Check::fail("databases", problem)),
    }
    checks
}

/// Opens the service of the cloud, if the cloud exists.
pub(super) fn service(
    global: &Global,
    environment: &Environment,
    profile: &Profile,
) -> Result<Option<Service>, Problem> {
    let home = opening::home(global, environment, profile)?;
    if !FILES.iter().any(|name| home.join(name).exists()) {
        return Ok(None);
    }
    Ok(Some(opening::embedded(&home, environment)?.detaching()))
}

/// Whether files can be created in the folder, or the folder itself.
fn folder(home: &Path) -> Result<String, Problem> {
    let shown = home.display();
    let cannot = |error: io::Error| {
        Problem::new(
            Code::LocalIo,
            format!("Files cannot be written in {shown}."),
        )
        .because(error)
    };
    if !home.exists() {
        let above = home.ancestors().find(|folder| folder.exists());
        return match above {
            Some(folder) if folder.is_dir() => {
                Ok(format!("{shown}, which the first command creates"))
            }
            _ => Err(cannot(io::ErrorKind::NotADirectory.into())),
        };
    }
    let probe = home.join(format!("doctor.{}", std::process::id()));
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(cannot)?;
    Ok(shown.to_string())
}

/// Whether each save under way has a process that carries it out.
async fn saves(cloud: &Embedded) -> Check {
    const NAME: &str = "saves";
    let service = cloud.service();
    let open = match service.env.registry.open_saves(SAVES, None).await {
        Ok(open) => open.items,
        Err(problem) => return Check::fail(NAME, problem),
    };
    let mut lost = 0;
    for record in &open {
        match service.executions.describe(&record.execution).await {
            Ok(execution) if execution.status == ExecutionStatus::Running => {}
            _ => lost += 1,
        }
    }
    if lost == 0 {
        return Check::ok(NAME, format!("running: {}", open.len()));
    }
    let message = format!("Saves whose process has ended: {lost}.");
    Check::warn(
        NAME,
        Problem::new(Code::SaveInterrupted, message)
            .hint("The next command, such as \"prism list\", rolls them back."),
    )
}
