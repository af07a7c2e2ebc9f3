use super::{Bench, head, told};
use crate::wire::actions::ACTIONS;

#[test]
fn actions_are_in_order_and_named_once() {
    let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

#[test]
fn every_action_refuses_a_parameter_that_it_does_not_know_before_it_does_anything() {
    let bench = Bench::new();
    let instance = bench.instance("");
    let image = bench.public_image();
    let before = bench.cloud.events().unwrap();
    for (action, _) in ACTIONS {
        let form = format!(
            "{action}&{}&Nonsense.1.X=y",
            needed(action, &instance, &image)
        );
        let (status, body) = bench.ask_as("AKIA", "us-east-1", &form);
        assert_eq!(
            (status, told(&body, "Code").remove(0).as_str()),
            (400, "UnknownParameter"),
            "{action}"
        );
        assert!(body.contains("Nonsense.1.X"), "{action}: {body}");
    }
    assert_eq!(bench.cloud.events().unwrap(), before);
}

/// The parameters that an action requires, so that it can only be refused for an unknown parameter.
fn needed(action: &str, instance: &str, image: &str) -> String {
    match action {
        "AuthorizeSecurityGroupIngress" | "DeleteSecurityGroup" => "GroupId=sg-1".to_owned(),
        "CopyImage" => format!("SourceImageId={image}&SourceRegion=us-east-1&Name=abc"),
        "CreateImage" => format!("InstanceId={instance}&Name=abc&NoReboot=true"),
        "CreateSecurityGroup" => "GroupName=abc&GroupDescription=abc".to_owned(),
        "DeleteSnapshot" | "DescribeSnapshotAttribute" => "SnapshotId=snap-00000000".to_owned(),
        "DescribeImageAttribute" => format!("ImageId={image}&Attribute=launchPermission"),
        "DescribeImageReferences" => {
            format!("ImageId.1={image}&ResourceType.1.ResourceType=ec2:LaunchTemplate")
        }
        "CreateTags" => format!("ResourceId.1={instance}&Tag.1.Key=Name&Tag.1.Value=abc"),
        "ModifyInstanceAttribute" => format!("InstanceId={instance}&InstanceType.Value=t3.large"),
        "GetConsoleOutput" => format!("InstanceId={instance}"),
        "DescribeInstanceAttribute" => format!("InstanceId={instance}&Attribute=disableApiStop"),
        "DeregisterImage" => format!("ImageId={image}"),
        "ModifyImageAttribute" => format!("ImageId={image}&LaunchPermission.Add.1.Group=all"),
        "ModifySnapshotAttribute" => {
            "SnapshotId=snap-00000000&OperationType=add&UserId.1=222222222222".to_owned()
        }
        "RunInstances" => format!("ImageId={image}&InstanceType=t3.large&MinCount=1&MaxCount=1"),
        "StartInstances" | "StopInstances" | "TerminateInstances" => {
            format!("InstanceId.1={instance}")
        }
        _ => String::new(),
    }
}

#[test]
fn every_describing_action_refuses_a_filter_that_it_does_not_know() {
    let bench = Bench::new();
    let filtered = ACTIONS.iter().filter(|(name, _)| {
        let unfiltered = name.ends_with("Attribute") || name.ends_with("References");
        name.starts_with("Describe") && !unfiltered
    });
    for (action, _) in filtered {
        let form = format!("{action}&Filter.1.Name=nonsense&Filter.1.Value.1=x");
        let refused = bench.refused(&form);
        assert_eq!(
            refused,
            (400, "InvalidParameterValue".to_owned()),
            "{action}"
        );
    }
}

#[test]
fn unknown_requests_are_refused() {
    let bench = Bench::new();
    let code = |form: &str| bench.refused(form).1;
    assert_eq!(code("RebootInstances"), "InvalidAction");
    assert_eq!(code(""), "MissingAction");
    assert_eq!(code("<&>"), "InvalidAction");
    let good = head("AKIA", "us-east-1", "ec2", None);
    let refused = |head, body: Option<&str>| {
        let answer = bench.send(head, body.map(str::as_bytes));
        let body = String::from_utf8(answer.body).unwrap();
        (answer.status, told(&body, "Code").remove(0))
    };
    let form = "Action=DescribeRegions&Version=2016-11-15";
    assert_eq!(
        refused(&good, Some("Action=DescribeRegions&Version=2011-01-01")),
        (400, "NoSuchVersion".to_owned())
    );
    assert_eq!(
        refused(&good, None),
        (413, "RequestEntityTooLarge".to_owned())
    );
    let mut get = good.clone();
    get.method = hyper::Method::GET;
    assert_eq!(refused(&get, Some(form)).1, "InvalidAction");
    let mut unsigned = good.clone();
    unsigned.headers.clear();
    assert_eq!(
        refused(&unsigned, Some(form)),
        (403, "MissingAuthenticationToken".to_owned())
    );
    let nowhere = head("AKIA", "mars-north-1", "ec2", None);
    let form = "Action=DescribeInstances&Version=2016-11-15";
    assert_eq!(
        refused(&nowhere, Some(form)),
        (401, "AuthFailure".to_owned())
    );
}

#[test]
fn an_error_names_its_request() {
    let bench = Bench::new();
    let answer = bench.send(&head("AKIA", "us-east-1", "ec2", None), Some(b""));
    let body = String::from_utf8(answer.body).unwrap();
    assert_eq!(told(&body, "RequestID"), [answer.request_id]);
    assert!(
        body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error>")
    );
}

#[test]
fn permissions_dry_runs_throttles_and_capacity_have_their_statuses() {
    let bench = Bench::new();
    let instance = bench.instance("");
    let dry = format!("StopInstances&InstanceId.1={instance}&DryRun=true");
    assert_eq!(bench.refused(&dry), (412, "DryRunOperation".to_owned()));
    bench.admin().deny("StopInstances").unwrap();
    assert_eq!(
        bench.refused(&dry),
        (403, "UnauthorizedOperation".to_owned())
    );
    let image = bench.public_image();
    bench
        .admin()
        .set_capacity(
            &"us-east-1".parse().unwrap(),
            "t3.large",
            crate::ec2::Capacity::Refused,
        )
        .unwrap();
    let run = format!("RunInstances&MinCount=1&MaxCount=1&ImageId={image}&InstanceType=t3.large");
    assert_eq!(
        bench.refused(&run),
        (500, "InsufficientInstanceCapacity".to_owned())
    );
    let mut settings = bench.cloud.settings().unwrap();
    settings.throttles.enabled = true;
    bench.cloud.set_settings(settings).unwrap();
    let codes: Vec<_> = (0..9).map(|_| bench.refused(&run)).collect();
    assert_eq!(codes[8], (503, "RequestLimitExceeded".to_owned()));
}

#[test]
fn requests_that_the_simulator_cannot_handle_like_ec2_are_refused() {
    let bench = Bench::new();
    let (image, instance) = (bench.public_image(), bench.instance(""));
    let run = format!("RunInstances&ImageId={image}&InstanceType=t3.large&MinCount=1&MaxCount=1");
    for form in [
        format!("RunInstances&ImageId={image}&InstanceType=t3.large&MinCount=1&MaxCount=2"),
        format!(
            "{run}&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeType=io2"
        ),
        format!("{run}&UserData=H4sIAA=="),
        format!("{run}&DryRun=true"),
        format!(
            "CreateImage&InstanceId={instance}&Name=abc&NoReboot=true\
             &TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a"
        ),
        format!("CopyImage&SourceImageId={image}&SourceRegion=us-east-1&Name=abc&Encrypted=true"),
        format!("StopInstances&InstanceId.1={instance}&Force=true"),
        format!("DeregisterImage&ImageId={image}&DeleteAssociatedSnapshots=true"),
        format!("DescribeInstanceAttribute&InstanceId={instance}&Attribute=userData"),
    ] {
        let refused = bench.refused(&form);
        assert_eq!(refused, (400, "InvalidParameterValue".to_owned()), "{form}");
    }
    let data = format!(
        "{run}&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=9"
    );
    bench.assert_refused(&data, "InvalidBlockDeviceMapping");
}

#[test]
fn json_services_refuse_in_their_own_form() {
    let bench = Bench::new();
    let refused = |service, target, body| {
        let (status, body) = bench.json(service, target, body);
        assert_ne!(status, 200, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["__type"].as_str().unwrap().to_owned()
    };
    let get = "AmazonSSM.GetParameter";
    assert_eq!(
        refused("ssm", "AmazonSSM.PutParameter", "{}"),
        "UnknownOperationException"
    );
    assert_eq!(refused("ssm", get, "["), "SerializationException");
    assert_eq!(refused("ssm", get, "{}"), "ValidationException");
    assert_eq!(
        refused("ssm", get, r#"{"Name":"/aws/service/x","Nonsense":1}"#),
        "ValidationException"
    );
    assert_eq!(
        refused("ssm", get, r#"{"Name":"/mine"}"#),
        "ParameterNotFound"
    );
    assert_eq!(
        refused("ec2", get, r#"{"Name":"/mine"}"#),
        "SignatureDoesNotMatch"
    );
    assert_eq!(
        refused("kms", "TrentService.DescribeKey", r#"{"KeyId":"x"}"#),
        "NotFoundException"
    );
}

#[test]
fn a_save_without_an_instance_is_refused() {
    let bench = Bench::new();
    for action in ["StartInstances", "StopInstances", "TerminateInstances"] {
        let refused = bench.refused(action);
        assert_eq!(refused, (400, "InvalidParameterCombination".into()));
    }
}

#[test]
fn all_ids_that_do_not_exist_are_named() {
    let bench = Bench::new();
    let there = bench.instance("");
    let message = |form: &str| {
        let (status, body) = bench.ask_as("AKIA", "us-east-1", form);
        assert_eq!(status, 400);
        told(&body, "Message").remove(0)
    };
    let image = bench.public_image();
    assert_eq!(
        message(&format!(
            "DescribeImages&ImageId.1=ami-00000001&ImageId.2={image}&ImageId.3=ami-00000002"
        )),
        "The image ids &apos;[ami-00000001, ami-00000002]&apos; do not exist"
    );
    assert_eq!(
        message("DescribeImages&ImageId.1=ami-00000001"),
        "The image id &apos;[ami-00000001]&apos; does not exist"
    );
    for action in ["DescribeInstances", "StopInstances", "TerminateInstances"] {
        let both = format!(
            "{action}&InstanceId.1=i-00000001&InstanceId.2={there}&InstanceId.3=i-00000002"
        );
        assert_eq!(
            message(&both),
            "The instance IDs &apos;i-00000001, i-00000002&apos; do not exist"
        );
    }
}

#[test]
fn nobody_but_all_accounts_and_organizations_is_given_a_launch_permission() {
    let bench = Bench::new();
    let image = bench.public_image();
    let modify = format!("ModifyImageAttribute&ImageId={image}");
    for item in [
        "LaunchPermission.Add.1.Group=everyone",
        "LaunchPermission.Add.1.UserId=12345",
        "LaunchPermission.Remove.1.OrganizationArn=arn:aws:iam::1",
        "OperationType=add&UserGroup.1=some",
        "OperationType=add&UserId.1=somebody",
    ] {
        let refused = bench.refused(&format!("{modify}&{item}"));
        assert_eq!(
            refused,
            (400, "InvalidAMIAttributeItemValue".into()),
            "{item}"
        );
    }
}
