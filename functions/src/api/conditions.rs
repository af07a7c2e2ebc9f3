//! Conditional changes: an answer says by its `ETag` how a thing stands, and a change that names it in
//! `If-Match` is refused where it stands otherwise by then.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use axum::response::AppendHeaders;
use utoipa::IntoParams;

use super::problem::Refused;
use crate::domain::{Code, Problem};
use crate::operations::Expected;

/// The most tags that a request may name.
const TAGS: usize = 10;

/// How the header of a change is described that may have it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is read by `IfMatch`, and only described here")]
pub(super) struct Condition {
    /// Only where it stands as the ETag says with which it was read. Without it, or with `*`, however
    /// it stands.
    #[param(
        rename = "If-Match",
        pattern = "^(\\*|(W/)?\"[!#-~]{0,64}\"(, ?(W/)?\"[!#-~]{0,64}\"){0,9})$"
    )]
    if_match: Option<String>,
}

/// How the header of a change is described that has to have it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it is read by `MustMatch`, and only described here"
)]
pub(super) struct NeededCondition {
    /// Only where it stands as the ETag says with which it was read; with `*`, however it stands.
    #[param(
        rename = "If-Match",
        pattern = "^(\\*|(W/)?\"[!#-~]{0,64}\"(, ?(W/)?\"[!#-~]{0,64}\"){0,9})$"
    )]
    if_match: String,
}

/// What a change expects, where it says so.
#[derive(Debug)]
pub(super) struct IfMatch(pub(super) Option<Expected>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let mut known = Vec::new();
        let mut anything = false;
        for value in parts.headers.get_all(header::IF_MATCH) {
            match value.to_str().map(str::trim).ok() {
                Some("*") => anything = true,
                text => known.extend(text.and_then(tags).ok_or_else(malformed)?),
            }
        }
        if known.len() > TAGS {
            return Err(malformed().into());
        }
        let said = parts.headers.contains_key(header::IF_MATCH) && !anything;
        let strong = known.into_iter().flatten();
        Ok(Self(said.then(|| Expected::one_of(strong))))
    }
}

/// What a change expects that has to say so.
#[derive(Debug)]
pub(super) struct MustMatch(pub(super) Option<Expected>);

impl<S: Sync> FromRequestParts<S> for MustMatch {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            let message = "The request does not say which state of the record it is about.";
            return Err(Problem::new(Code::PreconditionRequired, message).into());
        }
        let IfMatch(expected) = IfMatch::from_request_parts(parts, state).await?;
        Ok(Self(expected))
    }
}

/// The tags of a list, each without its quotes. A weak one never matches a change, and is `None`.
fn tags(text: &str) -> Option<Vec<Option<String>>> {
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
        tags.push(strong.map(|_| tag.to_owned()));
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

fn malformed() -> Problem {
    let message = format!(
        "The header If-Match is not valid: it is *, or at most {TAGS} tags in quotes with commas between."
    );
    Problem::new(Code::InvalidInput, message).hint("Take the tag from the answer's header ETag.")
}

/// The header by which an answer says how the thing in it stands, where that has a tag.
pub(super) type Tagged = AppendHeaders<Option<(HeaderName, String)>>;

/// That header.
pub(super) fn etag(tag: Option<String>) -> Tagged {
    AppendHeaders(tag.map(|tag| (header::ETAG, format!("\"{tag}\""))))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(values: &[&str]) -> Result<Option<Expected>, Code> {
        let mut request = Request::builder();
        for value in values {
            request = request.header(header::IF_MATCH, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        match IfMatch::from_request_parts(&mut parts, &()).await {
            Ok(IfMatch(expected)) => Ok(expected),
            Err(refused) => Err(refused.into_problem().code),
        }
    }

    #[tokio::test]
    async fn tags_are_read_in_every_form_that_http_has() {
        let tags = |tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned());
            Ok(Some(Expected::one_of(tags)))
        };
        assert_eq!(read(&[]).await, Ok(None));
        assert_eq!(read(&["*"]).await, Ok(None));
        assert_eq!(read(&["\"1-2\""]).await, tags(&["1-2"]));
        let several = read(&["\"a\" , \"b,c\"", "W/\"d\",\"\""]).await;
        assert_eq!(several, tags(&["a", "b,c", ""]));
        assert_eq!(read(&["W/\"1\""]).await, tags(&[]));
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
            assert_eq!(read(&[odd]).await, Err(Code::InvalidInput), "{odd}");
        }
    }
}
