//! What users read and what webhooks receive. Names in a notice come from other people: nothing in them can begin a new
//! line or a header.

use std::fmt::Write as _;

use serde::Serialize;

use crate::domain::notify::{EmailAddress, WebhookChannel, signature};
use crate::domain::{
    DeploymentId, InstanceId, NoticeEvent, ProjectName, SaveId, ScheduleName, TemplateName,
    Timestamp, UserId,
};
use crate::ports::{Mail, Notice, Post};
use crate::registry::Outgoing;

/// The maximum length of a subject, in characters.
const SUBJECT: usize = 120;

/// The header with the ID of the notice, the same at each attempt.
const ID_HEADER: &str = "prism-notice-id";
const EVENT_HEADER: &str = "prism-event";
const SIGNATURE_HEADER: &str = "prism-signature";

/// What a webhook receives: docs/json/webhook.json.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    event: NoticeEvent,
    at: Timestamp,
    alarm: bool,
    text: &'a str,
    user: &'a UserId,
    deployment: &'a DeploymentId,
    save_id: Option<&'a SaveId>,
    project: Option<&'a ProjectName>,
    template: Option<&'a TemplateName>,
    instance: Option<&'a InstanceId>,
    schedule: Option<&'a ScheduleName>,
}

/// The request to a webhook.
pub(super) fn post(
    webhook: &WebhookChannel,
    outgoing: &Outgoing,
    deployment: &DeploymentId,
    now: Timestamp,
) -> Result<Post, serde_json::Error> {
    let Outgoing { id, notice, .. } = outgoing;
    let body = serde_json::to_string(&Payload {
        id,
        event: notice.event,
        at: notice.at,
        alarm: notice.alarm,
        text: &notice.text,
        user: &outgoing.user,
        deployment,
        save_id: notice.save_id.as_ref(),
        project: notice.project.as_ref(),
        template: notice.template.as_ref(),
        instance: notice.instance.as_ref(),
        schedule: notice.schedule.as_ref(),
    })?;
    let signed = signature(now, &body, &webhook.secrets(now));
    Ok(Post {
        url: webhook.url.clone(),
        headers: vec![
            (ID_HEADER, id.clone()),
            (EVENT_HEADER, notice.event.to_string()),
            (SIGNATURE_HEADER, signed),
        ],
        body,
    })
}

/// The e-mail of a notice.
pub(super) fn mail(address: &EmailAddress, outgoing: &Outgoing) -> Mail {
    let Outgoing { id, notice, .. } = outgoing;
    let mut said = String::new();
    for (name, value) in facts(notice) {
        let _ = writeln!(said, "{name}: {}", one_line(&value, usize::MAX));
    }
    Mail {
        to: address.clone(),
        subject: one_line(
            &format!("[Prism] {}: {}", notice.event, notice.text),
            SUBJECT,
        ),
        text: format!(
            "{}\n\n{said}Notice: {id}\n\nYou get this because of your settings in Prism. See them: prism notify show. No more e-mail: prism notify off email\n",
            one_line(&notice.text, usize::MAX)
        ),
    }
}

/// The e-mail with the code that confirms an address. Its reader may never have heard of Prism.
pub(super) fn confirmation(address: &EmailAddress, code: &str) -> Mail {
    Mail {
        to: address.clone(),
        subject: "[Prism] Confirm your e-mail address".to_owned(),
        text: format!(
            "Somebody asked Prism to send notices to this address. If it was you, confirm it within an hour:\n\n    prism notify confirm {code}\n\nIf it was not you, do nothing: you will get no notices.\n"
        ),
    }
}

fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let all = [
        ("Event", Some(notice.event.to_string())),
        ("At", Some(notice.at.to_rfc3339())),
        ("Save", text(notice.save_id.as_ref().map(SaveId::as_str))),
        (
            "Project",
            text(notice.project.as_ref().map(ProjectName::as_str)),
        ),
        (
            "Template",
            text(notice.template.as_ref().map(TemplateName::as_str)),
        ),
        (
            "Instance",
            text(notice.instance.as_ref().map(InstanceId::as_str)),
        ),
        (
            "Schedule",
            text(notice.schedule.as_ref().map(ScheduleName::as_str)),
        ),
    ];
    let known = all.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A text on one line, of at most so many characters. Line breaks, other control characters, and those that change the
/// direction of text become spaces.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let breaks = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut line: String = text
        .chars()
        .map(|c| if breaks(c) { ' ' } else { c })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::NoticeChannel;

    #[test]
    fn a_name_with_line_breaks_adds_no_header_and_no_line() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let evil = "x\r\nBcc: eve@example.org\r\n\r\nhello\u{2028}\u{202e}gnp";
        let notice = Notice::new(NoticeEvent::SaveFailed, at, evil);
        let user = "ada".parse().unwrap();
        let outgoing = Outgoing::new(&notice, &user, NoticeChannel::Email);
        let mail = mail(&"ada@example.org".parse().unwrap(), &outgoing);
        assert_eq!(
            mail.subject,
            "[Prism] save.failed: x  Bcc: eve@example.org    hello  gnp"
        );
        assert!(
            mail.text
                .starts_with("x  Bcc: eve@example.org    hello  gnp\n\nEvent: save.failed\n"),
            "{}",
            mail.text
        );
        assert!(!mail.text.contains('\r'));
    }

    #[test]
    fn a_long_subject_is_cut() {
        assert_eq!(one_line("abcd", 4), "abcd");
        assert_eq!(one_line("abcde", 4), "abc…");
        assert_eq!(one_line(&"ß".repeat(500), SUBJECT).chars().count(), SUBJECT);
    }
}
