//! Pages of lists.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::{named, register};
use crate::domain::{Code, Problem};
use crate::ports::table_cursor;
use crate::registry::Listed;

/// The maximum number of items on a page.
pub const PAGE_MOST: usize = 100;
/// The default number of items on a page.
pub const PAGE_DEFAULT: usize = 50;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items on the page.
    pub items: Vec<T>,
    /// The cursor of the next page, valid only for the same list and the same caller; null on the last page.
    pub cursor: Option<String>,
}

// Not derived, because the derived schema of a generic type has the same name for every argument.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(named::<T>());
        let cursor = SchemaType::from_iter([Type::String, Type::Null]);
        let cursor = ObjectBuilder::new().schema_type(cursor).description(Some(
            "The cursor of the next page, valid only for the same list and the same caller; null on the last\npage.",
        ));
        ObjectBuilder::new()
            .property("items", items.description(Some("The items of the page.")))
            .required("items")
            .property("cursor", cursor)
            .description(Some("A page of a list."))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("Page_{}", T::name()).into()
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<T>(into);
    }
}

impl<T> From<Listed<T>> for Page<T> {
    fn from(listed: Listed<T>) -> Self {
        Self {
            items: listed.items,
            cursor: listed.cursor,
        }
    }
}

/// The query of a paged request.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    pub cursor: Option<String>,
}

impl Paging {
    /// Creates the query for a page.
    pub fn new(limit: Option<u32>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// Returns the maximum number of items on the page, or the default.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = self.limit else {
            return Ok(PAGE_DEFAULT);
        };
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        if (1..=PAGE_MOST).contains(&wanted) {
            return Ok(wanted);
        }
        let message = format!("The query value limit is {limit}: it must be 1 to {PAGE_MOST}.");
        Err(Problem::new(Code::InvalidInput, message))
    }

    /// Creates a page of a list that is held completely in memory, in the order of `key`. `list` identifies the list,
    /// so that a cursor of another list is not accepted.
    pub(crate) fn of<T>(
        self,
        list: &str,
        items: Vec<T>,
        key: impl Fn(&T) -> [String; 2],
    ) -> Result<Page<T>, Problem> {
        let limit = self.limit()?;
        let after = self.cursor.map(|text| read(list, &text)).transpose()?;
        let mut items: Vec<T> = match after {
            Some(after) => items.into_iter().filter(|item| key(item) > after).collect(),
            None => items,
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let end = items.last().filter(|_| more);
        let cursor = end.map(|end| {
            let place = Place {
                list: list.to_owned(),
                after: key(end),
            };
            table_cursor::to_text(&place)
        });
        Ok(Page { items, cursor })
    }
}

#[derive(Serialize, Deserialize)]
struct Place {
    list: String,
    after: [String; 2],
}

fn read(list: &str, cursor: &str) -> Result<[String; 2], Problem> {
    let place = table_cursor::from_text::<Place>(cursor).filter(|place| place.list == list);
    place.map(|place| place.after).ok_or_else(|| {
        let message = "The cursor is not valid for this list.";
        Problem::new(Code::InvalidInput, message).hint(
            "Use the cursor of the previous page of the same list, or start again without one.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: u32, cursor: Option<String>) -> Page<u32> {
        let paging = Paging::new(Some(limit), cursor);
        let key = |n: &u32| [format!("{n:03}"), String::new()];
        paging.of("numbers", (0..10).collect(), key).unwrap()
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        for limit in [1, 3, 5, 9, 10, 100] {
            let mut all = Vec::new();
            let mut cursor = None;
            loop {
                let page = page(limit, cursor);
                assert!(page.items.len() <= usize::try_from(limit).unwrap());
                assert!(!page.items.is_empty());
                all.extend(page.items);
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(all, (0..10).collect::<Vec<u32>>(), "{limit}");
        }
    }

    #[test]
    fn foreign_cursors_and_odd_limits_are_refused() {
        let foreign = page(3, None).cursor;
        let key = |_: &u32| [String::new(), String::new()];
        for cursor in [foreign, Some(String::new()), Some("7b7d".to_owned())] {
            let refused = Paging::new(None, cursor).of("letters", vec![1], key);
            assert_eq!(refused.unwrap_err().code, Code::InvalidInput);
        }
        for limit in [0, 101, u32::MAX] {
            let refused = Paging::new(Some(limit), None).limit().unwrap_err();
            assert!(refused.message.contains("limit is"), "{refused}");
        }
    }
}
