//! Deserialization that accepts JSON objects only.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A value that was read from a JSON object. On its own, serde also accepts a list of values for a struct, in the
/// order in which the struct declares its fields.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        object(from).map(Self)
    }
}

/// The same check for a field: `#[serde(deserialize_with = "object")]`.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    from.deserialize_map(Fields(PhantomData))
}

/// The same for a field that is a list of objects: `#[serde(deserialize_with = "objects")]`.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(from)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, from_value, json};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Point {
        x: u8,
        #[serde(default)]
        y: u8,
    }

    #[test]
    fn a_list_of_values_is_no_object() {
        let Object(point) = from_str::<Object<Point>>(r#"{"x": 1}"#).unwrap();
        assert_eq!(point, Point { x: 1, y: 0 });
        // serde accepts the list.
        assert!(from_value::<Point>(json!([1, 2])).is_ok());
        for odd in [json!([1, 2]), json!([]), json!(null), json!("x"), json!(1)] {
            let refused = from_value::<Object<Point>>(odd.clone()).unwrap_err();
            assert!(refused.to_string().contains("an object"), "{odd} {refused}");
        }
    }
}
