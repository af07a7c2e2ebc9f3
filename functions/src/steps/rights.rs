//! Whether somebody may save to a template, and what follows from whom it is open to.

use super::label::label;
use super::{opening, permissions};
use crate::domain::ec2::LaunchPermission;
use crate::domain::grant::{Grant, Grantee};
use crate::domain::save::{SavePlan, SaveRecord, SaveRequest, Warning, move_not_agreed};
use crate::domain::template::{Template, TemplateState, Version, Visibility};
use crate::domain::{Code, Problem, ProjectName, TemplateName, catalogue};
use crate::ports::{Encryption, Instance, Volume};
use crate::rules::Env;
use crate::rules::access::{Action, Caller};
use crate::rules::lending::check_given;
use crate::rules::publication::{self, Consent};
use crate::rules::versions::being_deleted;

/// What a save makes of its template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The version of this number, unless another save is quicker.
    Next(u32),
    /// Nothing but a further architecture of this version.
    AddsTo(u32),
}

impl Target {
    /// The number of the version.
    pub(crate) fn number(self) -> u32 {
        match self {
            Target::Next(number) | Target::AddsTo(number) => number,
        }
    }
}

/// What becomes of the template, that itself where there is one already, and the version that is added
/// to, if it is one; for somebody who may, and whom the project that pays lets.
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

/// The refusal of a version that is not there.
fn no_version(name: &TemplateName, number: u32) -> Problem {
    let message = format!("{name} has no version {number}.");
    Problem::new(Code::VersionNotFound, message)
}

/// Whether the project that pays lets the caller have it pay.
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

/// The project that a template goes to by a save, where it is in another one, or in none. What was deleted begins
/// anew and goes nowhere.
pub(super) fn moves<'a>(request: &'a SaveRequest, template: &Template) -> Option<&'a ProjectName> {
    let there = template.state != TemplateState::Deleted;
    let to = request.project.as_ref().filter(|_| there)?;
    (template.project.as_ref() != Some(to)).then_some(to)
}

/// Whether the saver may still make a version of the template, as it stands by now: it may be another's, in
/// another project, or have got its first version meanwhile, and the saver may have left the project that pays.
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

/// Why what began rightly may not end.
fn lost(problem: &Problem, record: &SaveRecord) -> Problem {
    let message = format!(
        "{} That was otherwise when this {} began.",
        problem.message,
        record.kind()
    );
    Problem::new(problem.code, message)
        .hint("Have an owner or admin of the project let you work in it again, then begin again.")
}

/// Whether a copier may still have the template's project pay.
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

/// Refuses what would move a template, for whoever cannot be asked.
pub(crate) fn check_moves_not(
    request: &SaveRequest,
    template: Option<&Template>,
) -> Result<(), Problem> {
    let moved = template.and_then(|it| Some((it, moves(request, it)?)));
    moved.map_or(Ok(()), |(it, to)| {
        Err(move_not_agreed(&it.name, it.project.as_ref(), to))
    })
}

/// Refuses to move a template that stands otherwise by now than the plan said to whoever agreed.
fn check_still_agreed(plan: &SavePlan, template: &Template) -> Result<(), Problem> {
    let agreed = plan.moves.as_ref().filter(|_| plan.request.move_template);
    if agreed.is_some_and(|agreed| agreed.from == template.project) {
        return Ok(());
    }
    check_moves_not(&plan.request, Some(template))
}

/// The project that pays for the version: the one that is named, or the template's.
pub(super) fn payer<'a>(
    request: &'a SaveRequest,
    template: Option<&'a Template>,
) -> Option<&'a ProjectName> {
    // What was deleted begins anew, and is in no project.
    let there = template.filter(|template| template.state != TemplateState::Deleted);
    let templates = || there.and_then(|template| template.project.as_ref());
    request.project.as_ref().or_else(templates)
}

/// Whether the caller may save to a template that is there, and change of it what the request changes.
/// That a name is taken is told to whoever wants it for a template of their own: a name stands for one template
/// in a deployment, so no answer could hide it. Whoever adds to a template that they cannot see is told what they
/// would be if there were none.
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
            // Whether they may see it makes no difference: the name is not free.
            Err(problem)
                if action == Action::SaveVersion && !request.add_arch && is_denied(&problem) =>
            {
                return Err(Problem::new(
                    Code::TemplateNameTaken,
                    format!("The template {} belongs to somebody else.", template.name),
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

/// Refuses to make a template public whose AMIs would have to be opened for it, all but the one that
/// is saved: a share does that, and can take it back.
fn check_earlier(
    template: Option<&Template>,
    opens: Option<&LaunchPermission>,
) -> Result<(), Problem> {
    let has_versions = |it: &&Template| it.state != TemplateState::Deleted && it.newest() > 0;
    match (template.filter(has_versions), opens) {
        (Some(template), Some(_)) => {
            let message = format!(
                "The template {} has versions that are not public, and this save would open its own AMI alone.",
                template.name
            );
            Err(Problem::new(Code::VersionsNotPublic, message))
        }
        _ => Ok(()),
    }
}

/// Refuses to make public what [`check_earlier`] refuses.
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

/// Refuses what EC2 would refuse later where the AMIs are open to others than the account: by
/// `public`, or by what the template is shared with already. Returns what it would let pass and others would
/// stumble over.
pub(super) async fn check_outside(
    env: &Env,
    request: &SaveRequest,
    (template, grants): (Option<&Template>, &[Grant]),
    instance: &Instance,
    volumes: &[Volume],
) -> Result<Vec<Warning>, Problem> {
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
                "{name} carries the Marketplace product code {product}: its AMI cannot be made public."
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
    for region in &request.copy_to {
        warnings.extend(opening::check_copies(env, region, &outside, &sources).await?);
    }
    Ok(warnings)
}

/// Refuses to show more people what nobody has consented to: the template may have been given to others since the
/// save was planned.
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
