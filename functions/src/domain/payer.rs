//! Which project pays for what a save or a copy makes, if one does.

use super::ProjectName;
use super::save::SaveRecord;

impl SaveRecord {
    /// The project that pays for what it makes.
    pub fn payer(&self) -> Option<&ProjectName> {
        match &self.plan {
            Some(plan) => plan.paid_by.as_ref(),
            None => self.request.project.as_ref(),
        }
    }

    /// The same, once it was found that it may be made to pay: by the plan of a save, or at the beginning of a copy.
    pub fn charged(&self) -> Option<&ProjectName> {
        let found = self.plan.is_some() || self.copy_of.is_some();
        self.payer().filter(|_| found)
    }

    /// Another project pays for what it makes.
    pub(crate) fn charge(&mut self, project: ProjectName) {
        match &mut self.plan {
            Some(plan) => plan.paid_by = Some(project),
            None => self.request.project = Some(project),
        }
    }
}
