//! Parses the profile file: strictly, with the line of each error, and with migrations of older schemas.

use std::collections::BTreeMap;

use prism_functions::domain::{Code, Problem};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Profile;

/// The migrations from schema 1 to 2, from 2 to 3 and so on.
const MIGRATIONS: &[Migration] = &[];
/// The header of a written file.
const HEAD: &str = "# Written by \"prism configure\", which keeps no comments.\n";

type Migration = fn(&mut toml::Table);

/// The contents of a profile file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Profiles {
    /// The profile that is used if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    pub(crate) profile: BTreeMap<String, Profile>,
}

/// A file of the current schema.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[expect(
        dead_code,
        reason = "the schema is checked before, but the key must be known here"
    )]
    schema: u32,
    default: Option<Spanned<String>>,
    #[serde(default)]
    profile: BTreeMap<String, Spanned<Profile>>,
}

/// What is wrong with a file, and on which line if that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    line: Option<usize>,
    what: String,
    newer: bool,
}

impl Wrong {
    fn at(text: &str, span: Option<std::ops::Range<usize>>, what: impl Into<String>) -> Self {
        let before = span.and_then(|span| text.get(..span.start));
        Self {
            line: before.map(|before| before.matches('\n').count() + 1),
            what: what.into(),
            newer: false,
        }
    }

    /// The problem for the file of this name.
    pub(super) fn problem(&self, file: &str) -> Problem {
        let at = self.line.map(|line| format!(", line {line}"));
        let message = format!("{file}{}: {}.", at.unwrap_or_default(), self.what);
        let problem = Problem::new(Code::ConfigInvalid, message);
        if self.newer {
            return problem
                .hint("Use the newer Prism that wrote it, or another file with PRISM_CONFIG.");
        }
        problem
    }
}

/// The current schema number.
fn newest(migrations: &[Migration]) -> u32 {
    1 + u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

/// Parses a profile file.
pub(super) fn parse(text: &str) -> Result<Profiles, Wrong> {
    parse_after(text, MIGRATIONS)
}

fn parse_after(text: &str, migrations: &[Migration]) -> Result<Profiles, Wrong> {
    /// The fields that every schema has.
    #[derive(Deserialize)]
    struct Head {
        schema: Option<Spanned<u32>>,
    }
    let told = |text: &str, error: &toml::de::Error| {
        let what = error.message().replace('\n', ", ");
        Wrong::at(text, error.span(), what)
    };
    let head: Head = toml::from_str(text).map_err(|error| told(text, &error))?;
    let Some(schema) = head.schema else {
        let what = format!("there is no \"schema = {}\"", newest(migrations));
        return Err(Wrong::at(text, Some(0..0), what));
    };
    let (span, schema) = (schema.span(), schema.into_inner());
    if schema == 0 || schema > newest(migrations) {
        let what = format!("the schema {schema} is not known");
        let newer = schema > 0;
        return Err(Wrong {
            newer,
            ..Wrong::at(text, Some(span), what)
        });
    }
    if schema == newest(migrations) {
        return read(text, &told);
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|error| told(text, &error))?;
    for migration in &migrations[schema as usize - 1..] {
        migration(&mut table);
    }
    table.insert("schema".to_owned(), i64::from(newest(migrations)).into());
    // The line numbers of the migrated text are not those of the file.
    read(&table.to_string(), &told).map_err(|wrong| Wrong {
        line: None,
        ..wrong
    })
}

fn read(text: &str, told: &dyn Fn(&str, &toml::de::Error) -> Wrong) -> Result<Profiles, Wrong> {
    let written: Written = toml::from_str(text).map_err(|error| told(text, &error))?;
    let mut profiles = Profiles::default();
    for (name, profile) in written.profile {
        let span = profile.span();
        let profile = profile.into_inner();
        if let Err(what) = profile.check() {
            return Err(Wrong::at(
                text,
                Some(span),
                format!("profile {name}: {what}"),
            ));
        }
        profiles.profile.insert(name, profile);
    }
    if let Some(default) = written.default {
        let span = default.span();
        let name = default.into_inner();
        if !profiles.profile.contains_key(&name) && name != super::LOCAL {
            let what = format!("the default profile \"{name}\" does not exist");
            return Err(Wrong::at(text, Some(span), what));
        }
        profiles.default = Some(name);
    }
    Ok(profiles)
}

/// Formats the profiles as a file.
pub(super) fn text(profiles: &Profiles) -> Result<String, Problem> {
    #[derive(Serialize)]
    struct Out<'a> {
        schema: u32,
        #[serde(flatten)]
        profiles: &'a Profiles,
    }
    let out = Out {
        schema: newest(MIGRATIONS),
        profiles,
    };
    let text = toml::to_string(&out).map_err(|error| {
        Problem::new(Code::Internal, "The profiles could not be written as TOML.").because(error)
    })?;
    Ok(format!("{HEAD}{text}"))
}

/// Formats a profile for people, as it is in the file.
pub(crate) fn entry(profile: &Profile) -> String {
    let lines = toml::to_string(profile).unwrap_or_default();
    let lines: Vec<String> = lines.lines().map(|line| format!("  {line}")).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn wrong(text: &str) -> String {
        parse(text).unwrap_err().problem("f").message
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let mut profiles = Profiles {
            default: Some("prod".to_owned()),
            ..Profiles::default()
        };
        let prod = Profile {
            region: Some("us-west-2".parse().unwrap()),
            table: Some("prism".to_owned()),
            state_machine: Some("arn:aws:states:us-west-2:1:stateMachine:save".to_owned()),
            launch_networks: vec!["192.0.2.0/24".to_owned()],
            launch_subnets: vec!["subnet-0123456789abcdef0".to_owned()],
            ..Profile::of(Kind::Aws)
        };
        profiles.profile.insert("prod".to_owned(), prod);
        profiles
            .profile
            .insert("here".to_owned(), Profile::of(Kind::Local));
        let text = text(&profiles).unwrap();
        assert_eq!(parse(&text), Ok(profiles), "{text}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("", "f, line 1: there is no \"schema = 1\"."),
            ("schema = 2", "f, line 1: the schema 2 is not known."),
            (
                "schema = 1\ndefalt = \"a\"",
                "f, line 2: unknown field `defalt`, expected",
            ),
            (
                "schema = 1\n[profile.a]\nbackend = \"local\"\nregoin = \"x\"",
                "f, line 4: unknown field `regoin`, expected",
            ),
            (
                "schema = 1\n[profile.a]\nbackend = \"gcp\"",
                "f, line 3: unknown variant `gcp`, expected",
            ),
            (
                "schema = 1\n\n[profile.a]\nbackend = \"local\"\nurl = \"http://x\"",
                "f, line 3: profile a: the backend local does not use url.",
            ),
            (
                "schema = 1\n[profile.a]\nbackend = \"aws\"\nregion = \"us-east-1\"\ntable = \"t\"",
                "f, line 2: profile a: the backend aws needs state_machine.",
            ),
            (
                "schema = 1\n[profile.a]\nbackend = \"local\"\nregion = \"mars\"",
                "f, line 4: Region \"mars\" is not valid",
            ),
            (
                "schema = 1\ndefault = \"a\"",
                "f, line 2: the default profile \"a\" does not exist.",
            ),
            ("schema = 1\n[profile", "f, line 2: "),
        ] {
            let found = wrong(text);
            assert!(found.starts_with(told), "{text:?}: {found}");
        }
    }

    #[test]
    fn an_older_file_is_brought_up_to_date() {
        let migrations: &[Migration] = &[|table| {
            let old = table.remove("usual");
            table.extend(old.map(|old| ("default".to_owned(), old)));
        }];
        let old = "schema = 1\nusual = \"a\"\n[profile.a]\nbackend = \"local\"";
        let read = parse_after(old, migrations).unwrap();
        assert_eq!(read.default.as_deref(), Some("a"));
        let new = old
            .replace("usual", "default")
            .replace("schema = 1", "schema = 2");
        assert_eq!(parse_after(&new, migrations), Ok(read));
        // A key of the old schema is invalid in the new one.
        assert!(parse_after(&old.replace("schema = 1", "schema = 2"), migrations).is_err());
        let newer = parse_after("schema = 3", migrations).unwrap_err();
        assert!(newer.problem("f").advice().contains("newer"));
    }
}
