//! Reads the templates in `infra` as CloudFormation does: the short forms (`!Ref`, `!Sub`, ...) are equal to the long ones
//! (`{"Ref": ...}`, `{"Fn::Sub": ...}`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

pub const TEMPLATE: &str = include_str!("../../infra/template.yaml");

/// What a further Region has, so that its events reach the deployment.
const EVENTS: &str = include_str!("../../infra/events.yaml");

pub fn template() -> Template {
    read(TEMPLATE)
}

pub fn events() -> Template {
    read(EVENTS)
}

fn read(text: &str) -> Template {
    let options = serde_saphyr::options! {
        // The template is trusted, and larger than the limit for untrusted input.
        budget: None,
    };
    let Node(document) =
        serde_saphyr::from_str_with_options(text, options).expect("the template is YAML");
    Template(document)
}

#[derive(Debug)]
pub struct Template(pub Value);

impl Template {
    pub fn resources(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let all = self.0["Resources"].as_object().expect("it has resources");
        all.iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect()
    }

    pub fn properties(&self, id: &str) -> &Value {
        let properties = &self.0["Resources"][id]["Properties"];
        assert!(!properties.is_null(), "the template has no {id}");
        properties
    }

    pub fn of_function(&self, id: &str, property: &str) -> &Value {
        let own = &self.properties(id)[property];
        if own.is_null() {
            &self.0["Globals"]["Function"][property]
        } else {
            own
        }
    }

    pub fn statements(&self, role: &str, policy: &str) -> Vec<Statement> {
        let policies = array(&self.properties(role)["Policies"]);
        let found = policies.iter().find(|it| it["PolicyName"] == policy);
        let found = found.unwrap_or_else(|| panic!("{role} has no policy {policy}"));
        let statements = array(&found["PolicyDocument"]["Statement"]);
        statements.iter().map(Statement::read).collect()
    }
}

#[derive(Debug)]
pub struct Statement {
    pub sid: String,
    pub actions: BTreeSet<String>,
    /// The resources as text, with `${...}` as written; a `Ref` is `${Id}`, a `GetAtt` `${Id.Attribute}`. If they depend
    /// on a condition, these are the resources of both cases.
    pub resources: Vec<String>,
    pub conditions: Map<String, Value>,
}

impl Statement {
    fn read(statement: &Value) -> Self {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        let actions = one_or_many(&statement["Action"]).into_iter();
        Self {
            sid: statement["Sid"].as_str().unwrap_or_default().to_owned(),
            actions: actions.map(|action| text(&action)).collect(),
            resources: texts(&statement["Resource"]),
            conditions: statement["Condition"]
                .as_object()
                .cloned()
                .unwrap_or_default(),
        }
    }
}

pub fn array(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is not a list"))
}

fn one_or_many(value: &Value) -> Vec<Value> {
    match (value, value["Fn::If"].as_array()) {
        (Value::Array(many), _) => many.clone(),
        // Whatever the condition, only these are possible.
        (_, Some(branches)) => branches[1..].iter().flat_map(one_or_many).collect(),
        (one, None) => vec![one.clone()],
    }
}

/// The texts of a list, of both branches of a condition, or of a text that is split.
fn texts(value: &Value) -> Vec<String> {
    match (&value["Fn::If"], &value["Fn::Split"]) {
        (Value::Array(branches), _) => branches[1..].iter().flat_map(texts).collect(),
        (_, Value::Array(split)) => texts(&split[1]),
        _ => one_or_many(value).iter().map(text).collect(),
    }
}

/// A string, or a reference to one in the notation of `Fn::Sub`.
pub fn text(value: &Value) -> String {
    let inner = |key: &str| value[key].as_str();
    match (inner("Ref"), inner("Fn::GetAtt"), inner("Fn::Sub")) {
        (Some(name), _, _) | (_, Some(name), _) => format!("${{{name}}}"),
        (_, _, Some(text)) => text.to_owned(),
        _ => value
            .as_str()
            .unwrap_or_else(|| panic!("{value} is not a text"))
            .to_owned(),
    }
}

struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Tagged(Plain(value), tag) = Tagged::<Plain>::deserialize(from)?;
        let Some(function) = tag.as_deref().and_then(|tag| tag.strip_prefix('!')) else {
            return Ok(Node(value));
        };
        Ok(Node(match function {
            "Ref" | "Condition" => json!({ function: value }),
            _ => json!({ format!("Fn::{function}"): value }),
        }))
    }
}

/// The same below a tag.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PlainVisitor).map(Plain)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Node::deserialize(from).map(|Node(value)| value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Node(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, Node(value))) = from.next_entry::<String, Node>()? {
            values.insert(key, value);
        }
        Ok(values.into())
    }
}
