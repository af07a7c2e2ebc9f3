//! Spellings of commands that clap's aliases cannot express. Each was the spelling of an older version, or is what one
//! would guess.

use std::ffi::{OsStr, OsString};

use prism_functions::domain::SaveId;

/// The global options that have a value.
const WITH_VALUE: [&str; 4] = ["--profile", "--home", "--as", "--format"];
/// What can be done with saves. `prism save INSTANCE TEMPLATE` is the main command, so `prism save list` could also
/// begin with the name of an instance.
const OF_SAVES: [&str; 8] = [
    "list", "ls", "show", "status", "info", "watch", "cancel", "recover",
];
/// The groups of commands.
const GROUPS: [&str; 15] = [
    "template",
    "saves",
    "schedule",
    "schedules",
    "project",
    "projects",
    "key",
    "keys",
    "notify",
    "region",
    "audit",
    "local",
    "help",
    "member",
    "save",
];

/// The arguments in the spelling that the parser knows.
pub(crate) fn usual(mut args: Vec<OsString>) -> Vec<OsString> {
    let Some(at) = command_at(&args) else {
        return args;
    };
    let word = |at: usize| args.get(at).and_then(|word| word.to_str());
    match (word(at), word(at + 1)) {
        (Some("save"), Some(verb)) if OF_SAVES.contains(&verb) && names_a_save(&args[at + 2..]) => {
            args[at] = "saves".into();
        }
        (Some(group), Some("help")) if GROUPS.contains(&group) && group != "save" => {
            args.swap(at, at + 1);
        }
        _ => {}
    }
    args
}

/// Whether what follows the verb can only be meant for saves: nothing but options, or the ID of a save.
fn names_a_save(rest: &[OsString]) -> bool {
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    match rest.first().and_then(text) {
        None => true,
        Some(option) if option.starts_with('-') => true,
        Some(word) => word.parse::<SaveId>().is_ok(),
    }
}

/// The index of the command: of the first word that is no global option and no value of one.
pub(crate) fn command_at(args: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = args.get(at) {
        if WITH_VALUE.iter().any(|option| word == OsStr::new(option)) {
            at += 2;
        } else if word.as_encoded_bytes().starts_with(b"-") {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// The value of a global option in arguments that may not be valid.
pub(crate) fn value_of(args: &[OsString], option: &str) -> Option<String> {
    let mut words = args.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next().filter(|word| *word != "--") {
        match word.strip_prefix(option) {
            Some("") => return words.next().map(str::to_owned),
            Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
            _ => {}
        }
    }
    None
}

/// Whether arguments that are not valid ask for JSON.
pub(crate) fn asks_for_json(args: &[OsString]) -> bool {
    let before = args.iter().take_while(|word| *word != "--");
    before.into_iter().any(|word| word == "--json")
        || matches!(value_of(args, "--format").as_deref(), Some("json" | "yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual_of(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let words: Vec<String> = usual(words)
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect();
        words.join(" ")
    }

    #[test]
    fn saves_have_their_commands_in_the_singular_too() {
        let id = "save-c75fbe9b06b46973b317";
        for (typed, usual) in [
            ("prism save list", "prism saves list"),
            (
                "prism --as bob save ls --json",
                "prism --as bob saves ls --json",
            ),
            ("prism save list env", "prism save list env"),
            ("prism save box env", "prism save box env"),
            ("prism save watch my-env", "prism save watch my-env"),
            ("prism template help", "prism help template"),
            ("prism template help copy", "prism help template copy"),
        ] {
            assert_eq!(usual_of(typed), usual, "{typed}");
        }
        assert_eq!(
            usual_of(&format!("prism save show {id}")),
            format!("prism saves show {id}")
        );
    }

    #[test]
    fn global_options_are_found_in_arguments_that_are_not_valid() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(asks_for_json(&args("prism save --json")));
        assert!(asks_for_json(&args("prism --format=yaml save")));
        assert!(!asks_for_json(&args("prism exec box -- ls --json")));
        assert_eq!(
            value_of(&args("prism --home /a list"), "--home").as_deref(),
            Some("/a")
        );
        assert_eq!(command_at(&args("prism --home /a -q list")), Some(4));
    }
}
