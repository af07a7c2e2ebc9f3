//! Notifies the desktop when a save has ended, through the terminal in front of the user (docs/adr/0029).

use prism_functions::domain::save::SaveState;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, SaveView, ShowNotify};

use crate::output::Output;
use crate::session::Session;
use crate::text::plain;

/// Notifies the desktop of the end of a save, if the user wants that and there is a terminal. The save has ended, so a
/// failure changes nothing.
pub(crate) async fn notify(session: &Session, record: &SaveView) {
    if !session.environment.stderr_terminal || session.out.for_programs() {
        return;
    }
    let asked = Asked::<ShowNotify>::of(Nothing {});
    match session.client.ask(asked).await {
        Ok(view) if view.desktop => Output::stderr(sequence(&text(record)).as_bytes()),
        Ok(_) => {}
        Err(problem) => {
            let problem = problem.chain();
            tracing::info!(problem, "the desktop was not notified");
        }
    }
}

fn text(record: &SaveView) -> String {
    let (instance, template) = (&record.request.instance, &record.request.template);
    match (record.state, record.version) {
        (SaveState::Succeeded, Some(version)) => {
            format!("Prism: {instance} was saved as {template}@{version}")
        }
        (state, _) => format!("Prism: the save of {instance} is {}", state.as_str()),
    }
}

/// OSC 9, the notification of iTerm2, which WezTerm, Ghostty, kitty, foot and Windows Terminal know, too. The text has no
/// control characters, which could end the sequence and begin another.
fn sequence(text: &str) -> String {
    format!("\u{1b}]9;{}\u{7}", plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_the_sequence() {
        let sent = sequence("a\u{7}\u{1b}]0;title\u{9c}b");
        let inner = &sent[4..sent.len() - 1];
        assert!(sent.starts_with("\u{1b}]9;") && sent.ends_with('\u{7}'));
        assert!(!inner.chars().any(char::is_control), "{sent:?}");
    }
}
