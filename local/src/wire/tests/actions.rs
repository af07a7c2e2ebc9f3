//! Instances, images and other EC2 actions.

use std::time::Duration;

use prism_functions::domain::Timestamp;

use super::{Bench, told};
use crate::ec2::Settings;

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Tags for two types of resources, the same for both.
fn tags(one: &str, two: &str, value: &str) -> String {
    let value = encoded(value);
    [(1, one), (2, two)]
        .map(|(n, kind)| {
            format!(
                "&TagSpecification.{n}.ResourceType={kind}&TagSpecification.{n}.Tag.1.Key=Name\
                 &TagSpecification.{n}.Tag.1.Value={value}"
            )
        })
        .concat()
}

#[test]
fn an_instance_is_launched_and_described_completely() {
    let bench = Bench::new();
    let name = "a <b> & \"c\" é";
    let more = "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=20\
                &ClientToken=once&UserData=I2Nsb3VkLWNvbmZpZwo=";
    let more = format!("{more}{}", tags("instance", "volume", name));
    let id = bench.instance(&more);
    assert_eq!(bench.instance(&more), id, "the token is the same");

    let form = format!(
        "DescribeInstances&Filter.1.Name=tag:Name&Filter.1.Value.1={}\
         &Filter.2.Name=instance-state-name&Filter.2.Value.1=running",
        encoded(name)
    );
    let body = bench.ask(&form);
    assert_eq!(told(&body, "instanceId"), [id.as_str()]);
    assert_eq!(
        told(&body, "value"),
        ["a &lt;b&gt; &amp; &quot;c&quot; é"],
        "{body}"
    );
    let volume = told(&body, "volumeId").remove(0);
    let body = bench.ask(&format!("DescribeVolumes&VolumeId.1={volume}"));
    assert_eq!(told(&body, "size"), ["20"]);
    assert_eq!(told(&body, "instanceId"), [id.as_str()]);
    assert_eq!(told(&body, "encrypted"), ["false"]);
}

#[test]
fn volumes_have_their_own_tags() {
    let bench = Bench::new();
    let id = bench.instance(
        "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a\
         &TagSpecification.1.Tag.1.Value=b&TagSpecification.2.ResourceType=network-interface\
         &TagSpecification.2.Tag.1.Key=a&TagSpecification.2.Tag.1.Value=b",
    );
    let by_tag = |action| bench.ask(&format!("{action}&Filter.1.Name=tag:a&Filter.1.Value.1=b"));
    assert_eq!(told(&by_tag("DescribeInstances"), "instanceId"), [id]);
    assert!(told(&by_tag("DescribeVolumes"), "volumeId").is_empty());
}

#[test]
fn accounts_and_regions_are_apart() {
    let bench = Bench::new();
    let id = bench.instance("");
    let form = "DescribeInstances";
    for (key, region, expected) in [
        ("AKIA", "us-east-1", 1),
        ("AKIAOTHER", "us-east-1", 0),
        ("AKIA", "us-west-2", 0),
    ] {
        let (_, body) = bench.ask_as(key, region, form);
        assert_eq!(
            body.matches(&id).count() > 0,
            expected > 0,
            "{key} {region}"
        );
    }
}

#[test]
fn an_instance_is_stopped_saved_copied_and_shared() {
    let bench = Bench::new();
    let id = bench.instance("");
    let body = bench.ask(&format!("StopInstances&InstanceId.1={id}"));
    assert_eq!(told(&body, "name").len(), 2, "{body}");
    let made = bench.ask(&format!(
        "CreateImage&InstanceId={id}&Name=one&Description=d{}",
        tags("image", "snapshot", "x")
    ));
    let image = told(&made, "imageId").remove(0);
    let body =
        bench.ask("DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:Name&Filter.1.Value.1=x");
    assert_eq!(told(&body, "status"), ["completed"]);
    let snapshot = told(&body, "snapshotId").remove(0);
    let body = bench.ask("DescribeImages&Owner.1=self&Filter.1.Name=name&Filter.1.Value.1=one");
    assert_eq!(told(&body, "imageState"), ["available"]);
    assert_eq!(told(&body, "snapshotId"), [snapshot.as_str()]);
    assert_eq!(told(&body, "description"), ["d"]);

    let copy = format!(
        "CopyImage&SourceImageId={image}&SourceRegion=us-east-1&Name=two&ClientToken=t\
         &CopyImageTags=true&TagSpecification.1.ResourceType=snapshot\
         &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x"
    );
    let (status, copied) = bench.ask_as("AKIA", "us-west-2", &copy);
    assert_eq!(status, 200, "{copied}");
    let (_, again) = bench.ask_as("AKIA", "us-west-2", &copy);
    assert_eq!(told(&again, "imageId"), told(&copied, "imageId"));

    let modify = format!("ModifyImageAttribute&ImageId={image}");
    bench.ask(&format!(
        "{modify}&LaunchPermission.Add.1.UserId=222222222222&LaunchPermission.Add.2.UserId=333333333333"
    ));
    bench.ask(&format!(
        "{modify}&Attribute=launchPermission&OperationType=remove&UserId.1=333333333333"
    ));
    assert_eq!(
        bench.refused(&format!("{modify}&LaunchPermission.Add.1.Group=all")),
        (400, "OperationNotPermitted".to_owned())
    );
    let held = bench.ask(&format!(
        "DescribeImageAttribute&ImageId={image}&Attribute=launchPermission"
    ));
    assert_eq!(told(&held, "userId"), ["222222222222"]);
    let (_, seen) = bench.ask_as("AKIAOTHER", "us-east-1", "DescribeImages");
    assert!(told(&seen, "imageId").contains(&image), "{seen}");

    let (_, code) = bench.refused(&format!("DeleteSnapshot&SnapshotId={snapshot}"));
    assert_eq!(code, "InvalidSnapshot.InUse");
    bench.ask(&format!("DeregisterImage&ImageId={image}"));
    bench.ask(&format!("DeleteSnapshot&SnapshotId={snapshot}"));
}

#[test]
fn an_account_copies_an_image_whose_snapshots_are_shared_with_it() {
    let bench = Bench::new();
    let instance = bench.instance("");
    bench.forward(300);
    let image = bench.one(
        &format!("CreateImage&InstanceId={instance}&Name=mine&NoReboot=true"),
        "imageId",
    );
    bench.forward(3600);
    let described = bench.ask(&format!("DescribeImages&ImageId.1={image}"));
    let snapshot = told(&described, "snapshotId").remove(0);
    bench.ask(&format!(
        "ModifyImageAttribute&ImageId={image}&LaunchPermission.Add.1.UserId=222222222222"
    ));
    let copy = format!("CopyImage&SourceRegion=us-east-1&SourceImageId={image}&Name=theirs");
    let theirs = || bench.ask_as("AKIAOTHER", "us-east-1", &copy);
    assert!(theirs().1.contains("InvalidRequest"), "{:?}", theirs());
    let change = |operation: &str| {
        bench.ask(&format!(
            "ModifySnapshotAttribute&SnapshotId={snapshot}&Attribute=createVolumePermission\
             &OperationType={operation}&UserId.1=222222222222"
        ));
        let asked = format!(
            "DescribeSnapshotAttribute&SnapshotId={snapshot}&Attribute=createVolumePermission"
        );
        told(&bench.ask(&asked), "userId")
    };
    assert_eq!(change("add"), ["222222222222"]);
    assert_eq!(theirs().0, 200);
    assert!(change("remove").is_empty());
}

#[test]
fn launch_templates_that_name_amis_are_returned() {
    let bench = Bench::new();
    let image = bench.public_image();
    let id = "lt-0123456789abcdef0";
    let other = "ami-0000000000000abcd".parse().unwrap();
    let mut versions = vec![other; 11];
    versions[0] = image.parse().unwrap();
    let region = "us-east-1".parse().unwrap();
    bench
        .admin()
        .set_launch_template(&region, &id.parse().unwrap(), &versions)
        .unwrap();
    let ask = format!(
        "DescribeImageReferences&ImageId.1={image}&ResourceType.1.ResourceType=ec2:LaunchTemplate"
    );
    // Ten versions are searched unless the request says otherwise.
    assert_eq!(told(&bench.ask(&ask), "arn"), [""; 0]);
    let option = "&ResourceType.1.ResourceTypeOption.1.OptionName=version-depth\
                  &ResourceType.1.ResourceTypeOption.1.OptionValue.1";
    let deep = bench.ask(&format!("{ask}{option}=10000"));
    assert_eq!(told(&deep, "imageId"), [image.as_str()]);
    assert_eq!(
        told(&deep, "arn"),
        [format!(
            "arn:aws:ec2:us-east-1:111111111111:launch-template/{id}"
        )]
    );
    let refused = bench.refused(&format!("{ask}{option}=10001"));
    assert_eq!(refused.1, "InvalidParameterValue");
}

#[test]
fn instances_come_in_pages() {
    let bench = Bench::new();
    let mut all: Vec<_> = (0..7).map(|_| bench.instance("")).collect();
    all.sort();
    let first = bench.ask("DescribeInstances&MaxResults=5");
    let token = told(&first, "nextToken").remove(0);
    // If an instance goes away between two pages, the others stay on their pages.
    bench.ask(&format!("TerminateInstances&InstanceId.1={}", all[0]));
    let second = bench.ask(&format!("DescribeInstances&MaxResults=5&NextToken={token}"));
    let mut seen = told(&first, "instanceId");
    seen.extend(told(&second, "instanceId"));
    assert_eq!(seen, all);
    assert!(told(&second, "nextToken").is_empty());
}

#[test]
fn a_name_and_a_type_are_changed() {
    let bench = Bench::new();
    let id = bench.instance("");
    bench.ask(&format!(
        "CreateTags&ResourceId.1={id}&Tag.1.Key=Name&Tag.1.Value=genomics"
    ));
    let found = bench.ask("DescribeInstances&Filter.1.Name=tag:Name&Filter.1.Value.1=genomics");
    assert_eq!(told(&found, "instanceId"), std::slice::from_ref(&id));
    let resize = format!("ModifyInstanceAttribute&InstanceId={id}&InstanceType.Value");
    let running = bench.refused(&format!("{resize}=t3.xlarge"));
    assert_eq!(running, (400, "IncorrectInstanceState".into()));
    bench.ask(&format!("StopInstances&InstanceId.1={id}"));
    bench.forward(300);
    for odd in ["t9.huge", "t4g.large"] {
        let refused = bench.refused(&format!("{resize}={odd}"));
        assert_eq!(refused, (400, "InvalidInstanceAttributeValue".into()));
    }
    bench.ask(&format!("{resize}=t3.xlarge"));
    let found = bench.ask(&format!("DescribeInstances&InstanceId.1={id}"));
    assert_eq!(told(&found, "instanceType"), ["t3.xlarge"]);
    // Prism sets no other tag, and no other attribute.
    let other = format!("CreateTags&ResourceId.1={id}&Tag.1.Key=owner&Tag.1.Value=x");
    assert_eq!(bench.refused(&other).0, 400);
}

#[test]
fn the_requests_of_the_preflight_are_answered() {
    let bench = Bench::new();
    let id = bench.instance("");
    let typed = id.parse().unwrap();
    let admin = bench.admin();
    admin
        .edit(&typed, |facts| facts.stop_protection = true)
        .unwrap();
    let body = bench.ask(&format!(
        "DescribeInstanceAttribute&InstanceId={id}&Attribute=disableApiStop"
    ));
    assert_eq!(told(&body, "disableApiStop"), ["<value>true</value>"]);
    bench.assert_refused(
        &format!("StopInstances&InstanceId.1={id}"),
        "OperationNotPermitted",
    );
    let body = bench.ask(&format!("DescribeInstanceStatus&InstanceId.1={id}"));
    assert_eq!(told(&body, "status"), ["ok", "passed", "ok", "passed"]);
    let body = bench.ask(&format!("GetConsoleOutput&InstanceId={id}&Latest=true"));
    assert_eq!(
        told(&body, "output"),
        [""],
        "it was launched without user data"
    );
    let body = bench.ask("DescribeInstanceTypes&InstanceType.1=g5.xlarge");
    assert_eq!(told(&body, "totalSizeInGB"), ["250"]);
    bench.assert_refused(
        "DescribeInstanceTypes&InstanceType.1=x9.tiny",
        "InvalidInstanceType",
    );
    let body = bench.ask("GetImageBlockPublicAccessState");
    assert_eq!(
        told(&body, "imageBlockPublicAccessState"),
        ["block-new-sharing"]
    );
    let body = bench.ask("DescribeRegions");
    assert!(told(&body, "regionName").contains(&"us-west-2".to_owned()));
}

#[test]
fn a_public_parameter_names_an_image() {
    let bench = Bench::new();
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let asked = format!("{{\"Name\":\"{name}\",\"WithDecryption\":false}}");
    let (status, body) = bench.json("ssm", "AmazonSSM.GetParameter", &asked);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(&bench.public_image()), "{body}");
}

#[test]
fn amazon_owns_the_public_images() {
    let bench = Bench::new();
    let image = bench.public_image();
    for filter in [
        "Owner.1=amazon",
        "Filter.1.Name=owner-alias&Filter.1.Value.1=amazon",
    ] {
        let body = bench.ask(&format!("DescribeImages&ImageId.1={image}&{filter}"));
        assert_eq!(told(&body, "imageId"), [&*image]);
        assert_eq!(told(&body, "imageOwnerAlias"), ["amazon"]);
    }
    let own = bench.ask(&format!("DescribeImages&ImageId.1={image}&Owner.1=self"));
    let market = bench.ask("DescribeImages&Owner.1=aws-marketplace");
    assert!(told(&own, "imageId").is_empty() && told(&market, "imageId").is_empty());
    bench.assert_refused("DescribeImages&Owner.1=google", "InvalidUserID.Malformed");
}

#[test]
fn a_resource_without_tags_returns_none() {
    let bench = Bench::new();
    let id = bench.instance("");
    for form in [
        format!("DescribeInstances&InstanceId.1={id}"),
        "DescribeVolumes".to_owned(),
        "DescribeSecurityGroups".to_owned(),
        format!("DescribeImages&ImageId.1={}", bench.public_image()),
    ] {
        let body = bench.ask(&form);
        assert!(!body.contains("tagSet"), "{form}: {body}");
    }
}

#[test]
fn a_page_may_have_nothing_of_what_is_asked_for_and_more_behind_it() {
    let bench = Bench::new();
    let ids: Vec<_> = (0..7).map(|_| bench.instance("")).collect();
    let last = ids.iter().max().unwrap();
    let form = format!("DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1={last}");
    let first = bench.ask(&format!("{form}&MaxResults=5"));
    assert_eq!(told(&first, "instanceId"), [""; 0]);
    let token = told(&first, "nextToken").remove(0);
    let next = bench.ask(&format!("{form}&MaxResults=5&NextToken={token}"));
    assert_eq!(told(&next, "instanceId"), [last.as_str()]);
    // Without a page size, everything is searched at once.
    let whole = bench.ask(&form);
    assert_eq!(told(&whole, "instanceId"), [last.as_str()]);
    assert_eq!(told(&whole, "nextToken"), [""; 0]);
}

/// A request for a thousand instances counts as one request and as a thousand instances.
#[test]
fn a_request_about_many_instances_is_one_and_costs_a_token_for_each_of_them() {
    let mut settings = crate::ec2::Settings::instant();
    settings.throttles.enabled = true;
    // Ten instances at once, and one more per second.
    settings.throttles.scale_percent = 1;
    let bench = Bench::with(settings);
    let ids: Vec<_> = (0..6)
        .map(|n| {
            let spec = crate::ec2::InstanceSpec::named(&format!("work-{n}"));
            let region = "us-east-1".parse().unwrap();
            bench.admin().add_instance(&region, &spec).unwrap()
        })
        .collect();
    let all: Vec<String> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| format!("&InstanceId.{}={id}", n + 1))
        .collect();
    let all = all.concat();
    bench.ask(&format!("StopInstances{all}"));
    bench.forward(1);
    // Four of ten tokens are left, and one is added per second.
    let refused = bench.refused(&format!("StopInstances{all}"));
    assert_eq!(refused.1, "RequestLimitExceeded");
    bench.forward(2);
    bench.ask(&format!("StopInstances{all}"));
    // A DryRun uses none of those tokens, but counts as a request like any other.
    let dry = format!("StopInstances&InstanceId.1={}&DryRun=true", ids[0]);
    bench.forward(1);
    bench.assert_refused(&dry, "DryRunOperation");
    bench.assert_refused(&dry, "RequestLimitExceeded");
}

#[test]
fn one_bad_instance_fails_a_request_whole() {
    let bench = Bench::new();
    let id = bench.instance("");
    let both = format!("InstanceId.1={id}&InstanceId.2=i-0123456789abcdef0");
    let refused = bench.refused(&format!("StopInstances&{both}"));
    assert_eq!(refused.1, "InvalidInstanceID.NotFound");
    let body = bench.ask(&format!("DescribeInstances&InstanceId.1={id}"));
    assert!(body.contains("<name>running</name>"), "{body}");
}

#[test]
fn an_image_reboots_its_instance_unless_the_request_says_otherwise() {
    let mut settings = Settings::instant();
    settings.durations.boot = Duration::from_secs(10);
    let bench = Bench::with(settings);
    let id = bench.instance("");
    let from = Timestamp::UNIX_EPOCH;
    let down = || {
        bench
            .cloud
            .down(&id.parse().unwrap(), from, Timestamp::MAX_UTC)
    };
    for (more, seconds) in [("&NoReboot=true", 0), ("", 10)] {
        let form = format!("CreateImage&InstanceId={id}&Name=after-{seconds}{more}");
        bench.ask(&form);
        assert_eq!(down().unwrap(), Duration::from_secs(seconds), "{form}");
    }
}
