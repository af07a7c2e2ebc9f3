//! CreateTags and ModifyInstanceAttribute, as far as Prism uses them: for the name and the type of an instance.

use prism_functions::domain::InstanceId;
use prism_functions::ports::Ec2 as _;

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::xml::Xml;
use super::done;

/// Accepts only the tag `Name`, and only of instances.
pub(super) async fn name(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids: Vec<InstanceId> = call.params.ids("ResourceId")?;
    let mut names = Vec::new();
    for mut tag in call.params.structs("Tag") {
        tag.only("Key", "Name")?;
        names.push(tag.required("Value")?);
        tag.finish()?;
    }
    call.finish()?;
    for id in &ids {
        for name in &names {
            call.ec2.rename_instance(&call.region, id, name).await?;
        }
    }
    Ok(done())
}

/// Accepts only a new type.
pub(super) async fn resize(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: InstanceId = call.params.required_id("InstanceId")?;
    let mut attribute = call.params.within("InstanceType");
    let instance_type = attribute.required("Value")?;
    attribute.finish()?;
    call.finish()?;
    let resized = call.ec2.resize_instance(&call.region, &id, &instance_type);
    resized.await?;
    Ok(done())
}
