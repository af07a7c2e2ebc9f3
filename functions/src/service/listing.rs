//! Lists of templates: built-in ones, the caller's own, public ones, as one list in one order.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Service;
use super::access::{Action, Caller, Relation, Resource, allowed};
use super::templates::{TemplateSummary, built_in_summary, summary};
use crate::domain::catalogue;
use crate::domain::grant::Grantee;
use crate::domain::project::ProjectRole;
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::words::{self, Search};
use crate::domain::{Code, Problem, ProjectName};
use crate::ports::{Architecture, table_cursor};
use crate::registry::{Entry, Listed, Listing, Scope};

/// The most templates of one project, or given to one user, that a search looks through.
const GIVEN: usize = 200;

/// Which templates are wanted: those for which all of it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TemplateFilter {
    /// Only the caller's own.
    pub mine: bool,
    /// Only those that everybody may use.
    pub public: bool,
    /// Only those of a project.
    pub project: Option<ProjectName>,
    /// Only those with words that begin like these.
    pub search: Option<String>,
    /// Only those whose latest version has an AMI for this architecture.
    pub architecture: Option<Architecture>,
}

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    list: String,
    after: String,
}

/// A template that may be on a page.
struct Candidate {
    place: String,
    summary: TemplateSummary,
    kept: bool,
}

impl Service {
    /// A page of the templates that the caller can launch, by name; those that were searched for by
    /// the word that was found, then by name. `limit` is 1 to 1,000. So much is read and no more: a
    /// page may have fewer, or none, and still be followed by another.
    pub async fn templates(
        &self,
        caller: &Caller,
        filter: &TemplateFilter,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<TemplateSummary>, Problem> {
        let search = filter.search.as_deref().map(Search::new).transpose()?;
        let list = fingerprint(caller, filter);
        let after = cursor.map(|text| read(&list, &text)).transpose()?;
        let mut found = built_in(filter, search.as_ref());
        found.retain(|candidate| after.as_ref().is_none_or(|after| candidate.place > *after));
        let mut ends = Vec::new();
        for source in self.sources(caller, filter, search.as_ref()).await? {
            let (from, most) = match (&search, &source.listing) {
                // It is in the order of names, and what was found is not: it is read from its
                // beginning, as far as a list goes.
                (Some(_), listing) if !matches!(listing, Listing::Words(..)) => (None, GIVEN),
                _ => (after.as_deref(), limit),
            };
            let registry = &self.env.registry;
            let page = registry.entries(&source.listing, from, most).await?;
            if from.is_some() || most == limit {
                ends.extend(page.end);
            }
            for entry in page.entries {
                let Some(place) = placed(search.as_ref(), &source.listing, &entry) else {
                    continue;
                };
                let template = &entry.template;
                let mut kept = keeps(caller, filter, search.as_ref(), &place, template);
                if kept && source.checked {
                    kept = caller.sees_in_list(registry, template).await?;
                }
                if after.as_ref().is_none_or(|after| place > *after) {
                    found.push(Candidate {
                        kept,
                        summary: summary(template),
                        place,
                    });
                }
            }
        }
        // What is kept comes first, so that it outlives what is the same and is not.
        found.sort_by(|a, b| (&a.place, !a.kept).cmp(&(&b.place, !b.kept)));
        // What a caller owns is public at times: once is enough.
        found.dedup_by(|a, b| a.place == b.place);
        // Behind the place where one list was cut off, others may be known that it would put between.
        let end = ends.into_iter().min();
        let (mut items, mut after, mut shown) = (Vec::new(), end.clone(), None);
        for candidate in found {
            if end.as_ref().is_some_and(|end| candidate.place > *end) {
                break;
            }
            if items.len() == limit {
                after = shown;
                break;
            }
            shown = Some(candidate.place);
            items.extend(candidate.kept.then_some(candidate.summary));
        }
        let cursor = after.map(|after| table_cursor::to_text(&Cursor { list, after }));
        Ok(Listed { items, cursor })
    }
}

/// A list to read.
struct Source {
    listing: Listing,
    /// Whether it may hold what the caller may not see.
    checked: bool,
}

impl Service {
    /// The lists that hold all that is wanted, as little else as may be.
    async fn sources(
        &self,
        caller: &Caller,
        filter: &TemplateFilter,
        search: Option<&Search>,
    ) -> Result<Vec<Source>, Problem> {
        let trusted = |listing| Source {
            listing,
            checked: false,
        };
        if let Some(project) = &filter.project {
            return Ok(vec![Source {
                listing: Listing::InProject(project.clone()),
                checked: true,
            }]);
        }
        let user = || caller.user.clone();
        let word = search.map(|search| search.leading().to_owned());
        let own = match &word {
            Some(word) => Listing::Words(Scope::OwnedBy(user()), word.clone()),
            None => Listing::OwnedBy(user()),
        };
        let public = match word {
            Some(word) => Listing::Words(Scope::Public, word),
            None => Listing::Public,
        };
        match (filter.mine, filter.public) {
            (true, _) => return Ok(vec![trusted(own)]),
            (false, true) => return Ok(vec![trusted(public)]),
            (false, false) => {}
        }
        let mut sources = vec![trusted(own), trusted(public)];
        sources.push(trusted(Listing::GivenTo(Grantee::User(user()))));
        let memberships = self.env.registry.memberships(&caller.user).await?.value;
        for (project, role) in memberships.roles {
            if allowed(Relation::of_role(role), Action::See, Resource::Template)
                && matches!(role, ProjectRole::Owner | ProjectRole::Admin)
            {
                sources.push(trusted(Listing::InProject(project.clone())));
            }
            sources.push(trusted(Listing::GivenTo(Grantee::Project(project))));
        }
        Ok(sources)
    }
}

/// The place of a template in the whole list: by the word that was found where something was.
fn placed(search: Option<&Search>, listing: &Listing, entry: &Entry) -> Option<String> {
    match (search, listing) {
        (Some(search), listing) if !matches!(listing, Listing::Words(..)) => {
            let words = words::of_template(&entry.template);
            let word = search.finds(&words)?;
            Some(format!("{word}#{}", entry.template.name))
        }
        _ => Some(entry.place.clone()),
    }
}

fn keeps(
    caller: &Caller,
    filter: &TemplateFilter,
    search: Option<&Search>,
    place: &str,
    template: &Template,
) -> bool {
    let there = template.state != TemplateState::Deleted;
    let mine = !filter.mine || template.owner == caller.user;
    let public = !filter.public || template.visibility == Visibility::Public;
    let project = filter.project.is_none() || filter.project == template.project;
    let runs = |architecture| template.architectures.contains(&architecture);
    let architecture = filter.architecture.is_none_or(runs);
    let found = search.is_none_or(|search| {
        let words = words::of_template(template);
        // Two of its words may be found: it is listed by the first.
        let word = search.finds(&words);
        let by = place.split_once('#').map(|(by, _)| by);
        word.is_some_and(|word| by.is_none_or(|by| by == word))
    });
    there && mine && public && project && architecture && found
}

fn built_in(filter: &TemplateFilter, search: Option<&Search>) -> Vec<Candidate> {
    if filter.mine || filter.project.is_some() {
        return Vec::new();
    }
    let candidates = catalogue::ALL.iter().filter_map(|built_in| {
        let place = match search {
            None => built_in.name.to_owned(),
            Some(search) => {
                let words = words::of(built_in.name, built_in.description);
                format!("{}#{}", search.finds(&words)?, built_in.name)
            }
        };
        Some(Candidate {
            place,
            summary: built_in_summary(built_in),
            kept: true,
        })
    });
    candidates.collect()
}

/// Names the list, so that no other's cursor is taken for its own.
fn fingerprint(caller: &Caller, filter: &TemplateFilter) -> String {
    let filter = serde_json::to_string(filter).expect("a filter is JSON");
    let hash = Sha256::digest(format!("{}\n{filter}", caller.user));
    let bytes = hash.iter().take(8);
    bytes.fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn read(list: &str, cursor: &str) -> Result<String, Problem> {
    let known = table_cursor::from_text::<Cursor>(cursor).filter(|cursor| cursor.list == list);
    known.map(|cursor| cursor.after).ok_or_else(|| {
        let message = "The cursor cannot be used: it is not of this list.";
        Problem::new(Code::InvalidInput, message)
            .hint("Take the cursor from the last page of the same list, or begin anew without one.")
    })
}
