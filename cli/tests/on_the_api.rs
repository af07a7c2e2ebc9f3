//! Runs the command-line tests again through the API: the same commands have the same effects, output and exit codes,
//! whether the embedded cloud is in the same process or behind a real server.
#![cfg(unix)]
#![allow(
    clippy::duplicate_mod,
    reason = "each file of tests brings what is common to all"
)]

#[path = "background.rs"]
mod background;
#[path = "bad_input.rs"]
mod bad_input;
#[path = "copies.rs"]
mod copies;
#[path = "pages.rs"]
mod pages;
#[path = "publication.rs"]
mod publication;
#[path = "refusals.rs"]
mod refusals;
#[path = "requirements.rs"]
mod requirements;
#[path = "schedules.rs"]
mod schedules;
#[path = "story.rs"]
mod story;
#[path = "team.rs"]
mod team;
#[path = "templates.rs"]
mod templates;
