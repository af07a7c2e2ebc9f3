//! Launches: their security group and subnet.

use super::*;

fn plain() -> NewInstance {
    NewInstance {
        image: image_id(),
        instance_type: "t3.large".to_owned(),
        root_size_gib: None,
        ports: vec![22],
        user_data: None,
        profile: None,
        client_token: "token".to_owned(),
        tags: Tags::new(),
    }
}

#[tokio::test]
async fn a_launch_opens_the_ports_in_a_group_of_its_own() {
    let empty =
        "<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>";
    let run = format!(
        "<RunInstancesResponse><instancesSet><item><instanceId>{INSTANCE}</instanceId>
        <imageId>{IMAGE}</imageId><instanceState><name>pending</name></instanceState>
        <instanceType>t4g.large</instanceType><architecture>arm64</architecture>
        <launchTime>2026-01-02T03:04:05.000Z</launchTime></item></instancesSet></RunInstancesResponse>"
    );
    let aws = Aws::answering([
        image_answer(),
        Reply::ok(
            "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>",
        ),
        Reply::ok(empty),
        Reply::ok(
            "<CreateSecurityGroupResponse><groupId>sg-1</groupId></CreateSecurityGroupResponse>",
        ),
        Reply::ok("<AuthorizeSecurityGroupIngressResponse/>"),
        Reply::ok(run),
    ]);
    let new = NewInstance {
        instance_type: "t4g.large".to_owned(),
        root_size_gib: Some(30),
        ports: vec![8888, 22],
        user_data: Some("#cloud-config\n".to_owned()),
        profile: Some("prism-instances".to_owned()),
        tags: Tags::from([("Name".to_owned(), "rig".to_owned())]),
        ..plain()
    };
    let instance = ec2(&aws).run_instance(&region(), &new).await.unwrap();
    assert_eq!(instance.state, InstanceState::Pending);
    let asked = [3, 4, 5].map(|call| aws.lines(call));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    Action = "CreateSecurityGroup"
    GroupDescription = "Prism: TCP 22 8888"
    GroupName = "prism-bef34e2c2a"
    VpcId = "vpc-1"
    TagSpecification.1.ResourceType = "security-group"
    TagSpecification.1.Tag.1.Key = "prism:ports"
    TagSpecification.1.Tag.1.Value = "22 8888"

    Action = "AuthorizeSecurityGroupIngress"
    GroupId = "sg-1"
    IpPermissions.1.IpProtocol = "tcp"
    IpPermissions.1.FromPort = "22"
    IpPermissions.1.ToPort = "22"
    IpPermissions.1.IpRanges.1.CidrIp = "192.0.2.0/24"
    IpPermissions.2.IpProtocol = "tcp"
    IpPermissions.2.FromPort = "8888"
    IpPermissions.2.ToPort = "8888"
    IpPermissions.2.IpRanges.1.CidrIp = "192.0.2.0/24"

    Action = "RunInstances"
    BlockDeviceMapping.1.Ebs.VolumeSize = "30"
    BlockDeviceMapping.1.DeviceName = "/dev/xvda"
    ImageId = "ami-0123456789abcdef0"
    InstanceType = "t4g.large"
    MaxCount = "1"
    MinCount = "1"
    SecurityGroupId.1 = "sg-1"
    UserData = "I2Nsb3VkLWNvbmZpZwo="
    TagSpecification.1.ResourceType = "instance"
    TagSpecification.1.Tag.1.Key = "Name"
    TagSpecification.1.Tag.1.Value = "rig"
    TagSpecification.2.ResourceType = "volume"
    TagSpecification.2.Tag.1.Key = "Name"
    TagSpecification.2.Tag.1.Value = "rig"
    MetadataOptions.HttpTokens = "required"
    ClientToken = "token"
    IamInstanceProfile.Name = "prism-instances"
    "#);
}

#[tokio::test]
async fn where_there_is_no_default_vpc_nothing_is_launched() {
    let none = "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>";
    let aws = Aws::answering([Reply::ok(none)]);
    let error = ec2(&aws)
        .run_instance(&region(), &plain())
        .await
        .unwrap_err();
    assert_eq!((error.code.as_str(), aws.calls()), ("VPCIdNotSpecified", 1));
}

/// A DescribeSubnets response with these subnets and their VPCs.
fn subnets(told: &[(&str, &str)]) -> Reply {
    let item = |(id, vpc): &(&str, &str)| {
        format!("<item><subnetId>{id}</subnetId><vpcId>{vpc}</vpcId></item>")
    };
    let items: String = told.iter().map(item).collect();
    let body = format!(
        "<DescribeSubnetsResponse><subnetSet>{items}</subnetSet></DescribeSubnetsResponse>"
    );
    Reply::ok(body)
}

#[tokio::test]
async fn a_launch_goes_into_the_first_subnet_that_is_named_of_its_region() {
    let named = ["subnet-00000001", "subnet-00000002", "subnet-00000003"].map(str::to_owned);
    let here = [("subnet-00000003", "vpc-3"), ("subnet-00000002", "vpc-2")];
    let group = "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item/></ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>";
    let aws = Aws::answering([
        subnets(&here),
        Reply::ok(group),
        Reply::ok("<RunInstancesResponse/>"),
        subnets(&[]),
    ]);
    let ec2 = ec2(&aws).launching_into(&named);
    let new = plain();
    // The response does not matter here.
    ec2.run_instance(&region(), &new).await.unwrap_err();
    aws.assert_asked(0, "Filter.1.Value.3", &named[2]);
    aws.assert_asked(1, "Filter.2.Value.1", "vpc-2");
    aws.assert_asked(2, "SubnetId", &named[1]);
    aws.assert_asked(2, "SecurityGroupId.1", "sg-1");
    // In a Region without any of the subnets, nothing is launched.
    let refused = ec2.run_instance(&region(), &new).await.unwrap_err();
    assert_eq!(refused.code, "InvalidSubnetID.NotFound");
    assert_eq!(aws.calls(), 4);
}
