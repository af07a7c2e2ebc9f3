//! The records of the registry, one file each: its key, its index entries, and how it is written.

pub(super) mod approval;
pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod deployment;
pub(super) mod duty;
pub(super) mod grant;
pub(super) mod instance;
pub(super) mod keys;
pub(super) mod launch;
pub(super) mod lock;
pub(super) mod member;
pub(super) mod packages;
pub(super) mod place;
pub(super) mod pledge;
pub(super) mod project;
pub(super) mod runs;
pub(super) mod save;
pub(super) mod schedule;
pub(super) mod sums;
pub(super) mod template;
pub(super) mod turn;
pub(super) mod usage;
pub(super) mod used;
pub(super) mod version;
pub(super) mod wait;
pub(super) mod word;
