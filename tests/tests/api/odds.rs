//! Invalid requests, and what their refusals must name.

use serde_json::{Value, json};

/// An invalid request, and what its refusal must name.
pub(crate) struct Odd {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) names: &'static str,
}

#[derive(Default)]
pub(crate) struct Odds(Vec<Odd>);

impl Odds {
    pub(crate) fn send(
        &mut self,
        method: &'static str,
        path: impl Into<String>,
        body: Value,
        names: &'static str,
    ) {
        self.add(method, path.into(), Some(body), names);
    }

    /// Adds a request without a body.
    pub(crate) fn ask(
        &mut self,
        method: &'static str,
        path: impl Into<String>,
        names: &'static str,
    ) {
        self.add(method, path.into(), None, names);
    }

    fn add(
        &mut self,
        method: &'static str,
        path: String,
        body: Option<Value>,
        names: &'static str,
    ) {
        self.0.push(Odd {
            method,
            path,
            body,
            names,
        });
    }

    pub(crate) fn all(self) -> Vec<Odd> {
        self.0
    }
}

pub(crate) fn odd_values() -> [Value; 4] {
    [
        json!(-7.5),
        json!([["x"]]),
        json!({"x": 1}),
        json!("\u{0}\u{1b}[2J"),
    ]
}
