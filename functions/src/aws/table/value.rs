//! Converts JSON to DynamoDB's attribute values and back, with `serde_dynamo`. Numbers are sent as decimal text:
//! integers with all of their digits, and other numbers with the fewest digits that give the same value when read
//! back.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::errors;
use crate::ports::TableError;

pub(super) fn to_dynamo(value: &Value) -> AttributeValue {
    serde_dynamo::to_attribute_value(value).expect("every JSON value has a DynamoDB equivalent")
}

pub(super) fn from_dynamo(value: AttributeValue) -> Result<Value, TableError> {
    serde_dynamo::from_attribute_value(value).map_err(|error| errors::foreign(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Below this number, floats represent every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    /// DynamoDB accepts any number of zeros at either end, and 38 digits between them.
    #[test]
    fn numbers_keep_to_what_dynamodb_takes() {
        let written = |value: Value| to_dynamo(&value).as_n().unwrap().clone();
        assert_eq!(written(json!(i64::MIN)), "-9223372036854775808");
        assert_eq!(written(json!(u64::MAX)), "18446744073709551615");
        assert_eq!(written(json!(0.1)), "0.1");
        for number in [1.0 / 3.0, -1.5e-100, 1.7e100] {
            let digits = written(json!(number)).replace(['-', '.'], "");
            assert!(digits.trim_matches('0').len() <= 17, "{digits}");
        }
    }

    #[test]
    fn what_dynamodb_writes_otherwise_is_read_as_the_same() {
        for (digits, number) in [
            ("1.7E+100", json!(1.7e100)),
            ("1.50", json!(1.5)),
            ("-15E-1", json!(-1.5)),
        ] {
            let value = from_dynamo(AttributeValue::N(digits.to_owned())).unwrap();
            assert_eq!(value, number, "{digits}");
        }
        assert!(from_dynamo(AttributeValue::N("many".to_owned())).is_err());
        let binary = AttributeValue::B(vec![1].into());
        assert!(from_dynamo(binary).is_err());
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
