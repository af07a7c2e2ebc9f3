//! Sharing: who else may use a template, in Prism and in EC2.
//!
//! A share with a user or a project only concerns the registry. An account, an organization or the public launches the
//! AMIs in EC2 directly, so each AMI in each Region needs a launch permission. The request is recorded first, then EC2
//! is called (`share_opening.rs`), and then the result is recorded. If the process dies in between, nothing is lost,
//! and repeating the request continues where it stopped.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::share_checks::{self, Target, Which};
use super::share_opening::{AT_ONCE, USERS, as_expected, begun};
use super::{Expected, Service};
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::{Grant, GrantState, Grantee, OrganizationArn};
use crate::domain::ids::shown;
use crate::domain::save::Warning;
use crate::domain::sensitive::ShownFile;
use crate::domain::template::{Template, Visibility};
use crate::domain::{Code, ImageId, Problem, Region, TemplateName, catalogue};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller};
use crate::rules::publication::{self, Consent, Shown, Viewer};
use crate::rules::{PublicScope, lending};
use crate::steps::permissions;

/// The keyword for the caller's colleagues.
const COLLEAGUES: &str = "colleagues";

/// Whom to share a template with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// `user:NAME`, `project:NAME`, `account:123456789012`, `organization:ARN`, `public`, or `colleagues`: the members
    /// of the template's project or, if it is in none, the users of this deployment. The deployment's own organization
    /// can also be given by its ID, `organization:o-…`.
    #[schema(min_length = 1, max_length = 200)]
    pub to: String,
    /// Whether you consent to showing sensitive files, and files that nobody has inspected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
    /// Whether an account may also copy the AMIs, which needs their snapshots to be shared too. It applies to accounts
    /// alone, and ends with the share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_snapshots: bool,
    /// Whether the template is also approved for the project that it is shared with, which you must manage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve: bool,
}

/// What sharing would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SharePlan {
    /// The template.
    pub template: TemplateName,
    /// The grantee.
    pub to: Grantee,
    /// Whether the template is already shared with the grantee.
    pub repeated: bool,
    /// The AMIs that are opened in EC2, by Region; empty if the grantee launches only through Prism.
    pub images: BTreeMap<Region, Vec<ImageId>>,
    /// Whether the grantee could launch these AMIs, but not copy them: EC2 shares their snapshots separately.
    #[serde(default)]
    pub launch_only: bool,
    /// Whether the template would also be approved for the project, or is already.
    #[serde(default)]
    pub approves: bool,
    /// What to know before sharing.
    pub warnings: Vec<Warning>,
    /// All sensitive files that the grantee would see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<ShownFile>,
}

/// A template that was shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Shared {
    /// The grant.
    pub grant: Grant,
    /// Whether the share already existed.
    pub repeated: bool,
    /// Who may use the template now.
    pub visibility: Visibility,
    /// The AMIs that are open in EC2, by Region.
    pub images: BTreeMap<Region, Vec<ImageId>>,
    /// Whether the grantee can launch these AMIs, but not copy them: EC2 shares their snapshots separately.
    #[serde(default)]
    pub launch_only: bool,
    /// Whether the template was also approved for the project.
    #[serde(default)]
    pub approved: bool,
}

struct Checked {
    template: Template,
    to: Grantee,
    launch: Option<LaunchPermission>,
    /// Whether snapshots are shared too, by this request or by an earlier one.
    with_snapshots: bool,
    /// The revision of the template whose versions were checked.
    revision: u64,
    grants: Vec<Grant>,
    targets: Vec<Target>,
}

impl Checked {
    /// Returns the existing grant to the same grantee.
    fn before(&self) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.to == self.to)
    }

    /// Returns whether the same share already exists.
    fn is_repeated(&self) -> bool {
        self.complete()
            .is_some_and(|grant| grant.with_snapshots == self.with_snapshots)
    }

    /// Returns the existing grant to the same grantee, if it is effective.
    fn complete(&self) -> Option<&Grant> {
        self.before()
            .filter(|grant| grant.state == GrantState::Open)
    }

    /// Returns whether the share opens AMIs without their snapshots, so that others can launch but not copy them.
    fn is_launch_only(&self) -> bool {
        self.launch.is_some() && !self.targets.is_empty() && !self.with_snapshots
    }

    fn images(&self) -> BTreeMap<Region, Vec<ImageId>> {
        let mut images: BTreeMap<Region, Vec<ImageId>> = BTreeMap::new();
        for target in &self.targets {
            let here = images.entry(target.region.clone()).or_default();
            here.push(target.image.clone());
        }
        images
    }
}

/// Why a template was not shared.
pub(super) enum Unshared {
    Changed,
    Problem(Problem),
}

impl From<Problem> for Unshared {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Service {
    /// Returns what sharing a template would do, and what to know before. Changes nothing.
    pub(super) async fn plan_share(
        &self,
        caller: &Caller,
        name: &TemplateName,
        request: &ShareRequest,
        expected: Option<&Expected>,
    ) -> Result<SharePlan, Problem> {
        let checked = self.check_share(caller, name, request, expected).await?;
        let impediments = self.impediments(&checked).await?;
        let shown = self.shown(caller, &checked, request).await?;
        let mut warnings = shown.warnings;
        warnings.extend(impediments);
        Ok(SharePlan {
            template: name.clone(),
            repeated: checked.is_repeated(),
            images: checked.images(),
            launch_only: checked.is_launch_only(),
            approves: request.approve,
            to: checked.to,
            warnings,
            shows: shown.files,
        })
    }

    /// Shares a template in the state that was checked; fails if it has changed.
    pub(super) async fn share_once(
        &self,
        caller: &Caller,
        name: &TemplateName,
        request: &ShareRequest,
        expected: Option<&Expected>,
    ) -> Result<Shared, Unshared> {
        let checked = self.check_share(caller, name, request, expected).await?;
        self.impediments(&checked).await?;
        self.shown(caller, &checked, request).await?;
        let repeated = checked.is_repeated();
        let mut grant = Grant {
            template: name.clone(),
            to: checked.to.clone(),
            by: caller.user.clone(),
            at: self.env.clock.now(),
            state: GrantState::Open,
            launch: checked.launch.clone(),
            with_snapshots: checked.with_snapshots,
            closed_from: None,
        };
        if let (Some(before), true) = (checked.before(), repeated) {
            grant = before.clone();
        }
        let event = self
            .event(
                caller,
                AuditAction::TemplateShare,
                Subject::Template(name.clone()),
            )
            .with("to", &checked.to)
            .with("with_snapshots", checked.with_snapshots);
        let written = async |grant: &Grant| {
            let put = self.put_grant(grant, &event, expected, checked.revision);
            put.await?.ok_or(Unshared::Changed)
        };
        let template = match &checked.launch {
            None if repeated => checked.template.clone(),
            None => written(&grant).await?,
            Some(_) => {
                if !repeated {
                    written(&begun(&grant)).await?;
                }
                self.open(&grant, checked.complete(), &event).await?
            }
        };
        Ok(Shared {
            visibility: template.visibility,
            images: checked.images(),
            launch_only: checked.is_launch_only(),
            approved: false,
            grant,
            repeated,
        })
    }

    /// Returns the grants of other templates because of which AMIs of this template are, or may be, open in EC2.
    pub(super) async fn openings_by_others(
        &self,
        name: &TemplateName,
    ) -> Result<Vec<Grant>, Problem> {
        let registry = &self.env.registry;
        let targets = share_checks::targets(registry, name, Which::ALL).await?;
        let mut others = BTreeSet::new();
        for some in targets.chunks(AT_ONCE) {
            let looks = some
                .iter()
                .map(|it| registry.users_of(&it.region, &it.image, USERS));
            for users in try_join_all(looks).await? {
                others.extend(users.into_iter().map(|user| user.name));
            }
        }
        others.remove(name);
        let mut grants = Vec::new();
        for other in &others {
            let theirs = registry.grants(other).await?.into_iter();
            grants.extend(theirs.filter(|grant| grant.launch.is_some()));
        }
        Ok(grants)
    }

    pub(super) async fn shareable(
        &self,
        caller: &Caller,
        name: &TemplateName,
        action: Action,
    ) -> Result<Stored<Template>, Problem> {
        if catalogue::find(name.as_str()).is_some() {
            let message = format!("The template {name} is built in: everybody can launch it.");
            let code = match action {
                Action::SeeShares => Code::ShareNotFound,
                _ => Code::ShareImpossible,
            };
            return Err(Problem::new(code, message).hint("It does not need to be shared."));
        }
        self.own_template(caller, name, action).await
    }

    /// Parses a grantee; `None` for the keyword that depends on the template.
    pub(super) fn named(&self, text: &str) -> Result<Option<Grantee>, Problem> {
        let left = text == COLLEAGUES;
        (!left).then(|| self.grantee(text)).transpose()
    }

    /// Returns the colleagues with whom a template is shared by default. They are always within this deployment: a
    /// share beyond it must be requested explicitly.
    pub(super) fn colleagues(&self, template: &Template) -> Result<Grantee, Problem> {
        if let Some(project) = &template.project {
            return Ok(Grantee::Project(project.clone()));
        }
        if self.env.settings.public_scope == PublicScope::Deployment {
            return Ok(Grantee::Public);
        }
        let message = format!(
            "The template {} is not in a project and \"public\" means more than the users of this deployment, so it has no colleagues to share with.",
            template.name
        );
        Err(Problem::new(Code::InvalidInput, message).hint(
            "Specify whom to share it with: a user, a project, an account, an organization or everybody.",
        ))
    }

    /// Parses a grantee. The deployment knows the ARN of its own organization.
    fn grantee(&self, text: &str) -> Result<Grantee, Problem> {
        let id = text.strip_prefix("organization:");
        let Some(id) = id.filter(|id| OrganizationArn::is_id(id)) else {
            return text.parse();
        };
        match &self.env.settings.organization {
            Some(arn) if arn.id() == id => Ok(Grantee::Organization(arn.clone())),
            _ => {
                let message = format!(
                    "The organization {} is not the one of this deployment, so EC2 needs its ARN.",
                    shown(id)
                );
                let hint = "Name it as arn:aws:organizations::ACCOUNT:organization/o-…; its management account shows it: aws organizations describe-organization";
                Err(Problem::new(Code::InvalidInput, message).hint(hint))
            }
        }
    }

    async fn check_share(
        &self,
        caller: &Caller,
        name: &TemplateName,
        request: &ShareRequest,
        expected: Option<&Expected>,
    ) -> Result<Checked, Problem> {
        let named = self.named(&request.to)?;
        let stored = self.shareable(caller, name, Action::Share).await?;
        as_expected(&stored, expected)?;
        let template = stored.value.clone();
        let to = named.map_or_else(|| self.colleagues(&template), Ok)?;
        let registry = &self.env.registry;
        match &to {
            Grantee::User(user) if *user == template.owner => {
                let message = format!("The template {name} belongs to {user}.");
                return Err(Problem::new(Code::InvalidInput, message)
                    .hint("Specify another user to share it with."));
            }
            Grantee::Project(project) => {
                caller
                    .check_project(registry, Action::Contribute, project)
                    .await?;
                if request.approve {
                    caller
                        .check_project(registry, Action::Approve, project)
                        .await?;
                }
            }
            _ if request.approve => {
                let message = format!("A template is approved for a project, and not for {to}.");
                return Err(Problem::new(Code::InvalidInput, message).hint(
                    "Share it with a project: prism template share NAME --with-class PROJECT",
                ));
            }
            _ => {}
        }
        let launch = permissions::of(&self.env.settings, &to)?;
        let grants = registry.grants(name).await?;
        let targets = match &launch {
            Some(_) => share_checks::targets(registry, name, Which::ALL).await?,
            None => Vec::new(),
        };
        let known = grants.iter().find(|grant| grant.to == to);
        let with_snapshots = request.with_snapshots || known.is_some_and(|it| it.with_snapshots);
        if with_snapshots && !matches!(to, Grantee::Account(_)) {
            let message = format!("Snapshots can be shared with accounts only, and not with {to}.");
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Share it with each account that has to copy it."));
        }
        share_checks::check_count(name, &targets, with_snapshots)?;
        match &launch {
            Some(_) => {
                let versions = registry.all_versions(name).await?;
                lending::check_versions_given(registry, caller, &versions).await?;
            }
            None => lending::check_given(registry, caller, &template).await?,
        }
        Ok(Checked {
            revision: stored.revision,
            grants,
            template,
            to,
            launch,
            targets,
            with_snapshots,
        })
    }

    /// Refuses what EC2 would refuse, and returns warnings about what it would not report.
    async fn impediments(&self, checked: &Checked) -> Result<Vec<Warning>, Problem> {
        match &checked.launch {
            Some(launch) => share_checks::impediments(&self.env, launch, &checked.targets).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns the sensitive files that a share shows. Refuses the share if the required consent is missing.
    async fn shown(
        &self,
        caller: &Caller,
        checked: &Checked,
        request: &ShareRequest,
    ) -> Result<Shown, Problem> {
        let (template, with) = (&checked.template, Viewer::Given(checked.to.clone()));
        let registry = &self.env.registry;
        let showings =
            publication::of_share(registry, caller, template, &checked.grants, with).await?;
        let doing = format!("Sharing {}", template.name);
        let consent = Consent::asked(request.publish_sensitive);
        publication::decide(&self.env.settings, &doing, &showings, consent)
    }

    /// Creates an event for the same change with another action, now.
    pub(super) fn event_again(&self, event: &AuditEvent, action: AuditAction) -> AuditEvent {
        AuditEvent {
            at: self.env.clock.now(),
            action: action.into(),
            ..event.clone()
        }
    }
}
