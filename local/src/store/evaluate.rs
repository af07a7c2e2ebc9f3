//! Evaluates conditions and changes as DynamoDB does.

use prism_functions::ports::{Change, Condition, TableError, Write};
use serde_json::{Map, Number, Value};

pub(super) fn must_be_read(write: &Write) -> bool {
    matches!(write, Write::Update(..)) || *write.condition() != Condition::Always
}

pub(super) fn holds(condition: &Condition, item: Option<&Map<String, Value>>) -> bool {
    let attribute = |name: &str| item.and_then(|attributes| attributes.get(name));
    match condition {
        Condition::Always => true,
        Condition::ItemAbsent => item.is_none(),
        Condition::ItemPresent => item.is_some(),
        Condition::Equals(name, value) => attribute(name).is_some_and(|it| equal(it, value)),
        Condition::AtMost(name, limit) => attribute(name).is_some_and(|it| at_most(it, *limit)),
        Condition::AttributeAbsent(name) => attribute(name).is_none(),
        Condition::All(conditions) => conditions.iter().all(|it| holds(it, item)),
        Condition::Any(conditions) => conditions.iter().any(|it| holds(it, item)),
    }
}

pub(super) fn apply(
    changes: &[Change],
    mut attributes: Map<String, Value>,
) -> Result<Map<String, Value>, TableError> {
    for change in changes {
        match change {
            Change::Set(name, value) => {
                attributes.insert(name.clone(), value.clone());
            }
            Change::Add(name, amount) => {
                let sum = match attributes.get(name) {
                    None => Number::from(*amount),
                    Some(Value::Number(number)) => add(name, number, *amount)?,
                    Some(_) => {
                        return Err(TableError::Invalid(format!("{name} is not a number")));
                    }
                };
                attributes.insert(name.clone(), Value::Number(sum));
            }
            Change::Remove(name) => {
                attributes.remove(name);
            }
        }
    }
    Ok(attributes)
}

/// Whether two values are equal. DynamoDB has only one number type, so 1 and 1.0 are equal; `Value` distinguishes
/// integers from floats, so its own `==` cannot be used.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => equal_numbers(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, l)| right.get(name).is_some_and(|r| equal(l, r)))
        }
        _ => left == right,
    }
}

fn equal_numbers(left: &Number, right: &Number) -> bool {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left.as_f64() == right.as_f64(),
        (Some(whole), None) => right.as_f64().and_then(whole_number) == Some(whole),
        (None, Some(whole)) => left.as_f64().and_then(whole_number) == Some(whole),
    }
}

fn at_most(value: &Value, limit: f64) -> bool {
    let Value::Number(number) = value else {
        return false;
    };
    match number.as_i128() {
        // Do not convert to f64, which would round a large integer.
        Some(whole) => whole_number(limit.floor()).is_some_and(|limit| whole <= limit),
        None => number.as_f64().is_some_and(|number| number <= limit),
    }
}

fn add(name: &str, number: &Number, amount: i64) -> Result<Number, TableError> {
    let sum = match number.as_i128() {
        Some(whole) => Number::from_i128(whole + i128::from(amount)),
        #[expect(clippy::cast_precision_loss, reason = "the sum is a float too")]
        None => number
            .as_f64()
            .and_then(|number| Number::from_f64(number + amount as f64)),
    };
    sum.ok_or_else(|| TableError::Invalid(format!("{name} would become too large a number")))
}

/// The number, if it is an integer; numbers beyond the range of i128 become the nearest one in it.
fn whole_number(number: f64) -> Option<i128> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and the cast saturates"
    )]
    (number.fract() == 0.0).then_some(number as i128)
}
