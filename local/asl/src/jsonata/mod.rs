//! JSONata expressions: the only place that knows the engine.
//!
//! Step Functions evaluates without an input document: an expression reads `$states` and the
//! variables, nothing else. Source: AWS Step Functions Developer Guide, "Transforming data with
//! JSONata"; the bounds of one evaluation are those measured on AWS.

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
pub(crate) use functions::hex;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    compiled: jlens_core::Expression,
    /// What it reads of `$states`; `None` when it does not read it.
    states: Option<Read>,
    /// Every `$name` it mentions: variables, functions, parameters of its own.
    names: BTreeSet<String>,
    /// Whether it has a regular expression.
    matches: bool,
}

/// What an expression can see while it is evaluated.
pub(crate) trait Scope {
    /// The named one of [`STATES`], where the state has it at this point.
    fn states(&self, part: &str) -> Option<Cow<'_, Value>>;
    /// The named one of [`CONTEXT`], where there is one.
    fn context(&self, part: &str) -> Option<Cow<'_, Value>>;
    /// A variable.
    fn variable(&self, name: &str) -> Option<&Value>;
    /// The instant that `$now()` gives, in milliseconds since 1970.
    fn now_ms(&self) -> i64;
    /// The generator behind `$random`, `$uuid` and `$shuffle`.
    fn rng(&self) -> &Arc<Mutex<fastrand::Rng>>;
}

/// The parts that `$states` can have, besides `context`.
const STATES: [&str; 3] = ["input", "result", "errorOutput"];

/// The parts that `$states.context` can have.
const CONTEXT: [&str; 5] = ["Execution", "Map", "State", "StateMachine", "Task"];

/// Functions that draw from the generator.
const RANDOM: [&str; 3] = ["random", "uuid", "shuffle"];

impl Expression {
    /// Compiles the text between `{%` and `%}`, or says what is wrong with it.
    pub(crate) fn compile(source: &str, sees: Sees) -> Result<Self, String> {
        check::depth(source)?;
        let compiled = jlens_core::Expression::compile(source)
            .map_err(|error| format!("invalid JSONata: {}: {}", error.code(), error.message()))?;
        let check::Found { names, matches } = check::check(compiled.ast(), sees)?;
        // The analysis takes `$random` for the built-in, which has no argument to read.
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

    /// The text it was compiled from.
    pub(crate) fn source(&self) -> &str {
        self.compiled.source()
    }

    /// Evaluates. `Ok(None)` means that the expression gave nothing (undefined).
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

/// A step of a regular expression that backtracks counts a thousandth of one of the evaluation's, so
/// that all of them would take a minute: an evaluation that has one ends in AWS's own time.
const LONGEST_MATCH: Duration = Duration::from_secs(5);

/// The bounds of one evaluation. They count, rather than measure time, so that an evaluation
/// that fails fails on every machine.
///
/// AWS nests 100 levels, and allows one value 6,990,256 bytes and an array 873,782 items; the
/// engine counts levels as AWS does. Its five seconds are taken as a million steps.
fn limits() -> Options {
    Options::new()
        .max_steps(1_000_000)
        .max_depth(100)
        .max_array_length(873_782)
        .max_string_length(6_990_256)
        .max_result_size(6_990_256)
}

/// Builds no more of `$states` than the expression reads: the input of an execution may be
/// large, and most expressions want one field of it.
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

/// What is read of one field, given what is read of the object.
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

    /// A scope with something in every place.
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

    /// Well-formed expressions of every shape.
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

        /// What is left out of `$states` makes no difference.
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
