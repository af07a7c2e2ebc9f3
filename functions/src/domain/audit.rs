//! Audit events: who changed what, when, and from where.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::as_string::from_and_into_string;
use super::ids::shown;
use super::{
    Code, InstanceId, KeyFingerprint, Problem, ProjectName, Region, SaveId, ScheduleName,
    TemplateName, Timestamp, UserId,
};

/// The maximum number of characters of a client's user agent that an event keeps.
const AGENT: usize = 200;
/// The name of how a user is notified, which each user has once.
const SETTINGS: &str = "settings";

/// The channel through which a request came in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, IntoStaticStr,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The channel is not known.
    #[default]
    Unknown,
    /// The command line, with the service running in its own process.
    Cli,
    /// The HTTP API.
    Api,
    /// A schedule.
    Schedule,
    /// The end of an instance or a project, on behalf of whoever set it.
    End,
}

impl Channel {
    /// The channel's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Where a request came from, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The channel through which the request came in.
    #[serde(default)]
    pub channel: Channel,
    /// The IP address of the client, as seen by the component that received the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client says about itself (its user agent). It is not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Origin {
    /// An origin of which only the channel is known.
    pub fn by(channel: Channel) -> Self {
        Self {
            channel,
            ..Self::default()
        }
    }

    /// An origin for the API, with the client's address and user agent if they are valid.
    pub fn api(address: Option<&str>, agent: Option<&str>) -> Self {
        let kept = |text: &str| {
            let plain = text.chars().filter(|c| !c.is_control());
            let kept: String = plain.take(AGENT).collect();
            (!kept.is_empty()).then_some(kept)
        };
        Self {
            channel: Channel::Api,
            address: address.and_then(kept),
            agent: agent.and_then(kept),
        }
    }

    /// Whether nothing is known about the origin.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A template, as a whole.
    Template(TemplateName),
    Project(ProjectName),
    Save(SaveId),
    Instance(Region, InstanceId),
    /// A schedule of the user who changed it.
    Schedule(ScheduleName),
    /// A public SSH key of the user who changed it.
    Key(KeyFingerprint),
    /// How the user who changed it is notified.
    Notify,
}

impl Subject {
    /// The kind of resource, as in the resource's text form.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Template(_) => "template",
            Subject::Project(_) => "project",
            Subject::Save(_) => "save",
            Subject::Instance(..) => "instance",
            Subject::Schedule(_) => "schedule",
            Subject::Key(_) => "key",
            Subject::Notify => "notify",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Subject::Template(name) => write!(f, "{kind}:{name}"),
            Subject::Project(name) => write!(f, "{kind}:{name}"),
            Subject::Save(id) => write!(f, "{kind}:{id}"),
            Subject::Instance(region, id) => write!(f, "{kind}:{region}/{id}"),
            Subject::Schedule(name) => write!(f, "{kind}:{name}"),
            Subject::Key(fingerprint) => write!(f, "{kind}:{fingerprint}"),
            Subject::Notify => write!(f, "{kind}:{SETTINGS}"),
        }
    }
}

from_and_into_string!(Subject);

impl FromStr for Subject {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let unknown = || {
            let message = format!(
                "The resource {} is not valid: it must be template:NAME, project:NAME, save:ID, instance:REGION/ID, schedule:NAME, key:FINGERPRINT or notify:settings.",
                shown(text)
            );
            Problem::new(Code::InvalidInput, message)
        };
        let (kind, name) = text.split_once(':').ok_or_else(unknown)?;
        Ok(match kind {
            "template" => Subject::Template(name.parse()?),
            "project" => Subject::Project(name.parse()?),
            "save" => Subject::Save(name.parse()?),
            "schedule" => Subject::Schedule(name.parse()?),
            "key" => Subject::Key(name.parse()?),
            "notify" if name == SETTINGS => Subject::Notify,
            "instance" => {
                let (region, id) = name.split_once('/').ok_or_else(unknown)?;
                Subject::Instance(region.parse()?, id.parse()?)
            }
            _ => return Err(unknown()),
        })
    }
}

impl utoipa::PartialSchema for Subject {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "The resource of an event: `template:NAME`, `project:NAME`, `save:ID`, `instance:REGION/ID`, `schedule:NAME`, `key:FINGERPRINT` or `notify:settings`.",
            ))
            .examples(["template:my-custom-ml-env"])
            .into()
    }
}

impl ToSchema for Subject {}

/// What was done. An event keeps it as text, `RESOURCE.ACTION`, so that a client can show an action that it does not
/// know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each name says what happened to what")]
pub enum AuditAction {
    TemplateSaveVersion,
    TemplateCopy,
    TemplateEdit,
    TemplateDeprecate,
    TemplateRestore,
    TemplateRollback,
    TemplateShare,
    TemplateShareFailed,
    TemplateUnshare,
    TemplateImport,
    TemplateLaunch,
    TemplateLeaveProject,
    TemplateDelete,
    ProjectCreate,
    ProjectEdit,
    ProjectDelete,
    ProjectMember,
    ProjectMemberRemoved,
    ProjectGroup,
    ProjectLink,
    ProjectLinkRevoked,
    ProjectJoin,
    ProjectApprove,
    ProjectDisapprove,
    ProjectBudget,
    ProjectEnd,
    SaveBegin,
    SaveCancel,
    SaveRecover,
    InstanceStart,
    InstanceStop,
    InstanceRename,
    InstanceResize,
    InstanceTerminate,
    InstanceConnect,
    InstanceEnd,
    ScheduleCreate,
    ScheduleEdit,
    SchedulePause,
    ScheduleResume,
    ScheduleDelete,
    KeyAdd,
    KeyRemove,
    NotifySet,
    NotifyConfirm,
}

impl From<AuditAction> for String {
    fn from(action: AuditAction) -> String {
        <&str>::from(action).replacen('_', ".", 1)
    }
}

/// A change that a user made. The event is written in the same transaction as the change, and is never modified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// The time of the change.
    pub at: Timestamp,
    /// The user who made the change.
    pub user: UserId,
    /// The action, such as `template.share`.
    pub action: String,
    /// The resource that was changed.
    pub resource: Subject,
    /// The project whose managers can see the event.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// Where the request came from.
    #[serde(default)]
    pub origin: Origin,
    /// Further details of the change.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

impl AuditEvent {
    /// Adds a detail to the event.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a detail is a string, a number or a list");
        self.details.insert(name.to_owned(), value);
        self
    }

    /// Makes the event visible to the managers of a project.
    #[must_use]
    pub fn of_project(mut self, project: Option<&ProjectName>) -> Self {
        self.project = project.cloned();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_reads_back_and_nonsense_names_the_forms() {
        for text in [
            "template:kept",
            "project:brain-imaging",
            "save:save-0123456789abcdef",
            "instance:us-east-1/i-0123456789abcdef0",
            "schedule:nightly",
            "key:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
            "notify:settings",
        ] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "kept",
            "user:ada",
            "notify:ada",
            "instance:i-0123456789abcdef0",
        ] {
            let refused = bad.parse::<Subject>().unwrap_err();
            assert!(refused.message.contains("template:NAME"), "{refused}");
        }
        assert!("template:A".parse::<Subject>().is_err());
    }

    #[test]
    fn an_action_is_written_as_its_resource_and_what_was_done() {
        let texts = [
            AuditAction::SchedulePause,
            AuditAction::ProjectMemberRemoved,
        ];
        let texts = texts.map(String::from);
        assert_eq!(texts, ["schedule.pause", "project.member_removed"]);
    }

    #[test]
    fn what_a_client_says_of_itself_is_kept_short_and_plain() {
        let long = "x".repeat(10_000);
        let origin = Origin::api(Some("203.0.113.9"), Some(&format!("a\u{1b}[31m\n{long}")));
        let agent = origin.agent.unwrap();
        assert!(agent.starts_with("a[31mx") && agent.chars().count() == AGENT);
        assert_eq!(origin.address.as_deref(), Some("203.0.113.9"));
        assert_eq!(Origin::api(Some(""), Some("\n")), Origin::by(Channel::Api));
    }
}
