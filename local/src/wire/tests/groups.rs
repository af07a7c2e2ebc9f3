//! Security groups, subnets and VPCs.

use super::{Bench, told};

#[test]
fn a_group_opens_its_ports_on_the_instances_launched_in_it() {
    let bench = Bench::new();
    let vpc = bench.one("DescribeVpcs", "vpcId");
    let group = bench.one(
        &format!("CreateSecurityGroup&GroupName=web&GroupDescription=d&VpcId={vpc}"),
        "groupId",
    );
    let open = format!(
        "AuthorizeSecurityGroupIngress&GroupId={group}&IpPermissions.1.IpProtocol=tcp\
         &IpPermissions.1.FromPort=8888&IpPermissions.1.ToPort=8888\
         &IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
    );
    bench.ask(&open);
    bench.assert_refused(&open, "InvalidPermission.Duplicate");
    let body = bench.ask(&format!("DescribeSecurityGroups&GroupId.1={group}"));
    assert_eq!(told(&body, "fromPort"), ["8888"]);
    let id = bench.instance(&format!("&SecurityGroupId.1={group}"));
    let ports = bench.cloud.with(|model, _| {
        let row = model
            .data
            .instances
            .get(&id.parse::<prism_functions::domain::InstanceId>().unwrap());
        row.unwrap().open_ports.clone()
    });
    assert_eq!(ports.unwrap(), [8888]);
    let image = bench.public_image();
    let unknown = format!(
        "RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=t3.large\
         &SecurityGroupId.1=sg-nonsense"
    );
    bench.assert_refused(&unknown, "InvalidGroup.NotFound");
    let delete = format!("DeleteSecurityGroup&GroupId={group}");
    assert_eq!(bench.refused(&delete), (400, "DependencyViolation".into()));
    bench.ask(&format!("TerminateInstances&InstanceId.1={id}"));
    bench.ask(&delete);
}

#[test]
fn instances_have_their_network_and_groups() {
    let bench = Bench::new();
    let (vpc, subnet) = (bench.ask("DescribeVpcs"), bench.ask("DescribeSubnets"));
    let (vpc, subnet) = (told(&vpc, "vpcId"), told(&subnet, "subnetId"));
    let by_id = bench.ask(&format!("DescribeVpcs&VpcId.1={}", vpc[0]));
    assert_eq!(told(&by_id, "vpcId"), vpc);
    let other = bench.refused("DescribeVpcs&VpcId.1=vpc-0");
    assert_eq!(other, (400, "InvalidVpcID.NotFound".into()));
    let create = "CreateSecurityGroup&GroupName=web&GroupDescription=d";
    let web = bench.one(create, "groupId");
    let named = bench.instance("&SecurityGroup.1=web");
    let plain = bench.instance("");
    // Once for the instance, and once for its network interface.
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={named}"));
    assert_eq!(told(&body, "groupId"), [&*web, &*web]);
    assert_eq!(told(&body, "vpcId"), [&*vpc[0], &*vpc[0]]);
    assert_eq!(told(&body, "subnetId"), [&*subnet[0], &*subnet[0]]);
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={plain}"));
    assert!(told(&body, "groupName").contains(&"default".to_owned()));
    let by = |name: &str, value: &str| {
        let form = format!("DescribeInstances&Filter.1.Name={name}&Filter.1.Value.1={value}");
        told(&bench.ask(&form), "instanceId")
    };
    assert_eq!(by("instance.group-id", &web), [&*named]);
    assert_eq!(by("instance.group-name", "default"), [&*plain]);
    assert_eq!(by("vpc-id", &vpc[0]).len(), 2);
    assert_eq!(by("subnet-id", "subnet-0").len(), 0);
    bench.ask(&format!("TerminateInstances&InstanceId.1={named}"));
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={named}"));
    assert!(
        !body.contains("vpcId") && !body.contains("groupId"),
        "{body}"
    );
}

#[test]
fn every_vpc_has_a_default_group_that_stays() {
    let bench = Bench::new();
    let body = bench.ask("DescribeSecurityGroups");
    assert_eq!(told(&body, "groupName"), ["default"]);
    let id = told(&body, "groupId").remove(0);
    let delete = format!("DeleteSecurityGroup&GroupId={id}");
    assert_eq!(bench.refused(&delete), (400, "CannotDelete".into()));
    let create = "CreateSecurityGroup&GroupName=default&GroupDescription=d";
    bench.assert_refused(create, "InvalidParameterValue");
    let create = "CreateSecurityGroup&GroupName=web&GroupDescription=d";
    assert_ne!(told(&bench.ask(create), "groupId"), [id]);
}

#[test]
fn a_rule_is_for_ranges_of_addresses_without_what_is_beyond_their_prefix() {
    let bench = Bench::new();
    let create = "CreateSecurityGroup&GroupName=web&GroupDescription=d";
    let group = bench.one(create, "groupId");
    let rule = |list: &str, range: &str| {
        format!(
            "AuthorizeSecurityGroupIngress&GroupId={group}&IpPermissions.1.IpProtocol=tcp\
             &IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.{list}={range}"
        )
    };
    let (v4, v6) = ("IpRanges.1.CidrIp", "Ipv6Ranges.1.CidrIpv6");
    for (list, range) in [
        (v4, "nonsense"),
        (v4, "10.0.0.0"),
        (v4, "10.0.0/8"),
        (v4, "10.0.0.256/8"),
        (v4, "10.0.0.0/33"),
        (v4, "10.0.0.0/-1"),
        (v4, "::/0"),
        (v6, "0.0.0.0/0"),
        (v6, "2001:db8::/129"),
    ] {
        let refused = bench.refused(&rule(list, range));
        assert_eq!(refused, (400, "InvalidParameterValue".into()), "{range}");
    }
    for (list, range) in [
        (v4, "10.1.2.3/8"),
        (v4, "192.0.2.1/32"),
        (v4, "0.0.0.0/0"),
        (v6, "2001:db8::1/32"),
        (v6, "::/0"),
    ] {
        bench.ask(&rule(list, range));
    }
    let body = bench.ask(&format!("DescribeSecurityGroups&GroupId.1={group}"));
    // The inbound ranges, which follow the single range of the outbound rule.
    let v4: Vec<String> = told(&body, "cidrIp").split_off(1);
    assert_eq!(v4, ["10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0"]);
    assert_eq!(told(&body, "ipProtocol"), ["-1", "tcp"]);
    assert_eq!(told(&body, "cidrIpv6"), ["2001:db8::/32", "::/0"]);
}

#[test]
fn an_instance_is_launched_into_a_subnet_of_its_region_and_no_other() {
    let bench = Bench::new();
    let vpc = bench.one("DescribeVpcs", "vpcId");
    let body = bench.ask("DescribeSubnets&Filter.1.Name=default-for-az&Filter.1.Value.1=true");
    assert_eq!(told(&body, "vpcId"), [&*vpc, &*vpc, &*vpc]);
    let zones = ["us-east-1a", "us-east-1b", "us-east-1c"];
    assert_eq!(told(&body, "availabilityZone"), zones);
    let subnet = told(&body, "subnetId").remove(1);
    let by = |id: &str| format!("DescribeSubnets&Filter.1.Name=subnet-id&Filter.1.Value.1={id}");
    assert_eq!(
        told(&bench.ask(&by(&subnet)), "subnetId"),
        [subnet.as_str()]
    );
    assert_eq!(told(&bench.ask(&by("subnet-0")), "subnetId"), [""; 0]);
    let unknown = bench.refused("DescribeSubnets&SubnetId.1=subnet-0");
    assert_eq!(unknown.1, "InvalidSubnetID.NotFound");
    let id = bench.instance(&format!("&SubnetId={subnet}"));
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={id}"));
    assert_eq!(told(&body, "availabilityZone"), ["us-east-1b"]);
    assert_eq!(told(&body, "subnetId"), [&*subnet, &*subnet]);
    let volume = bench.ask("DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=in-use");
    assert_eq!(told(&volume, "availabilityZone"), ["us-east-1b"]);
    let free = told(&bench.ask("DescribeSubnets"), "availableIpAddressCount");
    assert_eq!(free, ["4091", "4090", "4091"]);
    let image = bench.public_image();
    let elsewhere = format!(
        "RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=t3.large&SubnetId=subnet-0"
    );
    let refused = bench.refused(&elsewhere);
    assert_eq!(refused.1, "InvalidSubnetID.NotFound");
}

#[test]
fn the_zones_that_offer_a_type_are_listed() {
    let bench = Bench::new();
    let admin = bench.admin();
    admin.set_offered("us-east-1a", "g5.xlarge", false).unwrap();
    let offerings = "DescribeInstanceTypeOfferings&LocationType=availability-zone";
    let by_type = format!("{offerings}&Filter.1.Name=instance-type&Filter.1.Value.1");
    let zones = |name: &str| told(&bench.ask(&format!("{by_type}={name}")), "location");
    assert_eq!(zones("g5.xlarge"), ["us-east-1b", "us-east-1c"]);
    assert_eq!(zones("t3.large").len(), 3);
    assert_eq!(zones("z9.tiny"), [""; 0]);
    let refused = bench.refused("DescribeInstanceTypeOfferings&LocationType=region");
    assert_eq!(refused.1, "InvalidParameterValue");
    let image = bench.public_image();
    let launch =
        format!("RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=g5.xlarge");
    assert_eq!(bench.refused(&launch).1, "Unsupported");
}

#[test]
fn an_image_lacks_the_volumes_that_are_left_out() {
    let bench = Bench::new();
    let id = bench.instance("");
    let data = crate::ec2::VolumeSpec {
        device: "/dev/sdf".to_owned(),
        size_gib: 9,
        used_bytes: 0,
        encryption: prism_functions::ports::Encryption::None,
        delete_on_termination: false,
    };
    let admin = bench.admin();
    admin.add_volume(&id.parse().unwrap(), &data).unwrap();
    let create = format!("CreateImage&InstanceId={id}&NoReboot=true");
    let without = "BlockDeviceMapping.1.NoDevice=&BlockDeviceMapping.1.DeviceName";
    let image = bench.one(
        &format!("{create}&Name=small&{without}=/dev/sdf"),
        "imageId",
    );
    bench.forward(3600);
    let body = bench.ask(&format!("DescribeImages&ImageId.1={image}"));
    assert!(
        !told(&body, "deviceName").contains(&"/dev/sdf".to_owned()),
        "{body}"
    );
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={id}"));
    let root = told(&body, "rootDeviceName").remove(0);
    let refused = bench.refused(&format!("{create}&Name=none&{without}={root}"));
    assert_eq!(refused.1, "InvalidBlockDeviceMapping");
    let other = "BlockDeviceMapping.1.Ebs.VolumeSize=9&BlockDeviceMapping.1.DeviceName=/dev/sdf";
    let refused = bench.refused(&format!("{create}&Name=other&{other}"));
    assert_eq!(refused.1, "InvalidParameterValue");
}
