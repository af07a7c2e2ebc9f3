//! `prism template`.

mod copy;
mod delete;
mod deprecate;
mod diff;
mod edit;
mod export;
mod import;
mod lineage;
mod list;
mod rollback;
mod share;
mod shares;
mod show;
mod unshare;
mod versions;

use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Problem, TemplateName};
use prism_functions::operations::parts::VersionRef;

pub(crate) use list::List;
pub(crate) use share::{How, Share, several};

commands! {
    /// List, show, change, copy, share and delete templates and their versions
    Template {
        #[command(visible_alias = "ls")]
        List(list::List),
        #[command(alias = "info")]
        Show(show::Show),
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
}

fn name(text: &str) -> Result<TemplateName, Problem> {
    text.parse().map_err(Problem::from)
}

/// The version that a reference names.
fn version(reference: &TemplateRef) -> Option<VersionRef> {
    Some(VersionRef {
        template: reference.name.clone(),
        number: reference.version?,
    })
}
