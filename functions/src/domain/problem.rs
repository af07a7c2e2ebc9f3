//! The errors that Prism reports, with stable codes. `docs/errors.md` is generated from this table.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::sensitive::ShownFile;

/// The category of an error code. It determines the exit code and whether an operation is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request is malformed. Nothing was read or changed.
    BadInput,
    /// The request cannot be fulfilled in the current state. Nothing was changed.
    Refused,
    /// The operation failed after it had begun. Its changes were rolled back.
    Failed,
    /// The error may be temporary, and the operation is retried.
    Transient,
}

macro_rules! codes {
    ($($name:ident, $class:ident, $means:literal, $todo:literal;)*) => {
        /// A stable error code. Step Functions definitions match on it, so a code never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $means] $name,)*
        }

        impl Code {
            /// All codes, in the order in which they are documented.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it appears in Step Functions, the API and the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }

            /// The category of the code.
            pub fn class(self) -> Class {
                match self { $(Code::$name => Class::$class,)* }
            }

            /// The meaning of the code, in one sentence.
            pub fn means(self) -> &'static str {
                match self { $(Code::$name => $means,)* }
            }

            /// What to do about the error, unless the problem itself has a more specific hint.
            pub fn todo(self) -> &'static str {
                match self { $(Code::$name => $todo,)* }
            }
        }
    };
}

codes! {
    InvalidName, BadInput, "A name or an ID is not valid.", "Use a name that follows the rule in the message.";
    InvalidDescription, BadInput, "A description or note is too long or has control characters.", "Use ordinary text within the limit that the message names.";
    InvalidTag, BadInput, "A tag is malformed or uses a reserved prefix.", "Use KEY=VALUE with at most 128 and 256 characters; keys may not start with \"aws:\" or \"prism:\".";
    InvalidRegion, BadInput, "A Region is malformed, unknown or not enabled for the account, or there are too many Regions.", "Use at most 10 Regions that are enabled for the account, such as us-west-2.";
    InvalidSize, BadInput, "A size is unknown or not available for the architecture.", "Use XS, S, M, L, XL, GPU-S, GPU-M, GPU-L or GPU-XL.";
    InvalidRequestId, BadInput, "A request ID is too long or has characters that are not allowed.", "Use 1 to 64 letters, digits, \"-\" or \"_\".";
    InvalidInput, BadInput, "A request or a payload is not valid.", "Correct what the message names and try again; nothing was changed.";
    InvalidTemplateFile, BadInput, "The file is not a valid template.", "See the line and the column; \"prism template export\" writes valid files.";
    InvalidCadence, BadInput, "The rate or cron expression of a schedule is malformed, too frequent, or never due.", "Use a rate such as \"1d\" or \"rate(12 hours)\", of at least an hour, or six cron fields such as \"cron(0 3 ? * MON-FRI *)\" with one minute.";
    InvalidTimeZone, BadInput, "A time zone is unknown.", "Use a name from the time zone database, such as Europe/Berlin or UTC.";
    InvalidBudget, BadInput, "A budget's limit or an alert threshold is not valid.", "Use a limit above $0 a month, and at most 10 thresholds of 1 to 1000 percent.";
    InvalidKey, BadInput, "A text is not a public SSH key that can be used.", "Give one line of a .pub file: Ed25519, ECDSA, or RSA of at least 2048 bits. \"ssh-keygen -t ed25519\" creates a key.";
    ConfirmationWrong, BadInput, "The code does not confirm the e-mail address.", "Enter the code of the last e-mail, or get a new one: prism notify set --email ADDRESS";
    NoticesUnavailable, Refused, "The deployment cannot send notices in this way.", "Choose another way, or ask an administrator to configure it (docs/notices.md).";
    NoticeNotSent, Transient, "The message with the code could not be sent.", "Try again later.";
    InvalidArguments, BadInput, "The arguments of a command are not valid.", "\"prism help COMMAND\" shows the arguments of a command.";
    NotAuthenticated, Refused, "The request is not authenticated, or its credentials are not valid.", "Sign in again, or send the token, then try again.";
    RouteNotFound, BadInput, "The API has no such route.", "GET /v1/openapi.json lists every route.";
    MethodNotAllowed, BadInput, "The path does not support that method.", "The response header Allow lists the supported methods.";
    BodyTooLarge, BadInput, "The body of the request is too large.", "Send at most 64 KiB.";
    WrongContentType, BadInput, "The content type of the request body is not JSON.", "Send it with the header Content-Type: application/json.";
    RequestIdReused, BadInput, "A request ID was used before with a different request.", "Use a new request ID for a new request.";
    InstanceNotFound, Refused, "You have no instance with that name or ID in the Region.", "\"prism list\" shows the instances you can save.";
    InstanceNameAmbiguous, Refused, "Several instances have that name.", "Use the instance ID.";
    InstanceNameTaken, Refused, "An instance with that name already exists.", "Choose another name, or terminate the other instance first.";
    InstanceStateWrong, Refused, "The state of the instance does not allow the operation.", "Wait until the instance is running or stopped, then try again.";
    ProfileMissing, Refused, "The instance has no instance profile, so Session Manager cannot reach it.", "Attach one that allows Session Manager (aws ec2 associate-iam-instance-profile), or launch another instance: later launches get one.";
    AgentNotConnected, Refused, "The agent of Systems Manager on the instance is not connected.", "Wait a minute after the start. Otherwise, the instance needs the agent, and a route to Systems Manager: a public address, NAT, or VPC endpoints for ssm and ssmmessages.";
    CannotConnect, Refused, "Neither Session Manager nor SSH reaches the instance.", "Supply what one of the two lacks, as the message says.";
    InstanceBusy, Refused, "The instance is being saved.", "Wait until the save has ended, or cancel it with \"prism saves cancel\".";
    TemplateNameTaken, Refused, "The template belongs to another user, or is built in.", "Choose another template name.";
    SaveInProgress, Refused, "Another save of this instance is in progress.", "Wait for it (\"prism saves watch\") or cancel it (\"prism saves cancel\").";
    KeyNotFound, Refused, "You have no public key with that fingerprint.", "\"prism key list\" shows your keys.";
    QueueFull, Refused, "Too many saves, or copies to the Region, are waiting to begin.", "Try again later, or ask an administrator to give Prism a larger share of EC2's requests (Ec2SharePercent) or to allow longer waits (QueueHours).";
    InstanceStoreData, Refused, "The instance has instance store volumes, which lose their data when it stops.", "Move the data to an EBS volume first, or accept the loss with --accept-instance-store-loss NAME.";
    InstanceStoreRoot, Refused, "The root device is an instance store volume: the instance cannot be stopped and started.", "Launch the environment from an EBS-backed AMI.";
    SpotInstance, Refused, "A Spot Instance cannot be stopped and started again at any time.", "Launch the environment as an On-Demand Instance and save that.";
    AutoScalingMember, Refused, "The instance belongs to an Auto Scaling group, which would replace it when it stops.", "Detach it from the group first.";
    FleetMember, Refused, "The instance belongs to a fleet, which would replace it when it stops.", "Launch the environment outside of a fleet, and save that.";
    ReservationEnds, Refused, "The instance must start in a Capacity Reservation or Capacity Block that has ended or ends soon: it could not be started again.", "Extend the reservation, or stop the instance yourself and let it use other capacity: aws ec2 modify-instance-capacity-reservation-attributes --instance-id ID --capacity-reservation-specification CapacityReservationPreference=open";
    ManagedInstance, Refused, "Another service manages the instance: its owner cannot stop or start it.", "Save an instance that you manage yourself.";
    VolumeMoving, Refused, "A volume is being attached to the instance or detached from it.", "Wait until it is done (unmount a volume that stays busy), then save again.";
    SnapshotsPending, Refused, "Too many snapshots of a volume are pending: EC2 allows five, or one of an st1 or sc1 volume.", "Wait until they are completed: aws ec2 describe-snapshots --filters Name=status,Values=pending Name=volume-id,Values=ID";
    VolumeNotFound, Refused, "The instance has no such volume.", "Name a volume by its device name or its ID; the message lists them.";
    RootVolumeNeeded, Refused, "The root volume cannot be left out of an AMI.", "Leave out other volumes only.";
    StopProtected, Refused, "Stop protection is enabled.", "Disable it: aws ec2 modify-instance-attribute --no-disable-api-stop --instance-id ID";
    MarketplacePublic, Refused, "The instance has an AWS Marketplace product code: its AMI cannot be made public.", "Save it without --public.";
    KeyUnusable, Refused, "A KMS key cannot be used: it is disabled, scheduled for deletion, or deleted.", "Make the key usable again (see the message), or move the data to a volume with another key; nothing was changed.";
    KeyNotAllowed, Refused, "The deployment does not allow the KMS key of a volume, snapshot or copy.", "Use one of the keys that the message names, or ask an operator of the deployment to allow the key.";
    KeyGrantRefused, Refused, "The policy of a volume's KMS key does not let Prism describe the key or create a grant, without which a stopped instance cannot be started.", "In the key's policy, allow this account's roles kms:DescribeKey, and kms:CreateGrant for EC2; docs/deploy.md, \"Customer managed KMS keys\", has the statements.";
    DefaultKeyShared, Refused, "A volume is encrypted with the AWS managed key: its AMI cannot be used outside the account.", "Save it without --public, or re-encrypt the volume with a customer managed key.";
    PublicImagesBlocked, Refused, "The account blocks public AMIs in a Region.", "Save it without --public, or ask an administrator to allow them: aws ec2 disable-image-block-public-access";
    PermissionMissing, Refused, "A permission that the save needs is missing.", "Ask an administrator to grant the action that the message names.";
    RegionNotAllowed, Refused, "The deployment does not allow the Region.", "Use one of the Regions that the message names, or ask an administrator.";
    InstanceTypeNotAllowed, Refused, "The deployment does not allow the instance type.", "Choose another size, or ask an administrator.";
    InstanceTypeNotOffered, Refused, "No Availability Zone that the deployment launches into offers the instance type.", "Choose another size or another Region, or ask an administrator to launch into more zones.";
    NotAllowed, Refused, "Your role does not allow it.", "Ask the owner, or an administrator.";
    SaveNotFound, Refused, "There is no save with that ID that you may see.", "\"prism saves list\" shows your saves.";
    SaveEnded, Refused, "The save has already ended.", "\"prism saves show\" shows how it ended.";
    ScheduleNotFound, Refused, "You have no schedule with that name.", "\"prism schedule list\" shows your schedules.";
    ScheduleNameTaken, Refused, "You have another schedule with that name.", "Choose another name with --name, or delete the other schedule first: \"prism schedule delete NAME\".";
    ScheduleInstanceChanged, Refused, "The instance name in the schedule now refers to another instance.", "Choose the instance: \"prism schedule edit NAME --instance ID\". Or delete the schedule: \"prism schedule delete NAME\".";
    TemplateNotFound, Refused, "There is no template with that name that you may see.", "\"prism template list\" shows the templates you can launch.";
    VersionNotFound, Refused, "The template has no such version.", "\"prism template show\" shows its versions.";
    TemplateInUse, Refused, "Instances run from the template, launch templates refer to its AMIs, it is shared with others, or a schedule saves to it.", "Terminate the instances, change the launch templates, revoke the shares or delete the schedule first, or delete it anyway with --force.";
    ImageGone, Refused, "An AMI of the version was deregistered outside of Prism.", "Copy the version again from another Region, \"prism template copy NAME@N --region REGION\", or use another version.";
    ImageDisabled, Refused, "An AMI of the version is disabled: nobody can launch it.", "Enable it: aws ec2 enable-image --image-id ID";
    ImageProtected, Refused, "An AMI is protected against deregistration.", "Disable the protection: aws ec2 disable-image-deregistration-protection --image-id ID";
    ImageNotUsable, Refused, "An AMI in the file does not exist, may not be used by you, or differs from the file.", "Use AMIs that are available and that you may launch; \"prism template export\" lists those of a template.";
    PreconditionFailed, Refused, "The record has changed since it was read.", "Read it again, then decide whether to repeat the request.";
    PreconditionRequired, BadInput, "The request must say which state of the record it is based on.", "Send the ETag of the record in the header If-Match.";
    ArchitectureTaken, Refused, "The version already has an AMI for that architecture.", "Save it as the next version, without --add-arch; \"prism template copy\" adds it to further Regions.";
    TemplateNotInRegion, Refused, "The template has no AMI in that Region, or none for that architecture.", "Launch it in one of the Regions that the message names.";
    ShareNotFound, Refused, "The template is not shared with them.", "\"prism template shares NAME\" lists its shares.";
    SensitiveFiles, Refused, "The operation would show files that may be confidential to more people.", "Remove them and save again, or consent to show them with --publish-sensitive (in the API, publish_sensitive); --yes does not give this consent.";
    FilesUnknown, Refused, "The operation would show files that were not inspected to people outside of this deployment.", "Check for keys, credentials and shell histories yourself, then consent with --publish-sensitive (in the API, publish_sensitive); docs/access.md describes how instances report their files.";
    VersionsNotPublic, Refused, "The template has versions that are not public, and this save would make only its own AMI public.", "Share the template first (\"prism template share NAME --public\"): its later versions are then public too.";
    ShareImpossible, Refused, "EC2 does not allow an AMI of the template to be used this way.", "See the reason in the message. Share it within this deployment (--user, --project), or remove the obstacle and save again.";
    MoveNotAgreed, Refused, "The save would move the template to another project, with all of its versions and their costs, and the request does not confirm that.", "See \"moves\" in the plan, then confirm: answer the question of \"prism save\" or use --yes; in the API, send \"move_template\": true.";
    ProjectNotFound, Refused, "You are not in a project with that name.", "\"prism project list\" shows your projects.";
    ProjectNameTaken, Refused, "A project with that name already exists.", "Choose another name.";
    ProjectInUse, Refused, "The project is still in use.", "Remove what the message names first.";
    MemberNotFound, Refused, "The project has no member with that name.", "\"prism project member list NAME\" lists its members.";
    JoinCodeInvalid, Refused, "A join code does not admit you to a project.", "Check the code, or ask for a new one: it may be mistyped, expired, used up or revoked.";
    LinkNotFound, Refused, "The project has no join link with that ID.", "\"prism project link list NAME\" lists its links.";
    OwnerNeeded, Refused, "A project needs an owner.", "Make somebody else an owner first: prism project member add NAME USER --role owner";
    TemplateNotApproved, Refused, "The project allows only approved templates, and this one is not approved.", "Ask an admin of the project to approve it: prism project approve PROJECT TEMPLATE";
    ProjectLimitReached, Refused, "A limit of the project does not allow the instance.", "Launch a smaller instance, terminate one that is not needed any more, or ask an admin of the project for a higher limit: prism project edit NAME";
    BudgetExceeded, Refused, "The operation would exceed the project's budget.", "Delete, stop or terminate what is not needed (\"prism project costs NAME\"), or ask an admin of the project to raise the limit.";
    ProjectEnded, Refused, "The project has ended: nothing is launched or started for it any more.", "Ask an admin of the project for another end (\"prism project end NAME --on DATE\"), or launch without the project.";
    LimitReached, Refused, "The maximum number has been reached.", "Remove what is no longer needed.";
    CopyExists, Refused, "The version already has an AMI in that Region.", "No copy is needed: launch it there.";
    CopyInProgress, Refused, "The version is being copied to that Region.", "Wait for it (\"prism saves watch\") or cancel it (\"prism saves cancel\").";
    LeftOver, Refused, "A save left something behind that no record refers to.", "See it with \"prism doctor\", and fix it with \"prism doctor --fix\".";
    NotAsGranted, Refused, "The launch permissions of AMIs differ from the shares of their templates.", "List them with \"prism doctor\", and correct them with \"prism doctor --fix\".";
    SumWrong, Refused, "A stored sum of costs is wrong.", "Show it with \"prism doctor\", and correct it with \"prism doctor --fix\".";
    RequestInDoubt, Refused, "It is not known whether the request took effect.", "Check first (\"prism list\", \"prism saves list\"), then repeat the request if it did not.";
    SaveCancelled, Failed, "The save was cancelled.", "Save again when you are ready.";
    SaveInterrupted, Failed, "The execution of the save was stopped, timed out, or its process died.", "Save again. The instance was restored, and everything that the save created was removed.";
    InstanceGone, Failed, "The instance was terminated during the save.", "It can no longer be saved.";
    InstanceChanged, Failed, "Somebody started, stopped or changed the instance during the save.", "Save again when nobody else works on the instance.";
    RebootForced, Failed, "The operating system did not shut down in time for the reboot, so EC2 forced it.", "Find out what prevents it from shutting down, then save again.";
    StopTimedOut, Failed, "The instance did not stop in time.", "Find out what prevents it from shutting down, then save again.";
    ImageNameTaken, Failed, "Another AMI already has the name of this save's AMI.", "Deregister that AMI, or save again: a new save uses a new name.";
    SnapshotsTimedOut, Failed, "The snapshots did not begin in time.", "Save again later.";
    SnapshotFailed, Failed, "A snapshot failed.", "Save again; if it fails again, check the volume that the message names.";
    RestartTimedOut, Failed, "The instance was not running again in time.", "Prism keeps trying; \"prism saves show\" shows the progress.";
    ImageFailed, Failed, "EC2 could not create the AMI.", "Look up EC2's error code in the message, or its error message in the log, then save again.";
    ImageTimedOut, Failed, "The AMI was not available in time.", "The incomplete AMI is deleted, so the next save takes as long. Create a snapshot of each large volume yourself, \"aws ec2 create-snapshot --volume-id ID\", and save once they are completed: EC2 then copies only what has changed since.";
    CopyFailed, Failed, "EC2 could not copy the AMI to a Region.", "The version is available in its other Regions. Copy it again, without saving: prism template copy NAME --region REGION";
    CopyTimedOut, Failed, "A copy to a Region was not available in time.", "The version is available in its other Regions. Copy it again, without saving: prism template copy NAME --region REGION";
    ShareFailed, Failed, "The launch permissions could not be changed in every Region.", "Repeat the request: completed changes are kept.";
    RestoreGaveUp, Failed, "The instance could not be started again for hours.", "Start it by hand (\"prism start\"); docs/operations.md describes what to try.";
    StartRefused, Failed, "EC2 refuses to start the instance.", "Fix the cause that EC2 reports in the message, then \"prism start\".";
    RestoreImpossible, Failed, "The instance cannot be started again.", "Fix the cause in the message, then \"prism start\".";
    Superseded, Failed, "A recovery has taken over; this execution must not change anything.", "No action is needed: the recovery continues.";
    AwsRefused, Failed, "EC2 refused a call for a reason that Prism does not know.", "Look up EC2's error code; its error message is in the log.";
    LocalStateCorrupt, Failed, "A database file of the embedded cloud is damaged or was not written by Prism.", "Move the file away and start over, or restore it from a backup.";
    LocalStateMissing, Refused, "A database file of the embedded cloud is missing, but the others exist.", "Restore the file from a backup. Without one, \"prism local adopt\" continues with an empty file, and \"prism local reset\" starts over.";
    LocalStateMixed, Refused, "The database files of the embedded cloud belong to different homes.", "Restore the correct file. If this is intended, \"prism local adopt\" makes them one home.";
    ServerRunning, Refused, "Another \"prism local serve\" serves this embedded cloud.", "Use that server: its token is in serve.token in the cloud's folder. Or stop it first.";
    LocalStateNewer, Refused, "A database file was written by a newer version of Prism.", "Use that version.";
    RegistryNewer, Refused, "A record of the registry was written by a newer version of Prism.", "Use that version: update \"prism\", or deploy it.";
    DiskFull, Failed, "The disk is full.", "Free some space, then try again.";
    LocalIo, Failed, "A file of the embedded cloud cannot be read or written.", "Check the folder's permissions, or use another folder with --home.";
    NotCustomisable, Refused, "The simulator does not know a command inside a simulated instance.", "\"prism exec --help\" lists the commands.";
    ConfigInvalid, BadInput, "The configuration of \"prism\" is not valid.", "Correct what the message names, or create the profile again: prism configure --force";
    ProfileNotFound, BadInput, "There is no profile with that name.", "\"prism configure\" creates one.";
    ProfileExists, Refused, "Another profile with that name exists.", "Choose another name with --name, or replace it with --force.";
    BackendMissing, Refused, "This binary was built without a feature that the profile needs.", "Build it with the feature: cargo install --path cli --features aws";
    CredentialsMissing, Refused, "There are no credentials, or they cannot be read.", "Log in (aws sso login), or configure the AWS profile that has them with --aws-profile.";
    CredentialsExpired, Refused, "The credentials have expired.", "Log in again, such as with aws sso login, or get a new token.";
    CredentialsRefused, Refused, "AWS or the API rejects the credentials.", "Check which ones are used (aws sts get-caller-identity), and use others.";
    ClockWrong, Refused, "This machine's clock differs too much from AWS's, so AWS rejects its signatures.", "Set the clock, such as with timedatectl set-ntp true.";
    DeploymentNotFound, Refused, "The deployment in the profile does not exist, or was not created by Prism.", "Check the Region and the account, and configure it again: prism configure --stack NAME --region REGION";
    DeploymentMismatch, Refused, "The registry belongs to a deployment other than the configured one, or has no deployment ID.", "Configure the correct table, or take over the restored one: docs/operations.md, \"Restore a table\".";
    ApiUnavailable, Transient, "The API did not respond, or its response is not valid.", "Check the URL with \"prism doctor\", then try again.";
    EmbeddedOnly, BadInput, "Only an embedded cloud can do that.", "Use a profile of an embedded cloud (--profile NAME); on AWS, log in to the instance itself.";
    ConfirmationNeeded, BadInput, "The command requires a confirmation, but the terminal is not interactive.", "Add --yes.";
    Interrupted, Failed, "A signal ended the command.", "Check what happened before you repeat it: \"prism list\", \"prism saves list\".";
    Internal, Failed, "An internal error in Prism.", "Please report it with the message.";
    Throttled, Transient, "EC2 throttled the request, or would have throttled it; or DynamoDB did.", "Prism retries automatically.";
    NotReady, Transient, "AWS is not ready for the request yet: a recent change is not visible everywhere.", "Prism retries automatically.";
    EventMissed, Transient, "The awaited event has already happened.", "No action is needed: Prism checks again immediately.";
    NoCapacity, Transient, "EC2 has no capacity for the instance type at the moment.", "Try again later, or use another size, zone or Region.";
    QuotaExceeded, Transient, "A quota of the AWS account is exceeded.", "Remove what nobody needs, or request a quota increase, then try again.";
    AwsUnavailable, Transient, "AWS did not respond, or returned an internal error.", "Prism retries automatically.";
    RegistryUnavailable, Transient, "The registry did not respond.", "Try again; if the problem persists, see docs/operations.md.";
    RegistryConflict, Transient, "Somebody else changed the same record at the same time.", "Prism retries automatically.";
    LocalStateLocked, Transient, "A database file is locked by another process.", "Wait until the other process is done, then try again. Resume a suspended process with \"kill -CONT PID\".";
}

impl Code {
    /// Whether the cause is the configuration of Prism, which its operator must fix, rather than the request.
    pub fn is_about_setup(self) -> bool {
        matches!(
            self,
            Code::PermissionMissing
                | Code::CredentialsMissing
                | Code::CredentialsExpired
                | Code::CredentialsRefused
                | Code::ClockWrong
                | Code::DeploymentNotFound
                | Code::DeploymentMismatch
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(())
    }
}

/// An error for people: a code, a message, and what to do.
#[derive(Debug)]
pub struct Problem {
    /// The stable error code.
    pub code: Code,
    /// What happened, in a sentence that names the resources involved.
    pub message: String,
    /// What to do, if this problem has a more specific hint than its code.
    pub hint: Option<String>,
    pub files: Vec<ShownFile>,
    /// The number of seconds after which to retry, if this problem has a more specific value than its code.
    pub retry_after_s: Option<u32>,
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// Creates a problem with the default hint of its code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            files: Vec::new(),
            retry_after_s: None,
            source: None,
        }
    }

    /// Sets a hint that is specific to this problem.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the files that the problem concerns.
    #[must_use]
    pub fn with_files(mut self, files: Vec<ShownFile>) -> Self {
        self.files = files;
        self
    }

    /// Sets the number of seconds after which to retry.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do: the problem's own hint, or the default hint of its code.
    pub fn advice(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.code.todo())
    }

    /// The message followed by all of its causes. It is meant for the log, and for operators who run Prism with their
    /// own permissions. AWS's messages among the causes name roles and accounts, so records, notices and API responses
    /// do not contain them.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = cause {
            text.truncate(text.trim_end_matches('.').len());
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// The text that carries a step's failure through Step Functions: the message, followed by the hint on its own
    /// line. [`Problem::from_wire`] parses it. The causes are only logged, because the output of an execution is
    /// written to records that every member can read.
    pub fn wire(&self) -> String {
        format!("{}\nhint: {}", self.message, self.advice())
    }

    /// Parses the text from [`Problem::wire`]. The message keeps the name of an unknown error, so that no information
    /// is lost. Such an error is an internal error, unless Lambda failed or timed out.
    pub fn from_wire(error: &str, text: &str) -> Self {
        let (message, hint) = match text.split_once("\nhint: ") {
            Some((message, hint)) => (message, Some(hint.to_owned())),
            None => (text, None),
        };
        if let Ok(code) = error.parse() {
            return Self {
                hint,
                ..Self::new(code, message)
            };
        }
        let of_lambda =
            error.starts_with("Lambda.") || matches!(error, "States.Timeout" | "Sandbox.Timedout");
        let code = if of_lambda {
            Code::AwsUnavailable
        } else {
            Code::Internal
        };
        Self::new(code, format!("{error}: {message}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            let hint = self.hint.as_deref().unwrap_or_default();
            return write!(f, "{}{PACKED}{}{PACKED}{hint}", self.code, self.message);
        }
        f.write_str(&self.message)
    }
}

/// The separator between the parts of a problem in its alternate form, which passes through parsers that can only
/// carry a text. It does not occur in messages.
const PACKED: char = '\u{1f}';

impl Problem {
    /// Parses a problem from its alternate form; returns `None` if the text does not have that form.
    pub(crate) fn from_packed(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, PACKED);
        let (code, message, hint) = (parts.next()?, parts.next()?, parts.next()?);
        let problem = Problem::new(code.parse().ok()?, message);
        Some(if hint.is_empty() {
            problem
        } else {
            problem.hint(hint)
        })
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_survives_its_way_through_step_functions() {
        let problem = Problem::new(Code::StopProtected, "Stop protection is enabled for i-1.")
            .hint("Lift it.")
            .because("the cause");
        let back = Problem::from_wire(problem.code.as_str(), &problem.wire());
        assert_eq!(back.code, Code::StopProtected);
        assert_eq!(back.message, "Stop protection is enabled for i-1.");
        assert!(back.source.is_none(), "the cause stays behind: {back:?}");
        assert_eq!(back.advice(), "Lift it.");
    }

    #[test]
    fn a_foreign_error_keeps_its_name() {
        let back = Problem::from_wire("Runtime.ExitError", "exit status 1");
        assert_eq!(back.code, Code::Internal);
        assert_eq!(back.message, "Runtime.ExitError: exit status 1");
        for error in ["States.Timeout", "Lambda.TooManyRequestsException"] {
            let back = Problem::from_wire(error, "no answer");
            assert_eq!(back.code, Code::AwsUnavailable);
            assert_eq!(back.message, format!("{error}: no answer"));
        }
    }

    #[test]
    fn codes_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(
                code.means().ends_with('.') && !code.todo().is_empty(),
                "{code}"
            );
        }
    }
}
