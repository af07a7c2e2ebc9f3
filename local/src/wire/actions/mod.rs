//! The handlers of the actions. To add an action, write its handler and add it to [`ACTIONS`].

mod attributes;
mod groups;
mod images;
mod imaging;
mod instances;
mod launch;
mod permissions;
mod power;
mod references;
mod regions;
mod snapshots;
mod status;
mod volumes;

use futures::future::BoxFuture;

use super::call::Call;
use super::fault::Fault;
use super::xml::Xml;

pub(super) type Answered = BoxFuture<'static, Result<Xml, Fault>>;

pub(super) type Action = (&'static str, fn(Call) -> Answered);

pub(super) const ACTIONS: [Action; 34] = [
    ("AuthorizeSecurityGroupIngress", |c| {
        now(groups::authorize(c))
    }),
    ("CopyImage", |c| Box::pin(imaging::copy(c))),
    ("CreateImage", |c| Box::pin(imaging::create(c))),
    ("CreateSecurityGroup", |c| now(groups::create(c))),
    ("CreateTags", |c| Box::pin(attributes::name(c))),
    ("DeleteSecurityGroup", |c| now(groups::delete(c))),
    ("DeleteSnapshot", |c| Box::pin(snapshots::delete(c))),
    ("DeregisterImage", |c| Box::pin(imaging::deregister(c))),
    ("DescribeImageAttribute", |c| {
        Box::pin(permissions::describe(c))
    }),
    ("DescribeImageReferences", |c| now(references::describe(c))),
    ("DescribeImages", |c| Box::pin(images::describe(c))),
    ("DescribeInstanceAttribute", |c| {
        Box::pin(status::attribute(c))
    }),
    ("DescribeInstanceStatus", |c| Box::pin(status::describe(c))),
    ("DescribeInstanceTypeOfferings", |c| {
        now(regions::offerings(c))
    }),
    ("DescribeInstanceTypes", |c| {
        Box::pin(regions::instance_types(c))
    }),
    ("DescribeInstances", |c| Box::pin(instances::describe(c))),
    ("DescribeRegions", |c| Box::pin(regions::describe(c))),
    ("DescribeSecurityGroups", |c| now(groups::describe(c))),
    ("DescribeSnapshotAttribute", |c| {
        Box::pin(snapshots::attribute(c))
    }),
    ("DescribeSnapshots", |c| Box::pin(snapshots::describe(c))),
    ("DescribeSubnets", |c| Box::pin(groups::subnets(c))),
    ("DescribeVolumes", |c| Box::pin(volumes::describe(c))),
    ("DescribeVpcs", |c| now(groups::vpcs(c))),
    ("GetConsoleOutput", |c| Box::pin(status::console(c))),
    ("GetEbsDefaultKmsKeyId", |c| {
        Box::pin(regions::default_key(c))
    }),
    ("GetEbsEncryptionByDefault", |c| {
        Box::pin(regions::encryption_by_default(c))
    }),
    ("GetImageBlockPublicAccessState", |c| {
        Box::pin(regions::block_public_access(c))
    }),
    ("ModifyImageAttribute", |c| Box::pin(permissions::modify(c))),
    ("ModifyInstanceAttribute", |c| {
        Box::pin(attributes::resize(c))
    }),
    ("ModifySnapshotAttribute", |c| {
        Box::pin(snapshots::modify(c))
    }),
    ("RunInstances", |c| Box::pin(launch::run(c))),
    ("StartInstances", |c| Box::pin(power::start(c))),
    ("StopInstances", |c| Box::pin(power::stop(c))),
    ("TerminateInstances", |c| now(power::terminate(c))),
];

/// The result of a handler that does not need to wait.
fn now(answer: Result<Xml, Fault>) -> Answered {
    Box::pin(std::future::ready(answer))
}

fn done() -> Xml {
    Xml::of("return", true)
}
