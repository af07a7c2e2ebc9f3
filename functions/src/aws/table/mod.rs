//! Implements the port [`Table`] with DynamoDB: a table with the keys `pk` and `sk`, and two indexes, `gsi1` and
//! `gsi2`, that project whole items.

mod errors;
mod expression;
mod shape;
mod value;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem, Update,
};

use self::expression::Expression;
use super::clients::Clients;
use crate::ports::table_cursor::{self as cursor, Position};
use crate::ports::table_rules as rules;
use crate::ports::{
    Advance, Change, Index, Item, Key, Page, Query, Table, TableError, Write, number,
};

pub use shape::TableShape;

/// How often an attempt to advance a number is repeated while others do the same.
const ADVANCES: usize = 10;

/// A row as DynamoDB stores it: an item whose attributes include its key.
type Row = HashMap<String, AttributeValue>;

/// A table of DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    name: String,
}

impl DynamoTable {
    /// The table with that name in the home Region.
    pub fn new(clients: &Clients, name: impl Into<String>) -> Self {
        Self {
            client: Client::new(clients.config()),
            name: name.into(),
        }
    }
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        rules::key(key)?;
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key_row(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(errors::of("dynamodb:GetItem", &self.name))?;
        answer.item.map(item).transpose()
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        rules::query(query)?;
        let position = cursor::read(query)?;
        let mut expression = Expression::default();
        let Some(condition) = expression.key_condition(query) else {
            return Ok(Page {
                items: Vec::new(),
                cursor: None,
            });
        };
        let (names, values) = expression.parts();
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(index_name(query.index).map(str::to_owned))
            // An index does not support consistent reads.
            .consistent_read(query.index == Index::Primary)
            .key_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .scan_index_forward(!query.descending)
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(position.map(|position| start(query, position)))
            .send()
            .await
            .map_err(errors::of("dynamodb:Query", &self.name))?;
        let end = answer.last_evaluated_key.filter(|row| !row.is_empty());
        let end = end.map(|row| position_of(query.index, &row)).transpose()?;
        Ok(Page {
            items: answer
                .items
                .unwrap_or_default()
                .into_iter()
                .map(item)
                .collect::<Result<_, _>>()?,
            cursor: end.map(|position| cursor::write(query, position)),
        })
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        rules::transaction(writes)?;
        let items = writes
            .iter()
            .map(|write| transact_item(&self.name, write))
            .collect::<Result<_, _>>()
            .map_err(|error| errors::invalid(&error))?;
        // The SDK adds a ClientRequestToken that all attempts of a call share: if the response to an attempt is lost,
        // the transaction is not applied twice.
        self.client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await
            .map_err(|error| errors::of_transaction(writes, &self.name, error))?;
        Ok(())
    }

    async fn advance(&self, key: &Key, advance: &Advance) -> Result<Option<i64>, TableError> {
        rules::key(key)?;
        if advance.of(None).is_none() {
            return Ok(None);
        }
        for _ in 0..ADVANCES {
            if let Some(after) = self.add(key, advance).await? {
                return Ok(Some(after));
            }
            // The number is too high, or lags behind: only a read shows which.
            let stored = number(self.get(key).await?.as_ref(), &advance.attribute)?;
            let Some(after) = advance.of(stored) else {
                return Ok(None);
            };
            if stored.is_none_or(|stored| stored < advance.least)
                && self.set_first(key, advance, after).await?
            {
                return Ok(Some(after));
            }
        }
        Err(TableError::Conflict)
    }
}

impl DynamoTable {
    /// Adds to a number that does not lag behind; `None` if it does, or would exceed its maximum.
    async fn add(&self, key: &Key, advance: &Advance) -> Result<Option<i64>, TableError> {
        let mut expression = Expression::default();
        let change = Change::Add(advance.attribute.clone(), advance.by);
        let update = expression.changes(&[change]);
        let room = advance.most.saturating_sub(advance.by);
        let condition = expression.within(&advance.attribute, advance.least, room);
        let answer = self.update(key, update, condition, expression).await?;
        let row = answer.map(|answer| answer.attributes.unwrap_or_default());
        let number = row.and_then(|mut row| row.remove(&advance.attribute));
        let number = number.map(value::from_dynamo).transpose()?;
        Ok(number.and_then(|number| number.as_i64()))
    }

    /// Sets a number that lags behind or does not exist; returns whether that was still the case.
    async fn set_first(
        &self,
        key: &Key,
        advance: &Advance,
        after: i64,
    ) -> Result<bool, TableError> {
        let mut expression = Expression::default();
        let change = Change::Set(advance.attribute.clone(), after.into());
        let update = expression.changes(&[change]);
        let condition = expression.lags(&advance.attribute, advance.least);
        let answer = self.update(key, update, condition, expression).await?;
        Ok(answer.is_some())
    }

    /// One UpdateItem, which returns what it has changed; `None` if its condition did not hold.
    async fn update(
        &self,
        key: &Key,
        update: String,
        condition: String,
        expression: Expression,
    ) -> Result<Option<UpdateItemOutput>, TableError> {
        let (names, values) = expression.parts();
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_row(key)))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Some(answer)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(errors::of("dynamodb:UpdateItem", &self.name)(error)),
        }
    }
}

fn transact_item(table: &str, write: &Write) -> Result<TransactWriteItem, BuildError> {
    let mut expression = Expression::default();
    let condition = expression.condition(write.condition());
    let item = TransactWriteItem::builder();
    Ok(match write {
        Write::Put(stored, _) => {
            let (names, values) = expression.parts();
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(row(stored)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            item.put(put.build()?)
        }
        Write::Update(key, changes, _) => {
            let update = expression.changes(changes);
            let (names, values) = expression.parts();
            let update = Update::builder()
                .table_name(table)
                .set_key(Some(key_row(key)))
                .update_expression(update)
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            item.update(update.build()?)
        }
        Write::Delete(key, _) => {
            let (names, values) = expression.parts();
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key_row(key)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            item.delete(delete.build()?)
        }
        Write::Check(key, _) => {
            // DynamoDB requires a condition for a check.
            let condition = condition.unwrap_or_else(|| expression.always());
            let (names, values) = expression.parts();
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key_row(key)))
                .condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            item.condition_check(check.build()?)
        }
    }
    .build())
}

fn index_name(index: Index) -> Option<&'static str> {
    match index {
        Index::Primary => None,
        Index::Gsi1 => Some("gsi1"),
        Index::Gsi2 => Some("gsi2"),
    }
}

fn key_row(key: &Key) -> Row {
    Row::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

fn row(item: &Item) -> Row {
    let attributes = item.attributes.iter();
    let attributes = attributes.map(|(name, value)| (name.clone(), value::to_dynamo(value)));
    attributes.chain(key_row(&item.key)).collect()
}

fn item(mut row: Row) -> Result<Item, TableError> {
    let key = Key::new(text(&mut row, "pk")?, text(&mut row, "sk")?);
    let attributes = row
        .into_iter()
        .map(|(name, value)| Ok((name, value::from_dynamo(value)?)))
        .collect::<Result<_, TableError>>()?;
    Ok(Item { key, attributes })
}

/// The row after which a page starts.
fn start(query: &Query, position: Position) -> Row {
    let (pk, sk) = query.index.attributes();
    let own = position.tie.as_ref().map(key_row).unwrap_or_default();
    Row::from([
        (pk.to_owned(), AttributeValue::S(query.pk.clone())),
        (sk.to_owned(), AttributeValue::S(position.sort_key)),
    ])
    .into_iter()
    .chain(own)
    .collect()
}

fn position_of(index: Index, end: &Row) -> Result<Position, TableError> {
    let mut end = end.clone();
    let (_, sk) = index.attributes();
    let sort_key = text(&mut end, sk)?;
    let tie = match index {
        Index::Primary => None,
        Index::Gsi1 | Index::Gsi2 => Some(Key::new(text(&mut end, "pk")?, text(&mut end, "sk")?)),
    };
    Ok(Position { sort_key, tie })
}

fn text(row: &mut Row, name: &str) -> Result<String, TableError> {
    match row.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(errors::foreign(name)),
    }
}
