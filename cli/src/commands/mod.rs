//! The commands, one module each.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod configure;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod launch;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod project;
pub(crate) mod regions;
pub(crate) mod save;
pub(crate) mod saves;
pub(crate) mod schedule;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod template;
pub(crate) mod templates;
pub(crate) mod terminate;
