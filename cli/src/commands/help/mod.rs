//! `prism help`.

mod topics;

use std::fmt::Write as _;

use clap::{Args, Command};
use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem};

use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::suggest::nearest;
use topics::TOPICS;

/// Show the help of a command, or explain a topic
#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A command, such as "template share", or a topic; "topics" lists them
    #[arg(value_name = "COMMAND or TOPIC")]
    words: Vec<String>,
}

impl Help {
    pub(crate) fn run(self, out: &Output, mut root: Command) -> Outcome {
        root.build();
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let text = match words.as_slice() {
            ["topics"] => listed(),
            [topic] if found(topic).is_some() => found(topic).unwrap_or_default().to_owned(),
            words => match command(&root, words) {
                Some(mut command) => command.render_long_help().to_string(),
                None => return Err(unknown(&root, words).into()),
            },
        };
        out.print_text(&text)?;
        Ok(exit::DONE)
    }
}

fn found(name: &str) -> Option<&'static str> {
    let mut topics = TOPICS.iter();
    topics.find(|topic| topic.name == name).map(|it| it.text)
}

fn listed() -> String {
    let mut text = "\"prism help TOPIC\" explains:\n".to_owned();
    for topic in TOPICS {
        let _ = writeln!(text, "  {:<12}{}", topic.name, topic.about);
    }
    text
}

/// The command of these words.
fn command(root: &Command, words: &[&str]) -> Option<Command> {
    let mut command = root;
    for word in words {
        command = command.find_subcommand(word)?;
    }
    Some(command.clone())
}

fn unknown(root: &Command, words: &[&str]) -> Problem {
    let typed = words.join(" ");
    let message = format!("There is no command or topic {}.", shown(&typed));
    let commands = root.get_subcommands().filter(|it| !it.is_hide_set());
    let names = commands.map(Command::get_name);
    let names = names.chain(TOPICS.iter().map(|topic| topic.name));
    let first = words.first().copied().unwrap_or_default();
    let meant = nearest(first, names);
    let meant = meant.map(|name| format!("Did you mean {name}? "));
    Problem::new(Code::InvalidArguments, message).hint(format!(
        "{}\"prism help\" lists the commands, and \"prism help topics\" the topics.",
        meant.unwrap_or_default()
    ))
}
