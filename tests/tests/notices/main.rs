//! Notices: whom they concern, how they reach people, and what happens when they cannot.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod delivery;
mod senders;
mod settings;

use prism_functions::domain::{NoticeEvent, Problem, UserId};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{
    Asked, ConfirmEmail, EmailCode, NotifyChanged, NotifyRequest, NotifyTest, NotifyView,
    SetNotify, ShowNotify, TestNotify,
};
use prism_functions::ports::Notice;
use prism_functions::rules::access::Caller;
use prism_tests::asks::Asks as _;
use prism_tests::world::World;

/// The notices of an event that were sent so far.
pub(crate) fn sent(world: &World, event: NoticeEvent) -> Vec<Notice> {
    let notices = world.notices.0.lock().unwrap();
    let of_event = notices.iter().filter(|notice| notice.event == event);
    of_event.cloned().collect()
}

pub(crate) fn users<const N: usize>(names: [&str; N]) -> std::collections::BTreeSet<UserId> {
    names.map(|name| name.parse().unwrap()).into()
}

pub(crate) fn request() -> NotifyRequest {
    NotifyRequest::default()
}

pub(crate) fn set(
    world: &World,
    user: &Caller,
    request: NotifyRequest,
) -> Result<NotifyChanged, Problem> {
    let asked = Asked::<SetNotify>::with(Nothing {}, request);
    world.run(world.service.told(user, asked))
}

pub(crate) fn shown(world: &World, user: &Caller) -> NotifyView {
    let asked = Asked::<ShowNotify>::of(Nothing {});
    world.run(world.service.told(user, asked)).unwrap()
}

pub(crate) fn confirm(world: &World, user: &Caller, code: &str) -> Result<NotifyView, Problem> {
    let code = code.to_owned();
    let asked = Asked::<ConfirmEmail>::with(Nothing {}, EmailCode { code });
    world.run(world.service.told(user, asked))
}

pub(crate) fn test(world: &World, user: &Caller) -> Result<NotifyTest, Problem> {
    let asked = Asked::<TestNotify>::of(Nothing {});
    world.run(world.service.told(user, asked))
}

pub(crate) fn code_in(text: &str) -> String {
    let (_, rest) = text.split_once("prism notify confirm ").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Gives a user an e-mail address that is confirmed, and a webhook.
pub(crate) fn reachable(world: &World, user: &Caller) {
    let by_both = NotifyRequest {
        email: Some("ada@example.org".parse().unwrap()),
        webhook: Some("https://hooks.example.org/prism".parse().unwrap()),
        ..request()
    };
    set(world, user, by_both).unwrap();
    let [mail] = world.letters.mails().try_into().unwrap();
    confirm(world, user, &code_in(&mail.text)).unwrap();
}
