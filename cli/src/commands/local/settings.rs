//! `prism local settings`.

use clap::{Args, ValueEnum};
use prism_functions::domain::allowed::InvalidType;
use prism_functions::domain::kms_keys::InvalidKey;
use prism_functions::domain::pace::{Ec2Share, QueueHours};
use prism_functions::domain::{Code, Problem};
use prism_functions::rules::PublicScope;

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::joined;

/// Show or change the deployment's settings
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Whom `save --public` shares templates with
    #[arg(long, value_enum, value_name = "SCOPE")]
    public_scope: Option<Scope>,
    /// The ARN of the organization for --public-scope organization; "" for none
    #[arg(long, value_name = "ARN")]
    organization: Option<String>,
    /// The Regions to launch, save and copy in, separated by commas; "" for all
    #[arg(long, value_name = "REGIONS")]
    allowed_regions: Option<String>,
    /// The instance types to launch, such as m7i.large,t3.*; "" for all
    #[arg(long, value_name = "TYPES")]
    allowed_instance_types: Option<String>,
    /// The ARNs of the KMS keys that may be used, separated by commas; "" for all. The first one in each Region encrypts
    /// copies and launched volumes there
    #[arg(long, value_name = "ARNS")]
    kms_keys: Option<String>,
    /// The tags of everything that Prism creates in EC2, such as CostCentre=42,Owner=lab; "" for none
    #[arg(long, value_name = "TAGS")]
    resource_tags: Option<String>,
    /// The percentage of EC2's request rates that Prism may use
    #[arg(long, value_name = "PERCENT")]
    ec2_share: Option<Ec2Share>,
    /// How many hours a save or a copy may wait for its turn
    #[arg(long, value_name = "HOURS")]
    queue_hours: Option<QueueHours>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Every user of this deployment
    Deployment,
    /// The accounts of the organization that --organization names
    Organization,
    /// Everyone: the AMIs become public
    World,
}

impl Settings {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        let mut settings = cloud.settings()?;
        let before = settings.clone();
        if let Some(scope) = self.public_scope {
            settings.public_scope = match scope {
                Scope::Deployment => PublicScope::Deployment,
                Scope::Organization => PublicScope::Organization,
                Scope::World => PublicScope::World,
            };
        }
        if let Some(arn) = self.organization {
            settings.organization = match arn.as_str() {
                "" => None,
                arn => Some(arn.parse()?),
            };
        }
        if settings.public_scope == PublicScope::Organization && settings.organization.is_none() {
            let message = "The scope organization needs an organization, and none is set.";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Name it with --organization ARN.")
                .into());
        }
        if let Some(regions) = self.allowed_regions {
            settings.allowed_regions = regions.parse().map_err(Problem::from)?;
        }
        if let Some(types) = self.allowed_instance_types {
            settings.allowed_types = types.parse().map_err(|invalid: InvalidType| {
                Problem::new(Code::InvalidInput, format!("{invalid}."))
            })?;
        }
        if let Some(keys) = self.kms_keys {
            settings.kms_keys = keys.parse().map_err(|invalid: InvalidKey| {
                Problem::new(Code::InvalidInput, format!("{invalid}."))
            })?;
        }
        if let Some(tags) = self.resource_tags {
            settings.resource_tags = tags.parse()?;
        }
        if let Some(share) = self.ec2_share {
            settings.ec2_share = share;
        }
        if let Some(hours) = self.queue_hours {
            settings.queue_hours = hours;
        }
        if settings != before {
            cloud.set_settings(&settings)?;
        }
        session.out.done(&settings, || {
            format!(
                "A public template is {}.\nAllowed Regions: {}.\nAllowed instance types: {}.\nAllowed KMS keys: {}.\nTags of resources: {}.\nShare of the EC2 request limits: {} %.\nLongest wait for a turn: {}.\n",
                reach(settings.public_scope),
                or_all(joined(&settings.allowed_regions.0)),
                or_all(joined(settings.allowed_types.list())),
                or_all(joined(settings.kms_keys.list())),
                or_none(joined(settings.resource_tags.list())),
                settings.ec2_share,
                settings.queue_hours.words(),
            )
        })
    }
}

fn or_all(allowed: String) -> String {
    if allowed.is_empty() {
        return "all".to_owned();
    }
    allowed
}

fn or_none(listed: String) -> String {
    if listed.is_empty() {
        return "none".to_owned();
    }
    listed
}

/// Describes a scope for people.
pub(super) fn reach(scope: PublicScope) -> &'static str {
    match scope {
        PublicScope::Deployment => "for every user of this deployment",
        PublicScope::Organization => "for the organization",
        PublicScope::World => "for the world",
    }
}
