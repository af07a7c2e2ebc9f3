//! Filters: each one names a field and its accepted values, which may contain `*` and `?`.

use prism_functions::domain::ids::shown;
use prism_functions::ports::Tags;

use super::fault::Fault;
use super::params::Params;

/// The filters of a request; a resource must match all of them.
#[derive(Debug)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    name: String,
    values: Vec<String>,
}

/// EC2's limit on the values of one filter.
const MOST_VALUES: usize = 200;

impl Filters {
    /// Takes `Filter.N` from a request. Besides the names that the action supports, `tag:KEY` is accepted.
    pub(super) fn take(params: &mut Params, known: &[&str]) -> Result<Self, Fault> {
        let mut filters = Vec::new();
        for mut member in params.structs("Filter") {
            let name = member.required("Name")?;
            let values = member.list("Value")?;
            member.finish()?;
            if !known.contains(&name.as_str()) && !name.starts_with("tag:") {
                let message = format!("The filter {} is invalid", shown(&name));
                return Err(Fault::new("InvalidParameterValue", message));
            }
            if values.is_empty() || values.len() > MOST_VALUES {
                let message = format!(
                    "The filter {} has to have 1 to {MOST_VALUES} values",
                    shown(&name)
                );
                return Err(Fault::new("InvalidParameterValue", message));
            }
            filters.push(Filter { name, values });
        }
        Ok(Self(filters))
    }

    /// Whether there are no filters, so that everything matches.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pass<F>(&self, tags: &Tags, field: F) -> bool
    where
        F: Fn(&str) -> Vec<String>,
    {
        self.0.iter().all(|filter| {
            let told = match filter.name.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned().into_iter().collect(),
                None if filter.name == "tag-key" => tags.keys().cloned().collect(),
                None => field(&filter.name),
            };
            let wanted = |text: &String| filter.values.iter().any(|value| matches(value, text));
            told.iter().any(wanted)
        })
    }
}

/// Whether a text matches a pattern: `*` matches any text, `?` any single character, and a backslash escapes the next
/// character.
fn matches(pattern: &str, text: &str) -> bool {
    enum Token {
        Any,
        One,
        This(char),
    }
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::This(chars.next().unwrap_or('\\')),
            c => Token::This(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // The position of the last star, and how much of the text it covers: earlier stars are never retried.
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match tokens.get(p) {
            Some(Token::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::This(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    tokens[p..].iter().all(|token| matches!(token, Token::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("abc", "abc"),
            ("a*", "a"),
            ("*", ""),
            ("a?c", "axc"),
            ("*.large", "t3.large"),
            ("*a*b*", "xxaxxbxx"),
            ("a\\*", "a*"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("abc", "ab"),
            ("a?", "a"),
            ("a\\*", "ab"),
            ("", "a"),
            ("*a", "ab"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        // The time for any pattern is at most proportional to its length times that of the text.
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }

    #[test]
    fn all_filters_have_to_pass_and_any_of_their_values() {
        let form = "Filter.1.Name=tag:Name&Filter.1.Value.1=a&Filter.1.Value.2=b\
                    &Filter.2.Name=state&Filter.2.Value.1=run*";
        let mut params = Params::parse(form.as_bytes()).unwrap();
        let filters = Filters::take(&mut params, &["state"]).unwrap();
        let tags = |name: &str| Tags::from([("Name".to_owned(), name.to_owned())]);
        let state = |state: &str| {
            let state = state.to_owned();
            move |_: &str| vec![state.clone()]
        };
        assert!(filters.pass(&tags("b"), state("running")));
        assert!(!filters.pass(&tags("c"), state("running")));
        assert!(!filters.pass(&tags("b"), state("stopped")));
        assert!(!filters.pass(&Tags::new(), state("running")));
    }

    #[test]
    fn an_unknown_filter_is_refused() {
        for form in ["Filter.1.Name=x&Filter.1.Value.1=a", "Filter.1.Name=tag:a"] {
            let mut params = Params::parse(form.as_bytes()).unwrap();
            let fault = Filters::take(&mut params, &["state"]).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterValue");
        }
    }
}
