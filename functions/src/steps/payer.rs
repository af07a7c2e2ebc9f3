//! The project that pays for the result of a save or a copy: the one that the template is in when it is registered.
//!
//! This may be another project than the one that admitted the save, if another save has moved the template there in the
//! meantime. In that case that project must admit it as well, so that its budget also limits costs that arrive late.

use super::{SaveRef, rights};
use crate::domain::save::SaveRecord;
use crate::domain::template::Template;
use crate::domain::{Code, Problem, ProjectName};
use crate::registry::TRIES;
use crate::rules::access::Caller;
use crate::rules::{Env, budget};

/// The project that has admitted the costs.
pub(super) struct Payer(Option<ProjectName>);

impl Payer {
    pub(super) fn of(record: &SaveRecord) -> Self {
        Self(record.payer().cloned())
    }

    /// Returns the project that has yet to admit the costs, if there is one.
    pub(super) fn next(&self, record: &SaveRecord, template: &Template) -> Option<ProjectName> {
        let project = if record.copy_of.is_some() {
            template.project.as_ref()?
        } else {
            rights::payer(&record.request, Some(template))?
        };
        (self.0.as_ref() != Some(project)).then(|| project.clone())
    }

    /// Has a project admit `usd_per_month` and pay for it. Refuses it if the project's budget does not cover it.
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
            // An earlier run of this step may have done this already.
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
        let message = format!("Others kept changing the project {project}.");
        Err(Problem::new(Code::RegistryConflict, message))
    }
}

/// Explains why a project that the request does not name has to pay.
fn went_there(problem: Problem, record: &SaveRecord, project: &ProjectName) -> Problem {
    if problem.code != Code::BudgetExceeded {
        return problem;
    }
    let (name, kind) = (&record.request.template, record.kind());
    problem.hint(format!(
        "The template {name} was moved to the project {project} during this {kind}, and that project now pays for it. Ask its owner to free some of the budget, then try again: prism project costs {project}"
    ))
}
