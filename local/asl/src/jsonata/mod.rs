//! JSONata expressions: the only module that depends on the JSONata engine.
//!
//! Step Functions evaluates expressions without an input document: an expression reads only `$states` and the
//! variables. Source: AWS Step Functions Developer Guide, "Transforming data with JSONata"; the limits of one
//! evaluation were measured on AWS.

mod check;
mod functions;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jlens_core::Options;
use jlens_core::reads::Read;
use serde_json::{Map, Value};

pub(crate) use check::Sees;

#[derive(Debug)]
pub(crate) struct Expression {
    compiled: jlens_core::Expression,
    /// The parts of `$states` that it reads; `None` if it does not read any.
    states: Option<Read>,
    /// Every `$name` that it mentions: variables, functions, and its own parameters.
    names: BTreeSet<String>,
    /// Whether it contains a regular expression.
    matches: bool,
}

pub(crate) trait Scope {
    /// The part with this name, one of [`STATES`], if the state has it at this point.
    fn states(&self, part: &str) -> Option<Cow<'_, Value>>;
    /// The part with this name, one of [`CONTEXT`], if it exists.
    fn context(&self, part: &str) -> Option<Cow<'_, Value>>;
    fn variable(&self, name: &str) -> Option<&Value>;
    /// The time that `$now()` returns, in milliseconds since 1970.
    fn now_ms(&self) -> i64;
    /// The generator behind `$random`, `$uuid` and `$shuffle`.
    fn rng(&self) -> &Arc<Mutex<fastrand::Rng>>;
}

/// The parts that `$states` can have, besides `context`.
const STATES: [&str; 3] = ["input", "result", "errorOutput"];

/// The parts that `$states.context` can have.
const CONTEXT: [&str; 5] = ["Execution", "Map", "State", "StateMachine", "Task"];

const RANDOM: [&str; 3] = ["random", "uuid", "shuffle"];

impl Expression {
    /// Compiles the text between `{%` and `%}`, or returns a description of the error.
    pub(crate) fn compile(source: &str, sees: Sees) -> Result<Self, String> {
        check::depth(source)?;
        let compiled = jlens_core::Expression::compile(source)
            .map_err(|error| format!("invalid JSONata: {}: {}", error.code(), error.message()))?;
        let check::Found { names, matches } = check::check(compiled.ast(), sees)?;
        // The analysis treats `$random` as the built-in function, whose argument it does not analyse.
        let states = if names.contains("random") {
            names.contains("states").then_some(Read::Whole)
        } else {
            compiled.reads().binding("states").cloned()
        };
        Ok(Self {
            compiled,
            states,
            names,
            matches,
        })
    }

    pub(crate) fn source(&self) -> &str {
        self.compiled.source()
    }

    /// Evaluates the expression. `Ok(None)` means that it returned nothing (undefined).
    pub(crate) fn evaluate(&self, scope: &dyn Scope) -> Result<Option<Value>, String> {
        let mut bindings = functions::deterministic().clone();
        let mut options = limits().now(scope.now_ms());
        if self.matches {
            options = options.timeout(LONGEST_MATCH);
        }
        if RANDOM.iter().any(|name| self.names.contains(*name)) {
            bindings = functions::random(bindings, scope.rng());
            options = options.seed(functions::draw(scope.rng()));
        }
        for name in &self.names {
            if let Some(value) = scope.variable(name) {
                bindings = bindings.var(name.as_str(), value.clone());
            }
        }
        if let Some(read) = &self.states {
            bindings = bindings.var("states", states(read, scope));
        }
        self.compiled
            .evaluate_with(None, &bindings, &options)
            .map_err(|error| format!("{}: {}", error.code(), error.message()))
    }
}

/// The time limit of an evaluation with a regular expression, which is AWS's own. A backtracking step of a regular
/// expression counts as a thousandth of an evaluation step, so reaching the step limit would take a minute.
const LONGEST_MATCH: Duration = Duration::from_secs(5);

/// The limits of one evaluation. They count steps instead of measuring time, so that an evaluation that exceeds them
/// does so on every machine.
///
/// AWS allows 100 levels of nesting, 6,990,256 bytes in one value, and 873,782 items in an array; the engine counts
/// levels as AWS does. A million steps stand for AWS's limit of five seconds.
fn limits() -> Options {
    Options::new()
        .max_steps(1_000_000)
        .max_depth(100)
        .max_array_length(873_782)
        .max_string_length(6_990_256)
        .max_result_size(6_990_256)
}

/// Builds only the parts of `$states` that the expression reads: the input of an execution may be large, and most
/// expressions need one field of it.
fn states(read: &Read, scope: &dyn Scope) -> Value {
    let mut states = parts(read, &STATES, |part| scope.states(part));
    if let Some(read) = narrow(read, "context") {
        let context = parts(read, &CONTEXT, |part| scope.context(part));
        states.insert("context".to_owned(), Value::Object(context));
    }
    Value::Object(states)
}

fn parts<'a>(
    read: &Read,
    names: &[&str],
    get: impl Fn(&str) -> Option<Cow<'a, Value>>,
) -> Map<String, Value> {
    let part = |name: &&str| {
        let read = narrow(read, name)?;
        let value = get(name)?;
        let value = if read.is_whole() {
            value.into_owned()
        } else {
            read.cut(&value)
        };
        Some(((*name).to_owned(), value))
    };
    names.iter().filter_map(part).collect()
}

/// The part of a read that concerns one field of the object.
fn narrow<'a>(read: &'a Read, field: &str) -> Option<&'a Read> {
    match read {
        Read::Whole => Some(read),
        Read::Fields(fields) => fields.get(field),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    struct Full {
        input: Value,
        rng: Arc<Mutex<fastrand::Rng>>,
    }

    impl Scope for Full {
        fn states(&self, part: &str) -> Option<Cow<'_, Value>> {
            (part != "errorOutput").then_some(Cow::Borrowed(&self.input))
        }
        fn context(&self, _part: &str) -> Option<Cow<'_, Value>> {
            Some(Cow::Borrowed(&self.input))
        }
        fn variable(&self, name: &str) -> Option<&Value> {
            (name == "v").then_some(&self.input)
        }
        fn now_ms(&self) -> i64 {
            0
        }
        fn rng(&self) -> &Arc<Mutex<fastrand::Rng>> {
            &self.rng
        }
    }

    fn full() -> Full {
        let item = json!({"a": 1, "b": {"a": [1, 2, {"c": "x"}]}, "c": null});
        Full {
            input: json!({"a": [item, item, 3], "b": item, "c": "s", "d": 4, "State": {"Name": "n"}}),
            rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(1))),
        }
    }

    fn expressions() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "$states.input",
            "$states.input.a",
            "$states.result.b",
            "$states.context.State.Name",
            "$states.context",
            "$states",
            "$v",
            "$v.a",
            "1",
            "'a'",
            "[1..3]",
        ]);
        leaf.prop_map(str::to_owned)
            .prop_recursive(5, 40, 3, |inner| {
                let shape = prop::sample::select(vec![
                    "X.a",
                    "X.b.c",
                    "X.*",
                    "X.**",
                    "X[0]",
                    "X[a=1]",
                    "X[c]",
                    "X^(a)",
                    "X.{'a': b}",
                    "X{c: a}",
                    "X.[a, b]",
                    "X.a.%.b",
                    "X@$i.$i.a",
                    "X#$i.($i & c)",
                    "X[]",
                    "$map(X, function($x){ $x.a })",
                    "$map(X, function($x){ Y })",
                    "$filter(X, function($x){ $x.b = Y })",
                    "$reduce([X], function($p, $n){ $p.a & $n.b })",
                    "$keys(X)",
                    "$lookup(X, 'a')",
                    "$merge([X, Y])",
                    "$string(X)",
                    "$count(X)",
                    "$exists(X)",
                    "$each(X, function($e){ $e.a })",
                    "$sift(X, function($e, $k){ $k != 'b' })",
                    "$spread(X)",
                    "$append(X, Y)",
                    "$zip(X, Y)",
                    "$distinct(X)",
                    "$type(X)",
                    "X & Y",
                    "X = Y",
                    "X ? Y : X.a",
                    "[X, Y.b]",
                    "{'k': X, 'l': Y.a}",
                    "($y := X; $y.a)",
                    "($f := function($q){ $q.b }; $f(X))",
                    "X ~> $count()",
                    "X ~> |b|{'n': a}|",
                    "X in Y",
                    "X.$lookup('a')",
                    "X.a.$string()",
                    "$sort(X, function($l, $r){ $l.a > $r.a })",
                    "X.(a; b)",
                    "$not(X)",
                    "$boolean(X) and Y",
                ]);
                (shape, inner.clone(), inner)
                    .prop_map(|(shape, x, y)| shape.replace('X', &x).replace('Y', &y))
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Omitting unread parts of `$states` makes no difference.
        #[test]
        fn expressions_get_all_they_read(source in expressions()) {
            if let Ok(mut expression) = Expression::compile(&source, Sees::Result) {
                let cut = expression.evaluate(&full());
                expression.states = expression.states.map(|_| Read::Whole);
                prop_assert_eq!(cut, expression.evaluate(&full()));
            }
        }
    }
}
