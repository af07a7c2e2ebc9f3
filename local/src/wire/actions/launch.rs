//! RunInstances for a single instance.

use std::collections::BTreeSet;

use prism_functions::domain::ImageId;
use prism_functions::ports::{Ec2 as _, NewInstance, NewVolume};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::groups::Group;
use super::super::looks;
use super::super::tags::TagSpecs;
use super::super::xml::Xml;
use super::imaging;
use super::instances::reservation;

/// Parameters about features that the simulator does not have: key pairs, instance metadata.
const WITHOUT_EFFECT: [&str; 3] = ["EbsOptimized", "KeyName", "MetadataOptions"];

pub(super) async fn run(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.without_effect(&WITHOUT_EFFECT);
    for count in ["MinCount", "MaxCount"] {
        let value = call.params.required(count)?;
        if value != "1" {
            let rule = "the simulator launches one instance for each request";
            return Err(call.params.invalid(count, &value, rule));
        }
    }
    let image: ImageId = call.params.required_id("ImageId")?;
    // EC2's own default, which no simulated Region offers.
    let instance_type = call.params.take("InstanceType");
    let instance_type = instance_type.unwrap_or_else(|| "m1.small".to_owned());
    let (volumes, kms_key) = volumes(&mut call)?;
    let user_data = call.params.base64_text("UserData")?;
    let mut profile = call.params.within("IamInstanceProfile");
    let name = profile.take("Name");
    profile.finish()?;
    let client_token = call.params.take("ClientToken").unwrap_or_default();
    let ids = call.params.list("SecurityGroupId")?;
    let names = call.params.list("SecurityGroup")?;
    let subnet = call.params.take("SubnetId");
    let subnet = super::groups::subnet(&call, subnet.as_deref())?;
    // The simulated EC2 has no network interfaces, so their tags are dropped.
    let kinds = ["instance", "network-interface", "volume"];
    let tags = TagSpecs::take(&mut call.params, &kinds)?;
    call.finish()?;

    let (groups, ports) = groups(&call, &ids, &names)?;
    let new = NewInstance {
        image,
        instance_type,
        volumes,
        ports,
        kms_key,
        user_data,
        profile: name,
        client_token,
        tags: tags.of("instance"),
        subnet,
    };
    let instance = call.ec2.run_instance(&call.region, &new).await?;
    let volumes: Vec<_> = instance.volumes.iter().map(|v| v.volume.clone()).collect();
    call.groups.with(call.account(), &call.region, |area| {
        area.launched(&instance.id, &groups);
    });
    looks::tag_volumes(&call, &volumes, &tags.of("volume"))?;

    let mut xml = Xml::new();
    let known = looks::newest_instances(&call)?;
    reservation(&mut xml, &call, &instance, known.get(&instance.id));
    Ok(xml)
}

/// How volumes differ from those of the image, and the key that encrypts them. Nothing else in `BlockDeviceMapping` is
/// supported.
fn volumes(call: &mut Call) -> Result<(Vec<NewVolume>, Option<String>), Fault> {
    let (mut volumes, mut keys) = (Vec::new(), BTreeSet::new());
    for mut mapping in call.params.structs("BlockDeviceMapping") {
        let device = mapping.required("DeviceName")?;
        let mut ebs = mapping.within("Ebs");
        mapping.finish()?;
        ebs.only("VolumeType", "gp3")?;
        let kept = ebs.take("DeleteOnTermination");
        keys.insert(imaging::key(&mut ebs)?);
        volumes.push(NewVolume {
            device,
            size_gib: ebs.number("VolumeSize")?,
            delete_on_termination: kept.is_none_or(|value| value == "true"),
        });
        ebs.finish()?;
    }
    if keys.len() > 1 {
        let message = "The simulator encrypts all volumes with the same key";
        return Err(Fault::new("InvalidBlockDeviceMapping", message));
    }
    Ok((volumes, keys.pop_first().flatten()))
}

/// The IDs of the groups, given by ID or by name, and the ports that they open.
fn groups(call: &Call, ids: &[String], names: &[String]) -> Result<(Vec<String>, Vec<u16>), Fault> {
    call.groups.with(call.account(), &call.region, |area| {
        let find = |key: &String, of: fn(&Group) -> &String| {
            let group = area.groups.iter().find(|group| of(group) == key);
            group.ok_or_else(|| super::groups::not_found(key))
        };
        let by_id = ids.iter().map(|id| find(id, |group| &group.id));
        let by_name = names.iter().map(|name| find(name, |group| &group.name));
        let found: Vec<_> = by_id.chain(by_name).collect::<Result<_, _>>()?;
        let ports = found.iter().flat_map(|group| group.ports.keys().copied());
        let ports: BTreeSet<u16> = ports.collect();
        let ids = found.iter().map(|group| group.id.clone()).collect();
        Ok((ids, ports.into_iter().collect()))
    })
}
