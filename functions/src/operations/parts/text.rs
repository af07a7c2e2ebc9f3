//! Parts of text files.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use super::answer::{Answer, Described, Reply, unreadable, unwritable};
use crate::domain::Problem;

/// The header with the cursor of the next part.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");

/// A part of a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPage {
    /// The media type of the file.
    pub kind: String,
    /// The text.
    pub text: String,
    /// The cursor of the next part; `None` if this is the last one.
    pub cursor: Option<String>,
}

impl Answer for TextPage {
    fn describe() -> Vec<Described> {
        let text = || RefOr::T(Schema::from(ObjectBuilder::new().schema_type(Type::String)));
        let part = |kind| Described {
            status: 200,
            means: "OK: a part of the file. If more follow, the header `Next-Cursor` has the cursor of the next part",
            content: Some((kind, text())),
        };
        vec![part("text/csv"), part("application/jsonl")]
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}

    fn reply(self) -> Result<Reply, Problem> {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::try_from(self.kind).map_err(unwritable)?;
        headers.insert(CONTENT_TYPE, kind);
        if let Some(cursor) = self.cursor {
            let cursor = HeaderValue::try_from(cursor).map_err(unwritable)?;
            headers.insert(NEXT_CURSOR, cursor);
        }
        Ok(Reply {
            status: StatusCode::OK,
            headers,
            body: self.text.into(),
        })
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        let header = |name: &HeaderName| reply.headers.get(name)?.to_str().ok().map(str::to_owned);
        Ok(Self {
            kind: header(&CONTENT_TYPE).unwrap_or_default(),
            text: String::from_utf8(reply.body.to_vec()).map_err(unreadable)?,
            cursor: header(&NEXT_CURSOR),
        })
    }
}
