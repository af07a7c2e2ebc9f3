//! The operations of users, either random or exhaustive.

use prism_functions::domain::project::ProjectRole;

pub(super) const USERS: [&str; 4] = ["ada", "bob", "carl", "dora"];
/// The projects. Each was founded by the user at the same index.
pub(super) const PROJECTS: [&str; 2] = ["brain", "ether"];
pub(super) const TEMPLATES: [&str; 3] = ["one", "two", "three"];
const GRANTEES: [&str; 8] = [
    "user:bob",
    "user:carl",
    "user:dora",
    "project:brain",
    "project:ether",
    "account:444455556666",
    "account:777788889999",
    "public",
];
const ROLES: [ProjectRole; 4] = [
    ProjectRole::Owner,
    ProjectRole::Admin,
    ProjectRole::Member,
    ProjectRole::Viewer,
];

#[derive(Debug, Clone)]
pub enum Operation {
    /// Save the user's own instance as a template.
    Save {
        by: &'static str,
        template: &'static str,
        project: Option<&'static str>,
        agreed: bool,
        public: bool,
    },
    Share {
        by: &'static str,
        template: &'static str,
        to: &'static str,
    },
    Unshare {
        by: &'static str,
        template: &'static str,
        to: &'static str,
    },
    /// Import the newest version of a template as another template, from a file that any user may have written.
    Import {
        by: &'static str,
        from: &'static str,
        into: &'static str,
    },
    Delete {
        by: &'static str,
        template: &'static str,
    },
    /// Copy the newest version of a template to another Region.
    Copy {
        by: &'static str,
        template: &'static str,
    },
    /// Add an architecture to the version that a template's name stands for.
    AddArch {
        by: &'static str,
        template: &'static str,
    },
    /// Roll a template's name back to the previous version.
    Rollback {
        by: &'static str,
        template: &'static str,
    },
    /// Delete the version that a template's name stands for, or its oldest.
    DeleteVersion {
        by: &'static str,
        template: &'static str,
        latest: bool,
    },
    /// Create a schedule that saves the user's own instance as a template.
    Schedule {
        by: &'static str,
        template: &'static str,
    },
    /// Run the user's own schedule of a template now, even if the user's roles have changed since it was created.
    Run {
        by: &'static str,
        template: &'static str,
    },
    Appoint {
        by: &'static str,
        project: &'static str,
        user: &'static str,
        role: ProjectRole,
    },
    Remove {
        by: &'static str,
        project: &'static str,
        user: &'static str,
    },
}

fn one<T: Copy>(rng: &mut fastrand::Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

impl Operation {
    pub fn drawn(rng: &mut fastrand::Rng) -> Self {
        let by = one(rng, &USERS);
        let template = one(rng, &TEMPLATES);
        match rng.u8(..27) {
            0..2 => Operation::AddArch { by, template },
            2 => Operation::Rollback { by, template },
            3 => Operation::DeleteVersion {
                by,
                template,
                latest: rng.bool(),
            },
            4 => Operation::Schedule { by, template },
            5..7 => Operation::Run { by, template },
            7..11 => Operation::Save {
                by,
                template,
                project: rng.bool().then(|| one(rng, &PROJECTS)),
                agreed: rng.u8(..4) > 0,
                public: rng.u8(..6) == 0,
            },
            11..15 => Operation::Share {
                by,
                template,
                to: one(rng, &GRANTEES),
            },
            15..17 => Operation::Unshare {
                by,
                template,
                to: one(rng, &GRANTEES),
            },
            17..21 => Operation::Import {
                by,
                from: one(rng, &TEMPLATES),
                into: template,
            },
            21 => Operation::Delete { by, template },
            22 => Operation::Copy { by, template },
            23..26 => Operation::Appoint {
                by,
                project: one(rng, &PROJECTS),
                user: one(rng, &USERS),
                role: one(rng, &ROLES),
            },
            _ => Operation::Remove {
                by,
                project: one(rng, &PROJECTS),
                user: one(rng, &USERS),
            },
        }
    }

    pub fn all_of(by: &'static str, template: &'static str) -> Vec<Self> {
        let save = |project, public| Operation::Save {
            by,
            template,
            project,
            agreed: true,
            public,
        };
        let mut all = vec![
            save(None, false),
            save(Some("ether"), false),
            save(None, true),
            Operation::Delete { by, template },
            Operation::Copy { by, template },
            Operation::AddArch { by, template },
            Operation::Rollback { by, template },
            Operation::DeleteVersion {
                by,
                template,
                latest: true,
            },
            Operation::Schedule { by, template },
            Operation::Run { by, template },
            Operation::Import {
                by,
                from: template,
                into: "two",
            },
            Operation::Import {
                by,
                from: "two",
                into: "three",
            },
            Operation::Remove {
                by,
                project: "brain",
                user: "carl",
            },
            Operation::Appoint {
                by,
                project: "brain",
                user: "carl",
                role: ProjectRole::Viewer,
            },
        ];
        for template in [template, "two"] {
            for to in ["account:444455556666", "user:dora"] {
                all.push(Operation::Share { by, template, to });
            }
        }
        all.push(Operation::Unshare {
            by,
            template,
            to: "user:bob",
        });
        all
    }
}
