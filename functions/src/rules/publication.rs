//! Decides whether an operation may show data to more people than before, and which files they would see.
//!
//! Every operation that shows data asks here before it changes anything: a save, by hand or by a schedule, when it is
//! planned and again when it is registered; an added architecture, a share, a copy, an import, a move to another
//! project, and a rollback. For a version, the known files are those that the instance reported when it was saved; for
//! an instance, those that it reports now. Files that are known to be sensitive are shown only with a consent that
//! covers them. If the files are not known, the operation warns; if the data would become visible outside this
//! deployment, where showing it cannot be undone, it requires consent as well (docs/adr/0015).

mod audience;
mod contents;

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use super::access::Caller;
use crate::domain::grant::Grant;
use crate::domain::inventory::Inventory;
use crate::domain::save::{SaveRequest, Warning};
use crate::domain::sensitive::{SensitiveFile, Sensitivity, ShownFile};
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, Problem};
use crate::registry::Registry;

pub(crate) use crate::domain::sensitive::Consent;
pub(crate) use audience::{Audience, Viewer};
pub(crate) use contents::{Look, of_version};

/// The maximum number of files that a message lists.
const NAMED: usize = 100;
/// The maximum number of files that a warning lists.
const WARNED: usize = 5;

/// What an instance has reported about its files.
pub(crate) enum Told {
    /// It was not inspected, because nobody else sees what is saved.
    Unasked,
    /// The inventory, or `None` if the instance did not report one.
    Answer(Option<Inventory>),
}

pub(crate) struct Showing {
    pub(crate) to: Audience,
    pub(crate) what: Vec<Look>,
}

#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) to: Audience,
    pub(crate) files: Vec<ShownFile>,
    pub(crate) warnings: Vec<Warning>,
}

/// Decides whether data may be shown, given its files and its audience. All operations use this one decision.
pub(crate) fn decide(
    settings: &Settings,
    doing: &str,
    showings: &[Showing],
    consent: Consent<'_>,
) -> Result<Shown, Problem> {
    let showings = || showings.iter().filter(|showing| !showing.to.is_empty());
    let mut files: BTreeMap<&SensitiveFile, BTreeSet<u32>> = BTreeMap::new();
    let (mut unknown, mut unknown_outside) = (Vec::new(), false);
    let mut to = Audience::default();
    for showing in showings() {
        to = to.and(&showing.to);
        for look in &showing.what {
            for file in &look.files {
                files.entry(file).or_default().extend(look.version);
            }
            if !look.whole {
                unknown.push(look.name.as_str());
                unknown_outside |= showing.to.reaches_outside(settings);
            }
        }
    }
    let told = |wanted: &dyn Fn(&SensitiveFile) -> bool| -> Vec<ShownFile> {
        let wanted = files.iter().filter(|(file, _)| wanted(file));
        wanted.map(|(file, of)| shown(file, of)).collect()
    };
    let refused = told(&|file| file.kind.needs_consent() && !consent.covers(file));
    if !refused.is_empty() {
        return Err(not_consented(doing, &to, refused));
    }
    if unknown_outside && matches!(consent, Consent::None) {
        return Err(not_looked_at(doing, &to, &unknown));
    }
    let files = told(&|_| true);
    let warnings = warnings(&to, &files, &unknown);
    Ok(Shown {
        to,
        files,
        warnings,
    })
}

fn shown(file: &SensitiveFile, versions: &BTreeSet<u32>) -> ShownFile {
    ShownFile {
        path: file.path.clone(),
        kind: file.kind,
        what: file.what().to_owned(),
        versions: versions.iter().copied().collect(),
    }
}

fn not_consented(doing: &str, to: &Audience, files: Vec<ShownFile>) -> Problem {
    let message = format!(
        "{doing} would show {to} {} that may be confidential: {}.",
        counted(files.len()),
        listed(&files, NAMED)
    );
    Problem::new(Code::SensitiveFiles, message).with_files(files)
}

fn counted(files: usize) -> String {
    match files {
        1 => "a file".to_owned(),
        many => format!("{many} files"),
    }
}

fn not_looked_at(doing: &str, to: &Audience, unknown: &[&str]) -> Problem {
    let message = format!(
        "{doing} would show {to} files that were not inspected: the files of {} are not known.",
        unknown.join(", ")
    );
    Problem::new(Code::FilesUnknown, message)
}

fn listed(files: &[ShownFile], most: usize) -> String {
    let name = |file: &ShownFile| format!("{} ({})", file.path, file.what);
    let mut named: Vec<String> = files.iter().take(most).map(name).collect();
    if files.len() > most {
        named.push(format!("and {} more", files.len() - most));
    }
    named.join(", ")
}

fn warnings(to: &Audience, files: &[ShownFile], unknown: &[&str]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, text: String| {
        warnings.push(Warning {
            code: code.to_owned(),
            text,
        });
    };
    if !files.is_empty() {
        let text = format!("It is shown to {to}: {}.", listed(files, WARNED));
        warn("SensitiveFiles", text);
    }
    if !unknown.is_empty() {
        let text = format!(
            "The files of {} are not known, and {to} would see them: check for keys, credentials and shell histories yourself.",
            unknown.join(", ")
        );
        warn("NotInspected", text);
    }
    warnings
}

/// Returns what a save shows, and to whom: the instance, to all who will see the template; the existing versions, to
/// those who did not see them before.
///
/// `grants` are the template's. The caller must open AMIs by these same grants, so that nobody who was added in the
/// meantime is included. `look` is called only if anybody else sees the template; its result is returned too.
pub(crate) async fn of_save(
    registry: &Registry,
    caller: &Caller,
    request: &SaveRequest,
    template: Option<&Template>,
    grants: &[Grant],
    look: impl AsyncFnOnce() -> Result<Option<Inventory>, Problem>,
) -> Result<(Vec<Showing>, Told), Problem> {
    // A deleted template starts again as a new one that only its saver sees.
    let template = template.filter(|template| template.state != TemplateState::Deleted);
    let before = audience::of(registry, caller, template, grants).await?;
    let mut more = Vec::new();
    if request.public {
        more.push(Viewer::public());
    }
    let there = template.and_then(|template| template.project.as_ref());
    if let Some(project) = request.project.as_ref().filter(|to| Some(*to) != there) {
        more.extend(audience::managers(registry, &caller.user, project).await?);
    }
    let after = before.with(more);
    if after.is_empty() {
        return Ok((Vec::new(), Told::Unasked));
    }
    let inventory = look().await?;
    let mut showings = vec![Showing {
        to: after.clone(),
        what: vec![Look::of_instance(&request.instance, inventory.as_ref())],
    }];
    let new = after.beyond(&before);
    if let Some(template) = template.filter(|_| !new.is_empty()) {
        showings.push(Showing {
            to: new,
            what: contents::of_template(registry, template).await?,
        });
    }
    Ok((showings, Told::Answer(inventory)))
}

pub(crate) fn saving(request: &SaveRequest) -> String {
    format!("Saving {} as {}", request.instance, request.template)
}

pub(crate) async fn of_share(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
    grants: &[Grant],
    with: Viewer,
) -> Result<Vec<Showing>, Problem> {
    let before = audience::of(registry, caller, Some(template), grants).await?;
    let to = before.with([with]).beyond(&before);
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let what = contents::of_template(registry, template).await?;
    Ok(vec![Showing { to, what }])
}

/// Returns what an operation that adds contents to a template shows: the contents, to all who see the template.
pub(crate) async fn of_contents(
    registry: &Registry,
    caller: &Caller,
    template: Option<&Template>,
    grants: &[Grant],
    what: Vec<Look>,
) -> Result<Vec<Showing>, Problem> {
    let to = audience::of(registry, caller, template, grants).await?;
    Ok(vec![Showing { to, what }])
}

/// Returns what a rollback shows: the files that the new latest version has and the previous one does not. If either
/// was not inspected, there is nothing to compare; in any case all versions of a template can be launched by number.
pub(crate) async fn of_rollback(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
    target: &Version,
) -> Result<Vec<Showing>, Problem> {
    let name = &template.name;
    let from = of_version(registry, name, template.latest).await?;
    let mut look = of_version(registry, name, target.number).await?;
    look.files.retain(|file| !from.files.contains(file));
    if !from.whole {
        look.files.clear();
    }
    look.whole = true;
    let grants = registry.grants(name).await?;
    of_contents(registry, caller, Some(template), &grants, vec![look]).await
}

/// Returns the files of an instance that the owner of a schedule consents to show.
pub(crate) fn consented(inventory: Option<&Inventory>) -> Vec<SensitiveFile> {
    let files = inventory.and_then(|inventory| inventory.sensitive.clone());
    let mut files = files.unwrap_or_default();
    files.retain(|file| Sensitivity::needs_consent(file.kind));
    files
}

#[cfg(test)]
mod tests;
