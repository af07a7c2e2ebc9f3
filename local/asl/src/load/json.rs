//! Parses JSON, refusing an object that has two fields with the same name: a person who reads the definition would
//! see both, but the machine would use only the last.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::{LoadError, member};

pub(super) fn parse(text: &str) -> Result<Value, LoadError> {
    let duplicate = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Tree {
        path: "$".to_owned(),
        duplicate: &duplicate,
    };
    let parsed = tree
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        duplicate.take().map_or_else(
            || LoadError::new("$", format!("is not JSON: {error}")),
            |path| LoadError::new(path, "another field of this object has this name"),
        )
    })
}

struct Tree<'a> {
    path: String,
    /// The path of the duplicate field that ended the parse, which a JSON error cannot carry.
    duplicate: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        let item = |index| Tree {
            path: format!("{}[{index}]", self.path),
            duplicate: self.duplicate,
        };
        while let Some(value) = items.next_element_seed(item(array.len()))? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let path = member(&self.path, &name);
            if object.contains_key(&name) {
                self.duplicate.replace(Some(path));
                return Err(A::Error::custom("duplicate field"));
            }
            let value = fields.next_value_seed(Tree {
                path,
                duplicate: self.duplicate,
            })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_name_is_refused_at_its_position() {
        let text = r#"{"a": [1, -2, 0.5, null, true, "x", {}], "b": {"c d": 1}}"#;
        assert_eq!(
            parse(text).expect("it is good"),
            serde_json::from_str::<Value>(text).expect("it is")
        );
        let error = parse(r#"{"a": [{"b c": 1, "b c": 2}]}"#).expect_err("b c stands twice");
        assert_eq!(error.path, "$.a[0]['b c']");
        for text in ["", "{", "1 2", "{\"a\":}", "nul"] {
            assert_eq!(parse(text).expect_err(text).path, "$");
        }
    }
}
