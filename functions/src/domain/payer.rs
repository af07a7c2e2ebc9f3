//! The project that pays for what a save or a copy creates, if any.

use super::ProjectName;
use super::save::SaveRecord;

impl SaveRecord {
    /// The project that pays for what the save creates.
    pub fn payer(&self) -> Option<&ProjectName> {
        match &self.plan {
            Some(plan) => plan.paid_by.as_ref(),
            None => self.request.project.as_ref(),
        }
    }

    /// The project that pays, once the plan of a save or the beginning of a copy has confirmed that it can be charged.
    pub fn charged(&self) -> Option<&ProjectName> {
        let found = self.plan.is_some() || self.copy_of.is_some();
        self.payer().filter(|_| found)
    }

    /// Sets the project that pays for what the save creates.
    pub(crate) fn charge(&mut self, project: ProjectName) {
        match &mut self.plan {
            Some(plan) => plan.paid_by = Some(project),
            None => self.request.project = Some(project),
        }
    }
}
