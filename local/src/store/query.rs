//! Queries: each one reads a range of one index, in order, from where the previous page ended.

use std::fmt::Write as _;

use prism_functions::ports::table_cursor::{self as cursor, Position};
use prism_functions::ports::table_rules as rules;
use prism_functions::ports::{Index, Item, Key, Page, Query, SortKeys, TableError};
use rusqlite::{Connection, Row, types::Value};

use super::rows;

/// One end of a range of sort keys: the key, and whether it is included.
type End = Option<(String, bool)>;

/// A query as an SQL statement.
pub(super) struct Statement<'a> {
    query: &'a Query,
    sql: String,
    values: Vec<Value>,
}

impl<'a> Statement<'a> {
    pub(super) fn new(query: &'a Query) -> Result<Self, TableError> {
        rules::query(query)?;
        let (from, to) = ends(&query.sort_keys);
        let position = cursor::read(query)?;
        let mut statement = Self {
            query,
            sql: String::new(),
            values: Vec::new(),
        };
        statement.select(from, to, position);
        Ok(statement)
    }

    pub(super) fn run(&self, connection: &Connection) -> rusqlite::Result<Page> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(&self.values))?;
        let mut page = Page {
            items: Vec::new(),
            cursor: None,
        };
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            bytes += row_bytes(row)?;
            let full = page.items.len() == self.query.limit || bytes > rules::PAGE_BYTES;
            if let Some(last) = page.items.last().filter(|_| full) {
                let position = Position::of(last, self.query.index);
                page.cursor = Some(cursor::write(self.query, position));
                break;
            }
            page.items.push(item(row)?);
        }
        Ok(page)
    }

    /// Writes the statement. The cursor replaces the end of the range that it lies beyond: with both, SQLite might
    /// seek by the wrong one and scan the previous pages.
    fn select(&mut self, mut from: End, mut to: End, position: Option<Position>) {
        let (pk, sk) = self.query.index.attributes();
        let (order, beyond) = if self.query.descending {
            ("DESC", "<")
        } else {
            ("ASC", ">")
        };
        write!(
            self.sql,
            "SELECT pk, sk, attributes FROM item WHERE {pk} = ?"
        )
        .expect("a String takes any text");
        self.values.push(self.query.pk.clone().into());
        if let Some(Position { sort_key, tie }) = position {
            *(if self.query.descending {
                &mut to
            } else {
                &mut from
            }) = None;
            match tie {
                None => self.and(&format!("sk {beyond} ?"), [sort_key]),
                Some(tie) => self.and(
                    &format!("({sk}, pk, sk) {beyond} (?, ?, ?)"),
                    [sort_key, tie.pk, tie.sk],
                ),
            }
        }
        if let Some((text, included)) = from {
            self.and(
                &format!("{sk} {} ?", if included { ">=" } else { ">" }),
                [text],
            );
        }
        if let Some((text, included)) = to {
            self.and(
                &format!("{sk} {} ?", if included { "<=" } else { "<" }),
                [text],
            );
        }
        let ties = match self.query.index {
            Index::Primary => String::new(),
            Index::Gsi1 | Index::Gsi2 => format!(", pk {order}, sk {order}"),
        };
        // One more than requested, to find out whether this is the last page.
        let limit = i64::try_from(self.query.limit + 1).expect("it has been checked");
        self.values.push(limit.into());
        write!(self.sql, " ORDER BY {sk} {order}{ties} LIMIT ?").expect("a String takes any text");
    }

    fn and<const N: usize>(&mut self, condition: &str, values: [String; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values.map(Value::from));
    }

    /// The SQL and its values, for tests that check SQLite's query plan.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (&str, &[Value]) {
        (&self.sql, &self.values)
    }
}

fn ends(sort_keys: &SortKeys) -> (End, End) {
    match sort_keys {
        SortKeys::All => (None, None),
        SortKeys::Between(from, to) => (Some((from.clone(), true)), Some((to.clone(), true))),
        SortKeys::BeginsWith(prefix) => (
            Some((prefix.clone(), true)),
            after_all_with(prefix).map(|text| (text, false)),
        ),
    }
}

/// The smallest text that comes after every text with this prefix; `None` if there is none.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The next character, skipping the surrogates, which are not valid in texts. UTF-8 keeps this order.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        key: Key::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?),
        attributes: rows::parse(row.get_ref(2)?.as_str()?)?,
    })
}

fn row_bytes(row: &Row<'_>) -> rusqlite::Result<usize> {
    (0..3)
        .map(|column| Ok(row.get_ref(column)?.as_bytes()?.len()))
        .sum()
}
