//! Whether an operation shows data to more people than before, and which files it would show them.
//!
//! All that shows data asks here, before anything is touched: a save, by hand or by a schedule, when it is planned
//! and once more when it is registered; an added architecture, a share, a copy, an import, a move to another project,
//! a rollback. What is known of the files is what the instance told when it was saved, kept with the version, and of an
//! instance what it tells now. Files that are known to be sensitive are shown with a consent of its own only. Where
//! nobody has looked, that is told; beyond this deployment, where nothing can be taken back, it needs the consent too
//! (docs/adr/0015).

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

/// How many files a message names.
const NAMED: usize = 100;
/// How many files a warning names.
const WARNED: usize = 5;

/// What an instance has told of its files.
pub(crate) enum Told {
    /// It was not asked: nobody sees what is saved of it.
    Unasked,
    /// This, or nothing.
    Answer(Option<Inventory>),
}

/// Data, and who gets to see it.
pub(crate) struct Showing {
    pub(crate) to: Audience,
    pub(crate) what: Vec<Look>,
}

/// What an operation shows that may go on.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The sensitive files, by path.
    pub(crate) files: Vec<ShownFile>,
    /// What to know of it.
    pub(crate) warnings: Vec<Warning>,
}

/// Whether data may be shown: with its files and who sees them. The one decision, of whatever operation.
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
    Ok(Shown { files, warnings })
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
        "{doing} would show {to} {} that they were perhaps not meant to have: {}.",
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
        "{doing} would show {to} what nobody has looked at: which files {} has is not known.",
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
            "Which files {} has is not known, and {to} would see them: look for keys, credentials and shell histories yourself.",
            unknown.join(", ")
        );
        warn("NotInspected", text);
    }
    warnings
}

/// What a save shows, and to whom: of the instance, to all who see its template then; of the versions that are
/// there, to those who did not see them before. `grants` are the template's: whoever opens AMIs by them afterwards
/// opens them to whom this was asked of, and to nobody who came in between. `look` is asked only where anybody sees
/// the template; its answer is returned too.
pub(crate) async fn of_save(
    registry: &Registry,
    caller: &Caller,
    request: &SaveRequest,
    template: Option<&Template>,
    grants: &[Grant],
    look: impl AsyncFnOnce() -> Result<Option<Inventory>, Problem>,
) -> Result<(Vec<Showing>, Told), Problem> {
    // What was deleted begins anew, for its saver alone.
    let template = template.filter(|template| template.state != TemplateState::Deleted);
    let before = audience::of(registry, &caller.user, template, grants).await?;
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

/// What is said of a save where it is refused.
pub(crate) fn saving(request: &SaveRequest) -> String {
    format!("Saving {} as {}", request.instance, request.template)
}

/// What sharing a template with somebody shows: all of its versions.
pub(crate) async fn of_share(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
    grants: &[Grant],
    with: Viewer,
) -> Result<Vec<Showing>, Problem> {
    let before = audience::of(registry, &caller.user, Some(template), grants).await?;
    let to = before.with([with]).beyond(&before);
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let what = contents::of_template(registry, template).await?;
    Ok(vec![Showing { to, what }])
}

/// What becomes of a template's contents by something that brings more of them: it is shown to all who see
/// the template.
pub(crate) async fn of_contents(
    registry: &Registry,
    caller: &Caller,
    template: Option<&Template>,
    grants: &[Grant],
    what: Vec<Look>,
) -> Result<Vec<Showing>, Problem> {
    let to = audience::of(registry, &caller.user, template, grants).await?;
    Ok(vec![Showing { to, what }])
}

/// What a rollback shows: what the version has that the name stands for then, and the one that it stood for has not.
/// Where one of them was not looked at there is nothing to compare; all of a template's versions can be launched by
/// their numbers anyway.
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

/// The files of an instance that a schedule's owner consents to show.
pub(crate) fn consented(inventory: Option<&Inventory>) -> Vec<SensitiveFile> {
    let files = inventory.and_then(|inventory| inventory.sensitive.clone());
    let mut files = files.unwrap_or_default();
    files.retain(|file| Sensitivity::needs_consent(file.kind));
    files
}

#[cfg(test)]
mod tests;
