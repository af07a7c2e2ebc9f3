//! Reads and writes items as rows.

use prism_functions::ports::{Index, Key};
use rusqlite::{Connection, OptionalExtension, types::Type};
use serde_json::{Map, Value};

pub(super) fn read(
    connection: &Connection,
    key: &Key,
) -> rusqlite::Result<Option<Map<String, Value>>> {
    connection
        .prepare_cached("SELECT attributes FROM item WHERE pk = ? AND sk = ?")?
        .query_row([&key.pk, &key.sk], |row| parse(row.get_ref(0)?.as_str()?))
        .optional()
}

/// Parses the text that was passed to [`put`].
pub(super) fn parse(text: &str) -> rusqlite::Result<Map<String, Value>> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

/// Writes the item; `text` is the JSON of its attributes.
pub(super) fn put(
    connection: &Connection,
    key: &Key,
    attributes: &Map<String, Value>,
    text: &str,
) -> rusqlite::Result<()> {
    let [gsi1, gsi2] = [Index::Gsi1, Index::Gsi2].map(|index| index_key(index, attributes));
    connection
        .prepare_cached(
            "INSERT INTO item (pk, sk, attributes, gsi1pk, gsi1sk, gsi2pk, gsi2sk)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (pk, sk) DO UPDATE SET attributes = excluded.attributes,
                 gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk,
                 gsi2pk = excluded.gsi2pk, gsi2sk = excluded.gsi2sk",
        )?
        .execute((
            &key.pk,
            &key.sk,
            text,
            gsi1.map(|(pk, _)| pk),
            gsi1.map(|(_, sk)| sk),
            gsi2.map(|(pk, _)| pk),
            gsi2.map(|(_, sk)| sk),
        ))?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM item WHERE pk = ? AND sk = ?")?
        .execute([&key.pk, &key.sk])?;
    Ok(())
}

/// The item's partition and sort key in the index, if the index contains it.
fn index_key(index: Index, attributes: &Map<String, Value>) -> Option<(&str, &str)> {
    let (pk, sk) = index.attributes();
    attributes
        .get(pk)
        .and_then(Value::as_str)
        .zip(attributes.get(sk).and_then(Value::as_str))
}
