//! The port methods for which permissions are checked, each with the IAM actions that it needs on AWS, and the
//! statements of a policy that allow them. Steps and handlers declare the calls they make, from which the policies of
//! `infra/template.yaml` are generated. `tests/tests/calls.rs` checks the declarations against the actual calls.

macro_rules! calls {
    ($($(#[doc = $means:literal])* $name:ident: $($statement:ident $($action:literal)+),+;)*) => {
        /// A call of a port. Without a comment, it is the method of `Ec2` with the same name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Call {
            $($(#[doc = $means])* $name,)*
        }

        impl Call {
            pub const ALL: &'static [Call] = &[$(Call::$name,)*];

            /// The IAM actions that it needs.
            pub fn actions(self) -> &'static [&'static str] {
                match self { $(Call::$name => &[$($($action,)+)+],)* }
            }

            /// The same actions, each with the name of the statement that allows it (`infra/parts/statements.yaml`).
            pub fn statements(self) -> &'static [(&'static str, &'static str)] {
                match self { $(Call::$name => &[$($((stringify!($statement), $action),)+)+],)* }
            }
        }
    };
}

calls! {
    Regions: Look "ec2:DescribeRegions";
    Instances: Look "ec2:DescribeInstances";
    StopProtection: LookAtProtection "ec2:DescribeInstanceAttribute";
    StatusChecks: Look "ec2:DescribeInstanceStatus";
    Console: OwnInstances "ec2:GetConsoleOutput";
    /// `Ec2::volumes`, which looks up whether AWS or the customer manages a volume's key.
    Volumes: Look "ec2:DescribeVolumes", LookAtKeys "kms:DescribeKey";
    UnusedVolumes: Look "ec2:DescribeVolumes";
    KeyState: LookAtKeys "kms:DescribeKey";
    InstanceType: Look "ec2:DescribeInstanceTypes";
    /// `Ec2::zones_offering`.
    ZonesOffering: Look "ec2:DescribeInstanceTypeOfferings";
    Subnets: Look "ec2:DescribeSubnets";
    Reservation: Look "ec2:DescribeCapacityReservations";
    /// `Ec2::fleet_maintains`.
    Fleet: Look "ec2:DescribeFleets";
    PublicImagesBlocked: LookAtDefaults "ec2:GetImageBlockPublicAccessState";
    /// `Ec2::ebs_defaults`, which looks up whether AWS or the customer manages the default key.
    EbsDefaults:
        LookAtDefaults "ec2:GetEbsEncryptionByDefault" "ec2:GetEbsDefaultKmsKeyId",
        LookAtKeys "kms:DescribeKey";
    /// `Ec2::probe` of a stop. A DryRun needs the same permissions as the call itself.
    ProbeStop: OwnInstances "ec2:StopInstances";
    /// `Ec2::probe` of a start. It does not check permissions for keys.
    ProbeStart: OwnInstances "ec2:StartInstances";
    /// `Ec2::probe` of an image.
    ProbeCreateImage:
        OwnInstances "ec2:CreateImage", MakeImage "ec2:CreateImage", TagImage "ec2:CreateTags";
    /// `Ec2::probe` of a grant. KMS checks it as a CreateGrant call by the caller.
    ProbeGrant: AskForGrant "kms:CreateGrant";
    StopInstance: OwnInstances "ec2:StopInstances";
    /// `Ec2::start_instance`. EBS attaches a volume that is encrypted with a customer managed key by using a grant
    /// from the caller.
    StartInstance: OwnInstances "ec2:StartInstances", GrantForStart "kms:CreateGrant", StartWithKeys "kms:Decrypt";
    RenameInstance: NameInstances "ec2:CreateTags";
    ResizeInstance: OwnInstances "ec2:ModifyInstanceAttribute";
    TerminateInstance: OwnInstances "ec2:TerminateInstances";
    /// `Ec2::run_instance`, including the security group for its ports and the role of its instance profile.
    RunInstance:
        Launch "ec2:RunInstances", LaunchWith "ec2:RunInstances",
        LaunchIntoGroup "ec2:RunInstances", LaunchIntoSubnet "ec2:RunInstances", TagLaunched "ec2:CreateTags",
        Look "ec2:DescribeSecurityGroups",
        MakeGroup "ec2:CreateSecurityGroup", MakeGroupIn "ec2:CreateSecurityGroup",
        OpenPorts "ec2:AuthorizeSecurityGroupIngress", LendInstanceRole "iam:PassRole", GrantKeys "kms:CreateGrant",
        UseKeys "kms:Decrypt" "kms:DescribeKey" "kms:GenerateDataKeyWithoutPlaintext" "kms:ReEncryptFrom" "kms:ReEncryptTo";
    CreateImage: OwnInstances "ec2:CreateImage", MakeImage "ec2:CreateImage", TagImage "ec2:CreateTags";
    Images: Look "ec2:DescribeImages";
    /// `Ec2::launch_templates_of`. EC2 reads the launch templates with the caller's permissions.
    LaunchTemplates:
        Look "ec2:DescribeImageReferences",
        LookAtLaunchTemplates "ec2:DescribeLaunchTemplates" "ec2:DescribeLaunchTemplateVersions";
    Snapshots: Look "ec2:DescribeSnapshots";
    SnapshotKeys: Look "ec2:DescribeSnapshots", LookAtKeys "kms:DescribeKey";
    /// `Ec2::copy_image`. The copy of an encrypted AMI is encrypted again.
    CopyImage:
        CopyFrom "ec2:CopyImage", MakeCopy "ec2:CopyImage", TagCopy "ec2:CreateTags", GrantKeys "kms:CreateGrant",
        UseKeys "kms:Decrypt" "kms:DescribeKey" "kms:GenerateDataKeyWithoutPlaintext" "kms:ReEncryptFrom" "kms:ReEncryptTo";
    DeregisterImage: OwnImages "ec2:DeregisterImage";
    DeleteSnapshot: OwnSnapshots "ec2:DeleteSnapshot";
    AddLaunchPermissions: OwnImages "ec2:ModifyImageAttribute";
    RemoveLaunchPermissions: OwnImages "ec2:ModifyImageAttribute";
    LaunchPermissions: LookAtPermissions "ec2:DescribeImageAttribute";
    ShareSnapshot: OwnSnapshots "ec2:ModifySnapshotAttribute";
    UnshareSnapshot: OwnSnapshots "ec2:ModifySnapshotAttribute";
    SnapshotShares: LookAtShares "ec2:DescribeSnapshotAttribute";

    /// `Table::get`.
    Get: Registry "dynamodb:GetItem";
    /// `Table::query` of the table itself.
    Query: Registry "dynamodb:Query";
    /// `Table::query` of the first index.
    QueryGsi1: Index1 "dynamodb:Query";
    /// `Table::query` of the second index.
    QueryGsi2: Index2 "dynamodb:Query";
    /// `Write::Put` in a transaction, which needs the actions of its parts.
    Put: Registry "dynamodb:PutItem";
    /// `Write::Update` in a transaction.
    Update: Registry "dynamodb:UpdateItem";
    /// `Write::Delete` in a transaction.
    Delete: Registry "dynamodb:DeleteItem";
    /// `Write::Check` in a transaction.
    Check: Registry "dynamodb:ConditionCheckItem";

    /// `Notifier::notify` for a notice that is not an alarm.
    Notice: Notices "events:PutEvents";
    /// `Notifier::notify` for an alarm, which is also sent to an encrypted topic.
    Alarm: Notices "events:PutEvents", Alarms "sns:Publish", AlarmKey "kms:Decrypt" "kms:GenerateDataKey";

    /// `Mailer::send`.
    SendEmail: SendMail "ses:SendEmail";

    /// `Executions::start`.
    StartExecution: StartExecutions "states:StartExecution";
    /// `Executions::describe`.
    DescribeExecution: LookAtExecutions "states:DescribeExecution";
    /// `Executions::wake`.
    EndWait: EndWaits "states:SendTaskSuccess";
    /// `Executions::stop`.
    StopExecution: StopExecutions "states:StopExecution";

    /// `Schedules::put`, which passes a role to the scheduler.
    PutSchedule:
        Schedules "scheduler:CreateSchedule" "scheduler:UpdateSchedule", LendScheduleRole "iam:PassRole";
    /// `Schedules::delete` and `Schedules::remove`.
    DeleteSchedule: Schedules "scheduler:DeleteSchedule";
    /// `Schedules::firing`, which `prism doctor` calls with the permissions of the user who runs it.
    ListSchedules: LookAtSchedules "scheduler:ListSchedules" "scheduler:GetSchedule";

    /// `Parameters::image`.
    PublicParameter: PublicImages "ssm:GetParameter";
    /// `Sessions::start`.
    StartSession: OpenSessions "ssm:StartSession", SessionDocuments "ssm:StartSession";
    /// `Inspect::packages`.
    Packages: LookAtPackages "ssm:ListInventoryEntries";
}
