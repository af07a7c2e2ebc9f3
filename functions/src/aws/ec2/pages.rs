//! Reads all pages of a response, up to a limit (promise P8).
//!
//! EC2 paginates before it applies filters: a request with a page size can return page after page without results,
//! one for every thousand resources in the account (boto/boto3#1776). Requests that look for a few resources by a
//! value therefore set no page size: EC2 then searches all of them for a single response.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::errors;
use crate::ports::Ec2Error;

/// The page size to request, for actions that accept one.
pub(super) const PAGE_ITEMS: i32 = 1000;
/// The number of pages after which a list counts as endless. By default, an account can have at most 100,000
/// snapshots and 50,000 AMIs in a Region.
const PAGES: usize = 200;

/// Reads all pages. `next` takes the token of a page, and returns the page's items and the token of the next page.
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
    let message = format!("the response has more than {PAGES} pages");
    Err(Ec2Error::new(action, "TooManyPages", message))
}
