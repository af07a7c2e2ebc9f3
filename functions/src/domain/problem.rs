//! The errors that Prism reports, with stable codes. `docs/errors.md` is generated from this table.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::ids::InvalidId;
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
    InvalidName, BadInput, "A name or an id breaks its rule.", "Use a name that follows the rule in the message.";
    InvalidDescription, BadInput, "A description or note is too long or has control characters.", "Use at most 255 characters of ordinary text.";
    InvalidTag, BadInput, "A tag is malformed, or uses a prefix that is reserved.", "Use KEY=VALUE with at most 128 and 256 characters; keys may not start with \"aws:\" or \"prism:\".";
    InvalidRegion, BadInput, "A Region is malformed, unknown, not enabled for the account, or too many are named.", "Name Regions that the account has enabled, such as us-west-2, at most 10 of them.";
    InvalidSize, BadInput, "A size is not one of the letters, or not offered for the architecture.", "Use XS, S, M, L, XL, GPU-S, GPU-M, GPU-L or GPU-XL.";
    InvalidRequestId, BadInput, "A request id is too long or has odd characters.", "Use 1 to 64 letters, digits, \"-\" or \"_\".";
    InvalidInput, BadInput, "A request or a payload does not have the form that it should have.", "Correct what is named and try again; nothing was changed.";
    InvalidTemplateFile, BadInput, "The file is no template, or one that breaks a rule.", "See the line and the column; \"prism template export\" writes files as they should be.";
    InvalidCadence, BadInput, "How often a schedule is due is malformed, too often, or never.", "Use a rate such as \"1d\" or \"rate(12 hours)\", of at least an hour, or six cron fields such as \"cron(0 3 ? * MON-FRI *)\" with one minute.";
    InvalidTimeZone, BadInput, "A time zone is not known.", "Use a name of the time zone database, such as Europe/Berlin or UTC.";
    InvalidBudget, BadInput, "A budget's limit or an alert threshold breaks its rule.", "Use a limit above 0 USD a month, and at most 10 thresholds of 1 to 1000 percent.";
    NotAuthenticated, Refused, "The request does not say who asks, or not credibly.", "Sign in again, or send the token, then ask again.";
    RouteNotFound, BadInput, "The API has nothing under that path.", "GET /v1/openapi.json lists every route.";
    MethodNotAllowed, BadInput, "The path does not take that method.", "The answer's header Allow names the methods that it takes.";
    BodyTooLarge, BadInput, "The body of the request is too large.", "Send at most 64 KiB.";
    WrongContentType, BadInput, "The body of the request is not sent as JSON.", "Send it with the header Content-Type: application/json.";
    RequestIdReused, BadInput, "A request id was used before with a different request.", "Use a new request id for a new request.";
    InstanceNotFound, Refused, "No instance of yours has that name or id in the Region.", "\"prism list\" shows the instances you can save.";
    InstanceNameAmbiguous, Refused, "Several instances have that name.", "Name the instance by its id.";
    InstanceNameTaken, Refused, "An instance of that name exists already.", "Choose another name, or terminate the other instance first.";
    InstanceStateWrong, Refused, "The instance is in a state in which that cannot be done.", "Wait until the instance is running or stopped, then try again.";
    InstanceBusy, Refused, "The instance is being saved.", "Wait until the save has ended, or cancel it with \"prism saves cancel\".";
    TemplateNameTaken, Refused, "The template belongs to somebody else, or is built in.", "Choose another template name.";
    SaveInProgress, Refused, "Another save of this instance is under way.", "Wait for it (\"prism saves watch\") or cancel it (\"prism saves cancel\").";
    QueueFull, Refused, "More saves, or copies to the Region, wait than can begin within hours.", "Try again later, or have an administrator give Prism a larger share of EC2's requests (Ec2SharePercent).";
    InstanceStoreData, Refused, "The instance has instance-store volumes, whose data a stop erases.", "Move the data to an EBS volume first, or accept the loss with --accept-instance-store-loss NAME.";
    InstanceStoreRoot, Refused, "The root device lies in the instance store: the instance cannot be stopped and started.", "Launch the environment on an EBS-backed AMI.";
    SpotInstance, Refused, "A Spot instance cannot be stopped and started again at will.", "Launch the environment on demand and save that.";
    AutoScalingMember, Refused, "The instance belongs to an Auto Scaling group, which would replace it once stopped.", "Detach it from the group first.";
    FleetMember, Refused, "The instance belongs to a fleet, which would replace it once stopped.", "Launch the environment by itself, outside the fleet, and save that.";
    ReservationEnds, Refused, "The instance has to start in a capacity reservation or Capacity Block that has ended or ends soon: it could not be started again.", "Extend the reservation, or stop the instance yourself and have it start elsewhere: aws ec2 modify-instance-capacity-reservation-attributes --instance-id ID --capacity-reservation-specification CapacityReservationPreference=open";
    ManagedInstance, Refused, "Another service operates the instance: its owner can neither stop nor start it.", "Save an instance of your own.";
    VolumeMoving, Refused, "A volume is just being attached to the instance or detached from it.", "Wait until it is done (unmount a volume that stays busy), then save again.";
    SnapshotsPending, Refused, "EC2 takes no further snapshot of a volume while several of it are pending: five, or one of an st1 or sc1 volume.", "Wait until they are completed: aws ec2 describe-snapshots --filters Name=status,Values=pending Name=volume-id,Values=ID";
    StopProtected, Refused, "Stop protection is on.", "Lift it: aws ec2 modify-instance-attribute --no-disable-api-stop --instance-id ID";
    MarketplacePublic, Refused, "The instance carries a Marketplace product code: its AMI cannot be made public.", "Save it without --public.";
    KeyUnusable, Refused, "A KMS key cannot be used: it is disabled, waits for its deletion, or is gone.", "Make the key usable again (see the message), or move the data to a volume under another key; nothing was changed.";
    KeyGrantRefused, Refused, "The policy of a volume's KMS key lets Prism neither see the key nor make a grant, without which a stopped instance cannot be started.", "Have the key's policy allow this account's roles kms:DescribeKey, and kms:CreateGrant for EC2; docs/deploy.md, \"Keys of your own\", has the statements.";
    DefaultKeyShared, Refused, "A volume is encrypted with the AWS managed key: its AMI cannot be used outside the account.", "Save it without --public, or re-encrypt the volume with a key of your own.";
    PublicImagesBlocked, Refused, "The account blocks public AMIs in a Region.", "Save it without --public, or have an administrator change it: aws ec2 disable-image-block-public-access";
    PermissionMissing, Refused, "A permission that the save needs is missing.", "Ask an administrator to grant the action that the message names.";
    RegionNotAllowed, Refused, "The deployment does not allow the Region.", "Use one of the Regions that the message names, or ask an administrator.";
    InstanceTypeNotAllowed, Refused, "The deployment does not allow the instance type.", "Choose another size, or ask an administrator.";
    NotAllowed, Refused, "Your role does not allow it.", "Ask the owner, or an administrator.";
    SaveNotFound, Refused, "There is no save of that id that you may see.", "\"prism saves list\" shows your saves.";
    SaveEnded, Refused, "The save has ended already.", "\"prism saves status\" shows how it ended.";
    ScheduleNotFound, Refused, "There is no schedule of that name of yours.", "\"prism schedule list\" shows your schedules.";
    ScheduleNameTaken, Refused, "You have another schedule of that name.", "Choose another name with --name, or delete the other schedule first: \"prism schedule delete NAME\".";
    ScheduleInstanceChanged, Refused, "The name that a schedule was made for means another instance by now.", "Name the instance that is meant: \"prism schedule edit NAME --instance ID\". Or delete the schedule: \"prism schedule delete NAME\".";
    TemplateNotFound, Refused, "There is no template of that name that you may see.", "\"prism templates\" shows the templates you can launch.";
    VersionNotFound, Refused, "The template has no such version.", "\"prism template info\" shows its versions.";
    TemplateInUse, Refused, "Instances run from the template, launch templates name its AMIs, it is shared with others, or a schedule saves to it.", "Terminate the instances, have the launch templates name other AMIs, take the shares back or delete the schedule first, or delete it all the same with --force.";
    ImageGone, Refused, "An AMI of the version is gone: somebody deregistered it outside of Prism.", "Copy the version again from another Region, \"prism template copy NAME@N --region REGION\", or use another version.";
    ImageDisabled, Refused, "An AMI of the version is disabled: nobody can launch it.", "Have it enabled: aws ec2 enable-image --image-id ID";
    ImageProtected, Refused, "An AMI is protected against deregistration.", "Lift the protection: aws ec2 disable-image-deregistration-protection --image-id ID";
    ImageNotUsable, Refused, "An AMI that the file names does not exist, or is not for you to use, or is not what the file says.", "Name AMIs that are available and that you may launch; \"prism template export\" tells those of a template.";
    PreconditionFailed, Refused, "The record was changed since it was read.", "Read it again, and decide anew.";
    PreconditionRequired, BadInput, "A change has to say what it was decided on.", "Send the ETag of the record in the header If-Match.";
    ArchitectureTaken, Refused, "The version has an AMI for that architecture already.", "Save it as the next version, without --add-arch; a Region that lacks it gets it with \"prism template copy\".";
    TemplateNotInRegion, Refused, "The template has no AMI in that Region, or none for that architecture.", "Launch it in one of the Regions that the message names.";
    ShareNotFound, Refused, "The template is not shared with them.", "\"prism template shares NAME\" shows with whom it is.";
    SensitiveFiles, Refused, "It would show more people files that were perhaps not meant for them.", "Remove them and save again, or consent to show them with --publish-sensitive (in the API, publish_sensitive); --yes is no such consent.";
    FilesUnknown, Refused, "It would show people outside of this deployment what nobody has looked at.", "Look for keys, credentials and shell histories yourself, then consent with --publish-sensitive (in the API, publish_sensitive); docs/access.md says how instances tell of their files.";
    VersionsNotPublic, Refused, "The template has versions that are not public, and this save would open its own AMI alone.", "Share the template first (\"prism template share NAME --public\"): what is saved to it is public then.";
    ShareImpossible, Refused, "EC2 does not let an AMI of the template be used so.", "Read the reason in the message; share it within this deployment (--user, --project), or save it anew without what is in the way.";
    MoveNotAgreed, Refused, "The save would move the template to another project, with all of its versions and what they cost, and the request does not agree to that.", "See under \"moves\" in the plan what moves, then agree: answer the question of \"prism save\" or give --yes; over the API send \"move_template\": true.";
    ProjectNotFound, Refused, "There is no project of that name that you are in.", "\"prism project list\" shows your projects.";
    ProjectNameTaken, Refused, "There is a project of that name already.", "Choose another name.";
    ProjectInUse, Refused, "Something still belongs to the project.", "See what it is in the message, and remove that first.";
    MemberNotFound, Refused, "Nobody of that name is in the project.", "\"prism project member list NAME\" shows who is.";
    OwnerNeeded, Refused, "A project needs an owner.", "Make somebody else an owner first: prism project member add NAME USER --role owner";
    TemplateNotApproved, Refused, "The project launches approved templates alone, and this is none.", "Ask an admin of the project to approve it: prism project approve PROJECT TEMPLATE";
    BudgetExceeded, Refused, "It would cost the project more than its budget allows.", "Delete what is not needed (\"prism project costs NAME\"), or ask an admin of the project to raise the limit.";
    LimitReached, Refused, "There are as many of these as there can be.", "Remove what is not needed any more.";
    CopyExists, Refused, "The version has an AMI in that Region already.", "Nothing needs to be copied: launch it there.";
    CopyInProgress, Refused, "The version is being copied to that Region.", "Wait for it (\"prism saves watch\") or cancel it (\"prism saves cancel\").";
    LeftOver, Refused, "Something of a save is left over that no record explains.", "See it with \"prism doctor\", and fix it with \"prism doctor --fix\".";
    NotAsGranted, Refused, "AMIs are open to others than their templates are shared with.", "See which with \"prism doctor\", and set them as the shares say with \"prism doctor --fix\".";
    SumWrong, Refused, "A sum of costs is not what it is of.", "See which with \"prism doctor\", and set it as it is counted with \"prism doctor --fix\".";
    RequestInDoubt, Refused, "Whether the request had its effect is not known.", "Look first (\"prism list\", \"prism saves list\"), then ask again if it had none.";
    SaveCancelled, Failed, "The save was cancelled.", "Save again when you are ready.";
    SaveInterrupted, Failed, "The execution of the save was stopped, timed out, or its process died.", "Save again. The instance and everything the save had made were put back.";
    InstanceGone, Failed, "The instance was terminated during the save.", "Nothing can be saved of it any more.";
    InstanceChanged, Failed, "Somebody started, stopped or changed the instance during the save.", "Save again when nobody else works on the instance.";
    StopTimedOut, Failed, "The instance did not stop in time.", "See what keeps it from shutting down, then save again.";
    ImageNameTaken, Failed, "Another AMI holds the name that this save's AMI must have.", "Deregister that AMI, or save again: a new save uses a new name.";
    SnapshotsTimedOut, Failed, "The snapshots were not begun in time.", "Save again later.";
    SnapshotFailed, Failed, "A snapshot failed.", "Save again; if it fails again, look at the volume that the message names.";
    RestartTimedOut, Failed, "The instance did not come back in time.", "Prism keeps trying; \"prism saves status\" shows where it stands.";
    ImageFailed, Failed, "EC2 could not make the AMI.", "Look EC2's code in the message up, or its sentence in the log, then save again.";
    ImageTimedOut, Failed, "The AMI was not available in time.", "What was begun is deleted, so that the next try takes as long. Take a snapshot of each large volume yourself, \"aws ec2 create-snapshot --volume-id ID\", and save once they are completed: EC2 then copies only what has changed since.";
    CopyFailed, Failed, "EC2 could not copy the AMI to a Region.", "The version stands in its other Regions. Copy it again, without saving: prism template copy NAME --region REGION";
    CopyTimedOut, Failed, "A copy to a Region was not available in time.", "The version stands in its other Regions. Copy it again, without saving: prism template copy NAME --region REGION";
    ShareFailed, Failed, "The AMIs could not be opened or closed in every Region.", "Ask for the same again: what is done stays done.";
    RestoreGaveUp, Failed, "The instance could not be brought back for hours.", "Start it by hand (\"prism start\"); docs/operations.md says what to try.";
    StartRefused, Failed, "EC2 refuses to start the instance as it is.", "Change what EC2 names in the message, then \"prism start\".";
    RestoreImpossible, Failed, "The instance cannot be brought back as it is.", "Read the cause in the message and fix it, then \"prism start\".";
    Superseded, Failed, "A recovery has taken over; this execution must change nothing more.", "Nothing needs to be done: the recovery goes on.";
    AwsRefused, Failed, "EC2 refused a call for a reason that Prism does not know.", "Look EC2's code up; the sentence that EC2 gave with it is in the log.";
    LocalStateCorrupt, Failed, "A database file of the embedded cloud is damaged or not Prism's.", "Move the file away and start over, or restore it from a backup.";
    LocalStateMissing, Refused, "A database file of the embedded cloud is missing, and the others are there.", "Put the file back from a backup. Without one, \"prism local adopt\" goes on with an empty one in its place, and \"prism local reset\" starts anew.";
    LocalStateMixed, Refused, "The database files of the embedded cloud belong to different homes.", "Put the right file back. If it is meant to be so, \"prism local adopt\" makes one home of them.";
    ServerRunning, Refused, "Another \"prism local serve\" serves this embedded cloud.", "Use that one: its token lies in serve.token in the cloud's folder. Or end it first.";
    LocalStateNewer, Refused, "A database file was written by a newer Prism.", "Use that newer version.";
    RegistryNewer, Refused, "A record of the registry was written by a newer Prism.", "Use that newer version: update \"prism\", or deploy it.";
    DiskFull, Failed, "The disk is full.", "Free some space, then try again.";
    LocalIo, Failed, "A file of the embedded cloud cannot be read or written.", "Check the folder's permissions, or use another with --home.";
    NotCustomisable, Refused, "A command inside a simulated instance is not one that the simulator knows.", "\"prism exec --help\" lists what it knows.";
    ConfigInvalid, BadInput, "The configuration of \"prism\" is not what it must be.", "Fix what the message names, or write the profile anew: prism configure --force";
    ProfileNotFound, BadInput, "There is no profile of that name.", "\"prism configure\" makes one.";
    ProfileExists, Refused, "There is another profile of that name.", "Choose another name with --name, or replace it with --force.";
    BackendMissing, Refused, "This binary was built without what the profile needs.", "Build it with that: cargo install --path cli --features aws";
    CredentialsMissing, Refused, "There are no credentials, or none that can be read.", "Log in (aws sso login), or name the profile that has them with --aws-profile when you configure.";
    CredentialsExpired, Refused, "The credentials have expired.", "Log in again, such as with aws sso login, or get a new token.";
    CredentialsRefused, Refused, "AWS or the API does not accept the credentials.", "See which are used (aws sts get-caller-identity), and use others.";
    ClockWrong, Refused, "This machine's clock is too far from AWS's, which refuses its signatures.", "Set the clock, such as with timedatectl set-ntp true.";
    DeploymentNotFound, Refused, "The deployment that the profile names is not there, or is none of Prism's.", "Check the Region and the account, and configure it anew: prism configure --stack NAME --region REGION";
    DeploymentMismatch, Refused, "The registry is that of another deployment than the one that is configured, or says none.", "Name the right table, or take the restored one over: docs/operations.md, \"Restore a table\".";
    ApiUnavailable, Transient, "The API did not answer, or answered what is none of its answers.", "Check the URL with \"prism doctor\", then try again.";
    EmbeddedOnly, BadInput, "Only an embedded cloud can do that.", "Use a profile of an embedded cloud (--profile NAME); on AWS, log in to the instance itself.";
    ConfirmationNeeded, BadInput, "The command asks for a confirmation, and nobody can answer.", "Add --yes.";
    Internal, Failed, "Prism is at fault.", "Please report it with the message.";
    Throttled, Transient, "EC2 had too many calls, or would have had with this one.", "It is tried again by itself.";
    NotReady, Transient, "AWS is not ready for it yet: something made or changed a moment ago is not known everywhere.", "It is tried again by itself.";
    EventMissed, Transient, "What was to be waited for has happened already.", "Nothing needs to be done: it is looked at again at once.";
    NoCapacity, Transient, "EC2 has no room for the instance type now.", "Try again later, or use another size, zone or Region.";
    QuotaExceeded, Transient, "A quota of the AWS account is used up.", "End what nobody needs, or ask AWS for a higher quota, then try again.";
    AwsUnavailable, Transient, "AWS did not answer, or answered that it failed.", "It is tried again by itself.";
    RegistryUnavailable, Transient, "The registry did not answer.", "Try again; if it stays so, see docs/operations.md.";
    RegistryConflict, Transient, "Somebody else changed the same record at the same time.", "It is tried again by itself.";
    LocalStateLocked, Transient, "A database file is locked by another process.", "Wait until the other process is done, then try again. One that is suspended goes on with \"kill -CONT PID\".";
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
    /// All of the files that the problem concerns.
    pub files: Vec<ShownFile>,
    /// The number of seconds after which to retry, if this problem has a more specific value than its code.
    pub retry_after_s: Option<u32>,
    /// The underlying error.
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

impl From<InvalidId> for Problem {
    fn from(invalid: InvalidId) -> Self {
        let code = if invalid.what == "Region" {
            Code::InvalidRegion
        } else {
            Code::InvalidName
        };
        Problem::new(code, format!("The {invalid}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_survives_its_way_through_step_functions() {
        let problem = Problem::new(Code::StopProtected, "Stop protection is on for i-1.")
            .hint("Lift it.")
            .because("the cause");
        let back = Problem::from_wire(problem.code.as_str(), &problem.wire());
        assert_eq!(back.code, Code::StopProtected);
        assert_eq!(back.message, "Stop protection is on for i-1.");
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
