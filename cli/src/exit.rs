//! The exit codes. `exec` alone passes on another: that of the command inside the instance.

/// What was asked is done.
pub(crate) const DONE: u8 = 0;
/// The request was refused, or it failed.
pub(crate) const FAILED: u8 = 1;
/// The arguments are wrong: nothing was looked at or changed.
pub(crate) const BAD_ARGUMENTS: u8 = 2;
/// A signal ended the waiting: a save that was waited for goes on in the background.
pub(crate) const INTERRUPTED: u8 = 130;
