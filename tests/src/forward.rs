//! The calls of EC2, for ports that do something about each of them and pass it on.

/// Implements `Ec2` by a macro, which is given each method: the receiver, the call, the action as EC2 calls it, and the
/// method with its arguments. A probe has the action `DryRun`, because its real one depends on its argument.
macro_rules! forward_ec2 {
    ($port:ty, $each:ident) => {
        forward_ec2! { @impl $port, $each,
            regions() -> Vec<Region> = Regions "DescribeRegions";
            instances(region: Region, filter: InstanceFilter) -> Vec<Instance> = Instances "DescribeInstances";
            stop_protection(region: Region, id: InstanceId) -> bool = StopProtection "DescribeInstanceAttribute";
            status_checks(region: Region, id: InstanceId) -> StatusChecks = StatusChecks "DescribeInstanceStatus";
            console(region: Region, id: InstanceId) -> String = Console "GetConsoleOutput";
            volumes(region: Region, ids: [VolumeId]) -> Vec<Volume> = Volumes "DescribeVolumes";
            unused_volumes(region: Region, tag: str) -> Vec<UnusedVolume> = UnusedVolumes "DescribeVolumes";
            key_state(region: Region, key: str) -> Option<KeyState> = KeyState "kms:DescribeKey";
            instance_type(region: Region, name: str) -> InstanceType = InstanceType "DescribeInstanceTypes";
            zones_offering(region: Region, instance_type: str) -> BTreeSet<String>
                = ZonesOffering "DescribeInstanceTypeOfferings";
            subnets(region: Region, filter: SubnetFilter) -> Vec<Subnet> = Subnets "DescribeSubnets";
            reservation(region: Region, id: str) -> Reservation = Reservation "DescribeCapacityReservations";
            fleet_maintains(region: Region, id: str) -> bool = Fleet "DescribeFleets";
            public_images_blocked(region: Region) -> bool = PublicImagesBlocked "GetImageBlockPublicAccessState";
            ebs_defaults(region: Region) -> EbsDefaults = EbsDefaults "GetEbsEncryptionByDefault";
            probe(region: Region, probe: Probe) -> () = ProbeStop "DryRun";
            stop_instance(region: Region, id: InstanceId) -> () = StopInstance "StopInstances";
            start_instance(region: Region, id: InstanceId) -> () = StartInstance "StartInstances";
            rename_instance(region: Region, id: InstanceId, name: str) -> () = RenameInstance "CreateTags";
            resize_instance(region: Region, id: InstanceId, instance_type: str) -> () = ResizeInstance "ModifyInstanceAttribute";
            terminate_instance(region: Region, id: InstanceId) -> () = TerminateInstance "TerminateInstances";
            run_instance(region: Region, new: NewInstance) -> Instance = RunInstance "RunInstances";
            create_image(region: Region, new: NewImage) -> ImageId = CreateImage "CreateImage";
            images(region: Region, filter: ImageFilter) -> Vec<Image> = Images "DescribeImages";
            launch_templates_of(region: Region, ids: [ImageId])
                -> BTreeMap<ImageId, BTreeSet<LaunchTemplateId>> = LaunchTemplates "DescribeImageReferences";
            snapshots(region: Region, filter: SnapshotFilter) -> Vec<Snapshot> = Snapshots "DescribeSnapshots";
            snapshot_keys(region: Region, ids: [SnapshotId])
                -> BTreeMap<SnapshotId, Encryption> = SnapshotKeys "DescribeSnapshots";
            copy_image(region: Region, copy: ImageCopy) -> ImageId = CopyImage "CopyImage";
            deregister_image(region: Region, id: ImageId) -> () = DeregisterImage "DeregisterImage";
            delete_snapshot(region: Region, id: SnapshotId) -> () = DeleteSnapshot "DeleteSnapshot";
            add_launch_permissions(region: Region, id: ImageId, permissions: [LaunchPermission])
                -> () = AddLaunchPermissions "ModifyImageAttribute";
            remove_launch_permissions(region: Region, id: ImageId, permissions: [LaunchPermission])
                -> () = RemoveLaunchPermissions "ModifyImageAttribute";
            launch_permissions(region: Region, id: ImageId)
                -> Vec<LaunchPermission> = LaunchPermissions "DescribeImageAttribute";
            share_snapshot(region: Region, id: SnapshotId, account: AccountId) -> () = ShareSnapshot "ModifySnapshotAttribute";
            unshare_snapshot(region: Region, id: SnapshotId, account: AccountId) -> () = UnshareSnapshot "ModifySnapshotAttribute";
            snapshot_shares(region: Region, id: SnapshotId) -> Vec<AccountId> = SnapshotShares "DescribeSnapshotAttribute";
        }
    };
    (@impl $port:ty, $each:ident, $(
        $method:ident($($arg:ident: $type:ty),*) -> $result:ty = $call:ident $action:literal;
    )*) => {
        const _: () = {
            use std::collections::{BTreeMap, BTreeSet};

            use prism_functions::domain::ec2::{LaunchPermission, StatusChecks};
            use prism_functions::domain::{
                AccountId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId,
            };
            use prism_functions::ports::{
                EbsDefaults, Ec2, Ec2Error, Encryption, Image, ImageCopy, ImageFilter, Instance, InstanceFilter,
                InstanceType, KeyState, NewImage, NewInstance, Probe, Reservation, Snapshot, SnapshotFilter, Subnet,
                SubnetFilter, UnusedVolume, Volume,
            };

            #[async_trait::async_trait]
            impl Ec2 for $port {
                $(async fn $method(&self, $($arg: &$type),*) -> Result<$result, Ec2Error> {
                    $each!(self, prism_functions::ports::Call::$call, $action, $method($($arg),*))
                })*
            }
        };
    };
}
pub(crate) use forward_ec2;
