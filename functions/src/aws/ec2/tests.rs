//! Tests the conversion of EC2's responses, as in its documentation, and of requests to EC2.

use super::*;
use crate::aws::testing::{Aws, Reply};
use crate::domain::ec2::{Architecture, InstanceState};
use crate::ports::{Ec2ErrorKind, Encryption, ImageState, SnapshotState, StateReason};

mod consoles;
mod launches;
mod references;
mod shares;

const INSTANCE: &str = "i-0123456789abcdef0";
const IMAGE: &str = "ami-0123456789abcdef0";

fn ec2(aws: &Aws) -> AwsEc2 {
    AwsEc2::new(Arc::new(aws.clients()), &["192.0.2.0/24".to_owned()])
}

fn region() -> Region {
    "us-west-2".parse().unwrap()
}

fn instance_id() -> InstanceId {
    INSTANCE.parse().unwrap()
}

fn image_id() -> ImageId {
    IMAGE.parse().unwrap()
}

fn by_id() -> InstanceFilter {
    InstanceFilter::Ids(vec![instance_id()])
}

/// A DescribeInstances response with one instance that has these fields besides the usual ones.
fn described(more: &str, behind: &str) -> Reply {
    Reply::ok(format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item>
            <instanceId>{INSTANCE}</instanceId><imageId>{IMAGE}</imageId>
            <instanceState><code>80</code><name>stopped</name></instanceState>
            <instanceType>t3.large</instanceType><architecture>x86_64</architecture>
            <launchTime>2026-01-02T03:04:05.000Z</launchTime>
            <rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda1</rootDeviceName>{more}
            </item></instancesSet></item></reservationSet>{behind}</DescribeInstancesResponse>"
    ))
}

#[test]
fn a_value_is_asked_for_exactly() {
    assert_eq!(exactly("save-1 (a.b)"), "save-1 (a.b)");
    assert_eq!(exactly(r"a*b?c\"), r"a\*b\?c\\");
}

#[tokio::test]
async fn an_instance_is_read_with_all_that_a_save_asks_of_it() {
    let more = "
        <reason>User initiated (2026-01-02 04:05:06 GMT)</reason>
        <stateReason><code>Client.UserInitiatedShutdown</code><message>why</message></stateReason>
        <ipAddress>203.0.113.9</ipAddress>
        <networkInterfaceSet><item><association><publicIp>203.0.113.9</publicIp>
        <ipOwnerId>111122223333</ipOwnerId></association></item></networkInterfaceSet>
        <blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs>
        <volumeId>vol-0123456789abcdef0</volumeId><status>attached</status></ebs></item></blockDeviceMapping>
        <instanceLifecycle>spot</instanceLifecycle>
        <hibernationOptions><configured>true</configured></hibernationOptions>
        <productCodes><item><productCode>abc</productCode><type>marketplace</type></item></productCodes>
        <tagSet><item><key>Name</key><value>rig</value></item><item><key>empty</key><value/></item></tagSet>";
    let aws = Aws::answering([described(more, "")]);
    let found = ec2(&aws).instances(&region(), &by_id()).await.unwrap();
    let [instance] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(instance.state, InstanceState::Stopped);
    assert_eq!(instance.name(), Some("rig"));
    assert_eq!(instance.tags["empty"], "");
    assert_eq!(instance.architecture, Architecture::X86_64);
    assert!(instance.ebs_root && instance.spot && instance.hibernation && instance.elastic_ip);
    assert_eq!(instance.product_codes, ["abc"]);
    assert_eq!(instance.volumes[0].device, "/dev/sda1");
    let reason = StateReason {
        code: "Client.UserInitiatedShutdown".to_owned(),
        message: "why".to_owned(),
    };
    assert_eq!(instance.state_reason, Some(reason));
    let at = instance.transitioned_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2026-01-02T04:05:06+00:00");
    assert!(aws.uri(0).contains("us-west-2"), "{}", aws.uri(0));
    aws.assert_asked(0, "InstanceId.1", INSTANCE);
    // EC2 refuses IDs together with a page size.
    assert_eq!(aws.parameter(0, "MaxResults"), None);
}

#[tokio::test]
async fn a_plain_instance_has_none_of_it() {
    let lent = "<ipAddress>203.0.113.9</ipAddress><networkInterfaceSet><item><association>
        <publicIp>203.0.113.9</publicIp><ipOwnerId>amazon</ipOwnerId></association></item></networkInterfaceSet>";
    let aws = Aws::answering([described("<reason/>", ""), described(lent, "")]);
    let ec2 = ec2(&aws);
    let bare = ec2.instances(&region(), &by_id()).await.unwrap().remove(0);
    assert!(!bare.spot && !bare.hibernation && !bare.elastic_ip);
    assert_eq!((bare.public_ip, bare.transitioned_at), (None, None));
    let lent = ec2.instances(&region(), &by_id()).await.unwrap().remove(0);
    assert_eq!(lent.public_ip.as_deref(), Some("203.0.113.9"));
    assert!(!lent.elastic_ip);
}

#[tokio::test]
async fn a_tag_is_looked_up_on_all_pages() {
    let aws = Aws::answering([
        described("", "<nextToken>more</nextToken>"),
        described("", "<nextToken/>"),
    ]);
    let tag = InstanceFilter::Tag("Name".to_owned(), "a*".to_owned());
    let found = ec2(&aws).instances(&region(), &tag).await.unwrap();
    assert_eq!(found.len(), 2);
    aws.assert_asked(0, "Filter.1.Name", "tag:Name");
    aws.assert_asked(0, "Filter.1.Value.1", r"a\*");
    aws.assert_asked(1, "NextToken", "more");
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let page = || described("", "<nextToken>more</nextToken>");
    let aws = Aws::answering(std::iter::repeat_with(page).take(201));
    let tag = InstanceFilter::Tag("Name".to_owned(), "a".to_owned());
    let error = ec2(&aws).instances(&region(), &tag).await.unwrap_err();
    assert_eq!((error.code.as_str(), aws.calls()), ("TooManyPages", 200));
}

/// With a page size, EC2 would paginate before it filters, and return 50 mostly empty pages for an account with
/// 50,000 snapshots.
#[tokio::test]
async fn what_finds_a_few_things_by_a_value_is_not_paged() {
    let empty = |action: &str| Reply::ok(format!("<{action}Response/>"));
    let aws = Aws::answering([
        empty("DescribeSnapshots"),
        empty("DescribeSnapshots"),
        empty("DescribeImages"),
        empty("DescribeImages"),
        empty("DescribeInstances"),
        empty("DescribeInstances"),
        empty("DescribeSnapshots"),
        empty("DescribeImages"),
        empty("DescribeInstances"),
    ]);
    let (ec2, region) = (ec2(&aws), region());
    let (key, value) = (|| "prism:save-id".to_owned(), || "save-1".to_owned());
    let by_tag = SnapshotFilter::Tag(key(), value());
    ec2.snapshots(&region, &by_tag).await.unwrap();
    let volumes = vec!["vol-0123456789abcdef0".parse().unwrap()];
    let pending = SnapshotFilter::Pending(volumes);
    ec2.snapshots(&region, &pending).await.unwrap();
    aws.assert_asked(1, "Filter.1.Name", "volume-id");
    aws.assert_asked(1, "Filter.2.Value.1", "pending");
    let by_tag = ImageFilter::OwnTag(key(), value());
    ec2.images(&region, &by_tag).await.unwrap();
    ec2.images(&region, &ImageFilter::OwnName(value()))
        .await
        .unwrap();
    let by_tag = InstanceFilter::Tag(key(), value());
    ec2.instances(&region, &by_tag).await.unwrap();
    let of_image = InstanceFilter::Images(vec![image_id()]);
    ec2.instances(&region, &of_image).await.unwrap();
    for call in 0..6 {
        assert_eq!(aws.parameter(call, "MaxResults"), None, "{call}");
    }
    // Thousands of resources may have a tag.
    let all = SnapshotFilter::Tagged(key());
    ec2.snapshots(&region, &all).await.unwrap();
    ec2.images(&region, &ImageFilter::OwnTagged(key()))
        .await
        .unwrap();
    let all = InstanceFilter::Tagged(key());
    ec2.instances(&region, &all).await.unwrap();
    for call in 6..9 {
        aws.assert_asked(call, "MaxResults", "1000");
    }
}

#[tokio::test]
async fn nothing_is_asked_about_nothing() {
    let aws = Aws::answering([]);
    let ec2 = ec2(&aws);
    let region = region();
    let none = InstanceFilter::Ids(vec![]);
    assert!(ec2.instances(&region, &none).await.unwrap().is_empty());
    let none = ImageFilter::Ids(vec![]);
    assert!(ec2.images(&region, &none).await.unwrap().is_empty());
    let none = SnapshotFilter::Ids(vec![]);
    assert!(ec2.snapshots(&region, &none).await.unwrap().is_empty());
    let none = SnapshotFilter::Pending(vec![]);
    assert!(ec2.snapshots(&region, &none).await.unwrap().is_empty());
    assert!(ec2.volumes(&region, &[]).await.unwrap().is_empty());
    ec2.add_launch_permissions(&region, &image_id(), &[])
        .await
        .unwrap();
    assert_eq!(aws.calls(), 0);
}

#[tokio::test]
async fn an_error_keeps_ec2s_code_and_sentence() {
    let aws = Aws::answering([
        Reply::ec2_error("InvalidInstanceID.NotFound", "It does not exist"),
        Reply::xml(503, "<html>busy</html>"),
    ]);
    let ec2 = ec2(&aws);
    let error = ec2.start_instance(&region(), &instance_id()).await;
    let error = error.unwrap_err();
    assert!(error.is_not_found() && error.source.is_none());
    assert_eq!(
        error.to_string(),
        "StartInstances returned InvalidInstanceID.NotFound: It does not exist"
    );
    let error = ec2.stop_instance(&region(), &instance_id()).await;
    let error = error.unwrap_err();
    assert!(
        error.kind() == Ec2ErrorKind::UnknownOutcome && error.source.is_some(),
        "{error:?}"
    );
}

fn new_image() -> NewImage {
    NewImage {
        instance: instance_id(),
        name: "save-1".to_owned(),
        reboot: false,
        exclude: BTreeSet::from(["/dev/sdf".to_owned()]),
        description: "A save".to_owned(),
        tags: Tags::from([("prism:save-id".to_owned(), "save-1".to_owned())]),
    }
}

#[tokio::test]
async fn a_dry_run_that_would_succeed_succeeds() {
    let aws = Aws::answering([
        Reply::ec2_error("DryRunOperation", "It would have succeeded"),
        Reply::ec2_error("DryRunOperation", "It would have succeeded"),
        Reply::ec2_error("UnauthorizedOperation", "You may not"),
    ]);
    let ec2 = ec2(&aws);
    let probe = Probe::CreateImage(new_image());
    ec2.probe(&region(), &probe).await.unwrap();
    aws.assert_asked(0, "Description", "A save");
    aws.assert_asked(0, "DryRun", "true");
    aws.assert_asked(0, "NoReboot", "true");
    ec2.probe(&region(), &Probe::Stop(instance_id()))
        .await
        .unwrap();
    let refused = ec2.probe(&region(), &Probe::Start(instance_id())).await;
    let refused = refused.unwrap_err();
    assert!(refused.is_unauthorized());
    assert_eq!(refused.action, "StartInstances");
}

#[tokio::test]
async fn an_image_is_made_without_a_reboot_and_tagged_with_its_snapshots() {
    let made = format!("<CreateImageResponse><imageId>{IMAGE}</imageId></CreateImageResponse>");
    let aws = Aws::answering([Reply::ok(made)]);
    let image = ec2(&aws)
        .create_image(&region(), &new_image())
        .await
        .unwrap();
    assert_eq!(image, image_id());
    insta::assert_snapshot!(aws.lines(0), @r#"
    Action = "CreateImage"
    TagSpecification.1.ResourceType = "image"
    TagSpecification.1.Tag.1.Key = "prism:save-id"
    TagSpecification.1.Tag.1.Value = "save-1"
    TagSpecification.2.ResourceType = "snapshot"
    TagSpecification.2.Tag.1.Key = "prism:save-id"
    TagSpecification.2.Tag.1.Value = "save-1"
    InstanceId = "i-0123456789abcdef0"
    Name = "save-1"
    Description = "A save"
    NoReboot = "true"
    BlockDeviceMapping.1.NoDevice = ""
    BlockDeviceMapping.1.DeviceName = "/dev/sdf"
    "#);
}

#[tokio::test]
async fn a_copy_is_asked_for_in_its_destination() {
    let made = format!("<CopyImageResponse><imageId>{IMAGE}</imageId></CopyImageResponse>");
    let aws = Aws::answering([Reply::ok(made)]);
    let copy = ImageCopy {
        source_region: "eu-central-1".parse().unwrap(),
        source_image: image_id(),
        name: "save-1".to_owned(),
        description: "A save".to_owned(),
        client_token: "token".to_owned(),
        kms_key: Some("arn:aws:kms:us-west-2:111122223333:key/1".to_owned()),
        tags: Tags::from([("prism:save-id".to_owned(), "save-1".to_owned())]),
    };
    ec2(&aws).copy_image(&region(), &copy).await.unwrap();
    assert!(aws.uri(0).contains("us-west-2"), "{}", aws.uri(0));
    insta::assert_snapshot!(aws.lines(0), @r#"
    Action = "CopyImage"
    ClientToken = "token"
    Description = "A save"
    Encrypted = "true"
    KmsKeyId = "arn:aws:kms:us-west-2:111122223333:key/1"
    Name = "save-1"
    SourceImageId = "ami-0123456789abcdef0"
    SourceRegion = "eu-central-1"
    TagSpecification.1.ResourceType = "image"
    TagSpecification.1.Tag.1.Key = "prism:save-id"
    TagSpecification.1.Tag.1.Value = "save-1"
    TagSpecification.2.ResourceType = "snapshot"
    TagSpecification.2.Tag.1.Key = "prism:save-id"
    TagSpecification.2.Tag.1.Value = "save-1"
    "#);
}

fn image_answer() -> Reply {
    Reply::ok(format!(
        "<DescribeImagesResponse><imagesSet><item><imageId>{IMAGE}</imageId><name>save-1</name>
            <imageOwnerId>111122223333</imageOwnerId><imageState>failed</imageState>
            <stateReason><code>Server.InternalError</code><message>why</message></stateReason>
            <architecture>arm64</architecture><rootDeviceName>/dev/xvda</rootDeviceName>
            <creationDate>2026-01-02T03:04:05.000Z</creationDate>
            <sourceInstanceId>{INSTANCE}</sourceInstanceId><blockDeviceMapping>
            <item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8</volumeSize></ebs></item>
            <item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item>
            </blockDeviceMapping></item></imagesSet></DescribeImagesResponse>"
    ))
}

#[tokio::test]
async fn an_image_is_read_even_before_it_has_its_snapshots() {
    let aws = Aws::answering([image_answer()]);
    let own = ImageFilter::OwnName("save-1".to_owned());
    let image = ec2(&aws).images(&region(), &own).await.unwrap().remove(0);
    assert_eq!(image.state, ImageState::Failed);
    assert_eq!(image.state_reason.unwrap().message, "why");
    assert_eq!(image.source_instance, Some(instance_id()));
    assert_eq!(image.architecture, Architecture::Arm64);
    assert_eq!(image.volumes.len(), 1);
    assert_eq!(
        (&image.volumes[0].snapshot, image.volumes[0].size_gib),
        (&None, 8)
    );
    aws.assert_asked(0, "Owner.1", "self");
}

#[tokio::test]
async fn a_snapshot_is_read_with_its_progress() {
    let answer = "<DescribeSnapshotsResponse><snapshotSet><item>
        <snapshotId>snap-0123456789abcdef0</snapshotId><volumeId>vol-0123456789abcdef0</volumeId>
        <status>pending</status><progress>42%</progress><volumeSize>100</volumeSize>
        <startTime>2026-01-02T03:04:05.678Z</startTime><fullSnapshotSizeInBytes>0</fullSnapshotSizeInBytes>
        </item></snapshotSet></DescribeSnapshotsResponse>";
    let aws = Aws::answering([Reply::ok(answer)]);
    let tag = SnapshotFilter::Tag("prism:save-id".to_owned(), "save-1".to_owned());
    let found = ec2(&aws)
        .snapshots(&region(), &tag)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(found.state, SnapshotState::Pending);
    assert_eq!((found.progress_percent, found.full_size_bytes), (42, None));
    assert_eq!(found.started_at.timestamp_subsec_millis(), 678);
}

#[tokio::test]
async fn a_key_is_asked_about_once() {
    let volume = |id: &str, key: &str| {
        format!(
            "<item><volumeId>{id}</volumeId><size>8</size><encrypted>true</encrypted><kmsKeyId>{key}</kmsKeyId></item>"
        )
    };
    let answer = format!(
        "<DescribeVolumesResponse><volumeSet>{}{}{}</volumeSet></DescribeVolumesResponse>",
        volume("vol-00000001", "arn:aws:kms:us-west-2:111122223333:key/a"),
        volume("vol-00000002", "arn:aws:kms:us-west-2:111122223333:key/a"),
        "<item><volumeId>vol-00000003</volumeId><size>8</size><encrypted>false</encrypted></item>"
    );
    let key = serde_json::json!({"KeyMetadata": {"KeyId": "a", "KeyManager": "AWS"}});
    let aws = Aws::answering([Reply::ok(answer), Reply::found(key)]);
    let ids = ["vol-00000001", "vol-00000002", "vol-00000003"].map(|id| id.parse().unwrap());
    let volumes = ec2(&aws).volumes(&region(), &ids).await.unwrap();
    let encryptions: Vec<_> = volumes
        .into_iter()
        .map(|volume| volume.encryption)
        .collect();
    let managed = || Encryption::AwsManagedKey;
    assert_eq!(encryptions, [managed(), managed(), Encryption::None]);
    assert_eq!(aws.calls(), 2);
}

#[tokio::test]
async fn a_grant_that_the_keys_own_policy_refuses_is_told_apart() {
    let refused = |code: &str, message: &str| {
        let body = serde_json::json!({ "__type": code, "message": message });
        Reply::json(400, body)
    };
    let aws = Aws::answering([
        refused("DryRunOperationException", "It would have succeeded"),
        refused(
            "AccessDeniedException",
            "no resource-based policy allows it",
        ),
        refused(
            "AccessDeniedException",
            "no identity-based policy allows it",
        ),
    ]);
    let ec2 = ec2(&aws);
    let probe = Probe::Grant("arn:aws:kms:us-west-2:111122223333:key/a".to_owned());
    ec2.probe(&region(), &probe).await.unwrap();
    for code in [Ec2Error::KEY_POLICY, "AccessDeniedException"] {
        let error = ec2.probe(&region(), &probe).await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.action.as_str()),
            (code, "kms:CreateGrant")
        );
    }
}

#[tokio::test]
async fn launch_permissions_are_added_and_read() {
    let told = "<DescribeImageAttributeResponse><launchPermission><item><group>all</group></item>
        <item><userId>111122223333</userId></item><item><organizationalUnitArn>arn:aws:organizations::1:ou/o-a/ou-b</organizationalUnitArn></item>
        </launchPermission></DescribeImageAttributeResponse>";
    let done = "<ModifyImageAttributeResponse><return>true</return></ModifyImageAttributeResponse>";
    let aws = Aws::answering([Reply::ok(told), Reply::ok(done)]);
    let ec2 = ec2(&aws);
    let permissions = ec2
        .launch_permissions(&region(), &image_id())
        .await
        .unwrap();
    assert_eq!(permissions.len(), 3);
    ec2.add_launch_permissions(&region(), &image_id(), &permissions)
        .await
        .unwrap();
    insta::assert_snapshot!(aws.lines(1), @r#"
    Action = "ModifyImageAttribute"
    ImageId = "ami-0123456789abcdef0"
    LaunchPermission.Add.1.Group = "all"
    LaunchPermission.Add.2.UserId = "111122223333"
    LaunchPermission.Add.3.OrganizationalUnitArn = "arn:aws:organizations::1:ou/o-a/ou-b"
    "#);
}

#[tokio::test]
async fn small_questions_have_small_answers() {
    let attribute = "<DescribeInstanceAttributeResponse><disableApiStop><value>true</value></disableApiStop></DescribeInstanceAttributeResponse>";
    let status = |state: &str, check: &str| {
        Reply::ok(format!(
            "<DescribeInstanceStatusResponse><instanceStatusSet><item>
                <instanceState><name>{state}</name></instanceState>
                <systemStatus><status>ok</status></systemStatus>
                <instanceStatus><status>{check}</status></instanceStatus>
                </item></instanceStatusSet></DescribeInstanceStatusResponse>"
        ))
    };
    let kind = "<DescribeInstanceTypesResponse><instanceTypeSet><item><processorInfo><supportedArchitectures>
        <item>i386</item><item>x86_64</item></supportedArchitectures></processorInfo>
        <instanceStorageInfo><totalSizeInGB>475</totalSizeInGB></instanceStorageInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>";
    let blocked = |state: &str| {
        Reply::ok(format!(
            "<GetImageBlockPublicAccessStateResponse><imageBlockPublicAccessState>{state}</imageBlockPublicAccessState></GetImageBlockPublicAccessStateResponse>"
        ))
    };
    let aws = Aws::answering([
        Reply::ok(attribute),
        status("running", "ok"),
        status("running", "impaired"),
        status("running", "insufficient-data"),
        status("stopped", "not-applicable"),
        Reply::ok(kind),
        blocked("block-new-sharing"),
        blocked("unblocked"),
        Reply::ok(
            "<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item></regionInfo></DescribeRegionsResponse>",
        ),
    ]);
    let ec2 = ec2(&aws);
    let (region, id) = (region(), instance_id());
    assert!(ec2.stop_protection(&region, &id).await.unwrap());
    for expected in [
        StatusChecks::Ok,
        StatusChecks::Impaired,
        StatusChecks::Initializing,
        StatusChecks::NotApplicable,
    ] {
        assert_eq!(ec2.status_checks(&region, &id).await.unwrap(), expected);
    }
    let kind = ec2.instance_type(&region, "m5d.large").await.unwrap();
    assert_eq!(kind.architectures, [Architecture::X86_64]);
    assert_eq!(kind.instance_store_gb, 475);
    assert!(ec2.public_images_blocked(&region).await.unwrap());
    assert!(!ec2.public_images_blocked(&region).await.unwrap());
    let regions = ec2.regions().await.unwrap();
    assert_eq!(regions.len(), 1);
    // The enabled Regions are a property of the account, so the request goes to the home Region.
    assert!(aws.uri(8).contains("us-east-1"), "{}", aws.uri(8));
}
