//! Values of a definition that may contain JSONata: whole trees, and single settings.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::jsonata::{Expression, Scope, Sees};
use crate::load::error::{LoadError, member};

/// A JSON tree whose strings may be expressions.
#[derive(Debug)]
pub(crate) enum Template {
    Literal(Value),
    Expression(Box<Expression>),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

#[derive(Debug)]
pub(crate) enum Setting<T> {
    Fixed(T),
    Computed(Box<Expression>),
}

/// An expression could not be evaluated to a value that its field accepts.
#[derive(Debug)]
pub(crate) struct EvaluationError {
    /// The location within the state, such as `Output/a[0]`; `None` if no single field is at fault.
    pub(crate) location: Option<String>,
    pub(crate) cause: String,
}

/// The text between `{%` and `%}`, or `None` for an ordinary string.
///
/// Like AWS, this refuses a string that has only one of the two delimiters in its place: it is an unfinished
/// expression.
pub(crate) fn expression<'a>(text: &'a str, path: &str) -> Result<Option<&'a str>, LoadError> {
    match (text.strip_prefix("{%"), text.ends_with("%}")) {
        (Some(rest), true) if rest.len() >= 2 => Ok(Some(rest[..rest.len() - 2].trim())),
        (None, false) => Ok(None),
        _ => Err(LoadError::new(
            path,
            "a JSONata string must begin with '{%' and end with '%}'",
        )),
    }
}

/// Compiles a string that must be an expression.
pub(crate) fn compile(text: &str, path: &str, sees: Sees) -> Result<Box<Expression>, LoadError> {
    match expression(text, path)? {
        Some(source) => Expression::compile(source, sees)
            .map(Box::new)
            .map_err(|reason| LoadError::new(path, reason)),
        None => Err(LoadError::new(path, "must be a JSONata string: '{% … %}'")),
    }
}

impl Template {
    pub(crate) fn load(value: &Value, path: &str, sees: Sees) -> Result<Self, LoadError> {
        Ok(match value {
            Value::String(text) if expression(text, path)?.is_some() => {
                Self::Expression(compile(text, path, sees)?)
            }
            Value::Array(items) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Self::load(item, &format!("{path}[{index}]"), sees))
                    .collect::<Result<Vec<_>, _>>()?;
                if items.iter().all(|item| matches!(item, Self::Literal(_))) {
                    Self::Literal(value.clone())
                } else {
                    Self::Array(items)
                }
            }
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| {
                        let path = member(path, name);
                        Ok((name.clone(), Self::load(field, &path, sees)?))
                    })
                    .collect::<Result<Vec<_>, LoadError>>()?;
                if fields
                    .iter()
                    .all(|(_, field)| matches!(field, Self::Literal(_)))
                {
                    Self::Literal(value.clone())
                } else {
                    Self::Object(fields)
                }
            }
            _ => Self::Literal(value.clone()),
        })
    }

    /// Evaluates the tree; `location` is the name of the field that contains it.
    pub(crate) fn evaluate(
        &self,
        scope: &dyn Scope,
        location: &str,
    ) -> Result<Value, EvaluationError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expression(expression) => defined(expression, scope, location),
            Self::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| item.evaluate(scope, &format!("{location}[{index}]")))
                .collect(),
            Self::Object(fields) => {
                let mut object = Map::with_capacity(fields.len());
                for (name, field) in fields {
                    let value = field.evaluate(scope, &format!("{location}/{name}"))?;
                    object.insert(name.clone(), value);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

impl<T: Clone> Setting<T> {
    /// The setting's value. `read` converts the result of an expression if it has the `expected` type.
    pub(crate) fn evaluate(
        &self,
        scope: &dyn Scope,
        location: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, EvaluationError> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Computed(expression) => {
                let value = defined(expression, scope, location)?;
                read(&value).ok_or_else(|| unexpected(expression, location, expected, &value))
            }
        }
    }
}

/// JSON has no undefined, so an expression must return a value.
fn defined(
    expression: &Expression,
    scope: &dyn Scope,
    location: &str,
) -> Result<Value, EvaluationError> {
    let what = match expression.evaluate(scope) {
        Ok(Some(value)) => return Ok(value),
        Ok(None) => Cow::Borrowed("returned nothing (undefined)."),
        Err(error) => Cow::Owned(format!("threw an error during evaluation. {error}")),
    };
    Err(EvaluationError {
        location: Some(location.to_owned()),
        cause: format!(
            "The JSONata expression '{}' specified for the field '{location}' {what}",
            expression.source()
        ),
    })
}

pub(crate) fn unexpected(
    expression: &Expression,
    location: &str,
    expected: &str,
    value: &Value,
) -> EvaluationError {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    EvaluationError {
        location: Some(location.to_owned()),
        cause: format!(
            "The JSONata expression '{}' specified for the field '{location}' returned an \
             unexpected result type. Expected '{expected}', but was '{actual}' for value: {}",
            expression.source(),
            shorten(&value.to_string())
        ),
    }
}

/// Shortens a text for a cause: causes are for people, who do not want to read a whole payload.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(200) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
