//! The preflight: everything that can be checked before an instance is changed (promise P2), in the order that is most
//! useful to its owner. Each refusal has a code of its own.

use std::collections::BTreeMap;

use super::label::{label, name};
use super::rights::Target;
use super::tags::AskedFor;
use super::{excluded, keys, rights, ties};
use crate::domain::ec2::{Architecture, InstanceState, StatusChecks};
use crate::domain::grant::Grant;
use crate::domain::save::{SaveRequest, Warning};
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, InstanceId, Problem, Region, SaveId};
use crate::ports::{Instance, NewImage, Probe, Volume, from_ec2};
use crate::rules::access::Caller;
use crate::rules::{Env, lookup};

pub(super) struct Subject {
    pub(super) instance: Instance,
    /// The volumes that the AMI will contain.
    pub(super) volumes: Vec<Volume>,
    pub(super) excluded: Vec<Volume>,
    /// What the save adds to the template.
    pub(super) target: Target,
    pub(super) template: Option<Template>,
    pub(super) grants: Vec<Grant>,
    /// The keys that encrypt the copies, by Region.
    pub(super) copy_keys: BTreeMap<Region, String>,
    /// Findings that do not prevent the save.
    pub(super) warnings: Vec<Warning>,
}

/// Checks everything without changing anything.
pub(super) async fn check(
    env: &Env,
    caller: &Caller,
    save: &SaveId,
    request: &SaveRequest,
    meant: Option<&InstanceId>,
) -> Result<Subject, Problem> {
    let (instance, target, template) = addressed(env, caller, request, meant).await?;
    if let Some(holder) = env
        .registry
        .lock_holder(&request.region, &instance.id)
        .await?
    {
        return Err(in_progress(&request.instance, &holder));
    }
    // Checked after the lock: an instance that another save is stopping is busy, not in a wrong state.
    check_state(&instance)?;
    let reboots = ties::reboots(request, &instance);
    let left_out = excluded::of_request(request, &instance)?;
    check_kind(&instance, reboots)?;
    ties::check(&instance)?;
    if !reboots {
        check_instance_store(env, request, &instance).await?;
        check_stop_protection(env, request, &instance).await?;
    }
    let ids: Vec<_> = instance
        .volumes
        .iter()
        .map(|attached| attached.volume.clone())
        .collect();
    let attached = env
        .ec2
        .volumes(&request.region, &ids)
        .await
        .map_err(from_ec2)?;
    if !reboots {
        ties::check_elsewhere(env, &request.region, &instance).await?;
    }
    let (excluded, volumes): (Vec<_>, Vec<_>) = attached
        .iter()
        .cloned()
        .partition(|volume| left_out.contains(&volume.id));
    ties::check_pending(env, &request.region, &instance, &volumes).await?;
    let grants = match &template {
        Some(template) => env.registry.grants(&template.name).await?,
        None => Vec::new(),
    };
    let seen = (template.as_ref(), grants.as_slice());
    let of_opening = rights::check_outside(env, request, seen, &instance, &volumes).await?;
    // A volume that is left out must be attachable at the restart, too.
    let of_keys = keys::check(env, &request.region, &instance, &attached).await?;
    let exclude = excluded::devices(&left_out, &instance);
    let asked = AskedFor {
        deployment: env.deployment().await?,
        save,
        by: &caller.user,
        request,
        instance: &instance.id,
        named: name(&instance),
        reboot: reboots,
        exclude: &exclude,
        tags: &env.settings.resource_tags,
    };
    check_permissions(env, request, &instance, asked.image(1)).await?;
    let others = warnings(env, request, &instance).await?;
    let mut warnings = ties::warnings(&instance, &volumes, reboots);
    warnings.extend(others);
    warnings.extend(of_opening.warnings);
    warnings.extend(of_keys);
    warnings.extend(excluded::warning(&exclude));
    Ok(Subject {
        instance,
        volumes,
        excluded,
        target,
        template,
        grants,
        copy_keys: of_opening.keys,
        warnings,
    })
}

/// Resolves a request to the instance, the target, and the template if it already exists, and checks everything that
/// does not depend on the current state. For a schedule, `meant` is its instance, whatever instance the name in the
/// request now refers to.
pub(crate) async fn addressed(
    env: &Env,
    caller: &Caller,
    request: &SaveRequest,
    meant: Option<&InstanceId>,
) -> Result<(Instance, Target, Option<Template>), Problem> {
    request.check()?;
    check_regions(env, request).await?;
    let (target, template, added_to) = rights::check_template(env, caller, request).await?;
    let name = meant.map_or(request.instance.as_str(), InstanceId::as_str);
    let instance = lookup::own_instance(env, caller, &request.region, name).await?;
    if let Some(version) = added_to {
        check_lacks(&version, instance.architecture)?;
    }
    Ok((instance, target, template))
}

/// Creates the refusal of a second save of an instance (promise P4).
pub(super) fn in_progress(instance: &str, holder: &SaveId) -> Problem {
    Problem::new(Code::SaveInProgress, format!("The save {holder} of {instance} is in progress."))
        .hint(format!("Wait for it with \"prism saves watch {holder}\", or cancel it with \"prism saves cancel {holder}\"."))
}

async fn check_regions(env: &Env, request: &SaveRequest) -> Result<(), Problem> {
    let named = || request.copy_to.iter().chain([&request.region]);
    lookup::check_regions(env, named()).await?;
    env.settings.allowed_regions.check(named())?;
    if request.copy_to.contains(&request.region) {
        let message = format!(
            "The AMI is created in {} and cannot be copied there.",
            request.region
        );
        return Err(Problem::new(Code::InvalidRegion, message).hint("Use only other Regions."));
    }
    Ok(())
}

/// Refuses to add an architecture that the version already has: its AMIs are never replaced (promise P6).
pub(super) fn check_lacks(version: &Version, architecture: Architecture) -> Result<(), Problem> {
    if version.state == TemplateState::Deleted {
        let message = format!("{} was deleted.", version.reference());
        return Err(Problem::new(Code::VersionNotFound, message));
    }
    if !version.architectures().contains(&architecture) {
        return Ok(());
    }
    let message = format!(
        "{} already has an AMI for {}, which cannot be replaced.",
        version.reference(),
        architecture.as_str()
    );
    Err(Problem::new(Code::ArchitectureTaken, message))
}

fn check_state(instance: &Instance) -> Result<(), Problem> {
    let (state, hint) = match instance.state {
        InstanceState::Running | InstanceState::Stopped => return Ok(()),
        InstanceState::Pending => ("pending", "Wait until it is running."),
        InstanceState::Stopping => ("stopping", "Wait until it has stopped."),
        InstanceState::ShuttingDown | InstanceState::Terminated => {
            (instance.state.as_str(), "It can no longer be saved.")
        }
    };
    let message = format!(
        "{} is {state}: only a running or a stopped instance can be saved.",
        label(instance)
    );
    Err(Problem::new(Code::InstanceStateWrong, message).hint(hint))
}

/// Refuses the kinds of instances that cannot be stopped and started, or rebooted (EC2 facts, "Before the stop").
fn check_kind(instance: &Instance, reboots: bool) -> Result<(), Problem> {
    let name = label(instance);
    if !instance.ebs_root {
        return Err(Problem::new(
            Code::InstanceStoreRoot,
            format!(
                "The root device of {name} is an instance store volume: the instance cannot be stopped and started."
            ),
        ));
    }
    if instance.spot && !reboots {
        let fleet = ["aws:ec2:fleet-id", "aws:ec2spot:fleet-request-id"]
            .iter()
            .find_map(|key| instance.tags.get(*key));
        let fleet = fleet
            .map(|fleet| format!(" of the fleet {fleet}"))
            .unwrap_or_default();
        let message = format!(
            "{name} is a Spot Instance{fleet}: it cannot be stopped and started at any time."
        );
        let problem = Problem::new(Code::SpotInstance, message);
        return Err(ties::or_reboot(problem, instance));
    }
    if let Some(group) = instance.tags.get("aws:autoscaling:groupName") {
        let message = format!(
            "{name} belongs to the Auto Scaling group {group}, which would replace it when it {}.",
            // Its status checks fail during a reboot.
            if reboots { "reboots" } else { "stops" }
        );
        let hint = format!(
            "Detach it first: aws autoscaling detach-instances --instance-ids {} --auto-scaling-group-name {group} --should-decrement-desired-capacity",
            instance.id
        );
        return Err(Problem::new(Code::AutoScalingMember, message).hint(hint));
    }
    Ok(())
}

async fn check_stop_protection(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
) -> Result<(), Problem> {
    let (region, id) = (&request.region, &instance.id);
    let protected = env.ec2.stop_protection(region, id).await;
    if !protected.map_err(from_ec2)? {
        return Ok(());
    }
    let hint = format!(
        "Disable it: aws ec2 modify-instance-attribute --no-disable-api-stop --region {region} --instance-id {id}"
    );
    let message = format!("Stop protection is enabled for {}.", label(instance));
    let problem = Problem::new(Code::StopProtected, message).hint(hint);
    Err(ties::or_reboot(problem, instance))
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
    let name = name(instance);
    let accepted = request.accept_instance_store_loss.as_deref();
    if kind.instance_store_gb == 0
        || instance.state == InstanceState::Stopped
        || accepted == Some(name)
    {
        return Ok(());
    }
    let message = format!(
        "{} has {} GB of instance store ({}), whose data is lost when it stops and is not in the AMI.",
        label(instance),
        kind.instance_store_gb,
        kind.name
    );
    let hint = format!(
        "Move what you need to an EBS volume; then accept the loss with --accept-instance-store-loss {name}"
    );
    let problem = Problem::new(Code::InstanceStoreData, message).hint(hint);
    Err(ties::or_reboot(problem, instance))
}

/// Checks with DryRun requests whether EC2 would permit the calls: for a stop, also the start.
async fn check_permissions(
    env: &Env,
    request: &SaveRequest,
    instance: &Instance,
    image: NewImage,
) -> Result<(), Problem> {
    let id = || instance.id.clone();
    let stops = instance.state == InstanceState::Running && !image.reboot;
    let mut probes = vec![Probe::CreateImage(image)];
    if stops {
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
    if instance.state == InstanceState::Running
        && env
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
    Ok(warnings)
}
