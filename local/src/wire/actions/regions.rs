//! DescribeRegions, DescribeInstanceTypes, and the default encryption of a Region.

use prism_functions::domain::Region;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::ids::shown;
use prism_functions::ports::{Ec2 as _, Encryption, InstanceType, Tags};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::pages::Paging;
use super::super::xml::Xml;
use crate::ec2::{TYPES, TypeFacts, facts_of};

pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    // Every Region is enabled in every account.
    call.params.flag("AllRegions")?;
    let names = call.params.list("RegionName")?;
    let filters = Filters::take(&mut call.params, &["opt-in-status", "region-name"])?;
    call.finish()?;
    let mut regions = call.ec2.regions().await?;
    let known = |name: &&String| {
        regions
            .iter()
            .any(|region| region.as_str() == name.as_str())
    };
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let message = format!("Invalid region provided: {}", shown(unknown));
        return Err(Fault::new("InvalidParameterValue", message));
    }
    regions.retain(|region: &Region| {
        let asked = names.is_empty() || names.iter().any(|name| name == region.as_str());
        let field = |name: &str| match name {
            "region-name" => vec![region.to_string()],
            _ => vec!["opt-in-not-required".to_owned()],
        };
        asked && filters.pass(&Tags::new(), field)
    });
    let mut xml = Xml::new();
    xml.list("regionInfo", &regions, |xml, region| {
        xml.text("regionName", region);
        xml.text("regionEndpoint", format!("ec2.{region}.amazonaws.com"));
        xml.text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

/// Each type is a separate request to the port; if all types are requested, there is only one for all of them.
pub(super) async fn instance_types(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("IncludeUnsupportedInRegion", "false")?;
    let names = call.params.list("InstanceType")?;
    let known = ["instance-type", "processor-info.supported-architecture"];
    let filters = Filters::take(&mut call.params, &known)?;
    let paging = Paging::take(&mut call.params, call.action, 5..=100)?;
    let paging = paging.unless_named(!names.is_empty())?;
    call.finish()?;

    let asked = if names.is_empty() {
        vec![TYPES[0].name.to_owned()]
    } else {
        names.clone()
    };
    let mut types = Vec::with_capacity(asked.len());
    for name in &asked {
        types.push(call.ec2.instance_type(&call.region, name).await?);
    }
    if names.is_empty() {
        types = TYPES.iter().map(TypeFacts::described).collect();
    }
    types.retain(|one| {
        let field = |name: &str| match name {
            "instance-type" => vec![one.name.clone()],
            _ => architectures(one),
        };
        filters.pass(&Tags::new(), field)
    });
    let (page, next) = paging.cut(types, |one| one.name.clone(), |_| true);
    Ok(Xml::page("instanceTypeSet", &page, next, instance_type))
}

/// The offerings by zone.
pub(super) fn offerings(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let kind = call.params.take("LocationType");
    let filters = Filters::take(&mut call.params, &["instance-type", "location"])?;
    let paging = Paging::take(&mut call.params, call.action, 5..=1000)?;
    call.finish()?;
    // EC2's own default is the Region.
    let kind = kind.unwrap_or_else(|| "region".to_owned());
    if kind != "availability-zone" {
        let rule = "the simulator knows only availability-zone";
        return Err(call.params.invalid("LocationType", &kind, rule));
    }
    let found = call.ec2.offerings(&call.region)?;
    let passes = |(name, zone): &(&str, String)| {
        let field = |field: &str| match field {
            "instance-type" => vec![(*name).to_owned()],
            _ => vec![zone.clone()],
        };
        filters.pass(&Tags::new(), field)
    };
    let (page, next) = paging.cut(found, |(name, zone)| format!("{name} {zone}"), passes);
    let set = "instanceTypeOfferingSet";
    Ok(Xml::page(set, &page, next, |xml, (name, zone)| {
        xml.text("instanceType", name);
        xml.text("locationType", "availability-zone");
        xml.text("location", zone);
    }))
}

fn architectures(one: &InstanceType) -> Vec<String> {
    let names = one.architectures.iter().copied();
    names.map(|a: Architecture| a.as_str().to_owned()).collect()
}

fn instance_type(xml: &mut Xml, one: &InstanceType) {
    xml.text("instanceType", &one.name);
    xml.text("currentGeneration", true);
    xml.texts("supportedUsageClasses", ["on-demand", "spot"]);
    xml.texts("supportedRootDeviceTypes", ["ebs"]);
    xml.texts("supportedVirtualizationTypes", ["hvm"]);
    xml.text("bareMetal", false);
    xml.text("hypervisor", "nitro");
    xml.within("processorInfo", |xml| {
        xml.texts("supportedArchitectures", architectures(one));
    });
    if let Some(facts) = facts_of(&one.name) {
        xml.within("vCpuInfo", |xml| xml.text("defaultVCpus", facts.vcpus));
        xml.within("memoryInfo", |xml| xml.text("sizeInMiB", facts.memory_mib));
    }
    xml.text("instanceStorageSupported", one.instance_store_gb > 0);
    if one.instance_store_gb > 0 {
        xml.within("instanceStorageInfo", |xml| {
            xml.text("totalSizeInGB", one.instance_store_gb);
        });
    }
    xml.text("hibernationSupported", true);
}

pub(super) async fn block_public_access(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.finish()?;
    let blocked = call.ec2.public_images_blocked(&call.region).await?;
    let state = if blocked {
        "block-new-sharing"
    } else {
        "unblocked"
    };
    Ok(Xml::of("imageBlockPublicAccessState", state))
}

pub(super) async fn encryption_by_default(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.finish()?;
    let defaults = call.ec2.ebs_defaults(&call.region).await?;
    Ok(Xml::of("ebsEncryptionByDefault", defaults.encrypts))
}

/// The AWS managed key is returned by its alias.
pub(super) async fn default_key(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.finish()?;
    let defaults = call.ec2.ebs_defaults(&call.region).await?;
    let key = match defaults.key {
        Encryption::CustomerKey(arn) => arn,
        Encryption::AwsManagedKey | Encryption::None => "alias/aws/ebs".to_owned(),
    };
    Ok(Xml::of("kmsKeyId", key))
}
