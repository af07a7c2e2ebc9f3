//! `prism project link create`.

use chrono::{Days, NaiveDate};
use clap::Args;
use prism_functions::domain::{GroupName, Problem, Timestamp, counted};
use prism_functions::operations::{Asked, CreateLink, LinkRequest};

use crate::candidates;
use crate::commands::project::name;
use crate::ends::instant;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Whoever has the code can join, so give it to the members of the course only. It is shown once, and \
cannot be shown again; revoke the link if it gets into the wrong hands.

Examples:
  prism project link create statistics --uses 60 --until 2026-10-15
  prism project link create statistics --uses 20 --until 2026-10-15T18:00:00Z --group lab1";

/// Create a join link, and show its code once
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// How many users can join with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    uses: u32,
    /// Until when it is valid: a date, which is included, or a time such as "2026-10-15 18:00", in your time zone
    #[arg(long, value_name = "DATE")]
    until: String,
    /// The role that users get: member or viewer
    #[arg(long, value_name = "ROLE", default_value = "member", value_parser = ["member", "viewer"])]
    role: String,
    /// A group of the project to add them to
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let group = self.group.as_deref().map(str::parse::<GroupName>);
        let request = LinkRequest {
            uses: self.uses,
            until: until(&self.until)?,
            role: Some(self.role.parse()?),
            group: group.transpose().map_err(Problem::from)?,
        };
        let asked = Asked::<CreateLink>::with(name(&self.project)?, request);
        let created = session.client.ask(asked).await?;
        let times = session.times();
        session.out.done(&created, || {
            let link = &created.link;
            format!(
                "{}\n{} can join {} with it until {}: prism project join CODE\nIt is not shown again. Revoke it: prism project link revoke {} {}\n",
                created.code,
                counted(link.uses, "user"),
                link.project,
                times.exactly(link.until),
                link.project,
                link.id
            )
        })
    }
}

/// Reads a time, or a date, which is included: it ends when its day ends on this machine.
fn until(text: &str) -> Result<Timestamp, Problem> {
    let date = text.parse::<NaiveDate>().ok();
    let next = date.and_then(|date| date.checked_add_days(Days::new(1)));
    instant(&next.map_or_else(|| text.to_owned(), |day| day.to_string()))
}

#[cfg(test)]
mod tests {
    use chrono::{Local, TimeZone as _};
    use prism_functions::domain::Code;

    use super::*;

    #[test]
    fn a_date_includes_its_day() {
        let at = |text: &str| until(text).unwrap().to_rfc3339();
        let midnight = Local.with_ymd_and_hms(2026, 10, 16, 0, 0, 0).unwrap();
        assert_eq!(until("2026-10-15").unwrap(), midnight.to_utc());
        assert_eq!(at("2026-10-15T18:00:00+02:00"), "2026-10-15T16:00:00+00:00");
        for bad in ["", "tomorrow", "2026-13-01"] {
            assert_eq!(until(bad).unwrap_err().code, Code::InvalidInput, "{bad}");
        }
    }
}
