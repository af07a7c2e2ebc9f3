//! The audience of a template: everyone who sees it, except the acting user.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::template::Template;
use crate::domain::{Problem, ProjectName, UserId};
use crate::registry::Registry;
use crate::rules::access::{Action, Caller};
use crate::rules::{PublicScope, Settings};

/// The number of a project's members that are read at once.
const PAGE: usize = 100;
/// The maximum number of viewers that a message lists.
const NAMED: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Viewer {
    Owner(UserId),
    Managers(ProjectName),
    Given(Grantee),
}

impl Viewer {
    /// Everyone, within the deployment's public scope.
    pub(crate) fn public() -> Self {
        Viewer::Given(Grantee::Public)
    }

    /// Returns whether this deployment does not know the viewer. What such a viewer has seen cannot be taken back.
    fn is_outside(&self, settings: &Settings) -> bool {
        match self {
            Viewer::Given(Grantee::Account(_) | Grantee::Organization(_)) => true,
            Viewer::Given(Grantee::Public) => settings.public_scope != PublicScope::Deployment,
            Viewer::Given(Grantee::User(_) | Grantee::Project(_))
            | Viewer::Owner(_)
            | Viewer::Managers(_) => false,
        }
    }

    /// Returns whether only the shares of the template name the viewer. That it is public, everybody sees.
    fn is_a_share(&self) -> bool {
        match self {
            Viewer::Given(to) => *to != Grantee::Public,
            Viewer::Owner(_) | Viewer::Managers(_) => false,
        }
    }

    /// Returns whether the viewer certainly belongs to this deployment.
    fn is_inside(&self) -> bool {
        match self {
            Viewer::Given(Grantee::User(_) | Grantee::Project(_))
            | Viewer::Owner(_)
            | Viewer::Managers(_) => true,
            Viewer::Given(Grantee::Account(_) | Grantee::Organization(_) | Grantee::Public) => {
                false
            }
        }
    }
}

impl fmt::Display for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Viewer::Owner(user) => write!(f, "its owner {user}"),
            Viewer::Managers(project) => write!(f, "the managers of the project {project}"),
            Viewer::Given(Grantee::User(user)) => write!(f, "the user {user}"),
            Viewer::Given(Grantee::Project(project)) => {
                write!(f, "the members of the project {project}")
            }
            Viewer::Given(Grantee::Account(account)) => write!(f, "the account {account}"),
            Viewer::Given(Grantee::Organization(arn)) => write!(f, "the organization {arn}"),
            Viewer::Given(Grantee::Public) => f.write_str("everybody"),
        }
    }
}

/// Everyone who sees a template, except the acting user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    viewers: BTreeSet<Viewer>,
    /// Whether the acting user may not see with whom the template is shared: the texts do not name them.
    hides_shares: bool,
}

impl Audience {
    pub(crate) fn is_empty(&self) -> bool {
        self.viewers.is_empty()
    }

    /// Returns all viewers, in words.
    pub(crate) fn names(&self) -> Vec<String> {
        let hidden = |viewer: &&Viewer| self.hides_shares && viewer.is_a_share();
        let shown = self.viewers.iter().filter(|it| !hidden(it));
        let mut names: Vec<String> = shown.map(Viewer::to_string).collect();
        if self.viewers.iter().any(|it| hidden(&it)) {
            names.push("others with whom it is shared".to_owned());
        }
        names
    }

    pub(crate) fn with(&self, more: impl IntoIterator<Item = Viewer>) -> Self {
        Self {
            viewers: self.viewers.iter().cloned().chain(more).collect(),
            hides_shares: self.hides_shares,
        }
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            hides_shares: self.hides_shares || other.hides_shares,
            ..self.with(other.viewers.iter().cloned())
        }
    }

    /// Returns the viewers that are not in an earlier audience. If the earlier one includes everyone, nobody of this
    /// deployment is new.
    pub(crate) fn beyond(&self, before: &Self) -> Self {
        let all = before.viewers.contains(&Viewer::public());
        let more = self.viewers.difference(&before.viewers);
        let more = more.filter(|viewer| !(all && viewer.is_inside()));
        Self {
            viewers: more.cloned().collect(),
            hides_shares: self.hides_shares,
        }
    }

    pub(crate) fn reaches_outside(&self, settings: &Settings) -> bool {
        self.viewers
            .iter()
            .any(|viewer| viewer.is_outside(settings))
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        f.write_str(&names.join(", "))
    }
}

/// Returns who sees a template by its grants, except the caller; nobody, if there is no template. A share that is being
/// opened counts already.
pub(super) async fn of(
    registry: &Registry,
    caller: &Caller,
    template: Option<&Template>,
    grants: &[Grant],
) -> Result<Audience, Problem> {
    let Some(template) = template else {
        return Ok(Audience::default());
    };
    let (user, mut viewers) = (&caller.user, BTreeSet::new());
    if template.owner != *user {
        viewers.insert(Viewer::Owner(template.owner.clone()));
    }
    if let Some(project) = &template.project {
        viewers.extend(managers(registry, user, project).await?);
    }
    for grant in grants {
        let own = grant.to == Grantee::User(user.clone());
        if grant.state != GrantState::Closing && !own {
            viewers.insert(Viewer::Given(grant.to.clone()));
        }
    }
    let hides_shares = viewers.iter().any(Viewer::is_a_share)
        && !caller
            .may_template(registry, Action::SeeShares, template)
            .await?;
    Ok(Audience {
        viewers,
        hides_shares,
    })
}

/// Returns those who manage a project, if anyone except `user` does.
pub(super) async fn managers(
    registry: &Registry,
    user: &UserId,
    project: &ProjectName,
) -> Result<Option<Viewer>, Problem> {
    let mut cursor = None;
    loop {
        let page = registry.members(project, PAGE, cursor).await?;
        let mut members = page.items.iter();
        if members.any(|member| member.role.manages() && member.user != *user) {
            return Ok(Some(Viewer::Managers(project.clone())));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(None);
        }
    }
}
