//! Suggests the name that was meant when there is none like the one that was typed.

use std::ffi::OsString;

use prism_functions::domain::{Code, Problem, Region};

use crate::failure::{Failure, Outcome};
use crate::names::{self, Kind};
use crate::session::Session;
use crate::{grammar, text};

/// How similar a name must be, as clap has it for options.
const ALIKE: f64 = 0.7;
/// How similar the name of a Region must be. All of them are somewhat alike.
const REGION_ALIKE: f64 = 0.9;

/// Adds a suggestion to the problem of a name that does not exist. Without one, or if the names cannot be read, the
/// problem is left as it is.
pub(crate) async fn named(outcome: Outcome, session: &Session, args: &[OsString]) -> Outcome {
    let Err(Failure::Problem(problem)) = outcome else {
        return outcome;
    };
    let Some(kind) = kind(problem.code) else {
        return Err(problem.into());
    };
    let advice = advice(session, &problem, kind, args).await;
    Err(match advice {
        Some(advice) => {
            let hint = format!("{advice} {}", problem.advice());
            problem.hint(hint).into()
        }
        None => problem.into(),
    })
}

/// What the code says does not exist.
fn kind(code: Code) -> Option<Kind> {
    Some(match code {
        Code::InstanceNotFound => Kind::Instance,
        Code::TemplateNotFound => Kind::Template,
        Code::ProjectNotFound => Kind::Project,
        Code::ScheduleNotFound => Kind::Schedule,
        Code::SaveNotFound => Kind::Save,
        Code::InvalidRegion => Kind::Region,
        _ => return None,
    })
}

async fn advice(
    session: &Session,
    problem: &Problem,
    kind: Kind,
    args: &[OsString],
) -> Option<String> {
    let region = region(session, args)?;
    let typed = typed(problem, args);
    let names = names::of(&session.client, kind, &region).await.ok()?;
    let alike = match kind {
        Kind::Region => REGION_ALIKE,
        _ => ALIKE,
    };
    if let Some(name) = meant(&typed, &names, alike) {
        return Some(format!("Did you mean {}?", text::quoted(name)));
    }
    if kind != Kind::Instance {
        return None;
    }
    let option = option_of(args)?;
    let typed = typed.into_iter().max_by_key(|name| name.len())?;
    let elsewhere = names::elsewhere(&session.client, &region, typed).await;
    let there = elsewhere.first()?;
    let where_ = text::joined(&elsewhere);
    Some(format!("You have one in {where_}: add {option} {there}."))
}

/// The option that names the Region of an instance, if the command has one.
fn option_of(args: &[OsString]) -> Option<&'static str> {
    let command = grammar::command_at(args);
    let rest = command.map_or(&[][..], |at| &args[at..]);
    // Global options may stand between the two, too.
    let own = grammar::command_at(rest).and_then(|at| rest[at].to_str());
    match (rest.first().and_then(|word| word.to_str()), own) {
        // There, --region names Regions to copy to, as the requirements have it.
        (Some("save"), _) | (Some("schedule" | "schedules"), Some("create")) => {
            Some("--from-region")
        }
        // A schedule stays in the Region that it was created for.
        (Some("schedule" | "schedules"), _) => None,
        _ => Some("--region"),
    }
}

/// The Region in which a command looked for an instance.
fn region(session: &Session, args: &[OsString]) -> Option<Region> {
    let named = option_of(args).and_then(|option| grammar::value_of(args, option));
    let region = session.region_of(named.as_deref());
    region.or_else(|_| session.region_of(None)).ok()
}

/// The words that the problem may be about: those that its message names.
fn typed<'a>(problem: &Problem, args: &'a [OsString]) -> Vec<&'a str> {
    let words = args.iter().skip(1).filter_map(|word| word.to_str());
    let words = words.flat_map(|word| word.split(['@', ',', '=', ':']));
    let named = words.filter(|word| word.len() > 1 && problem.message.contains(word));
    named.collect()
}

/// The name that is most like any of the words.
fn meant<'a>(typed: &[&str], names: &'a [String], alike: f64) -> Option<&'a str> {
    let names = || names.iter().map(String::as_str);
    let each = typed.iter().filter_map(|word| {
        let name = nearest(word, names())?;
        Some((strsim::jaro(word, name), name))
    });
    let best = each.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(score, _)| *score > alike)
        .map(|(_, name)| name)
}

/// The name that is most like the one that was typed.
pub(crate) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let alike = |name: &'a str| (strsim::jaro(typed, name), name);
    let alike = names.into_iter().filter(|name| *name != typed).map(alike);
    let best = alike.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(score, _)| *score > ALIKE)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_is_most_alike_is_suggested() {
        let names = ["python-ml", "r-research", "my-research"];
        assert_eq!(nearest("python-mi", names), Some("python-ml"));
        assert_eq!(nearest("my-reserch", names), Some("my-research"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("python-ml", []), None);
    }

    #[test]
    fn the_word_that_a_message_names_is_found() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let problem = Problem::new(Code::TemplateNotFound, "There is no template python-mi.");
        let line = args("prism launch python-mi@3 new");
        assert_eq!(typed(&problem, &line), ["python-mi"]);
        let problem = Problem::new(Code::ProjectNotFound, "You are not in a project stduy.");
        let words = args("prism project show stduy");
        let names = ["study".to_owned(), "other".to_owned()];
        assert_eq!(
            meant(&typed(&problem, &words), &names, ALIKE),
            Some("study")
        );
    }

    #[test]
    fn the_region_of_an_instance_is_named_where_the_command_can() {
        for (line, option) in [
            ("prism launch python-mi@3 new", Some("--region")),
            ("prism -q save box env", Some("--from-region")),
            (
                "prism schedule --json create box env",
                Some("--from-region"),
            ),
            ("prism schedule edit env --instance box", None),
            ("prism schedules -q edit env --instance create", None),
            ("prism", Some("--region")),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(option_of(&args), option, "{line}");
        }
    }
}
