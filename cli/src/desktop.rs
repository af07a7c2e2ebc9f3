//! Notifies the desktop through the terminal in front of the user (docs/adr/0029): of the save that a command has waited
//! for, and with the embedded cloud of everything that the user is notified of.

use prism_functions::domain::save::SaveState;
use prism_functions::domain::{NoticeEvent, Problem};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, SaveView, ShowNotify};
use prism_functions::ports::Notice;

use crate::client::Local;
use crate::output::Output;
use crate::session::Session;
use crate::text::plain;

/// How many notices are shown at once: the last ones.
const MOST: usize = 5;

/// Notifies the desktop of the end of a save, if the user wants that and there is a terminal. The save has ended, so a
/// failure changes nothing.
pub(crate) async fn notify(session: &Session, record: &SaveView) {
    if !has_terminal(session) {
        return;
    }
    let asked = Asked::<ShowNotify>::of(Nothing {});
    match session.client.ask(asked).await {
        Ok(view) if view.desktop => {
            show(&text(record));
            // A command waits for one save.
            let _ = session.shown.set(record.save_id.clone());
        }
        Ok(_) => {}
        Err(problem) => not_notified(&problem),
    }
}

/// Notifies the desktop of what has happened since the last time, if the cloud is embedded: a deployment does not know
/// the user's terminal.
pub(crate) async fn announce(session: &Session) {
    let Some(local) = session.client.embedded() else {
        return;
    };
    if !has_terminal(session) {
        return;
    }
    match news(session, local).await {
        Ok(news) => {
            for notice in &news[news.len().saturating_sub(MOST)..] {
                show(&format!("Prism: {}", notice.text));
            }
        }
        Err(problem) => not_notified(&problem),
    }
}

async fn news(session: &Session, local: &Local) -> Result<Vec<Notice>, Problem> {
    let asked = Asked::<ShowNotify>::of(Nothing {});
    let view = session.client.ask(asked).await?;
    let user = session.client.user().await?;
    // What happens while the desktop is not notified is not told later.
    let mut news = local.cloud.new_notices(&user)?;
    if !view.desktop {
        return Ok(Vec::new());
    }
    let shown = session.shown.get();
    news.retain(|notice| {
        let again = shown.is_some() && notice.save_id.as_ref() == shown && ends_save(notice.event);
        view.on.contains(&notice.event) && !again
    });
    Ok(news)
}

/// Whether the event is the end of a save or of a copy.
fn ends_save(event: NoticeEvent) -> bool {
    use NoticeEvent::{
        CopyCancelled, CopyFailed, CopySucceeded, SaveCancelled, SaveFailed, SaveStranded,
        SaveSucceeded,
    };
    matches!(
        event,
        SaveSucceeded
            | SaveFailed
            | SaveCancelled
            | SaveStranded
            | CopySucceeded
            | CopyFailed
            | CopyCancelled
    )
}

fn has_terminal(session: &Session) -> bool {
    session.environment.stderr_terminal && !session.out.for_programs()
}

fn show(text: &str) {
    Output::stderr(sequence(text).as_bytes());
}

fn not_notified(problem: &Problem) {
    let problem = problem.chain();
    tracing::info!(problem, "the desktop was not notified");
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
