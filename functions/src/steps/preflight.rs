//! Everything that can be checked before an instance is touched (promise P2), in the order in which
//! its owner would want to hear of it. Each refusal has a code of its own.

use super::{Env, PublicScope, from_ec2};
use crate::domain::save::{SaveRequest, Warning};
use crate::domain::template::{Template, TemplateState, Version, Visibility};
use crate::domain::{Code, Problem, SaveId, TemplateName, catalogue};
use crate::ports::{
    Architecture, Encryption, Instance, InstanceState, Probe, StatusChecks, Volume,
};
use crate::service::access::{Action, Caller, template_not_found};
use crate::service::lookup;

/// What the preflight has learned.
pub(super) struct Subject {
    /// The instance.
    pub(super) instance: Instance,
    /// Its volumes.
    pub(super) volumes: Vec<Volume>,
    /// What the save makes of the template.
    pub(super) target: Target,
    /// What does not prevent the save.
    pub(super) warnings: Vec<Warning>,
}

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

/// Checks everything. Changes nothing.
pub(super) async fn check(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
) -> Result<Subject, Problem> {
    let (instance, target) = addressed(env, caller, request).await?;
    if let Some(holder) = env
        .registry
        .lock_holder(&request.region, &instance.id)
        .await?
    {
        return Err(in_progress(&request.instance, &holder));
    }
    // After the lock: an instance that another save is stopping is busy, not in a wrong state.
    check_state(&instance)?;
    check_kind(&instance)?;
    check_instance_store(env, request, &instance).await?;
    if env
        .ec2
        .stop_protection(&request.region, &instance.id)
        .await
        .map_err(from_ec2)?
    {
        let hint = format!(
            "Lift it: aws ec2 modify-instance-attribute --no-disable-api-stop --region {} --instance-id {}",
            request.region, instance.id
        );
        return Err(Problem::new(
            Code::StopProtected,
            format!("Stop protection is on for {}.", label(&instance)),
        )
        .hint(hint));
    }
    let ids: Vec<_> = instance
        .volumes
        .iter()
        .map(|attached| attached.volume.clone())
        .collect();
    let volumes = env
        .ec2
        .volumes(&request.region, &ids)
        .await
        .map_err(from_ec2)?;
    check_public(env, request, &instance, &volumes).await?;
    check_permissions(env, request, &instance).await?;
    let warnings = warnings(env, request, &instance).await?;
    Ok(Subject {
        instance,
        volumes,
        target,
        warnings,
    })
}

/// What a request is about: the instance, and what becomes of the template. Checks all that does
/// not depend on how things stand just now.
pub(crate) async fn addressed(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
) -> Result<(Instance, Target), Problem> {
    request.check()?;
    check_regions(env, request).await?;
    let (target, added_to) = check_template(env, caller, request).await?;
    let instance = lookup::own_instance(env, caller, &request.region, &request.instance).await?;
    if let Some(version) = added_to {
        check_lacks(&version, instance.architecture)?;
    }
    Ok((instance, target))
}

/// The refusal of a second save of an instance (promise P4).
pub(super) fn in_progress(instance: &str, holder: &SaveId) -> Problem {
    Problem::new(Code::SaveInProgress, format!("The save {holder} of {instance} is under way."))
        .hint(format!("Wait for it with \"prism saves watch {holder}\", or cancel it with \"prism saves cancel {holder}\"."))
}

async fn check_regions(env: &Env, request: &SaveRequest) -> Result<(), Problem> {
    let named = || request.copy_to.iter().chain([&request.region]);
    lookup::check_regions(env, named()).await?;
    env.settings.allowed_regions.check(named())?;
    if request.copy_to.contains(&request.region) {
        let message = format!(
            "The AMI is made in {} anyway: it cannot be copied there.",
            request.region
        );
        return Err(Problem::new(Code::InvalidRegion, message).hint("Name only further Regions."));
    }
    Ok(())
}

async fn check_template(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
) -> Result<(Target, Option<Version>), Problem> {
    let taken = |why: &str| {
        Problem::new(
            Code::TemplateNameTaken,
            format!("The template {} {why}.", request.template),
        )
    };
    if catalogue::find(request.template.as_str()).is_some() {
        return Err(taken("is built in"));
    }
    let template = match env.registry.template(&request.template).await? {
        Some(stored) if stored.value.is_going() => {
            let problem = taken("is being deleted");
            return Err(problem.hint("Try again in some minutes."));
        }
        Some(stored) => stored.value,
        None if request.add_arch => return Err(template_not_found(request.template.as_str())),
        None => return Ok((Target::Next(1), None)),
    };
    check_rights(env, caller, request, &template).await?;
    if !request.add_arch {
        return Ok((Target::Next(template.newest() + 1), None));
    }
    let number = request.version.unwrap_or(template.latest);
    let version = env.registry.version(&template.name, number).await?;
    match version {
        Some(version) => Ok((Target::AddsTo(number), Some(version))),
        None => Err(no_version(&template.name, number)),
    }
}

/// The refusal of a version that is not there.
fn no_version(name: &TemplateName, number: u32) -> Problem {
    let message = format!("{name} has no version {number}.");
    Problem::new(Code::VersionNotFound, message)
}

/// Refuses to add to a version what it has: it keeps its AMIs for ever (promise P6).
pub(super) fn check_lacks(version: &Version, architecture: Architecture) -> Result<(), Problem> {
    if version.state == TemplateState::Deleted {
        let message = format!("{} was deleted.", version.reference());
        return Err(Problem::new(Code::VersionNotFound, message));
    }
    if !version.architectures().contains(&architecture) {
        return Ok(());
    }
    let message = format!(
        "{} has an AMI for {} already, and keeps it.",
        version.reference(),
        architecture.as_str()
    );
    Err(Problem::new(Code::ArchitectureTaken, message))
}

/// Whether the caller may save to a template that is there, and change of it what the request changes.
/// That a name is taken is told to whoever asks for it.
pub(super) async fn check_rights(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
    template: &Template,
) -> Result<(), Problem> {
    let mut actions = vec![Action::SaveVersion];
    if request.public && template.visibility != Visibility::Public {
        actions.push(Action::Share);
    }
    if request.project.is_some() && request.project != template.project {
        actions.push(Action::Edit);
    }
    for action in actions {
        let checked = caller.check_template(&env.registry, action, template);
        match checked.await {
            // Whether they may see it makes no difference: the name is not free.
            Err(problem) if action == Action::SaveVersion && is_denied(&problem) => {
                return Err(Problem::new(
                    Code::TemplateNameTaken,
                    format!("The template {} belongs to somebody else.", template.name),
                ));
            }
            other => other?,
        }
    }
    Ok(())
}

fn is_denied(problem: &Problem) -> bool {
    matches!(problem.code, Code::TemplateNotFound | Code::NotAllowed)
}

fn label(instance: &Instance) -> String {
    match instance.name() {
        Some(name) => format!("{name} ({})", instance.id),
        None => instance.id.to_string(),
    }
}

fn check_state(instance: &Instance) -> Result<(), Problem> {
    let (state, hint) = match instance.state {
        InstanceState::Running | InstanceState::Stopped => return Ok(()),
        InstanceState::Pending => ("pending", "Wait until it is running."),
        InstanceState::Stopping => ("stopping", "Wait until it is stopped."),
        InstanceState::ShuttingDown | InstanceState::Terminated => (
            instance.state.as_str(),
            "It is gone: nothing can be saved of it any more.",
        ),
    };
    let message = format!(
        "{} is {state}: only a running or a stopped instance can be saved.",
        label(instance)
    );
    Err(Problem::new(Code::InstanceStateWrong, message).hint(hint))
}

/// Kinds of instances that cannot be stopped and started (EC2 facts, "Before the stop").
fn check_kind(instance: &Instance) -> Result<(), Problem> {
    let name = label(instance);
    if !instance.ebs_root {
        return Err(Problem::new(
            Code::InstanceStoreRoot,
            format!(
                "The root device of {name} lies in its instance store: it cannot be stopped and started."
            ),
        ));
    }
    let fleet = ["aws:ec2:fleet-id", "aws:ec2spot:fleet-request-id"]
        .iter()
        .find_map(|key| instance.tags.get(*key));
    if instance.spot {
        let fleet = fleet
            .map(|fleet| format!(" of the fleet {fleet}"))
            .unwrap_or_default();
        return Err(Problem::new(
            Code::SpotInstance,
            format!("{name} is a Spot instance{fleet}: it cannot be stopped and started at will."),
        ));
    }
    if let Some(group) = instance.tags.get("aws:autoscaling:groupName") {
        let message = format!(
            "{name} belongs to the Auto Scaling group {group}, which would replace it once stopped."
        );
        let hint = format!(
            "Detach it first: aws autoscaling detach-instances --instance-ids {} --auto-scaling-group-name {group} --should-decrement-desired-capacity",
            instance.id
        );
        return Err(Problem::new(Code::AutoScalingMember, message).hint(hint));
    }
    Ok(())
}

async fn check_instance_store(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
) -> Result<(), Problem> {
    let kind = env
        .ec2
        .instance_type(&request.region, &instance.instance_type)
        .await
        .map_err(from_ec2)?;
    let name = instance.name().unwrap_or(instance.id.as_str());
    let accepted = request.accept_instance_store_loss.as_deref();
    if kind.instance_store_gb == 0
        || instance.state == InstanceState::Stopped
        || accepted == Some(name)
    {
        return Ok(());
    }
    let message = format!(
        "{} has {} GB of instance store ({}), whose data a stop erases and no AMI keeps.",
        label(instance),
        kind.instance_store_gb,
        kind.name
    );
    let hint = format!(
        "Move what you need to an EBS volume; then accept the loss with --accept-instance-store-loss {name}"
    );
    Err(Problem::new(Code::InstanceStoreData, message).hint(hint))
}

async fn check_public(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
    volumes: &[Volume],
) -> Result<(), Problem> {
    if !request.public || env.settings.public_scope == PublicScope::Deployment {
        return Ok(());
    }
    let name = label(instance);
    if let Some(product) = instance.product_codes.first() {
        return Err(Problem::new(
            Code::MarketplacePublic,
            format!(
                "{name} carries the Marketplace product code {product}: its AMI cannot be made public."
            ),
        ));
    }
    // A copy of an encrypted AMI is encrypted with the AWS managed key of its Region, whatever
    // key the original has (EC2 fact 8).
    let unshareable = |volume: &&Volume| match &volume.encryption {
        Encryption::None => false,
        Encryption::AwsManagedKey => true,
        Encryption::CustomerKey(_) => !request.copy_to.is_empty(),
    };
    if let Some(volume) = volumes.iter().find(unshareable) {
        let message = format!(
            "The volume {} of {name} is encrypted: its AMI, or a copy of it, would be under the AWS managed key and could not be used outside the account.",
            volume.id
        );
        return Err(Problem::new(Code::DefaultKeyShared, message));
    }
    for region in request.copy_to.iter().chain([&request.region]) {
        if env
            .ec2
            .public_images_blocked(region)
            .await
            .map_err(from_ec2)?
        {
            let hint = format!(
                "Save it without --public, or have an administrator allow it: aws ec2 disable-image-block-public-access --region {region}"
            );
            return Err(Problem::new(
                Code::PublicImagesBlocked,
                format!("The account blocks public AMIs in {region}."),
            )
            .hint(hint));
        }
    }
    Ok(())
}

/// Asks EC2 by DryRun whether it would let us: not the stop alone, but the start too.
async fn check_permissions(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
) -> Result<(), Problem> {
    let id = || instance.id.clone();
    let mut probes = vec![Probe::CreateImage(id())];
    if instance.state == InstanceState::Running {
        probes.extend([Probe::Stop(id()), Probe::Start(id())]);
    }
    for probe in probes {
        env.ec2
            .probe(&request.region, &probe)
            .await
            .map_err(from_ec2)?;
    }
    Ok(())
}

async fn warnings(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
) -> Result<Vec<Warning>, Problem> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, text: String| {
        warnings.push(Warning {
            code: code.to_owned(),
            text,
        });
    };
    let name = label(instance);
    if instance.hibernation {
        warn(
            "HibernationEnabled",
            format!(
                "{name} has hibernation enabled; an instance launched from its AMI may not boot."
            ),
        );
    }
    if instance.state == InstanceState::Running {
        if let (Some(address), false) = (&instance.public_ip, instance.elastic_ip) {
            warn(
                "PublicIpChanges",
                format!(
                    "Its public address {address} changes at the restart; private and Elastic IPs stay."
                ),
            );
        }
        if env
            .ec2
            .status_checks(&request.region, &instance.id)
            .await
            .map_err(from_ec2)?
            == StatusChecks::Impaired
        {
            warn(
                "StatusChecksImpaired",
                format!("{name} fails its status checks; its AMI may not boot either."),
            );
        }
    }
    Ok(warnings)
}
