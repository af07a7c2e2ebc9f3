//! Who pays for what a save or a copy has made: the project that the template is in when it is registered. Where that
//! is another than the one that gave its leave at the beginning, because a save of somebody's has taken the
//! template there meanwhile, it is asked as well: its budget stops what comes late like what begins.

use super::{SaveRef, rights};
use crate::domain::save::SaveRecord;
use crate::domain::template::Template;
use crate::domain::{Code, Problem, ProjectName};
use crate::registry::TRIES;
use crate::rules::access::Caller;
use crate::rules::{Env, budget};

/// The project that has given its leave.
pub(super) struct Payer(Option<ProjectName>);

impl Payer {
    /// The one that a record names.
    pub(super) fn of(record: &SaveRecord) -> Self {
        Self(record.payer().cloned())
    }

    /// The project that has yet to give its leave, if there is one.
    pub(super) fn next(&self, record: &SaveRecord, template: &Template) -> Option<ProjectName> {
        let project = if record.copy_of.is_some() {
            template.project.as_ref()?
        } else {
            rights::payer(&record.request, Some(template))?
        };
        (self.0.as_ref() != Some(project)).then(|| project.clone())
    }

    /// Asks a project for its leave to add `usd_per_month`, and has it pay; refuses what the project has no room for.
    pub(super) async fn ask(
        &mut self,
        env: &Env,
        save: &SaveRef,
        project: ProjectName,
        usd_per_month: f64,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let (id, epoch) = (&save.save_id, Some(save.epoch));
            let stored = env.registry.save_at_epoch(id, epoch).await?;
            let record = &stored.value;
            // Another run of this step may have asked before.
            if record.payer() != Some(&project) {
                let saver = Caller::new(record.saved_by.clone());
                let admitted = budget::admit(env, &saver, &project, usd_per_month).await;
                let admission =
                    admitted.map_err(|problem| went_there(problem, record, &project))?;
                if !env.registry.move_pledge(&stored, &admission).await? {
                    continue;
                }
            }
            self.0 = Some(project);
            return Ok(());
        }
        let message =
            format!("The project {project} was changed by others each time it was asked.");
        Err(Problem::new(Code::RegistryConflict, message))
    }
}

/// Why a project is asked that nobody named.
fn went_there(problem: Problem, record: &SaveRecord, project: &ProjectName) -> Problem {
    if problem.code != Code::BudgetExceeded {
        return problem;
    }
    let (name, kind) = (&record.request.template, record.kind());
    problem.hint(format!(
        "The template {name} went to the project {project} during this {kind}, which pays for it now. Have its owner make room, then begin again: prism project costs {project}"
    ))
}
