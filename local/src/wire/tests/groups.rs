//! Security groups, subnets and VPCs.

use super::{Bench, told};

#[test]
fn a_group_opens_its_ports_on_the_instances_launched_in_it() {
    let bench = Bench::new();
    let vpc = told(&bench.ask("DescribeVpcs"), "vpcId").remove(0);
    let body = bench.ask(&format!(
        "CreateSecurityGroup&GroupName=web&GroupDescription=d&VpcId={vpc}"
    ));
    let group = told(&body, "groupId").remove(0);
    let open = format!(
        "AuthorizeSecurityGroupIngress&GroupId={group}&IpPermissions.1.IpProtocol=tcp\
         &IpPermissions.1.FromPort=8888&IpPermissions.1.ToPort=8888\
         &IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
    );
    bench.ask(&open);
    assert_eq!(bench.refused(&open).1, "InvalidPermission.Duplicate");
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
    assert_eq!(bench.refused(&unknown).1, "InvalidGroup.NotFound");
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
    let web = told(&bench.ask(create), "groupId").remove(0);
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
    assert_eq!(bench.refused(create).1, "InvalidParameterValue");
    let create = "CreateSecurityGroup&GroupName=web&GroupDescription=d";
    assert_ne!(told(&bench.ask(create), "groupId"), [id]);
}

#[test]
fn a_rule_is_for_ranges_of_addresses_without_what_is_beyond_their_prefix() {
    let bench = Bench::new();
    let create = "CreateSecurityGroup&GroupName=web&GroupDescription=d";
    let group = told(&bench.ask(create), "groupId").remove(0);
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
fn an_instance_is_launched_into_the_subnet_of_its_region_and_no_other() {
    let bench = Bench::new();
    let vpc = told(&bench.ask("DescribeVpcs"), "vpcId").remove(0);
    let body = bench.ask("DescribeSubnets");
    assert_eq!(told(&body, "vpcId"), [vpc]);
    let subnet = told(&body, "subnetId").remove(0);
    let by = |id: &str| format!("DescribeSubnets&Filter.1.Name=subnet-id&Filter.1.Value.1={id}");
    assert_eq!(
        told(&bench.ask(&by(&subnet)), "subnetId"),
        [subnet.as_str()]
    );
    assert_eq!(told(&bench.ask(&by("subnet-0")), "subnetId"), [""; 0]);
    let unknown = bench.refused("DescribeSubnets&SubnetId.1=subnet-0");
    assert_eq!(unknown.1, "InvalidSubnetID.NotFound");
    bench.instance(&format!("&SubnetId={subnet}"));
    let image = bench.public_image();
    let elsewhere = format!(
        "RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=t3.large&SubnetId=subnet-0"
    );
    let refused = bench.refused(&elsewhere);
    assert_eq!(refused.1, "InvalidSubnetID.NotFound");
}
