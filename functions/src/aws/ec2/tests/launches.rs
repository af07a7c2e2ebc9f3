//! Launches: their security group and subnet.

use super::*;
use crate::ports::NewVolume;

const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1";

fn plain() -> NewInstance {
    NewInstance {
        image: image_id(),
        instance_type: "t3.large".to_owned(),
        volumes: Vec::new(),
        ports: vec![22],
        kms_key: None,
        user_data: None,
        profile: None,
        client_token: "token".to_owned(),
        tags: Tags::new(),
        subnet: Subnet {
            id: "subnet-00000001".parse().unwrap(),
            zone: "us-east-1a".to_owned(),
            vpc: "vpc-1".to_owned(),
            free_addresses: 1,
        },
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
        Reply::ok(empty),
        Reply::ok(
            "<CreateSecurityGroupResponse><groupId>sg-1</groupId></CreateSecurityGroupResponse>",
        ),
        Reply::ok("<AuthorizeSecurityGroupIngressResponse/>"),
        Reply::ok(run),
    ]);
    let new = NewInstance {
        instance_type: "t4g.large".to_owned(),
        volumes: vec![
            NewVolume {
                device: "/dev/xvda".to_owned(),
                size_gib: Some(30),
                delete_on_termination: true,
            },
            NewVolume {
                device: "/dev/sdf".to_owned(),
                size_gib: None,
                delete_on_termination: false,
            },
        ],
        ports: vec![8888, 22],
        kms_key: Some(KEY.to_owned()),
        user_data: Some("#cloud-config\n".to_owned()),
        profile: Some("prism-instances".to_owned()),
        tags: Tags::from([("Name".to_owned(), "rig".to_owned())]),
        ..plain()
    };
    let instance = ec2(&aws).run_instance(&region(), &new).await.unwrap();
    assert_eq!(instance.state, InstanceState::Pending);
    let asked = [1, 2, 3].map(|call| aws.lines(call));
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
    BlockDeviceMapping.1.Ebs.DeleteOnTermination = "true"
    BlockDeviceMapping.1.Ebs.VolumeSize = "30"
    BlockDeviceMapping.1.Ebs.KmsKeyId = "arn:aws:kms:us-west-2:111122223333:key/1"
    BlockDeviceMapping.1.Ebs.Encrypted = "true"
    BlockDeviceMapping.1.DeviceName = "/dev/xvda"
    BlockDeviceMapping.2.Ebs.DeleteOnTermination = "false"
    BlockDeviceMapping.2.Ebs.KmsKeyId = "arn:aws:kms:us-west-2:111122223333:key/1"
    BlockDeviceMapping.2.Ebs.Encrypted = "true"
    BlockDeviceMapping.2.DeviceName = "/dev/sdf"
    ImageId = "ami-0123456789abcdef0"
    InstanceType = "t4g.large"
    MaxCount = "1"
    MinCount = "1"
    SecurityGroupId.1 = "sg-1"
    SubnetId = "subnet-00000001"
    UserData = "I2Nsb3VkLWNvbmZpZwo="
    TagSpecification.1.ResourceType = "instance"
    TagSpecification.1.Tag.1.Key = "Name"
    TagSpecification.1.Tag.1.Value = "rig"
    TagSpecification.2.ResourceType = "volume"
    TagSpecification.2.Tag.1.Key = "Name"
    TagSpecification.2.Tag.1.Value = "rig"
    TagSpecification.3.ResourceType = "network-interface"
    TagSpecification.3.Tag.1.Key = "Name"
    TagSpecification.3.Tag.1.Value = "rig"
    MetadataOptions.HttpTokens = "required"
    ClientToken = "token"
    IamInstanceProfile.Name = "prism-instances"
    "#);
}

#[tokio::test]
async fn a_launch_without_ports_gets_a_group_that_opens_none() {
    let aws = Aws::answering([
        Reply::ok(
            "<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>",
        ),
        Reply::ok(
            "<CreateSecurityGroupResponse><groupId>sg-1</groupId></CreateSecurityGroupResponse>",
        ),
        Reply::ok("<RunInstancesResponse/>"),
    ]);
    let new = NewInstance {
        ports: Vec::new(),
        ..plain()
    };
    let own = Tags::from([("CostCentre".to_owned(), "42".to_owned())]);
    let ec2 = ec2(&aws).tagging_groups(&own);
    // The response does not matter here.
    ec2.run_instance(&region(), &new).await.unwrap_err();
    aws.assert_asked(1, "TagSpecification.1.Tag.1.Key", "CostCentre");
    aws.assert_asked(1, "TagSpecification.1.Tag.2.Value", "none");
    aws.assert_asked(2, "SecurityGroupId.1", "sg-1");
}

#[tokio::test]
async fn subnets_are_found_by_a_filter_and_those_of_other_regions_are_ignored() {
    let told = "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-00000002</subnetId><vpcId>vpc-2</vpcId>
        <availabilityZone>us-east-1b</availabilityZone><availableIpAddressCount>250</availableIpAddressCount></item>
        </subnetSet></DescribeSubnetsResponse>";
    let aws = Aws::answering([Reply::ok(told), Reply::ok(told)]);
    let named = ["subnet-00000001", "subnet-00000002"].map(|id| id.parse().unwrap());
    let filter = SubnetFilter::Ids(named.into());
    let found = ec2(&aws).subnets(&region(), &filter).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].zone.as_str(), found[0].vpc.as_str()),
        ("us-east-1b", "vpc-2")
    );
    assert_eq!(found[0].free_addresses, 250);
    aws.assert_asked(0, "Filter.1.Name", "subnet-id");
    aws.assert_asked(0, "Filter.1.Value.2", "subnet-00000002");
    let default = ec2(&aws).subnets(&region(), &SubnetFilter::Default).await;
    assert_eq!(default.unwrap().len(), 1);
    aws.assert_asked(1, "Filter.1.Name", "default-for-az");
}

#[tokio::test]
async fn the_zones_that_offer_a_type_are_all_read() {
    let page = |zone: &str, next: &str| {
        Reply::ok(format!(
            "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet><item><instanceType>t3.large</instanceType>
            <locationType>availability-zone</locationType><location>{zone}</location></item></instanceTypeOfferingSet>
            <nextToken>{next}</nextToken></DescribeInstanceTypeOfferingsResponse>"
        ))
    };
    let aws = Aws::answering([page("us-east-1a", "more"), page("us-east-1b", "")]);
    let zones = ec2(&aws).zones_offering(&region(), "t3.large").await;
    let both = ["us-east-1a", "us-east-1b"].map(str::to_owned);
    assert_eq!(zones.unwrap(), BTreeSet::from(both));
    aws.assert_asked(0, "LocationType", "availability-zone");
    aws.assert_asked(0, "Filter.1.Value.1", "t3.large");
    aws.assert_asked(1, "NextToken", "more");
}

#[tokio::test]
async fn unused_volumes_are_those_that_are_available_and_tagged() {
    let told = "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-0123456789abcdef0</volumeId><size>400</size>
        <volumeType>gp3</volumeType><tagSet><item><key>prism:owner</key><value>ada</value></item></tagSet></item>
        </volumeSet></DescribeVolumesResponse>";
    let aws = Aws::answering([Reply::ok(told)]);
    let found = ec2(&aws).unused_volumes(&region(), "prism:owner").await;
    let found = found.unwrap();
    assert_eq!((found[0].size_gib, found[0].kind.as_str()), (400, "gp3"));
    assert_eq!(found[0].tags["prism:owner"], "ada");
    aws.assert_asked(0, "Filter.1.Value.1", "available");
    aws.assert_asked(0, "Filter.2.Value.1", "prism:owner");
}
