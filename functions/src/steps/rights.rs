//! Whether a caller may save to a template, and what follows from whom it is open to.

use super::label::label;
use super::opening::{self, Copies};
use super::permissions;
use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::{Grant, Grantee};
use crate::domain::save::{SavePlan, SaveRecord, SaveRequest, move_not_agreed};
use crate::domain::template::{Template, TemplateState, Version, Visibility};
use crate::domain::{Code, Problem, ProjectName, TemplateName, catalogue};
use crate::ports::{Encryption, Instance, Volume};
use crate::rules::Env;
use crate::rules::access::{Action, Caller};
use crate::rules::lending::check_given;
use crate::rules::publication::{self, Consent};
use crate::rules::versions::being_deleted;

/// What a save adds to its template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A version with this number, unless another save registers first.
    Next(u32),
    /// An added architecture of this version.
    AddsTo(u32),
}

impl Target {
    pub(crate) fn number(self) -> u32 {
        match self {
            Target::Next(number) | Target::AddsTo(number) => number,
        }
    }
}

/// Returns the target, the template if it already exists, and the version that is added to, if any. Checks that the
/// caller may save there and that the project that pays admits it.
pub(super) async fn check_template(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
) -> Result<(Target, Option<Template>, Option<Version>), Problem> {
    if catalogue::find(request.template.as_str()).is_some() {
        let message = format!("The template {} is built in.", request.template);
        return Err(Problem::new(Code::TemplateNameTaken, message));
    }
    let registry = &env.registry;
    let stored = registry.template(&request.template).await?;
    let template = stored.map(|stored| stored.value);
    if let Some(template) = &template {
        check_rights(env, caller, request, template).await?;
        if template.is_going() {
            let own = caller
                .may_template(registry, Action::Delete, template)
                .await?;
            return Err(being_deleted(Code::TemplateNameTaken, template, own));
        }
    } else if request.add_arch {
        return Err(caller.no_template(registry, &request.template).await);
    }
    check_payer(env, caller, request, template.as_ref()).await?;
    let Some(known) = &template else {
        return Ok((Target::Next(1), None, None));
    };
    if !request.add_arch {
        return Ok((Target::Next(known.newest() + 1), template, None));
    }
    let number = request.version.unwrap_or(known.latest);
    match registry.version(&known.name, number).await? {
        Some(version) => Ok((Target::AddsTo(number), template, Some(version))),
        None => Err(no_version(&known.name, number)),
    }
}

/// Checks that a user may save to a template, before there is anything to save.
pub(crate) async fn check_target(
    env: &Env,
    user: &Caller,
    request: &SaveRequest,
) -> Result<(), Problem> {
    check_template(env, user, request).await.map(drop)
}

fn no_version(name: &TemplateName, number: u32) -> Problem {
    let message = format!("{name} has no version {number}.");
    Problem::new(Code::VersionNotFound, message)
}

async fn check_payer(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
    template: Option<&Template>,
) -> Result<(), Problem> {
    let Some(project) = payer(request, template) else {
        return Ok(());
    };
    let action = match template {
        Some(template) if moves(request, template).is_some() => Action::MoveIn,
        _ => Action::Contribute,
    };
    let checked = caller.check_project(&env.registry, action, project);
    checked.await.map(drop)
}

/// Returns the project that a save moves the template to, if the template is in another project or in none. A deleted
/// template starts again and is not moved.
pub(super) fn moves<'a>(request: &'a SaveRequest, template: &Template) -> Option<&'a ProjectName> {
    let there = template.state != TemplateState::Deleted;
    let to = request.project.as_ref().filter(|_| there)?;
    (template.project.as_ref() != Some(to)).then_some(to)
}

/// Checks that the saver may still create a version of the template in its current state. Since the plan, the template
/// may have been taken by another user, moved to another project or given its first version, and the saver may have
/// left the project that pays.
pub(super) async fn check_still(
    env: &Env,
    record: &SaveRecord,
    template: Option<&Template>,
    grants: &[Grant],
) -> Result<(), Problem> {
    let (saver, request) = (Caller::new(record.saved_by.clone()), &record.request);
    if let Some(template) = template {
        check_rights(env, &saver, request, template).await?;
        check_public(env, request, template, grants)?;
        check_still_agreed(record.plan()?, template)?;
    }
    let checked = check_payer(env, &saver, request, template).await;
    checked.map_err(|problem| lost(&problem, record))?;
    check_shown(env, record, template, grants).await
}

/// Explains that a save that was allowed when it began is no longer allowed.
fn lost(problem: &Problem, record: &SaveRecord) -> Problem {
    let message = format!(
        "{} This changed after the {} began.",
        problem.message,
        record.kind()
    );
    Problem::new(problem.code, message)
        .hint("Ask an owner or admin of the project for access, then try again.")
}

/// Checks that the copier may still charge the template's project.
pub(super) async fn check_still_pays(
    env: &Env,
    record: &SaveRecord,
    template: &Template,
) -> Result<(), Problem> {
    let Some(project) = &template.project else {
        return Ok(());
    };
    let copier = Caller::new(record.saved_by.clone());
    let checked = copier.check_project(&env.registry, Action::Contribute, project);
    let checked = checked.await;
    checked.map(drop).map_err(|problem| lost(&problem, record))
}

/// Refuses to move a template, for saves whose owner cannot be asked.
pub(crate) fn check_moves_not(
    request: &SaveRequest,
    template: Option<&Template>,
) -> Result<(), Problem> {
    let moved = template.and_then(|it| Some((it, moves(request, it)?)));
    moved.map_or(Ok(()), |(it, to)| {
        Err(move_not_agreed(&it.name, it.project.as_ref(), to))
    })
}

/// Refuses to move a template whose state differs from the plan that the caller agreed to.
fn check_still_agreed(plan: &SavePlan, template: &Template) -> Result<(), Problem> {
    let agreed = plan.moves.as_ref().filter(|_| plan.request.move_template);
    if agreed.is_some_and(|agreed| agreed.from == template.project) {
        return Ok(());
    }
    check_moves_not(&plan.request, Some(template))
}

/// Returns the project that pays for the version: the one in the request, or the template's.
pub(super) fn payer<'a>(
    request: &'a SaveRequest,
    template: Option<&'a Template>,
) -> Option<&'a ProjectName> {
    // A deleted template starts again, and is in no project.
    let there = template.filter(|template| template.state != TemplateState::Deleted);
    let templates = || there.and_then(|template| template.project.as_ref());
    request.project.as_ref().or_else(templates)
}

/// Checks that the caller may save to an existing template, and make the changes to it that the request makes.
///
/// If the name belongs to another user's template, the refusal says that it is taken: names are unique in a deployment,
/// so this could not be hidden. If a caller adds an architecture to a template that they may not see, the refusal is
/// the same as for a template that does not exist.
async fn check_rights(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
    template: &Template,
) -> Result<(), Problem> {
    let mut actions = vec![Action::SaveVersion];
    if request.public && template.visibility != Visibility::Public {
        actions.push(Action::Share);
    }
    if moves(request, template).is_some() {
        actions.push(Action::Move);
    }
    for action in actions.iter().copied() {
        let checked = caller.check_template(&env.registry, action, template);
        match checked.await {
            // Even if the caller may not see the template, the name is not free.
            Err(problem)
                if action == Action::SaveVersion && !request.add_arch && is_denied(&problem) =>
            {
                return Err(Problem::new(
                    Code::TemplateNameTaken,
                    format!("The template {} belongs to another user.", template.name),
                ));
            }
            other => other?,
        }
    }
    if actions.len() > 1 {
        check_given(&env.registry, caller, template).await?;
    }
    Ok(())
}

fn is_denied(problem: &Problem) -> bool {
    matches!(problem.code, Code::TemplateNotFound | Code::NotAllowed)
}

/// Refuses to make a template public if AMIs other than the saved one would have to be opened. A share does that, and
/// can be revoked.
fn check_earlier(
    template: Option<&Template>,
    opens: Option<&LaunchPermission>,
) -> Result<(), Problem> {
    let has_versions = |it: &&Template| it.state != TemplateState::Deleted && it.newest() > 0;
    match (template.filter(has_versions), opens) {
        (Some(template), Some(_)) => {
            let message = format!(
                "The template {} has versions that are not public, and this save would make only its own AMI public.",
                template.name
            );
            Err(Problem::new(Code::VersionsNotPublic, message))
        }
        _ => Ok(()),
    }
}

/// Refuses to make a template public in the case that [`check_earlier`] refuses.
fn check_public(
    env: &Env,
    request: &SaveRequest,
    template: &Template,
    grants: &[Grant],
) -> Result<(), Problem> {
    if !request.public {
        return Ok(());
    }
    let Some(public) = permissions::of(&env.settings, &Grantee::Public)? else {
        return Ok(());
    };
    let open = permissions::of_grants(grants);
    check_earlier(
        Some(template),
        Some(&public).filter(|it| !open.contains(it)),
    )
}

/// Refuses what EC2 would refuse later if the AMIs are opened to others than the account, by `public` or by existing
/// grants. Returns warnings about what EC2 would accept but would cause problems for others.
pub(super) async fn check_outside(
    env: &Env,
    request: &SaveRequest,
    (template, grants): (Option<&Template>, &[Grant]),
    instance: &Instance,
    volumes: &[Volume],
) -> Result<Copies, Problem> {
    let mut outside = permissions::of_grants(grants);
    if request.public {
        let public = permissions::of(&env.settings, &Grantee::Public)?;
        check_earlier(template, public.as_ref().filter(|it| !outside.contains(it)))?;
        outside.extend(public);
    }
    let name = label(instance);
    let everyone = outside.contains(&LaunchPermission::Everyone);
    if let Some(product) = instance.product_codes.first().filter(|_| everyone) {
        return Err(Problem::new(
            Code::MarketplacePublic,
            format!(
                "{name} has the AWS Marketplace product code {product}: its AMI cannot be made public."
            ),
        ));
    }
    let sources: Vec<(String, Encryption)> = volumes
        .iter()
        .map(|volume| {
            (
                format!("the volume {} of {name}", volume.id),
                volume.encryption.clone(),
            )
        })
        .collect();
    let mut warnings = Vec::new();
    for (what, encryption) in &sources {
        warnings.extend(opening::check_encryption(&outside, what, encryption)?);
    }
    warnings.extend(opening::check_region(&*env.ec2, &request.region, &outside, 1).await?);
    let mut copies = opening::check_copies(env, &request.copy_to, &outside, &sources).await?;
    warnings.append(&mut copies.warnings);
    Ok(Copies { warnings, ..copies })
}

/// Refuses to show files to more people without consent: the template may have been shared since the save was planned.
async fn check_shown(
    env: &Env,
    record: &SaveRecord,
    template: Option<&Template>,
    grants: &[Grant],
) -> Result<(), Problem> {
    let saver = Caller::new(record.saved_by.clone());
    let (registry, request) = (&env.registry, &record.request);
    let look = async || registry.packages_of_save(&record.save_id).await;
    let shown = publication::of_save(registry, &saver, request, template, grants, look);
    let (showings, _) = shown.await?;
    let doing = publication::saving(request);
    let consent = Consent::asked(record.consented);
    publication::decide(&env.settings, &doing, &showings, consent)?;
    Ok(())
}
