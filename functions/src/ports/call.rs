//! The port methods for which permissions are checked, each with the IAM actions that it needs on AWS. Steps and
//! handlers declare the calls they make. `tests/tests/calls.rs` checks the declarations against the actual calls, and
//! `tests/tests/permissions.rs` checks the policies of `infra/template.yaml` against both.

macro_rules! calls {
    ($($(#[doc = $means:literal])+ $name:ident: $($action:literal)*;)*) => {
        /// A call of a port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Call {
            $($(#[doc = $means])+ $name,)*
        }

        impl Call {
            /// All calls.
            pub const ALL: &'static [Call] = &[$(Call::$name,)*];

            /// The IAM actions that it needs.
            pub fn actions(self) -> &'static [&'static str] {
                match self { $(Call::$name => &[$($action,)*],)* }
            }
        }
    };
}

calls! {
    /// `Ec2::regions`.
    Regions: "ec2:DescribeRegions";
    /// `Ec2::instances`.
    Instances: "ec2:DescribeInstances";
    /// `Ec2::stop_protection`.
    StopProtection: "ec2:DescribeInstanceAttribute";
    /// `Ec2::status_checks`.
    StatusChecks: "ec2:DescribeInstanceStatus";
    /// `Ec2::volumes`, which looks up whether AWS or the customer manages a volume's key.
    Volumes: "ec2:DescribeVolumes" "kms:DescribeKey";
    /// `Ec2::key_state`.
    KeyState: "kms:DescribeKey";
    /// `Ec2::instance_type`.
    InstanceType: "ec2:DescribeInstanceTypes";
    /// `Ec2::reservation`.
    Reservation: "ec2:DescribeCapacityReservations";
    /// `Ec2::fleet_maintains`.
    Fleet: "ec2:DescribeFleets";
    /// `Ec2::public_images_blocked`.
    PublicImagesBlocked: "ec2:GetImageBlockPublicAccessState";
    /// `Ec2::ebs_defaults`, which looks up whether AWS or the customer manages the default key.
    EbsDefaults: "ec2:GetEbsEncryptionByDefault" "ec2:GetEbsDefaultKmsKeyId" "kms:DescribeKey";
    /// `Ec2::probe` of a stop. A DryRun needs the same permissions as the call itself.
    ProbeStop: "ec2:StopInstances";
    /// `Ec2::probe` of a start. It does not check permissions for keys.
    ProbeStart: "ec2:StartInstances";
    /// `Ec2::probe` of an image.
    ProbeCreateImage: "ec2:CreateImage" "ec2:CreateTags";
    /// `Ec2::probe` of a grant. KMS checks it as a CreateGrant call by the caller.
    ProbeGrant: "kms:CreateGrant";
    /// `Ec2::stop_instance`.
    StopInstance: "ec2:StopInstances";
    /// `Ec2::start_instance`. EBS attaches a volume that is encrypted with a customer managed key by using a grant
    /// from the caller.
    StartInstance: "ec2:StartInstances" "kms:CreateGrant" "kms:Decrypt";
    /// `Ec2::terminate_instance`.
    TerminateInstance: "ec2:TerminateInstances";
    /// `Ec2::run_instance`, including the security group for its ports and the size of its root volume.
    RunInstance: "ec2:RunInstances" "ec2:CreateTags" "ec2:DescribeImages" "ec2:DescribeVpcs"
        "ec2:DescribeSubnets" "ec2:DescribeSecurityGroups" "ec2:CreateSecurityGroup" "ec2:AuthorizeSecurityGroupIngress"
        "kms:CreateGrant" "kms:Decrypt" "kms:DescribeKey" "kms:GenerateDataKeyWithoutPlaintext"
        "kms:ReEncryptFrom" "kms:ReEncryptTo";
    /// `Ec2::create_image`.
    CreateImage: "ec2:CreateImage" "ec2:CreateTags";
    /// `Ec2::images`.
    Images: "ec2:DescribeImages";
    /// `Ec2::launch_templates_of`. EC2 reads the launch templates with the caller's permissions.
    LaunchTemplates: "ec2:DescribeImageReferences" "ec2:DescribeLaunchTemplates"
        "ec2:DescribeLaunchTemplateVersions";
    /// `Ec2::snapshots`.
    Snapshots: "ec2:DescribeSnapshots";
    /// `Ec2::snapshot_keys`.
    SnapshotKeys: "ec2:DescribeSnapshots" "kms:DescribeKey";
    /// `Ec2::copy_image`. The copy of an encrypted AMI is encrypted again.
    CopyImage: "ec2:CopyImage" "ec2:CreateTags" "kms:CreateGrant" "kms:Decrypt" "kms:DescribeKey"
        "kms:GenerateDataKeyWithoutPlaintext" "kms:ReEncryptFrom" "kms:ReEncryptTo";
    /// `Ec2::deregister_image`.
    DeregisterImage: "ec2:DeregisterImage";
    /// `Ec2::delete_snapshot`.
    DeleteSnapshot: "ec2:DeleteSnapshot";
    /// `Ec2::add_launch_permissions`.
    AddLaunchPermissions: "ec2:ModifyImageAttribute";
    /// `Ec2::remove_launch_permissions`.
    RemoveLaunchPermissions: "ec2:ModifyImageAttribute";
    /// `Ec2::launch_permissions`.
    LaunchPermissions: "ec2:DescribeImageAttribute";

    /// `Table::get`.
    Get: "dynamodb:GetItem";
    /// `Table::query` of the table itself.
    Query: "dynamodb:Query";
    /// `Table::query` of the first index.
    QueryGsi1: "dynamodb:Query";
    /// `Table::query` of the second index.
    QueryGsi2: "dynamodb:Query";
    /// `Write::Put` in a transaction, which needs the actions of its parts.
    Put: "dynamodb:PutItem";
    /// `Write::Update` in a transaction.
    Update: "dynamodb:UpdateItem";
    /// `Write::Delete` in a transaction.
    Delete: "dynamodb:DeleteItem";
    /// `Write::Check` in a transaction.
    Check: "dynamodb:ConditionCheckItem";

    /// `Notifier::notify` for a notice that is not an alarm.
    Notice: "events:PutEvents";
    /// `Notifier::notify` for an alarm, which is also sent to an encrypted topic.
    Alarm: "events:PutEvents" "sns:Publish" "kms:Decrypt" "kms:GenerateDataKey";

    /// `Executions::start`.
    StartExecution: "states:StartExecution";
    /// `Executions::describe`.
    DescribeExecution: "states:DescribeExecution";
    /// `Executions::wake`.
    EndWait: "states:SendTaskSuccess";
    /// `Executions::stop`.
    StopExecution: "states:StopExecution";

    /// `Schedules::put`, which passes a role to the scheduler.
    PutSchedule: "scheduler:CreateSchedule" "scheduler:UpdateSchedule" "iam:PassRole";
    /// `Schedules::delete` and `Schedules::remove`.
    DeleteSchedule: "scheduler:DeleteSchedule";
    /// `Schedules::firing`, which `prism doctor` calls with the permissions of the user who runs it.
    ListSchedules: "scheduler:ListSchedules" "scheduler:GetSchedule";

    /// `Parameters::image`.
    PublicParameter: "ssm:GetParameter";
    /// `Inspect::packages`.
    Packages: "ssm:ListInventoryEntries";
}
