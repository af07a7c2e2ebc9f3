//! `prism project member add`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::{Code, GroupName, Problem, UserId};
use prism_functions::operations::{
    AddMembers, Asked, MembersPlan, MembersRequest, NewMember, PlannedChange, PlannedMember,
};
use serde_json::json;

use super::class::{self, BadLine};
use crate::candidates;
use crate::client::Place;
use crate::commands::project::name;
use crate::commands::template::several;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::joined;

const EXAMPLES: &str = "\
Roles:
  owner   can do everything, and can appoint owners and admins
  admin   can manage members, templates, approvals and the budget
  member  can save and launch for the project, and see its costs
  viewer  can see the project's shared templates

The first line of a CSV file names its columns: user and, if you like, role and group. Further \
columns are ignored. If a line is not valid, nobody is added. Adding somebody who is already a \
member is no error; they keep their role, unless you name another.

Examples:
  prism project member add brain-imaging bob dan
  prism project member add brain-imaging carol@university.edu --role admin
  prism project member add statistics --from class.csv --group lab1 --dry-run";

/// Add users to a project, or change their role
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See roles and examples with --help.")]
pub(crate) struct Add {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The users, by the names that "prism audit list" shows
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER", required_unless_present = "from")]
    users: Vec<String>,
    /// A CSV file with the users, or "-" for stdin
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The role: owner, admin, member or viewer [default: member, or the role that they have]
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A group of the project to add them to
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Show what would be done, but change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Where entries of a request come from.
struct Entries {
    members: Vec<NewMember>,
    /// The lines of those that come from the file, by their index.
    lines: BTreeMap<usize, u64>,
    bad: Vec<BadLine>,
}

impl Add {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let entries = self.entries()?;
        let asked = Asked::<AddMembers>::with(
            project.clone(),
            MembersRequest {
                members: entries.members.clone(),
            },
        );
        let plan = self.plan(session, &asked, entries).await?;
        if self.dry_run {
            let value = json!({ "dry_run": true, "plan": plan });
            return session.out.done(&value, || would(session, &plan));
        }
        if plan
            .members
            .iter()
            .any(|it| it.change == PlannedChange::Add)
        {
            session.out.note(
                "note: names of users are not checked: whoever signs in with such a name is a member",
            );
        }
        let added = session.client.begin(Place::Detached, asked).await?;
        let changes: BTreeMap<&UserId, PlannedChange> = plan
            .members
            .iter()
            .map(|planned| (&planned.user, planned.change))
            .collect();
        let mut text = String::new();
        for member in &added.members {
            let (user, role) = (&member.user, member.role);
            let now = match changes.get(user) {
                Some(PlannedChange::None) => "already has",
                _ => "now has",
            };
            let of = of_groups(member.groups.iter());
            let _ = writeln!(text, "{user} {now} the role {role} in {project}{of}.");
        }
        several(&session.out, &added.members, "members", || text)
    }

    /// The users of the command line, and those of the file.
    fn entries(&self) -> Result<Entries, Problem> {
        let role: Option<ProjectRole> = self.role.as_deref().map(str::parse).transpose()?;
        let group = self.group.as_deref().map(str::parse::<GroupName>);
        let group = group.transpose().map_err(Problem::from)?;
        let mut entries = Entries {
            members: Vec::new(),
            lines: BTreeMap::new(),
            bad: Vec::new(),
        };
        for user in &self.users {
            entries.members.push(NewMember {
                user: user.parse().map_err(Problem::from)?,
                role,
                group: group.clone(),
            });
        }
        let Some(file) = &self.from else {
            return Ok(entries);
        };
        let class = class::read(file)?;
        entries.bad = class.bad;
        for (line, mut member) in class.members {
            member.role = member.role.or(role);
            member.group = member.group.or_else(|| group.clone());
            entries.lines.insert(entries.members.len(), line);
            entries.members.push(member);
        }
        Ok(entries)
    }

    /// The plan of a request. If there is a file, all of its lines that cannot be used are refused together.
    async fn plan(
        &self,
        session: &Session,
        asked: &Asked<AddMembers>,
        entries: Entries,
    ) -> Result<MembersPlan, Problem> {
        let mut bad = entries.bad;
        let file = self.from.as_deref();
        if let (true, Some(file)) = (entries.members.is_empty() && !bad.is_empty(), file) {
            return Err(class::problem(file, bad));
        }
        let plan = session.client.plan(asked.clone()).await?;
        let mut others = Vec::new();
        for refused in &plan.refused {
            let message = format!("{}: {}", refused.user, refused.message);
            match entries.lines.get(&refused.index) {
                Some(line) => bad.push(BadLine {
                    number: *line,
                    message,
                }),
                None => others.push(message),
            }
        }
        match file {
            Some(file) if !bad.is_empty() => Err(class::problem(file, bad)),
            _ if !others.is_empty() => Err(unusable(&plan, &others)),
            _ => Ok(plan),
        }
    }
}

fn unusable(plan: &MembersPlan, others: &[String]) -> Problem {
    let first = plan.refused.first().map(|refused| refused.code.as_str());
    let code = Code::ALL.iter().find(|code| Some(code.as_str()) == first);
    let message = format!("{} Nobody was added.", others.join(" "));
    Problem::new(code.copied().unwrap_or(Code::InvalidInput), message)
}

fn of_groups<'a>(groups: impl Iterator<Item = &'a GroupName>) -> String {
    match joined(groups).as_str() {
        "" => String::new(),
        groups => format!(", in {groups}"),
    }
}

fn would(session: &Session, plan: &MembersPlan) -> String {
    let row = |planned: &PlannedMember| {
        let change = match planned.change {
            PlannedChange::Add => "is added",
            PlannedChange::Change => "changes",
            PlannedChange::None => "stays",
        };
        vec![
            planned.user.to_string(),
            planned.role.to_string(),
            joined(&planned.groups),
            change.to_owned(),
        ]
    };
    let heads = ["USER", "ROLE", "GROUPS", "PLAN"];
    table::render(&session.out, &heads, plan.members.iter().map(row))
}
