//! The optional headers of requests: the idempotency key, and the expected state of a record.

use http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::Nothing;
use crate::domain::{Code, Problem};
use crate::operations::Expected;

/// An input that is read from the headers.
pub trait HeadParts: Clone + Send {
    /// The status codes of the problems that only these headers can cause.
    const PROBLEMS: &'static [u16] = &[];
    /// Returns whether a repeated request is recognized as the same.
    fn is_key(&self) -> bool {
        false
    }
    /// Reads the input.
    fn read(headers: &HeaderMap) -> Result<Self, Problem>;
    /// Adds the headers to a request.
    fn write(&self, headers: &mut HeaderMap) -> Result<(), Problem>;
    /// Describes the headers.
    fn describe() -> Vec<Parameter>;
}

impl HeadParts for Nothing {
    fn read(_: &HeaderMap) -> Result<Self, Problem> {
        Ok(Nothing {})
    }

    fn write(&self, _: &mut HeaderMap) -> Result<(), Problem> {
        Ok(())
    }

    fn describe() -> Vec<Parameter> {
        Vec::new()
    }
}

/// The header with the idempotency key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The idempotency key: requests with the same key are the same request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl HeadParts for IdempotencyKey {
    fn is_key(&self) -> bool {
        self.0.is_some()
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = keys.next() else {
            return Ok(Self(None));
        };
        if let (Ok(key), None) = (key.to_str(), keys.next()) {
            return Ok(Self(Some(key.to_owned())));
        }
        let message = "The header Idempotency-Key occurs twice or contains invalid characters.";
        Err(Problem::new(Code::InvalidRequestId, message))
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        let Some(key) = &self.0 else {
            return Ok(());
        };
        let value = HeaderValue::from_str(key).map_err(|error| {
            let message = "The request ID contains characters that are not allowed in a header.";
            Problem::new(Code::InvalidRequestId, message).because(error)
        })?;
        headers.insert(IDEMPOTENCY_KEY, value);
        Ok(())
    }

    fn describe() -> Vec<Parameter> {
        let kinds = SchemaType::from_iter([Type::String, Type::Null]);
        let schema = ObjectBuilder::new()
            .schema_type(kinds)
            .min_length(Some(1))
            .max_length(Some(64))
            .pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("Identifies the request, so that it can be repeated safely: 1 to 64 letters, digits, \"-\" or \"_\"."))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// The maximum number of tags in a request.
const TAGS: usize = 10;
/// The pattern of the If-Match header.
const PATTERN: &str = "^(\\*|(W/)?\"[!#-~]{0,64}\"(, ?(W/)?\"[!#-~]{0,64}\"){0,9})$";

/// A condition for a change: it is refused if the record is not in the given state. Without the header, or with `*`,
/// there is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(pub Option<Expected>);

impl HeadParts for IfMatch {
    const PROBLEMS: &'static [u16] = &[412];

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let (known, anything) = listed(headers, &IF_MATCH)?;
        let said = headers.contains_key(IF_MATCH) && !anything;
        // A weak tag never matches a change.
        let strong = known.into_iter().filter(|tag| !tag.weak);
        Ok(Self(
            said.then(|| Expected::one_of(strong.map(|tag| tag.text))),
        ))
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        if let Some(expected) = &self.0 {
            headers.insert(IF_MATCH, value(expected.tags())?);
        }
        Ok(())
    }

    fn describe() -> Vec<Parameter> {
        let means = "Change the resource only if it still has the ETag with which it was read. Without this header, or\n\
                     with `*`, change it unconditionally.";
        vec![described("If-Match", Required::False, means)]
    }
}

/// The same, for a change that requires the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MustMatch(pub Option<Expected>);

impl HeadParts for MustMatch {
    const PROBLEMS: &'static [u16] = &[412, 428];

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        if !headers.contains_key(IF_MATCH) {
            let message = "The request does not specify which state of the record it applies to.";
            return Err(Problem::new(Code::PreconditionRequired, message));
        }
        IfMatch::read(headers).map(|IfMatch(expected)| Self(expected))
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        let value = match &self.0 {
            Some(expected) => value(expected.tags())?,
            None => HeaderValue::from_static("*"),
        };
        headers.insert(IF_MATCH, value);
        Ok(())
    }

    fn describe() -> Vec<Parameter> {
        let means = "Change the resource only if it still has the ETag with which it was read; with `*`, change it unconditionally.";
        vec![described("If-Match", Required::True, means)]
    }
}

/// A condition for a read: what the caller knows already is not repeated. Without the header, there is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfNoneMatch {
    known: Vec<String>,
    anything: bool,
}

impl IfNoneMatch {
    /// The caller knows the state with this tag.
    pub fn tag(tag: String) -> Self {
        Self {
            known: vec![tag],
            anything: false,
        }
    }

    /// Returns whether the caller knows the state with this tag.
    pub fn knows(&self, tag: &str) -> bool {
        self.anything || self.known.iter().any(|known| known == tag)
    }
}

impl HeadParts for IfNoneMatch {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let (known, anything) = listed(headers, &IF_NONE_MATCH)?;
        // For reads, a weak tag is as good as another: a proxy that compresses a response weakens its tag.
        let known = known.into_iter().map(|tag| tag.text).collect();
        Ok(Self { known, anything })
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        if self.anything {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        } else if !self.known.is_empty() {
            let tags = self.known.iter().map(String::as_str);
            headers.insert(IF_NONE_MATCH, value(tags)?);
        }
        Ok(())
    }

    fn describe() -> Vec<Parameter> {
        let means = "The ETag of the response that you know. As long as nothing has changed since, the response is 304\n\
                     without a body.";
        vec![described("If-None-Match", Required::False, means)]
    }
}

fn described(name: &str, required: Required, means: &str) -> Parameter {
    let kinds = match required {
        Required::True => SchemaType::Type(Type::String),
        Required::False => SchemaType::from_iter([Type::String, Type::Null]),
    };
    let schema = ObjectBuilder::new()
        .schema_type(kinds)
        .pattern(Some(PATTERN));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(means))
        .schema(Some(schema))
        .build()
}

/// Returns the value of a header with these tags.
fn value<'a>(tags: impl Iterator<Item = &'a str>) -> Result<HeaderValue, Problem> {
    let tags: Vec<String> = tags.map(|tag| format!("\"{tag}\"")).collect();
    HeaderValue::from_str(&tags.join(", ")).map_err(|error| {
        let message = "The tag contains characters that are not allowed in a header.";
        Problem::new(Code::InvalidInput, message).because(error)
    })
}

/// A tag in a header, without its quotes.
struct Tag {
    text: String,
    weak: bool,
}

/// Returns the tags in a header, and whether it has the value `*`.
fn listed(headers: &HeaderMap, name: &HeaderName) -> Result<(Vec<Tag>, bool), Problem> {
    let mut known = Vec::new();
    let mut anything = false;
    for value in headers.get_all(name) {
        match value.to_str().map(str::trim).ok() {
            Some("*") => anything = true,
            text => known.extend(text.and_then(tags).ok_or_else(|| malformed(name))?),
        }
    }
    if known.len() > TAGS {
        return Err(malformed(name));
    }
    Ok((known, anything))
}

/// Returns the tags of a list.
fn tags(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let strong = rest.strip_prefix('"');
        let (tag, behind) = match strong {
            Some(behind) => behind.split_once('"')?,
            None => rest.strip_prefix("W/\"")?.split_once('"')?,
        };
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push(Tag {
            text: tag.to_owned(),
            weak: strong.is_none(),
        });
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

fn malformed(name: &HeaderName) -> Problem {
    let name = if *name == IF_MATCH {
        "If-Match"
    } else {
        "If-None-Match"
    };
    let message = format!(
        "The header {name} is not valid: it is *, or at most {TAGS} tags in quotes with commas between."
    );
    Problem::new(Code::InvalidInput, message).hint("Take the tag from the answer's header ETag.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<Expected>, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
        }
        let read = IfMatch::read(&headers);
        read.map(|IfMatch(expected)| expected)
            .map_err(|problem| problem.code)
    }

    fn expected(tags: &[&str]) -> Expected {
        Expected::one_of(tags.iter().map(|tag| (*tag).to_owned()))
    }

    #[test]
    fn tags_are_read_in_every_form_that_http_has() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(None));
        assert_eq!(read(&["\"1-2\""]), Ok(Some(expected(&["1-2"]))));
        let several = read(&["\"a\" , \"b,c\"", "W/\"d\",\"\""]);
        assert_eq!(several, Ok(Some(expected(&["a", "b,c", ""]))));
        assert_eq!(read(&["W/\"1\""]), Ok(Some(expected(&[]))));
        let many = ["\"a\""; TAGS + 1].join(",");
        for odd in [
            "1",
            "W/1",
            "w/\"1\"",
            "\"1",
            "",
            "\"a\"b\"",
            "\"a\",",
            "\"a b\"",
            "\"a\" \"b\"",
            &many,
        ] {
            assert_eq!(read(&[odd]), Err(Code::InvalidInput), "{odd}");
        }
    }

    #[test]
    fn a_known_state_is_recognized_by_a_strong_or_a_weak_tag() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
            IfNoneMatch::read(&headers)
        };
        assert!(!IfNoneMatch::read(&HeaderMap::new()).unwrap().knows("1"));
        for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
            assert!(read(known).unwrap().knows("1"), "{known}");
        }
        assert!(!read("\"0\"").unwrap().knows("1"));
        let refused = read("1").unwrap_err();
        assert!(refused.message.contains("If-None-Match"), "{refused}");
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut headers = HeaderMap::new();
        let both = IfMatch(Some(expected(&["1-2", "a,b"])));
        both.write(&mut headers).unwrap();
        assert_eq!(IfMatch::read(&headers).unwrap(), both);
        MustMatch(None).write(&mut headers).unwrap();
        assert_eq!(MustMatch::read(&headers).unwrap(), MustMatch(None));
        let known = IfNoneMatch::tag("1-2".to_owned());
        known.write(&mut headers).unwrap();
        assert_eq!(IfNoneMatch::read(&headers).unwrap(), known);
        let key = IdempotencyKey(Some("nightly-1".to_owned()));
        key.write(&mut headers).unwrap();
        assert_eq!(IdempotencyKey::read(&headers).unwrap(), key);
        let odd = IdempotencyKey(Some("a\nb".to_owned()));
        let problem = odd.write(&mut headers).unwrap_err();
        assert_eq!(problem.code, Code::InvalidRequestId);
    }
}
