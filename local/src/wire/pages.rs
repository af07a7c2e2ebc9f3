//! Pagination: MaxResults and NextToken.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fault::Fault;
use super::params::Params;

#[derive(Debug)]
pub(super) struct Paging {
    action: String,
    most: Option<usize>,
    after: Option<String>,
}

impl Paging {
    pub(super) fn take(
        params: &mut Params,
        action: &str,
        allowed: RangeInclusive<u32>,
    ) -> Result<Self, Fault> {
        let most = params.number("MaxResults")?;
        if let Some(most) = most.filter(|most| !allowed.contains(most)) {
            let rule = format!("it is {} to {}", allowed.start(), allowed.end());
            return Err(params.invalid("MaxResults", &most.to_string(), rule));
        }
        let token = params.take("NextToken").filter(|token| !token.is_empty());
        let after = token.map(|token| read(action, &token).ok_or_else(invalid_token));
        Ok(Self {
            action: action.to_owned(),
            most: most.map(|most| most as usize),
            after: after.transpose()?,
        })
    }

    /// Whether the request asks for everything at once.
    pub(super) fn is_none(&self) -> bool {
        self.most.is_none() && self.after.is_none()
    }

    /// The same, or a fault if the request asks for a page and also names the resources, which EC2 does not allow.
    pub(super) fn unless_named(self, named: bool) -> Result<Self, Fault> {
        if named && (self.most.is_some() || self.after.is_some()) {
            let message = "The parameter MaxResults cannot be used with a list of ids";
            return Err(Fault::new("InvalidParameterCombination", message));
        }
        Ok(self)
    }

    /// The page, and the token of the next one if there is more. Like EC2, this paginates first and applies the
    /// filters afterwards. Items are ordered by their keys: one that is added or removed between two pages does not
    /// move any other item to another page.
    pub(super) fn cut<T>(
        &self,
        mut things: Vec<T>,
        key: impl Fn(&T) -> String,
        passes: impl Fn(&T) -> bool,
    ) -> (Vec<T>, Option<String>) {
        things.sort_by_cached_key(&key);
        if let Some(after) = &self.after {
            things.retain(|thing| key(thing) > *after);
        }
        let most = self.most.unwrap_or(things.len());
        let more = things.len() > most;
        things.truncate(most);
        let last = things.last().filter(|_| more);
        let token =
            last.map(|last| URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.action, key(last))));
        things.retain(passes);
        (things, token)
    }
}

fn read(action: &str, token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (of, key) = text.split_once('\n')?;
    (of == action).then(|| key.to_owned())
}

fn invalid_token() -> Fault {
    Fault::new("InvalidNextToken", "The token in NextToken is not valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(form: &str) -> Result<Paging, Fault> {
        let mut params = Params::parse(form.as_bytes()).unwrap();
        Paging::take(&mut params, "DescribeX", 2..=10)
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let things = || vec![3, 1, 5, 4, 2];
        let (mut seen, mut token, mut pages) = (Vec::new(), Some(String::new()), 0);
        while let Some(next) = token {
            let paging = paging(&format!("MaxResults=2&NextToken={next}")).unwrap();
            let (page, more) = paging.cut(things(), ToString::to_string, |_| true);
            assert!(page.len() <= 2);
            seen.extend(page);
            token = more;
            pages += 1;
        }
        assert_eq!((seen, pages), (vec![1, 2, 3, 4, 5], 3));
        let (all, token) = paging("")
            .unwrap()
            .cut(things(), ToString::to_string, |_| true);
        assert_eq!((all.len(), token), (5, None));
    }

    #[test]
    fn a_page_is_cut_before_the_filters_apply() {
        let things = || vec![3, 1, 5, 4, 2];
        let last = |thing: &i32| *thing == 5;
        let first = paging("MaxResults=4").unwrap();
        let (page, token) = first.cut(things(), ToString::to_string, last);
        assert_eq!((page, token.is_some()), (vec![], true));
        let next = paging(&format!("MaxResults=4&NextToken={}", token.unwrap())).unwrap();
        let (page, token) = next.cut(things(), ToString::to_string, last);
        assert_eq!((page, token), (vec![5], None));
        let unpaged = paging("").unwrap();
        let (all, token) = unpaged.cut(things(), ToString::to_string, last);
        assert_eq!((all, token), (vec![5], None));
    }

    #[test]
    fn bounds_and_foreign_tokens_are_refused() {
        assert_eq!(
            paging("MaxResults=1").unwrap_err().code,
            "InvalidParameterValue"
        );
        assert_eq!(
            paging("MaxResults=11").unwrap_err().code,
            "InvalidParameterValue"
        );
        let foreign = URL_SAFE_NO_PAD.encode("DescribeY\n1");
        for token in ["x", "%3D", &foreign] {
            let fault = paging(&format!("NextToken={token}")).unwrap_err();
            assert_eq!(fault.code, "InvalidNextToken");
        }
        let paging = paging("MaxResults=5").unwrap();
        let fault = paging.unless_named(true).unwrap_err();
        assert_eq!(fault.code, "InvalidParameterCombination");
    }
}
