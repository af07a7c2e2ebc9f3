//! The six functions that Step Functions adds to JSONata.
//!
//! Source: AWS Step Functions Developer Guide, "JSONata functions provided by Step Functions".
//! As on AWS, numbers are rounded towards zero, and an argument that makes no sense gives undefined instead of an
//! error.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jlens_core::{Bindings, Error, HostFunction, Result};
use serde_json::{Number, Value, json};
use sha2::Digest;

/// The maximum length of a range. AWS refuses to build a longer one.
const MAX_RANGE: i64 = 360_145;

pub(super) fn deterministic() -> &'static Bindings {
    static BINDINGS: LazyLock<Bindings> = LazyLock::new(|| {
        let function = |imp: fn(&[Option<Value>]) -> Result<Option<Value>>| {
            HostFunction::new(1, move |args, _| imp(args)).without_input()
        };
        Bindings::new()
            .function("partition", function(partition))
            .function("range", function(range))
            .function("hash", function(hash))
            .function("parse", function(parse))
    });
    &BINDINGS
}

pub(super) fn random(bindings: Bindings, rng: &Arc<Mutex<fastrand::Rng>>) -> Bindings {
    let (for_random, for_uuid) = (Arc::clone(rng), Arc::clone(rng));
    let random = HostFunction::new(0, move |args, _| {
        let number = match integer(args, 0) {
            Some(seed) => fastrand::Rng::with_seed(seed.cast_unsigned()).f64(),
            None => lock(&for_random).f64(),
        };
        Ok(Some(json!(number)))
    });
    let uuid = HostFunction::new(0, move |_, _| Ok(Some(uuid(&mut lock(&for_uuid)))));
    bindings
        .function("random", random.without_input())
        .function("uuid", uuid.without_input())
}

/// Draws a seed for the JSONata engine's own generator.
pub(super) fn draw(rng: &Mutex<fastrand::Rng>) -> u64 {
    lock(rng).u64(..)
}

fn lock(rng: &Mutex<fastrand::Rng>) -> std::sync::MutexGuard<'_, fastrand::Rng> {
    rng.lock().unwrap_or_else(PoisonError::into_inner)
}

fn partition(args: &[Option<Value>]) -> Result<Option<Value>> {
    let items = match args.first() {
        Some(Some(Value::Array(items))) => items,
        Some(Some(_)) => return Err(bad("$partition", 1, "an array")),
        _ => return Ok(None),
    };
    let size = integer(args, 1).and_then(|size| usize::try_from(size).ok());
    Ok(match size {
        Some(size) if size > 0 && !items.is_empty() => Some(items.chunks(size).collect()),
        _ => None,
    })
}

fn range(args: &[Option<Value>]) -> Result<Option<Value>> {
    let (Some(start), Some(end), Some(step)) =
        (integer(args, 0), integer(args, 1), integer(args, 2))
    else {
        return Ok(None);
    };
    let distance = i128::from(end) - i128::from(start);
    if step == 0 || (distance != 0 && (distance > 0) != (step > 0)) {
        return Ok(None);
    }
    let count = distance / i128::from(step) + 1;
    if count > i128::from(MAX_RANGE) {
        return Err(
            Error::new("U1001").with("message", "expression evaluation memory limit exceeded")
        );
    }
    let numbers: Vec<Value> = std::iter::successors(Some(start), |n| n.checked_add(step))
        .take(usize::try_from(count).unwrap_or(0))
        .map(Value::from)
        .collect();
    Ok(Some(match <[Value; 1]>::try_from(numbers) {
        Ok([only]) => only,
        Err(numbers) => Value::Array(numbers),
    }))
}

fn hash(args: &[Option<Value>]) -> Result<Option<Value>> {
    let (Some(Some(data)), Some(Some(algorithm))) = (args.first(), args.get(1)) else {
        return Ok(None);
    };
    let data = data
        .as_str()
        .ok_or_else(|| bad("$hash", 1, "a string"))?
        .as_bytes();
    let digest = match algorithm.as_str() {
        Some("MD5") => md5::Md5::digest(data).to_vec(),
        Some("SHA-1") => sha1::Sha1::digest(data).to_vec(),
        Some("SHA-256") => sha2::Sha256::digest(data).to_vec(),
        Some("SHA-384") => sha2::Sha384::digest(data).to_vec(),
        Some("SHA-512") => sha2::Sha512::digest(data).to_vec(),
        _ => {
            return Err(bad(
                "$hash",
                2,
                "one of MD5, SHA-1, SHA-256, SHA-384 and SHA-512",
            ));
        }
    };
    Ok(Some(Value::String(hex::encode(digest))))
}

fn parse(args: &[Option<Value>]) -> Result<Option<Value>> {
    match args.first() {
        Some(Some(Value::String(text))) => serde_json::from_str(text)
            .map(Some)
            .map_err(|_| bad("$parse", 1, "a JSON text")),
        Some(Some(_)) => Err(bad("$parse", 1, "a string")),
        _ => Ok(None),
    }
}

fn uuid(rng: &mut fastrand::Rng) -> Value {
    let bits = rng.u128(..) & !(0xf << 76) & !(0b11 << 62) | (0x4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let groups = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Value::String(groups.join("-"))
}

/// The argument as an integer, rounded towards zero.
fn integer(args: &[Option<Value>], index: usize) -> Option<i64> {
    let number: &Number = args.get(index)?.as_ref()?.as_number()?;
    number.as_i64().or_else(|| {
        let float = number.as_f64()?.trunc();
        // Within these bounds, floats represent every integer exactly.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked on the line before"
        )]
        (float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

fn bad(function: &str, index: usize, expected: &str) -> Error {
    Error::new("T0410")
        .with("token", function)
        .with("index", index)
        .with("value", expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(source: &str) -> Result<Option<Value>> {
        let rng = Arc::new(Mutex::new(fastrand::Rng::with_seed(1)));
        let bindings = random(deterministic().clone(), &rng);
        jlens_core::Expression::compile(source)?.evaluate(None, &bindings)
    }

    #[test]
    fn the_added_functions_answer_as_on_aws() {
        let table = [
            ("$partition([1..5], 2)", json!([[1, 2], [3, 4], [5]])),
            ("$partition([1..5], 2.9)", json!([[1, 2], [3, 4], [5]])),
            ("$range(0, 10, 5)", json!([0, 5, 10])),
            ("$range(0, 9, 5)", json!([0, 5])),
            ("$range(3, 1, -1)", json!([3, 2, 1])),
            ("$range(-1.7, 1, 1)", json!([-1, 0, 1])),
            ("$range(4, 4, 1)", json!(4)),
            (
                "$hash('', 'MD5')",
                json!("d41d8cd98f00b204e9800998ecf8427e"),
            ),
            (
                "$hash('abc', 'SHA-1')",
                json!("a9993e364706816aba3e25717850c26c9cd0d89d"),
            ),
            ("$length($hash('abc', 'SHA-512'))", json!(128)),
            ("$parse('{\"a\": 1}').a", json!(1)),
            ("$random(7) = $random(7)", json!(true)),
            ("$random() < 1", json!(true)),
            ("$uuid() != $uuid()", json!(true)),
            (
                "$contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)",
                json!(true),
            ),
        ];
        for (source, expected) in table {
            assert_eq!(evaluate(source).expect(source), Some(expected), "{source}");
        }
    }

    #[test]
    fn invalid_arguments_return_nothing_or_fail() {
        for source in [
            "$partition([1], 0)",
            "$partition([], 2)",
            "$range(1, 5)",
            "$range(1, 5, -1)",
            "$range(1, 5, 0)",
            "$hash('a')",
            "$parse($nothing)",
        ] {
            assert_eq!(evaluate(source).expect(source), None, "{source}");
        }
        for source in [
            "$partition('a', 1)",
            "$hash('a', 'sha-1')",
            "$parse('{')",
            "$range(1, 360146, 1)",
        ] {
            evaluate(source).expect_err(source);
        }
    }
}
