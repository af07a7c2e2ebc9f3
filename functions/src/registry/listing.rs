//! Lists of templates. Each list is one range of one partition, read from the end of the previous page.

use futures::future::try_join_all;

use super::items::grant::given_to_pk;
use super::items::place::ProjectTemplate;
use super::items::template::{PUBLIC_TEMPLATES, read_template};
use super::items::word::{Scope, words_pk};
use super::records::{Stored, decode};
use super::{Registry, problem};
use crate::domain::grant::{Grant, Grantee};
use crate::domain::template::Template;
use crate::domain::{Problem, ProjectName, TemplateName, UserId};
use crate::ports::{Index, Item, Page, Query, SortKeys};

/// How many templates are read concurrently if a page contains only their names.
const AT_ONCE: usize = 16;
/// Sorts after every character that can continue a name.
const LAST: char = char::MAX;
/// Sorts before every character that can continue a name.
const FIRST: char = '\u{1}';

/// The list of templates to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    OwnedBy(UserId),
    Public,
    InProject(ProjectName),
    /// Templates that are shared with a recipient, by name.
    GivenTo(Grantee),
    /// Templates with a word that begins with this text, by word and then by name.
    Words(Scope, String),
}

/// A template in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The position in the list: the template's name, or `word#name`.
    pub place: String,
    pub template: Template,
}

/// A page of a list of templates.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries {
    /// The templates, in the order of the list.
    pub entries: Vec<Entry>,
    /// The position up to which the list was read, if there are more entries after it.
    pub end: Option<String>,
}

impl Listing {
    fn partition(&self) -> (Index, String) {
        match self {
            Listing::OwnedBy(user) => (Index::Gsi1, format!("OWNER#{user}")),
            Listing::Public => (Index::Gsi2, PUBLIC_TEMPLATES.to_owned()),
            Listing::InProject(project) => (Index::Primary, format!("PROJECT#{project}")),
            Listing::GivenTo(to) => (Index::Gsi1, given_to_pk(to)),
            Listing::Words(scope, word) => (Index::Primary, words_pk(scope, word)),
        }
    }

    /// The prefix of the sort keys, before the position.
    fn prefix(&self) -> &'static str {
        match self {
            Listing::OwnedBy(_) | Listing::InProject(_) | Listing::GivenTo(_) => "TEMPLATE#",
            Listing::Public | Listing::Words(..) => "",
        }
    }

    fn query(&self, after: Option<&str>, limit: usize) -> Query {
        let (index, pk) = self.partition();
        let prefix = self.prefix();
        let word = match self {
            Listing::Words(_, word) => word.as_str(),
            _ => "",
        };
        let sort_keys = match after {
            Some(after) => SortKeys::Between(
                format!("{prefix}{after}{FIRST}"),
                format!("{prefix}{word}{LAST}"),
            ),
            None => match format!("{prefix}{word}") {
                all if all.is_empty() => SortKeys::All,
                begin => SortKeys::BeginsWith(begin),
            },
        };
        Query {
            index,
            pk,
            sort_keys,
            descending: false,
            limit,
            cursor: None,
        }
    }

    fn named(&self, item: &Item) -> Result<TemplateName, Problem> {
        Ok(match self {
            Listing::InProject(_) => decode::<ProjectTemplate>(item)?.value.template,
            Listing::GivenTo(_) => decode::<Grant>(item)?.value.template,
            _ => decode::<TemplateName>(item)?.value,
        })
    }

    fn place(&self, item: &Item) -> String {
        let (_, sk) = self.partition().0.attributes();
        let indexed = item.attributes.get(sk).and_then(|value| value.as_str());
        let sort_key = indexed.unwrap_or(&item.key.sk);
        let place = sort_key.strip_prefix(self.prefix());
        place.unwrap_or(sort_key).to_owned()
    }
}

impl Registry {
    pub async fn entries(
        &self,
        listing: &Listing,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Entries, Problem> {
        let mut query = listing.query(after, limit);
        // With a forged cursor, the position can be after the end of the range.
        if let SortKeys::Between(from, to) = &query.sort_keys
            && from > to
        {
            return Ok(Entries {
                entries: Vec::new(),
                end: None,
            });
        }
        let page = loop {
            let page = self.table.query(&query).await.map_err(problem)?;
            match page.cursor {
                Some(cursor) if page.items.is_empty() => query.cursor = Some(cursor),
                _ => break page,
            }
        };
        let end = page.items.last().filter(|_| page.cursor.is_some());
        Ok(Entries {
            end: end.map(|item| listing.place(item)),
            entries: self.read_entries(listing, &page).await?,
        })
    }

    async fn read_entries(&self, listing: &Listing, page: &Page) -> Result<Vec<Entry>, Problem> {
        let entry = |item: &Item, stored: Stored<Template>| Entry {
            place: listing.place(item),
            template: stored.value,
        };
        match listing {
            Listing::OwnedBy(_) | Listing::Public => {
                let items = page.items.iter();
                items
                    .map(|item| Ok(entry(item, read_template(item)?)))
                    .collect()
            }
            Listing::InProject(_) | Listing::GivenTo(_) | Listing::Words(..) => {
                let names = page.items.iter().map(|item| listing.named(item));
                let names = names.collect::<Result<Vec<_>, _>>()?;
                let mut read = Vec::with_capacity(names.len());
                for names in names.chunks(AT_ONCE) {
                    let names = names.iter().map(|name| self.template(name));
                    read.extend(try_join_all(names).await?);
                }
                let both = page.items.iter().zip(read);
                Ok(both
                    .filter_map(|(item, stored)| Some(entry(item, stored?)))
                    .collect())
            }
        }
    }
}
