//! Lists of templates: built-in, own and public ones, as one list in one order.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::parts::{self, Page, Paging};
use super::templates::{TemplateKind, TemplateSummary, built_in_summary, summary};
use super::{Asked, Service};
use crate::domain::ec2::Architecture;
use crate::domain::grant::Grantee;
use crate::domain::project::ProjectRole;
use crate::domain::template::{Template, TemplateState, Visibility};
use crate::domain::words::{self, Search};
use crate::domain::{Code, Problem, ProjectName, catalogue};
use crate::operations::operation::{Answered, operation};
use crate::ports::table_cursor;
use crate::registry::{Entry, Listing, Scope};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

/// The maximum number of templates of one project, or shared with one user, that one page of a search reads.
const GIVEN: usize = 200;

/// The query of a request for templates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplatesPage {
    /// Only your own templates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mine: bool,
    /// Only public templates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
    /// Only templates of this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only templates of this origin: `built-in` or `saved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TemplateKind>,
    /// Only templates with words in their name or description that begin with these words.
    #[param(min_length = 2, max_length = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only templates whose latest version has an AMI for this architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Architecture>,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

operation! {
    /// Lists the templates that you can launch, by name
    ///
    /// Search results are sorted by the word that was found, then by name. A page may contain fewer items than
    /// requested, or none, even if more pages follow: continue as long as there is a cursor.
    ListTemplates by list_templates: Get "/v1/templates" of "templates",
    query: TemplatesPage,
    output: parts::Found<Page<TemplateSummary>>,
    rights: [See Template],
}

async fn list_templates(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListTemplates>,
) -> Answered<ListTemplates> {
    let TemplatesPage { limit, cursor, .. } = asked.query;
    let limit = Paging::new(limit, None).limit()?;
    let filter = TemplatesPage {
        limit: None,
        cursor: None,
        ..asked.query
    };
    let search = filter.search.as_deref().map(Search::new).transpose()?;
    let list = fingerprint(caller, &filter);
    let from = cursor.map(|text| read(&list, &text)).transpose()?;
    let wanted = Wanted {
        caller,
        filter: &filter,
        search,
        from: from.unwrap_or_default(),
        limit,
    };
    let mut found = Found::default();
    let search = wanted.search.as_ref();
    if wanted.from.behind.is_none() {
        let all = built_in(&filter, search);
        let new = all.into_iter().filter(|it| wanted.is_new(&it.place));
        found.candidates = new.collect();
    }
    for source in service.sources(caller, &filter, search).await? {
        service.look(&wanted, &source, &mut found).await?;
    }
    let (items, position) = page(found, wanted.from, limit);
    let cursor = position.map(|position| table_cursor::to_text(&Cursor { list, position }));
    Ok(parts::Found::new(Page { items, cursor }))
}

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    list: String,
    #[serde(flatten)]
    position: Position,
}

/// The position in a list. Some lists are sorted by name and may be longer than what one page of a search can read.
/// Such a search has several rounds: each round shows the templates that it has found, sorted by word, and begins where
/// the previous one ended.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    /// The last place of this round that was shown.
    after: Option<String>,
    /// The name up to which earlier rounds have searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behind: Option<String>,
}

struct Candidate {
    place: String,
    summary: TemplateSummary,
    kept: bool,
    /// Whether it comes from a list that is sorted by name and has to be searched for words.
    looked_through: bool,
}

struct Wanted<'a> {
    caller: &'a Caller,
    filter: &'a TemplatesPage,
    search: Option<Search>,
    from: Position,
    limit: usize,
}

/// The intermediate results for a page.
#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    /// For each list that has more items, the place up to which it was read.
    ends: Vec<String>,
    /// For each list that has more items, the name up to which it was searched.
    looked: Vec<String>,
}

impl Service {
    async fn look(
        &self,
        wanted: &Wanted<'_>,
        source: &Source,
        found: &mut Found,
    ) -> Result<(), Problem> {
        let Wanted {
            caller,
            filter,
            from,
            limit,
            ..
        } = wanted;
        let search = wanted.search.as_ref();
        let registry = &self.env.registry;
        let by_word = matches!(source.listing, Listing::Words(..));
        // The list is sorted by name, and the search results are not.
        let looked_through = search.is_some() && !by_word;
        if by_word && from.behind.is_some() {
            return Ok(());
        }
        let (begin, most) = if looked_through {
            (from.behind.as_deref(), GIVEN)
        } else {
            (from.after.as_deref(), *limit)
        };
        let page = registry.entries(&source.listing, begin, most).await?;
        if looked_through {
            found.looked.extend(page.end);
        } else {
            found.ends.extend(page.end);
        }
        for entry in page.entries {
            let Some(place) = placed(search, &source.listing, &entry) else {
                continue;
            };
            let template = &entry.template;
            if !wanted.is_new(&place) || wanted.was_shown(template) {
                continue;
            }
            let mut kept = keeps(caller, filter, search, &place, template);
            if kept && source.checked {
                kept = caller.sees_in_list(registry, template).await?;
            }
            found.candidates.push(Candidate {
                kept,
                summary: summary(template, self.env.clock.now()),
                place,
                looked_through,
            });
        }
        Ok(())
    }
}

impl Wanted<'_> {
    /// Returns whether a place comes after everything that this round has shown.
    fn is_new(&self, place: &str) -> bool {
        let after = self.from.after.as_deref();
        after.is_none_or(|after| place > after)
    }

    /// Returns whether the first round has found a template, by the words that are indexed for the caller's own and for
    /// public templates.
    fn was_shown(&self, template: &Template) -> bool {
        let has_words =
            template.owner == self.caller.user || template.visibility == Visibility::Public;
        self.from.behind.is_some() && self.filter.project.is_none() && has_words
    }
}

/// Returns the items of a page, and where the next one begins.
fn page(found: Found, from: Position, limit: usize) -> (Vec<TemplateSummary>, Option<Position>) {
    let mut candidates = found.candidates;
    // Templates after the name at which a list was cut off belong to the next round, which searches all lists from
    // there.
    let looked = found.looked.into_iter().min();
    let is_next = |it: &Candidate| looked.as_ref().is_some_and(|end| it.summary.name > *end);
    candidates.retain(|it| !(it.looked_through && is_next(it)));
    // Kept candidates come first, so that a duplicate that is not kept does not replace them.
    candidates.sort_by(|a, b| (&a.place, !a.kept).cmp(&(&b.place, !b.kept)));
    // The caller's own templates may also be public; they are listed once.
    candidates.dedup_by(|a, b| a.place == b.place);
    // After the place at which a list was cut off, the list may have further items that belong in between.
    let end = found.ends.into_iter().min();
    let (mut items, mut after, mut shown) = (Vec::new(), end.clone(), None);
    for candidate in candidates {
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
    let behind = from.behind;
    let next = match (after, looked) {
        (Some(after), _) => Some(Position {
            after: Some(after),
            behind,
        }),
        (None, Some(looked)) => Some(Position {
            after: None,
            behind: Some(looked),
        }),
        (None, None) => None,
    };
    (items, next)
}

struct Source {
    listing: Listing,
    /// Whether it may contain templates that the caller may not see.
    checked: bool,
}

impl Service {
    /// Returns the lists that contain everything that is wanted, with as few other templates as possible.
    async fn sources(
        &self,
        caller: &Caller,
        filter: &TemplatesPage,
        search: Option<&Search>,
    ) -> Result<Vec<Source>, Problem> {
        let trusted = |listing| Source {
            listing,
            checked: false,
        };
        if filter.kind == Some(TemplateKind::BuiltIn) {
            return Ok(Vec::new());
        }
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

/// Returns the place of a template in the whole list: in a search, by the word that was found.
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
    filter: &TemplatesPage,
    search: Option<&Search>,
    place: &str,
    template: &Template,
) -> bool {
    // A template that is being deleted is shown only to its owner.
    let going = template.is_going() && template.owner == caller.user;
    let there = template.state != TemplateState::Deleted || going;
    let mine = !filter.mine || template.owner == caller.user;
    let public = !filter.public || template.visibility == Visibility::Public;
    let project = filter.project.is_none() || filter.project == template.project;
    let runs = |architecture| template.architectures.contains(&architecture);
    let architecture = filter.arch.is_none_or(runs);
    let found = search.is_none_or(|search| {
        let words = words::of_template(template);
        // If several of its words are found, it is listed only by the first.
        let word = search.finds(&words);
        let by = place.split_once('#').map(|(by, _)| by);
        word.is_some_and(|word| by.is_none_or(|by| by == word))
    });
    there && mine && public && project && architecture && found
}

fn built_in(filter: &TemplatesPage, search: Option<&Search>) -> Vec<Candidate> {
    let saved = filter.kind == Some(TemplateKind::Saved);
    if filter.mine || filter.project.is_some() || saved {
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
            looked_through: false,
        })
    });
    candidates.collect()
}

/// Identifies the list, so that a cursor of another list is not accepted.
fn fingerprint(caller: &Caller, filter: &TemplatesPage) -> String {
    let filter = serde_json::to_string(filter).expect("a filter is JSON");
    let hash = Sha256::digest(format!("{}\n{filter}", caller.user));
    hex::encode(&hash[..8])
}

fn read(list: &str, cursor: &str) -> Result<Position, Problem> {
    let known = table_cursor::from_text::<Cursor>(cursor).filter(|cursor| cursor.list == list);
    known.map(|cursor| cursor.position).ok_or_else(|| {
        let message = "The cursor is not valid for this list.";
        Problem::new(Code::InvalidInput, message).hint(
            "Use the cursor of the previous page of the same list, or start again without one.",
        )
    })
}
