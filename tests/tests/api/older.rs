//! A program that was built for an older version of the API works with today's. `older/2026-11-29.json` has the
//! operations of that day (commit of 2026-11-29 01:01:47 UTC, the first in which the command line has its typed client),
//! without texts and limits.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::portal::document;

const OLDER: &str = include_str!("older/2026-11-29.json");

/// The intended differences, by how their descriptions end, each with its reason.
const INTENDED: [(&str, &str); 3] = [
    (
        "origin.channel: \"end\" is new",
        "it marks what the end of an instance did, which did not exist",
    ),
    (
        "diff 200.fields[].from: {} is no {\"string\"}",
        "numbers were texts",
    ),
    (
        "diff 200.fields[].to: {} is no {\"string\"}",
        "numbers were texts",
    ),
];

/// A part of a document, whose schemas it may refer to.
#[derive(Clone, Copy)]
struct Part<'a> {
    document: &'a Value,
    it: &'a Value,
}

impl<'a> Part<'a> {
    fn with(self, it: &'a Value) -> Self {
        let name = it["$ref"].as_str();
        let named = name.and_then(|it| self.document.pointer(it.trim_start_matches('#')));
        match named {
            Some(named) => self.with(named),
            None => Self { it, ..self },
        }
    }

    fn list(self, key: &str) -> Vec<Self> {
        let list = self.it[key].as_array().into_iter().flatten();
        list.map(|it| self.with(it)).collect()
    }

    /// The schemas of which a value has one.
    fn variants(self) -> Vec<Self> {
        let list = self.list("oneOf");
        if list.is_empty() {
            return vec![self];
        }
        list.into_iter().flat_map(Self::variants).collect()
    }

    /// The schemas that a value has all of.
    fn merged(self) -> Vec<Self> {
        let mut all = self.list("allOf");
        all.push(self);
        all
    }

    fn texts(self, key: &str) -> BTreeSet<&'a str> {
        let one = self.it[key].as_str();
        let list = self.it[key].as_array().into_iter().flatten();
        one.into_iter()
            .chain(list.filter_map(Value::as_str))
            .collect()
    }

    fn all_texts(self, key: &str) -> BTreeSet<&'a str> {
        let merged = self.merged().into_iter();
        merged.flat_map(|it| it.texts(key)).collect()
    }

    fn properties(self) -> BTreeMap<&'a str, Self> {
        let mut all = BTreeMap::new();
        for part in self.merged() {
            for (name, it) in part.it["properties"].as_object().into_iter().flatten() {
                all.insert(name.as_str(), self.with(it));
            }
        }
        all
    }

    fn parameters(self) -> BTreeMap<String, Self> {
        let list = self.list("parameters").into_iter();
        let named = |it: Self| (format!("{} {}", it.it["in"], it.it["name"]), it);
        list.map(named).collect()
    }
}

/// Which of the two sides is the older one.
#[derive(Clone, Copy)]
enum Older {
    /// Of an answer.
    Reader,
    /// Of a request.
    Writer,
}

/// What a reader does not understand of what a writer may write.
fn misread(at: &str, reader: Part<'_>, writer: Part<'_>, older: Older) -> Vec<String> {
    let readers = reader.variants();
    let closest = |written: Part<'_>| {
        let tried = readers
            .iter()
            .map(|read| misread_variant(at, *read, written, older));
        tried.min_by_key(Vec::len).unwrap_or_default()
    };
    writer.variants().into_iter().flat_map(closest).collect()
}

fn misread_variant(at: &str, reader: Part<'_>, writer: Part<'_>, older: Older) -> Vec<String> {
    let (read, written) = (reader.all_texts("type"), writer.all_texts("type"));
    let fits = |it: &&str| read.contains(*it) || (*it == "integer" && read.contains("number"));
    if !read.is_empty() && (written.is_empty() || !written.iter().all(fits)) {
        return vec![format!("{at}: {written:?} is no {read:?}")];
    }
    let mut found = misread_fields(at, reader, writer, older);
    let (read, written) = (reader.texts("enum"), writer.texts("enum"));
    if !read.is_empty() && written.is_empty() {
        found.push(format!("{at}: is not only {read:?}"));
    }
    if !read.is_empty() {
        let new = written.difference(&read);
        found.extend(new.map(|value| format!("{at}: {value:?} is new")));
    }
    for key in ["items", "additionalProperties"] {
        let inner = |of: Part<'_>| of.it[key].is_object();
        if inner(reader) && inner(writer) {
            let (reader, writer) = (reader.with(&reader.it[key]), writer.with(&writer.it[key]));
            found.extend(misread(&format!("{at}[]"), reader, writer, older));
        } else if inner(reader) {
            found.push(format!("{at}: has no {key}"));
        }
    }
    found
}

/// Compares the fields of objects. Each field of the older side is still there, and what the reader requires is always
/// written.
fn misread_fields(at: &str, reader: Part<'_>, writer: Part<'_>, older: Older) -> Vec<String> {
    let (read, written) = (reader.properties(), writer.properties());
    let (before, now) = match older {
        Older::Reader => (&read, &written),
        Older::Writer => (&written, &read),
    };
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let mut found: Vec<String> = gone.map(|name| format!("{at}.{name}: is gone")).collect();
    let (required, always) = (reader.all_texts("required"), writer.all_texts("required"));
    let missing = required.difference(&always);
    found.extend(missing.map(|name| format!("{at}.{name}: may be missing")));
    for (name, reader) in &read {
        if let Some(writer) = written.get(name) {
            found.extend(misread(&format!("{at}.{name}"), *reader, *writer, older));
        }
    }
    found
}

/// Compares a body in each of its media types.
fn misread_contents(at: &str, before: Part<'_>, now: Part<'_>, older: Older) -> Vec<String> {
    let mut found = Vec::new();
    for (media, content) in before.it["content"].as_object().into_iter().flatten() {
        let Some(new) = now.it["content"].get(media) else {
            found.push(format!("{at}: {media} is gone"));
            continue;
        };
        let (before, now) = (before.with(&content["schema"]), now.with(&new["schema"]));
        let (reader, writer) = match older {
            Older::Reader => (before, now),
            Older::Writer => (now, before),
        };
        found.extend(misread(at, reader, writer, older));
    }
    found
}

fn operation(at: &str, before: Part<'_>, now: Part<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let (old, new) = (before.parameters(), now.parameters());
    for (name, parameter) in &new {
        let was = old.get(name).is_some_and(|it| it.it["required"] == true);
        if parameter.it["required"] == true && !was {
            found.push(format!("{at} {name}: is now required"));
        }
    }
    for (name, parameter) in &old {
        let Some(new) = new.get(name) else {
            found.push(format!("{at} {name}: is gone"));
            continue;
        };
        let (reader, writer) = (
            now.with(&new.it["schema"]),
            before.with(&parameter.it["schema"]),
        );
        found.extend(misread(
            &format!("{at} {name}"),
            reader,
            writer,
            Older::Writer,
        ));
    }
    let body = |of: Part<'_>| of.it["requestBody"]["required"] == true;
    if body(now) && !body(before) {
        found.push(format!("{at}: now needs a body"));
    }
    let bodies = [before, now].map(|of| of.with(&of.it["requestBody"]));
    found.extend(misread_contents(at, bodies[0], bodies[1], Older::Writer));
    for (status, answer) in before.it["responses"].as_object().into_iter().flatten() {
        let at = format!("{at} {status}");
        match now.it["responses"].get(status) {
            None => found.push(format!("{at}: is gone")),
            Some(new) => {
                let (before, now) = (before.with(answer), now.with(new));
                found.extend(misread_contents(&at, before, now, Older::Reader));
            }
        }
    }
    found
}

/// What a program for an older version would notice.
fn differences(today: &Value) -> BTreeSet<String> {
    let older: Value = serde_json::from_str(OLDER).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in older["paths"].as_object().unwrap() {
        for (method, before) in item.as_object().unwrap() {
            let at = format!("{} {path}", method.to_uppercase());
            let Some(now) = today["paths"][path].get(method) else {
                found.insert(format!("{at}: is gone"));
                continue;
            };
            let before = Part {
                document: &older,
                it: before,
            };
            let now = Part {
                document: today,
                it: now,
            };
            found.extend(operation(&at, before, now));
        }
    }
    found
}

#[test]
fn an_older_program_works_with_todays_api() {
    let found = differences(&document());
    let is_intended = |it: &&String| INTENDED.iter().any(|(what, _)| it.ends_with(*what));
    let strange: Vec<&String> = found.iter().filter(|it| !is_intended(it)).collect();
    assert_eq!(strange, [""; 0]);
    for (what, why) in INTENDED {
        let still = found.iter().any(|it| it.ends_with(what));
        assert!(still, "{what} ({why}) is no difference");
    }
}

#[test]
fn what_an_older_program_would_not_understand_is_found() {
    let plain = differences(&document());
    for (place, changed, told) in [
        (
            "/paths/~1v1~1me/get",
            json!(null),
            "GET /v1/me 200: is gone",
        ),
        (
            "/components/schemas/SaveRequest/required",
            json!(["region", "how"]),
            "POST /v1/saves.how: may be missing",
        ),
        (
            "/components/schemas/SaveRequest/properties/public",
            json!({"type": "string"}),
            "POST /v1/saves.public: {\"boolean\"} is no {\"string\"}",
        ),
        (
            "/components/schemas/Started/properties",
            json!({"save_id": {"type": "string"}}),
            "POST /v1/saves 202.repeated: is gone",
        ),
    ] {
        let mut today = document();
        *today.pointer_mut(place).unwrap() = changed;
        let found = differences(&today);
        assert!(found.contains(told), "{told} in {:?}", &found - &plain);
    }
}
