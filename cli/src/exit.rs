//! The exit codes. Only `exec`, `connect`, `cp` and `open` return others: that of the command
//! inside the instance, or of the program that reaches it.

/// The command succeeded.
pub(crate) const DONE: u8 = 0;
/// The request was refused, or it failed.
pub(crate) const FAILED: u8 = 1;
/// The arguments are invalid; nothing was read or changed.
pub(crate) const BAD_ARGUMENTS: u8 = 2;
/// A signal ended the wait; a save that was waited for continues in the background.
pub(crate) const INTERRUPTED: u8 = 130;
