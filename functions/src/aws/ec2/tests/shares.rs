//! The accounts that snapshots are shared with.

use super::*;

#[tokio::test]
async fn a_snapshot_is_shared_with_an_account_and_its_shares_are_read() {
    let told = "<DescribeSnapshotAttributeResponse><createVolumePermission>
        <item><userId>444455556666</userId></item><item><group>all</group></item>
        </createVolumePermission></DescribeSnapshotAttributeResponse>";
    let aws = Aws::answering([
        Reply::ok("<ModifySnapshotAttributeResponse/>"),
        Reply::ok("<ModifySnapshotAttributeResponse/>"),
        Reply::ok(told),
    ]);
    let ec2 = ec2(&aws);
    let id = "snap-0123456789abcdef0".parse().unwrap();
    let account = "444455556666".parse().unwrap();
    let region = region();
    ec2.share_snapshot(&region, &id, &account).await.unwrap();
    ec2.unshare_snapshot(&region, &id, &account).await.unwrap();
    let shares = ec2.snapshot_shares(&region, &id).await.unwrap();
    assert_eq!(shares, [account]);
    for (call, operation) in [(0, "add"), (1, "remove")] {
        aws.assert_asked(call, "Attribute", "createVolumePermission");
        aws.assert_asked(call, "OperationType", operation);
        aws.assert_asked(call, "SnapshotId", id.as_str());
        aws.assert_asked(call, "UserId.1", "444455556666");
    }
    aws.assert_asked(2, "Attribute", "createVolumePermission");
}
