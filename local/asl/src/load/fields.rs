//! Reads the fields of one object of a definition, and keeps track of their paths.

use serde_json::{Map, Value};

use super::error::{LoadError, member};
use crate::jsonata::Sees;
use crate::template::{self, Setting, Template};

/// The largest number of seconds, attempts and the like that AWS accepts.
pub(super) const MAX_COUNT: u64 = 99_999_999;

pub(super) struct Fields<'a> {
    pub(super) path: &'a str,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Opens an object, refusing every field that is not `known`.
    pub(super) fn open(
        value: &'a Value,
        path: &'a str,
        known: &[&[&str]],
    ) -> Result<Self, LoadError> {
        let object = value
            .as_object()
            .ok_or_else(|| LoadError::new(path, "must be an object"))?;
        let unknown = object
            .keys()
            .find(|name| !known.iter().any(|known| known.contains(&name.as_str())));
        match unknown {
            Some(name) => Err(LoadError::new(
                member(path, name),
                "this field is not supported here",
            )),
            None => Ok(Self { path, object }),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(super) fn path(&self, name: &str) -> String {
        member(self.path, name)
    }

    pub(super) fn refuse(&self, name: &str, reason: impl Into<String>) -> LoadError {
        LoadError::new(self.path(name), reason)
    }

    pub(super) fn require(&self, name: &str) -> Result<&'a Value, LoadError> {
        self.get(name)
            .ok_or_else(|| self.refuse(name, "this field is required"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, LoadError> {
        self.get(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| self.refuse(name, "must be a string"))
            })
            .transpose()
    }

    pub(super) fn require_text(&self, name: &str) -> Result<&'a str, LoadError> {
        self.require(name)?;
        self.text(name)?
            .ok_or_else(|| self.refuse(name, "must be a string"))
    }

    pub(super) fn array(&self, name: &str) -> Result<Option<&'a [Value]>, LoadError> {
        self.get(name)
            .map(|value| match value {
                Value::Array(items) => Ok(items.as_slice()),
                _ => Err(self.refuse(name, "must be an array")),
            })
            .transpose()
    }

    /// The items of an array of at least `min` items, each with its path; empty if the array is absent.
    pub(super) fn items(
        &self,
        name: &str,
        min: usize,
    ) -> Result<Vec<(&'a Value, String)>, LoadError> {
        let items = match self.array(name)? {
            None => return Ok(Vec::new()),
            Some(items) if items.len() < min => return Err(self.refuse(name, "must not be empty")),
            Some(items) => items,
        };
        let path = self.path(name);
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, item)| (item, format!("{path}[{index}]")))
            .collect())
    }

    /// An integer of at least `min`.
    pub(super) fn count(&self, name: &str, min: u64) -> Result<Option<u64>, LoadError> {
        self.get(name)
            .map(|value| {
                integer(value, min).ok_or_else(|| {
                    self.refuse(
                        name,
                        format!("must be an integer from {min} to {MAX_COUNT}"),
                    )
                })
            })
            .transpose()
    }

    /// An integer of at least `min`, or an expression.
    pub(super) fn count_setting(
        &self,
        name: &str,
        min: u64,
    ) -> Result<Option<Setting<u64>>, LoadError> {
        match self.get(name) {
            Some(Value::String(text)) => {
                let expression = template::compile(text, &self.path(name), Sees::Input)?;
                Ok(Some(Setting::Computed(expression)))
            }
            _ => Ok(self.count(name, min)?.map(Setting::Fixed)),
        }
    }

    pub(super) fn text_setting(&self, name: &str) -> Result<Option<Setting<String>>, LoadError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let path = self.path(name);
        Ok(Some(match template::expression(text, &path)? {
            Some(_) => Setting::Computed(template::compile(text, &path, Sees::Input)?),
            None => Setting::Fixed(text.to_owned()),
        }))
    }

    pub(super) fn template(&self, name: &str, sees: Sees) -> Result<Option<Template>, LoadError> {
        self.get(name)
            .map(|value| Template::load(value, &self.path(name), sees))
            .transpose()
    }

    /// Like [`template`](Self::template), but accepts only objects and expressions.
    pub(super) fn object_template(
        &self,
        name: &str,
        sees: Sees,
    ) -> Result<Option<Template>, LoadError> {
        match self.get(name) {
            None | Some(Value::Object(_)) => {}
            Some(Value::String(text)) => {
                template::compile(text, &self.path(name), sees)?;
            }
            Some(_) => return Err(self.refuse(name, "must be an object or a JSONata string")),
        }
        self.template(name, sees)
    }
}

/// An integer in the range that AWS accepts, as written in JSON or returned by JSONata.
pub(crate) fn integer(value: &Value, min: u64) -> Option<u64> {
    let number = value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked before"
        )]
        (float.fract() == 0.0 && (0.0..1e9).contains(&float)).then_some(float as u64)
    })?;
    (min..=MAX_COUNT).contains(&number).then_some(number)
}
