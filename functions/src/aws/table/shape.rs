//! The key schema of a table, to check that it is one of Prism's.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType};

use super::{DynamoTable, errors, index_name};
use crate::ports::{Index, TableError};

/// The keys of a table and of its indexes: partition and sort attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    keys: Keys,
    indexes: BTreeMap<String, Keys>,
}

type Keys = (String, Option<String>);

impl TableShape {
    /// The keys that the registry requires.
    pub fn wanted() -> Self {
        let keys = |index: Index| {
            let (pk, sk) = index.attributes();
            (pk.to_owned(), Some(sk.to_owned()))
        };
        let indexes = [Index::Gsi1, Index::Gsi2].into_iter();
        Self {
            keys: keys(Index::Primary),
            indexes: indexes
                .filter_map(|index| Some((index_name(index)?.to_owned(), keys(index))))
                .collect(),
        }
    }
}

impl fmt::Display for TableShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(pk, sk): &Keys| match sk {
            Some(sk) => format!("{pk}, {sk}"),
            None => pk.clone(),
        };
        write!(f, "the keys {}", shown(&self.keys))?;
        for (name, keys) in &self.indexes {
            write!(f, "; {name}: {}", shown(keys))?;
        }
        Ok(())
    }
}

impl DynamoTable {
    /// The keys that the table has.
    pub async fn shape(&self) -> Result<TableShape, TableError> {
        let told = self
            .client
            .describe_table()
            .table_name(&self.name)
            .send()
            .await
            .map_err(errors::of("dynamodb:DescribeTable", &self.name))?;
        let table = told.table.ok_or_else(|| errors::foreign("no table"))?;
        let indexes = table.global_secondary_indexes().iter();
        Ok(TableShape {
            keys: keys(table.key_schema()),
            indexes: indexes
                .map(|index| {
                    let name = index.index_name().unwrap_or_default().to_owned();
                    (name, keys(index.key_schema()))
                })
                .collect(),
        })
    }
}

fn keys(schema: &[KeySchemaElement]) -> Keys {
    let of = |kind: KeyType| {
        let found = schema.iter().find(|element| *element.key_type() == kind);
        found.map(|element| element.attribute_name().to_owned())
    };
    (of(KeyType::Hash).unwrap_or_default(), of(KeyType::Range))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    fn schema(pk: &str, sk: &str) -> Value {
        json!([
            {"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}
        ])
    }

    async fn shape(indexes: Value) -> TableShape {
        let table =
            json!({"Table": {"KeySchema": schema("pk", "sk"), "GlobalSecondaryIndexes": indexes}});
        let aws = Aws::answering([Reply::found(table)]);
        DynamoTable::new(&aws.clients(), "t").shape().await.unwrap()
    }

    #[tokio::test]
    async fn a_table_of_prism_is_known_by_its_keys_and_indexes() {
        let ours = json!([
            {"IndexName": "gsi1", "KeySchema": schema("gsi1pk", "gsi1sk")},
            {"IndexName": "gsi2", "KeySchema": schema("gsi2pk", "gsi2sk")},
        ]);
        assert_eq!(shape(ours).await, TableShape::wanted());
        let other = shape(json!([{"IndexName": "gsi1", "KeySchema": schema("a", "b")}])).await;
        assert_ne!(other, TableShape::wanted());
        assert_eq!(other.to_string(), "the keys pk, sk; gsi1: a, b");
    }
}
