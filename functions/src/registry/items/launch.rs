//! A counted launch.

use serde::Serialize;

use crate::domain::template::TemplateRef;
use crate::domain::{InstanceId, Problem, Timestamp, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::{EXPIRES, encode};

/// How long a counted launch is remembered, in days. It is longer than any caller retries.
pub(in crate::registry) const REMEMBERED_DAYS: i64 = 30;

#[derive(Debug, Clone)]
pub(crate) struct Launch<'a> {
    /// The token and the Region, which identify the launch, so that it is counted only once.
    pub(crate) token: &'a str,
    pub(crate) of: &'a TemplateRef,
    pub(crate) by: &'a UserId,
    pub(crate) instance: &'a InstanceId,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Serialize)]
struct Remembered<'a> {
    template: &'a TemplateRef,
    by: &'a UserId,
    instance: &'a InstanceId,
    at: Timestamp,
}

pub(in crate::registry) fn launch_item(launch: &Launch<'_>) -> Result<Item, Problem> {
    let remembered = Remembered {
        template: launch.of,
        by: launch.by,
        instance: launch.instance,
        at: launch.at,
    };
    let key = Key::new(format!("LAUNCH#{}", launch.token), "META");
    let mut item = encode(key, &remembered, 1, [])?;
    let expires = launch.at + chrono::TimeDelta::days(REMEMBERED_DAYS);
    let seconds = expires.timestamp().into();
    item.attributes.insert(EXPIRES.to_owned(), seconds);
    Ok(item)
}
