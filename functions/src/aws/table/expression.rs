//! Conditions and changes as DynamoDB expressions. Every name and value is a placeholder: names may be reserved words
//! or contain dots, and no user input becomes part of an expression.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::value;
use crate::ports::{Change, Condition, Query, SortKeys};

/// The placeholders in the expressions of one request.
#[derive(Debug, Default)]
pub(super) struct Expression {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

/// A condition, as far as it is known before the item is read.
#[derive(Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Asked(String),
}

impl Expression {
    /// The placeholders. They are absent if there are none, as DynamoDB requires.
    #[expect(clippy::type_complexity, reason = "requests use these two maps")]
    pub(super) fn parts(
        self,
    ) -> (
        Option<HashMap<String, String>>,
        Option<HashMap<String, AttributeValue>>,
    ) {
        let names = self.names.into_iter().enumerate();
        let names: HashMap<_, _> = names.map(|(n, name)| (format!("#n{n}"), name)).collect();
        let values = self.values.into_iter().enumerate();
        let values: HashMap<_, _> = values.map(|(n, value)| (format!(":v{n}"), value)).collect();
        (
            Some(names).filter(|names| !names.is_empty()),
            Some(values).filter(|values| !values.is_empty()),
        )
    }

    /// The condition of a write, or `None` if there is none.
    pub(super) fn condition(&mut self, condition: &Condition) -> Option<String> {
        match self.truth(condition) {
            Truth::True => None,
            Truth::False => Some(format!("{} AND {}", self.present(), self.absent())),
            Truth::Asked(text) => Some(text),
        }
    }

    /// A condition that always holds.
    pub(super) fn always(&mut self) -> String {
        format!("{} OR {}", self.present(), self.absent())
    }

    /// The condition that an attribute is a number within these bounds.
    pub(super) fn within(&mut self, name: &str, least: i64, most: i64) -> String {
        let name = self.name(name);
        let (least, most) = (self.whole(least), self.whole(most));
        format!("{name} BETWEEN {least} AND {most}")
    }

    /// The condition that an attribute is a number below this one, or does not exist.
    pub(super) fn lags(&mut self, name: &str, least: i64) -> String {
        let name = self.name(name);
        format!(
            "attribute_not_exists({name}) OR {name} < {}",
            self.whole(least)
        )
    }

    fn whole(&mut self, number: i64) -> String {
        self.value(AttributeValue::N(number.to_string()))
    }

    /// The changes of an update.
    pub(super) fn changes(&mut self, changes: &[Change]) -> String {
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Set(name, value) => {
                    let value = value::to_dynamo(value);
                    set.push(format!("{} = {}", self.name(name), self.value(value)));
                }
                Change::Add(name, amount) => {
                    let amount = AttributeValue::N(amount.to_string());
                    add.push(format!("{} {}", self.name(name), self.value(amount)));
                }
                Change::Remove(name) => remove.push(self.name(name)),
            }
        }
        [("SET", set), ("ADD", add), ("REMOVE", remove)]
            .into_iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The condition that selects the keys of a query; `None` if it cannot match any key, because keys are never
    /// empty.
    pub(super) fn key_condition(&mut self, query: &Query) -> Option<String> {
        let (pk, sk) = query.index.attributes();
        let pk = self.name(pk);
        let partition = format!("{pk} = {}", self.text(&query.pk));
        let sort_keys = match &query.sort_keys {
            SortKeys::All => return Some(partition),
            SortKeys::BeginsWith(prefix) if prefix.is_empty() => return Some(partition),
            SortKeys::BeginsWith(prefix) => {
                format!("begins_with({}, {})", self.name(sk), self.text(prefix))
            }
            SortKeys::Between(_, to) if to.is_empty() => return None,
            SortKeys::Between(from, to) if from.is_empty() => {
                format!("{} <= {}", self.name(sk), self.text(to))
            }
            SortKeys::Between(from, to) => {
                let (sk, from) = (self.name(sk), self.text(from));
                format!("{sk} BETWEEN {from} AND {}", self.text(to))
            }
        };
        Some(format!("{partition} AND {sort_keys}"))
    }

    fn truth(&mut self, condition: &Condition) -> Truth {
        match condition {
            Condition::Always => Truth::True,
            Condition::ItemAbsent => Truth::Asked(self.absent()),
            Condition::ItemPresent => Truth::Asked(self.present()),
            Condition::Equals(name, value) => {
                let value = value::to_dynamo(value);
                Truth::Asked(format!("{} = {}", self.name(name), self.value(value)))
            }
            Condition::AtMost(name, limit) => {
                let limit = value::to_dynamo(&Value::from(*limit));
                Truth::Asked(format!("{} <= {}", self.name(name), self.value(limit)))
            }
            Condition::AttributeAbsent(name) => {
                Truth::Asked(format!("attribute_not_exists({})", self.name(name)))
            }
            Condition::All(conditions) => {
                self.combine(conditions, "AND", &Truth::True, Truth::False)
            }
            Condition::Any(conditions) => {
                self.combine(conditions, "OR", &Truth::False, Truth::True)
            }
        }
    }

    /// Joins conditions. A `neutral` part is skipped, and is the result if there are no other parts; a single
    /// `decisive` part decides the result.
    fn combine(
        &mut self,
        conditions: &[Condition],
        word: &str,
        neutral: &Truth,
        decisive: Truth,
    ) -> Truth {
        // A skipped part must not leave placeholders behind: DynamoDB refuses unused ones.
        let before = (self.names.len(), self.values.len());
        let mut parts = Vec::new();
        for condition in conditions {
            match self.truth(condition) {
                Truth::Asked(text) => parts.push(format!("({text})")),
                known if known == decisive => {
                    self.names.truncate(before.0);
                    self.values.truncate(before.1);
                    return decisive;
                }
                _ => {}
            }
        }
        match (parts.len(), neutral) {
            (0, Truth::True) => Truth::True,
            (0, _) => Truth::False,
            _ => Truth::Asked(parts.join(&format!(" {word} "))),
        }
    }

    fn present(&mut self) -> String {
        format!("attribute_exists({})", self.name("pk"))
    }

    fn absent(&mut self) -> String {
        format!("attribute_not_exists({})", self.name("pk"))
    }

    /// The placeholder of a name. The same name always has the same placeholder.
    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{place}")
    }

    fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }

    fn text(&mut self, text: &str) -> String {
        self.value(AttributeValue::S(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ports::Index;

    fn condition(condition: &Condition) -> Option<String> {
        let mut expression = Expression::default();
        let text = expression.condition(condition);
        // Only placeholders that occur in an expression are defined.
        let (names, values) = expression.parts();
        let given = names.iter().flat_map(HashMap::keys);
        let given: Vec<_> = given.chain(values.iter().flat_map(HashMap::keys)).collect();
        let used = text.as_deref().unwrap_or_default();
        assert!(
            given.iter().all(|it| used.contains(it.as_str())),
            "{used}: {given:?}"
        );
        text
    }

    fn equals(name: &str, value: i64) -> Condition {
        Condition::Equals(name.to_owned(), json!(value))
    }

    #[test]
    fn conditions_become_expressions() {
        assert_eq!(condition(&Condition::Always), None);
        assert_eq!(
            condition(&Condition::All(vec![
                Condition::ItemPresent,
                Condition::Any(vec![
                    equals("size", 1),
                    Condition::AttributeAbsent("a.b".to_owned())
                ]),
            ]))
            .as_deref(),
            Some("(attribute_exists(#n0)) AND ((#n1 = :v0) OR (attribute_not_exists(#n2)))")
        );
    }

    #[test]
    fn what_is_known_beforehand_is_not_asked() {
        let never = Some("attribute_exists(#n0) AND attribute_not_exists(#n0)");
        let any_of_none = || Condition::Any(vec![]);
        assert_eq!(condition(&any_of_none()).as_deref(), never);
        assert_eq!(condition(&Condition::All(vec![])), None);
        let all = Condition::All(vec![equals("a", 1), any_of_none()]);
        assert_eq!(condition(&all).as_deref(), never);
        let any = Condition::Any(vec![equals("a", 1), Condition::Always]);
        assert_eq!(condition(&any), None);
        let any = Condition::Any(vec![any_of_none(), equals("a", 1)]);
        assert_eq!(condition(&any).as_deref(), Some("(#n0 = :v0)"));
    }

    #[test]
    fn changes_become_one_expression() {
        let mut expression = Expression::default();
        let changes = [
            Change::Add("n".to_owned(), -1),
            Change::Set("a".to_owned(), json!("x")),
            Change::Remove("gone".to_owned()),
            Change::Set("b".to_owned(), json!(null)),
        ];
        let text = expression.changes(&changes);
        assert_eq!(text, "SET #n1 = :v1, #n3 = :v2 ADD #n0 :v0 REMOVE #n2");
    }

    #[test]
    fn no_key_is_asked_for_that_is_empty() {
        let asked = |sort_keys| {
            Expression::default().key_condition(&Query {
                index: Index::Gsi1,
                pk: "p".to_owned(),
                sort_keys,
                descending: false,
                limit: 1,
                cursor: None,
            })
        };
        let between = |from: &str, to: &str| SortKeys::Between(from.to_owned(), to.to_owned());
        assert_eq!(asked(SortKeys::All).as_deref(), Some("#n0 = :v0"));
        let begins = SortKeys::BeginsWith(String::new());
        assert_eq!(asked(begins).as_deref(), Some("#n0 = :v0"));
        assert_eq!(asked(between("", "")), None);
        let text = asked(between("", "b"));
        assert_eq!(text.as_deref(), Some("#n0 = :v0 AND #n1 <= :v1"));
        let text = asked(between("a", "b"));
        assert_eq!(
            text.as_deref(),
            Some("#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2")
        );
    }
}
