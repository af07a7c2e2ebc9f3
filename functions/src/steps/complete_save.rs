//! CompleteSave: ends a save that has its version. It unlocks the instance, sends the notices, and deletes the versions
//! that the save's schedule no longer keeps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fail_save::{about, end_event};
use super::findings::{Standing, look, standing};
use super::{SaveRef, Step, runs};
use crate::domain::save::{RegionCopy, SaveRecord, SaveState};
use crate::domain::{Code, ImageId, Problem, Region, SaveId, StepName, TemplateName};
use crate::ports::{Call, Notice};
use crate::rules::{Env, budget, retention};

pub(super) struct CompleteSave;

#[derive(Debug, Serialize)]
pub(super) struct Output {
    save_id: SaveId,
    template: TemplateName,
    version: u32,
    downtime_s: Option<f64>,
    images: BTreeMap<Region, ImageId>,
    failed_regions: Vec<Region>,
    usd_per_month: Option<f64>,
}

impl Step for CompleteSave {
    const NAME: StepName = StepName::CompleteSave;
    const CALLS: &'static [Call] = &[
        Call::Instances,
        Call::LaunchTemplates,
        Call::Notice,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Delete,
    ];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.reach(&input, Self::NAME).await?;
        let Some(version) = record.version else {
            return Err(Problem::new(
                Code::Internal,
                format!("The save {} has no version to complete.", record.save_id),
            ));
        };
        if record.state == SaveState::Succeeded {
            return Ok(output(&record, version));
        }
        settle_duty(env, &record).await?;
        let now = env.clock.now();
        let template = &record.request.template;
        let text = match &record.plan {
            Some(plan) => format!("{} was saved as {template}@{version}.", plan.instance.name),
            None => format!("{template}@{version} was copied."),
        };
        let text = text + &closed(&record);
        let notice = Notice {
            project: record.charged().cloned(),
            ..about(
                &record,
                Notice::new(end_event(&record, SaveState::Succeeded), now, text),
            )
        };
        env.tell(&notice).await;
        tell_costs(env, &record).await?;
        let record = env
            .registry
            .end_save(&input.save_id, input.epoch, false, |record| {
                record.state = SaveState::Succeeded;
                // The problem that stranded the save is resolved.
                record.failure = None;
                record.ended_at = Some(now);
                record.updated_at = now;
            })
            .await?;
        runs::note(env, &record).await;
        retention::retain(env, &record).await;
        Ok(output(&record, version))
    }
}

/// Describes where others cannot launch the AMIs although they should.
fn closed(record: &SaveRecord) -> String {
    let regions = record.closed_in.iter();
    let told = regions.map(|(region, whom)| {
        format!(" EC2 rejected the launch permission of its AMI in {region} for {whom}, so only this account can launch it there; \"prism template share\" reports why.")
    });
    told.collect()
}

/// Discharges a duty that is still open: that of an instance that was stopped from the beginning.
async fn settle_duty(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let Some(plan) = &record.plan else {
        // A copy has no duty to an instance.
        return Ok(());
    };
    let (region, id) = (&record.request.region, &plan.instance.id);
    let Some(duty) = env.registry.duty(region, id).await? else {
        return Ok(());
    };
    if duty.value.discharged.is_some() || duty.value.save_id != record.save_id {
        return Ok(());
    }
    let instance = look(&*env.ec2, region, id).await?;
    let now = env.clock.now();
    match standing(&duty.value, record, instance.as_ref(), now) {
        Standing::Settled(finding) => {
            let epoch = record.epoch;
            env.registry.discharge(&duty, epoch, finding, now).await
        }
        other => Err(Problem::new(
            Code::Internal,
            format!("The instance {id} is not running at the end of its save: {other:?}."),
        )),
    }
}

/// Sends notices for the budget thresholds of the project that the version has crossed.
async fn tell_costs(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let stored = env.registry.template(&record.request.template).await?;
    match stored.and_then(|stored| stored.value.project) {
        Some(project) => budget::tell_budget(env, &project, Some(&record.save_id)).await,
        None => Ok(()),
    }
}

fn output(record: &SaveRecord, version: u32) -> Output {
    let own = record.image.iter();
    let own = own.map(|image| (record.request.region.clone(), image.clone()));
    let mut images: BTreeMap<Region, ImageId> = own.collect();
    let mut failed_regions = Vec::new();
    for (region, copy) in &record.copies {
        match copy {
            RegionCopy::Available { image } => {
                images.insert(region.clone(), image.clone());
            }
            RegionCopy::Copying { .. } | RegionCopy::Failed { .. } => {
                failed_regions.push(region.clone());
            }
        }
    }
    Output {
        save_id: record.save_id.clone(),
        template: record.request.template.clone(),
        version,
        downtime_s: record.downtime_s,
        images,
        failed_regions,
        usd_per_month: record.usd_per_month,
    }
}

#[cfg(test)]
repeated!(CompleteSave: Succeeds, IsCopied);
