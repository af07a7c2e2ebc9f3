//! `prism template`.

mod copy;
mod delete;
mod deprecate;
mod diff;
mod edit;
mod export;
mod import;
mod info;
mod lineage;
mod rollback;
mod share;
mod shares;
mod unshare;
mod versions;

use clap::Subcommand;

use crate::app::Session;
use crate::errors::Outcome;

pub(crate) use share::{How, Share};

/// See a template, its versions and what it comes from, copy and share it, and change what it stands for
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    Info(info::Info),
    Versions(versions::Versions),
    Lineage(lineage::Lineage),
    Diff(diff::Diff),
    Rollback(rollback::Rollback),
    Edit(edit::Edit),
    Deprecate(deprecate::Deprecate),
    Restore(deprecate::Restore),
    Delete(delete::Delete),
    Export(export::Export),
    Copy(copy::Copy),
    Import(import::Import),
    Share(share::Share),
    Unshare(unshare::Unshare),
    Shares(shares::Shares),
}

impl Template {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Info(args) => args.run(session).await,
            Self::Versions(args) => args.run(session).await,
            Self::Lineage(args) => args.run(session).await,
            Self::Diff(args) => args.run(session).await,
            Self::Rollback(args) => args.run(session).await,
            Self::Edit(args) => args.run(session).await,
            Self::Deprecate(args) => args.run(session).await,
            Self::Restore(args) => args.run(session).await,
            Self::Delete(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
            Self::Copy(args) => Box::pin(args.run(session)).await,
            Self::Import(args) => args.run(session).await,
            Self::Share(args) => args.run(session).await,
            Self::Unshare(args) => args.run(session).await,
            Self::Shares(args) => args.run(session).await,
        }
    }
}
