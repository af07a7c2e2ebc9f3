//! `prism template deprecate` and `prism template restore`.

use chrono::{NaiveDate, NaiveTime};
use clap::Args;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::{
    Asked, DeprecateTemplate, DeprecateVersion, Deprecates, RestoreTemplate, RestoreVersion,
};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Deprecate a template or one of its versions: launching it shows a warning
#[derive(Debug, Args)]
pub(crate) struct Deprecate {
    /// The template, or one of its versions as NAME@3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
    /// The template or version to use instead; launches name it
    #[arg(long, value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    replaced_by: Option<String>,
    /// The end of life: from this day on, in UTC, it counts as deprecated; until then, launches say when it is
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<NaiveDate>,
}

/// Undo the deprecation of a template or one of its versions
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The template, or one of its versions as NAME@3
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::versions())]
    template: String,
}

impl Deprecate {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let (client, name) = (&session.client, reference.name.clone());
        let replaced_by = self.replaced_by.as_deref().map(str::parse).transpose()?;
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let end_of_life = self.on.map(midnight);
        let says = Deprecates {
            replaced_by,
            end_of_life,
        };
        let view = match super::version(&reference) {
            None => {
                client
                    .ask(Asked::<DeprecateTemplate>::by(name, says))
                    .await?
            }
            Some(version) => {
                client
                    .ask(Asked::<DeprecateVersion>::by(version, says))
                    .await?
            }
        };
        session.out.done(&view, || match self.on {
            Some(day) if end_of_life > Some(client.now()) => {
                format!("{reference} reaches its end of life on {day}: launches say so.\n")
            }
            _ => format!("{reference} is deprecated: it can still be launched, with a warning.\n"),
        })
    }
}

impl Restore {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let reference: TemplateRef = self.template.parse()?;
        let (client, name) = (&session.client, reference.name.clone());
        let view = match super::version(&reference) {
            None => client.ask(Asked::<RestoreTemplate>::of(name)).await?,
            Some(version) => client.ask(Asked::<RestoreVersion>::of(version)).await?,
        };
        session
            .out
            .done(&view, || format!("{reference} is active.\n"))
    }
}
