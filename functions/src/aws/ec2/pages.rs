//! All pages of an answer, within a limit (promise P8).
//!
//! EC2 cuts its pages before it looks at filters: what asks for a page size gets page after page with
//! nothing on them, one for each thousand things in the account (boto/boto3#1776). What is to find a
//! few things by a value sets no page size: then EC2 looks through all of them for one answer.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::errors;
use crate::ports::Ec2Error;

/// How many items a page is asked for, where EC2 lets one ask.
pub(super) const PAGE_ITEMS: i32 = 1000;
/// How many pages are read before the answer counts as endless. An account has 100,000 snapshots and
/// 50,000 AMIs in a Region at most, unless it has asked for more.
const PAGES: usize = 200;

/// Reads page after page: `next` is given the token of the page and answers its items and the
/// token of the one behind it.
pub(super) async fn all<T, E, F>(
    action: &'static str,
    next: impl Fn(Option<String>) -> F,
) -> Result<Vec<T>, Ec2Error>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    F: Future<Output = Result<(Vec<T>, Option<String>), SdkError<E, HttpResponse>>>,
{
    let mut items = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let (page, behind) = next(token).await.map_err(errors::of(action))?;
        items.extend(page);
        token = behind.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(items);
        }
    }
    let message = format!("the answer has more than {PAGES} pages");
    Err(Ec2Error::new(action, "TooManyPages", message))
}
