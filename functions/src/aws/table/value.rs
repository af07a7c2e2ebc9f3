//! JSON as DynamoDB's attribute values, and back.
//!
//! Numbers travel as decimal text. A whole number keeps its digits; any other is written with the
//! fewest digits that read back as the same number, in the scientific form where the plain one has
//! more than the 38 digits that DynamoDB keeps.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Number, Value};

use super::errors;
use crate::ports::TableError;

/// How many digits a number may have.
const DIGITS: usize = 38;
/// Whole numbers below this have no gaps between them as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn to_dynamo(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(yes) => AttributeValue::Bool(*yes),
        Value::Number(number) => AttributeValue::N(digits(number)),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(to_dynamo).collect()),
        Value::Object(values) => AttributeValue::M(
            values
                .iter()
                .map(|(name, value)| (name.clone(), to_dynamo(value)))
                .collect(),
        ),
    }
}

pub(super) fn from_dynamo(value: AttributeValue) -> Result<Value, TableError> {
    Ok(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(yes) => Value::Bool(yes),
        AttributeValue::N(digits) => Value::Number(number(&digits)?),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(values) => values
            .into_iter()
            .map(from_dynamo)
            .collect::<Result<_, _>>()?,
        AttributeValue::M(values) => values
            .into_iter()
            .map(|(name, value)| Ok((name, from_dynamo(value)?)))
            .collect::<Result<_, TableError>>()?,
        other => return Err(errors::foreign(&format!("{other:?}"))),
    })
}

/// A number that is no whole one, as DynamoDB takes it.
pub(super) fn float(number: f64) -> String {
    let plain = number.to_string();
    if plain.bytes().filter(u8::is_ascii_digit).count() <= DIGITS {
        return plain;
    }
    format!("{number:e}")
}

fn digits(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => self::float(float),
        _ => number.to_string(),
    }
}

fn number(digits: &str) -> Result<Number, TableError> {
    if let Ok(whole) = digits.parse::<i64>() {
        return Ok(whole.into());
    }
    if let Ok(whole) = digits.parse::<u64>() {
        return Ok(whole.into());
    }
    let float = digits.parse::<f64>().ok();
    float
        .and_then(|float| whole(float).or_else(|| Number::from_f64(float)))
        .ok_or_else(|| errors::foreign(digits))
}

/// DynamoDB does not tell 2 from 2.0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and small enough to be exact"
)]
fn whole(float: f64) -> Option<Number> {
    (float.fract() == 0.0 && float.abs() < EXACT).then(|| Number::from(float as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_to_what_dynamodb_takes() {
        let written = |value: Value| to_dynamo(&value).as_n().unwrap().clone();
        assert_eq!(written(json!(i64::MIN)), "-9223372036854775808");
        assert_eq!(written(json!(u64::MAX)), "18446744073709551615");
        assert_eq!(written(json!(0.1)), "0.1");
        assert_eq!(written(json!(-1.5e-100)), "-1.5e-100");
        assert_eq!(written(json!(1.7e100)), "1.7e100");
    }

    #[test]
    fn what_dynamodb_writes_otherwise_is_read_as_the_same() {
        for (digits, number) in [
            ("2.0", json!(2)),
            ("1.7E+100", json!(1.7e100)),
            ("1E0", json!(1)),
        ] {
            let value = from_dynamo(AttributeValue::N(digits.to_owned())).unwrap();
            assert_eq!(value, number, "{digits}");
        }
        assert!(from_dynamo(AttributeValue::N("many".to_owned())).is_err());
        assert!(from_dynamo(AttributeValue::Ss(vec![])).is_err());
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e100..1e100).prop_filter_map("a whole number reads back as one", |float: f64| {
                (float.fract() != 0.0 || float.abs() >= EXACT).then(|| json!(float))
            }),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_comes_back_as_it_was(value in json_value()) {
            let back = from_dynamo(to_dynamo(&value)).unwrap();
            prop_assert_eq!(back, value);
        }
    }
}
