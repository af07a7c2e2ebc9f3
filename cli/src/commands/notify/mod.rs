//! `prism notify`.

mod confirm;
mod off;
mod set;
mod show;
mod test;

use prism_functions::domain::notify::Deliveries;
use prism_functions::operations::NotifyView;

use crate::session::Session;
use crate::text::plain;

commands! {
    /// Choose what you are notified of, and how
    Notify {
        Show(show::Show),
        Set(set::Set),
        Confirm(confirm::Confirm),
        Off(off::Off),
        Test(test::Test),
    }
}

/// How a user is notified, in a few lines.
fn text(session: &Session, view: &NotifyView) -> String {
    let on: Vec<&str> = view.on.iter().map(|event| event.as_str()).collect();
    let defaults = if view.defaults { " (defaults)" } else { "" };
    let on = match on.as_slice() {
        [] => "none".to_owned(),
        on => on.join(", "),
    };
    let email = match &view.email {
        None => "none".to_owned(),
        Some(email) if email.confirmed => {
            format!("{}{}", email.address, fate(session, &email.deliveries))
        }
        Some(email) => format!(
            "{}, not confirmed: enter the code that it received with \"prism notify confirm CODE\"",
            email.address
        ),
    };
    let webhook = match &view.webhook {
        None => "none".to_owned(),
        Some(webhook) => format!(
            "{}{}",
            plain(webhook.url.as_str()),
            fate(session, &webhook.deliveries)
        ),
    };
    let desktop = if view.desktop { "on" } else { "off" };
    format!("Events: {on}{defaults}\nE-mail: {email}\nWebhook: {webhook}\nDesktop: {desktop}\n")
}

/// What became of the last notices.
fn fate(session: &Session, deliveries: &Deliveries) -> String {
    let times = session.times();
    let delivered = deliveries
        .delivered_at
        .map(|at| format!(", last reached {}", times.when(at)));
    let failed = deliveries.failure.as_ref().map(|failure| {
        format!(
            "; {} was given up {}: {}",
            failure.event,
            times.when(failure.at),
            plain(&failure.reason)
        )
    });
    delivered.unwrap_or_default() + &failed.unwrap_or_default()
}
