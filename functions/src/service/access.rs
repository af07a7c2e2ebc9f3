//! Who may do what: one table, deny by default (promise P7).

use serde::{Deserialize, Serialize};

use crate::domain::template::{Template, Visibility};
use crate::domain::{Code, Problem, UserId};
use crate::ports::Instance;

/// The tag that says who owns an instance, an AMI or a snapshot.
pub const OWNER_TAG: &str = "prism:owner";

/// Who asks. It comes from the authenticated request, never from its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user.
    pub user: UserId,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See that it exists, and read it.
    See,
    /// Launch a template.
    Launch,
    /// Start, stop, terminate, customise or save an instance; cancel a save; save to a template.
    Change,
}

/// What the caller is to the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The caller owns it.
    Owner,
    /// It is open to everybody.
    Public,
    /// Neither.
    Stranger,
}

/// The table.
pub fn allowed(relation: Relation, action: Action) -> bool {
    match (relation, action) {
        (Relation::Owner, _) | (Relation::Public, Action::See | Action::Launch) => true,
        (Relation::Public, Action::Change) | (Relation::Stranger, _) => false,
    }
}

impl Caller {
    /// What the caller is to a template.
    pub fn relation_to(&self, template: &Template) -> Relation {
        if template.owner == self.user {
            Relation::Owner
        } else if template.visibility == Visibility::Public {
            Relation::Public
        } else {
            Relation::Stranger
        }
    }

    /// Whether the caller may do it to an instance.
    pub fn may(&self, action: Action, instance: &Instance) -> bool {
        let mine = instance
            .tags
            .get(OWNER_TAG)
            .is_some_and(|owner| owner == self.user.as_str());
        allowed(
            if mine {
                Relation::Owner
            } else {
                Relation::Stranger
            },
            action,
        )
    }

    /// Refuses a template that the caller may not see as one that does not exist, and one that the
    /// caller may see but not use as that.
    pub fn check_template(&self, action: Action, template: &Template) -> Result<(), Problem> {
        let relation = self.relation_to(template);
        if allowed(relation, action) {
            Ok(())
        } else if allowed(relation, Action::See) {
            let message = format!(
                "The template {} belongs to {}.",
                template.name, template.owner
            );
            Err(Problem::new(Code::NotAllowed, message))
        } else {
            Err(template_not_found(template.name.as_str()))
        }
    }

    /// Refuses a save that the caller may not see as one that does not exist.
    pub fn check_save(&self, owner: &UserId, id: &str) -> Result<(), Problem> {
        if *owner == self.user {
            Ok(())
        } else {
            Err(Problem::new(
                Code::SaveNotFound,
                format!("There is no save {id}."),
            ))
        }
    }
}

/// The answer for a schedule that is not there. Schedules are looked up under the caller's own name:
/// another's is never found.
pub fn schedule_not_found(name: &str) -> Problem {
    Problem::new(
        Code::ScheduleNotFound,
        format!("There is no schedule {name} of yours."),
    )
}

/// The answer for a template that is not there, or not for the caller.
pub fn template_not_found(name: &str) -> Problem {
    Problem::new(
        Code::TemplateNotFound,
        format!("There is no template {name}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_table() {
        use Action::{Change, Launch, See};
        let cells = [
            (Relation::Owner, See, true),
            (Relation::Owner, Launch, true),
            (Relation::Owner, Change, true),
            (Relation::Public, See, true),
            (Relation::Public, Launch, true),
            (Relation::Public, Change, false),
            (Relation::Stranger, See, false),
            (Relation::Stranger, Launch, false),
            (Relation::Stranger, Change, false),
        ];
        for (relation, action, expected) in cells {
            assert_eq!(
                allowed(relation, action),
                expected,
                "{relation:?} {action:?}"
            );
        }
    }
}
