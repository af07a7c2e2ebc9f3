//! KMS keys, and the default encryption of a Region.

use prism_functions::ports::{Encryption, KeyState};

use super::{Bench, account, told};
use crate::ec2::KeyPolicy;

#[test]
fn kms_returns_who_manages_a_key() {
    let bench = Bench::new();
    let id = bench.instance("");
    let volume = bench.one(
        &format!("DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1={id}"),
        "volumeId",
    );
    let key = "arn:aws:kms:us-east-1:111111111111:key/aaaaaaaa-0000-4000-8000-000000000000";
    for (encryption, manager) in [
        (Encryption::AwsManagedKey, "AWS"),
        (Encryption::CustomerKey(key.to_owned()), "CUSTOMER"),
    ] {
        let admin = bench.cloud.admin(account());
        admin
            .set_encryption(&volume.parse().unwrap(), encryption)
            .unwrap();
        let body = bench.ask(&format!("DescribeVolumes&VolumeId.1={volume}"));
        assert_eq!(told(&body, "encrypted"), ["true"]);
        let told = told(&body, "kmsKeyId").remove(0);
        let asked = format!("{{\"KeyId\":\"{told}\"}}");
        let (status, body) = bench.json("kms", "TrentService.DescribeKey", &asked);
        assert_eq!(status, 200, "{body}");
        assert!(
            body.contains(&format!("\"KeyManager\":\"{manager}\"")),
            "{body}"
        );
    }
}

#[test]
fn kms_returns_a_keys_state_and_whether_it_allows_a_grant() {
    let bench = Bench::new();
    let id = bench.instance("");
    let body = bench.ask(&format!(
        "DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1={id}"
    ));
    let volume = told(&body, "volumeId").remove(0).parse().unwrap();
    let key = "arn:aws:kms:us-east-1:111111111111:key/aaaaaaaa-0000-4000-8000-000000000000";
    let admin = bench.cloud.admin(account());
    let encryption = Encryption::CustomerKey(key.to_owned());
    admin.set_encryption(&volume, encryption).unwrap();
    let state = || {
        let asked = format!("{{\"KeyId\":\"{key}\"}}");
        let (_, body) = bench.json("kms", "TrentService.DescribeKey", &asked);
        body
    };
    let grant = || {
        let asked = format!(
            "{{\"KeyId\":\"{key}\",\"GranteePrincipal\":\"arn:aws:iam::111111111111:root\",\"Operations\":[\"DescribeKey\"],\"DryRun\":true}}"
        );
        bench.json("kms", "TrentService.CreateGrant", &asked)
    };
    assert!(state().contains("\"KeyState\":\"Enabled\""));
    let (status, body) = grant();
    assert_eq!(status, 412);
    assert!(body.contains("DryRunOperationException"), "{body}");
    admin.set_key_state(key, KeyState::PendingDeletion).unwrap();
    assert!(state().contains("\"KeyState\":\"PendingDeletion\""));
    assert!(grant().1.contains("KMSInvalidStateException"));
    admin.set_key_policy(key, KeyPolicy::Nobody).unwrap();
    assert!(state().contains("no resource-based policy"));
    assert!(grant().1.contains("AccessDeniedException"));
}

/// The keys of an image's snapshots.
fn snapshot_keys(bench: &Bench, image: &str) -> Vec<String> {
    bench.forward(3600);
    let ids = told(
        &bench.ask(&format!("DescribeImages&ImageId.1={image}")),
        "snapshotId",
    );
    let asked = format!("DescribeSnapshots&SnapshotId.1={}", ids[0]);
    told(&bench.ask(&asked), "kmsKeyId")
}

#[test]
fn launches_and_copies_are_encrypted_with_the_key_of_the_request() {
    let bench = Bench::new();
    let key = "arn:aws:kms:us-east-1:111111111111:key/c";
    let encrypted = format!("Encrypted=true&KmsKeyId={key}");
    let ebs = format!(
        "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true\
         &BlockDeviceMapping.1.Ebs.KmsKeyId={key}"
    );
    let instance = bench.instance(&ebs);
    let volumes = bench.ask("DescribeVolumes");
    assert_eq!(told(&volumes, "kmsKeyId"), [key], "{instance}");

    let plain = bench.instance("");
    bench.forward(300);
    let image = bench.one(
        &format!("CreateImage&InstanceId={plain}&Name=plain&NoReboot=true"),
        "imageId",
    );
    bench.forward(3600);
    let copy = |name: &str, how: &str| {
        format!("CopyImage&SourceRegion=us-east-1&SourceImageId={image}&Name={name}&{how}")
    };
    let copied = bench.one(&copy("one", &encrypted), "imageId");
    assert_eq!(snapshot_keys(&bench, &copied), [key]);
    let flag = "InvalidParameterDependency";
    bench.assert_refused(&copy("two", &format!("KmsKeyId={key}")), flag);
    bench.assert_refused(&copy("two", "Encrypted=true"), "InvalidParameterValue");
}

#[test]
fn a_region_returns_its_default_encryption() {
    let bench = Bench::new();
    let asked = |action: &str, field: &str| told(&bench.ask(action), field);
    assert_eq!(
        asked("GetEbsEncryptionByDefault", "ebsEncryptionByDefault"),
        ["false"]
    );
    assert_eq!(
        asked("GetEbsDefaultKmsKeyId", "kmsKeyId"),
        ["alias/aws/ebs"]
    );
    let key = "arn:aws:kms:us-east-1:111111111111:key/b";
    let region = "us-east-1".parse().unwrap();
    let admin = bench.cloud.admin(account());
    admin.set_ebs_defaults(&region, true, Some(key)).unwrap();
    assert_eq!(
        asked("GetEbsEncryptionByDefault", "ebsEncryptionByDefault"),
        ["true"]
    );
    assert_eq!(asked("GetEbsDefaultKmsKeyId", "kmsKeyId"), [key]);
}
