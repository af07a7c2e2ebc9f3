//! The parameters of a Query request: `InstanceId.1=i-…`, `Filter.2.Value.1=…`.
//!
//! A handler takes the parameters that it supports, and then calls [`Params::finish`] before it does anything: if a
//! parameter is left over, it is not supported, and the whole request is refused.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prism_functions::domain::ids::shown;

use super::fault::Fault;

/// Parameters that were not taken yet.
#[derive(Debug, Default)]
pub(super) struct Params {
    /// The prefix that all names here share, such as `Filter.1.`, for error messages.
    prefix: String,
    values: BTreeMap<String, String>,
}

/// The maximum number of parameters. No action needs more.
const MOST: usize = 2_000;

impl Params {
    /// Parses a form. A name that occurs twice is refused, because one of its values would be lost.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                let message = format!("The parameter {} is not UTF-8", shown(&name));
                return Err(Fault::new("InvalidParameterValue", message));
            }
            if values.len() == MOST {
                let message = format!("A request has at most {MOST} parameters");
                return Err(Fault::new("InvalidParameterCombination", message));
            }
            if values
                .insert(name.to_string(), value.into_owned())
                .is_some()
            {
                let message = format!("The parameter {} is given twice", shown(&name));
                return Err(Fault::new("InvalidParameterCombination", message));
            }
        }
        Ok(Self {
            prefix: String::new(),
            values,
        })
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    pub(super) fn required(&mut self, name: &str) -> Result<String, Fault> {
        let value = self.take(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            let message = format!(
                "The request must contain the parameter {}{name}",
                self.prefix
            );
            Fault::new("MissingParameter", message)
        })
    }

    /// A parameter that is `true` or `false`; false if it is missing.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Fault> {
        match self.take(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(self.invalid(name, other, "it is true or false")),
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<u32>, Fault> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value.parse();
        let number = number.map_err(|_| self.invalid(name, &value, "it is a whole number"));
        number.map(Some)
    }

    /// A parameter that is accepted only with the value that the simulator uses anyway.
    pub(super) fn only(&mut self, name: &str, allowed: &str) -> Result<(), Fault> {
        match self.take(name) {
            Some(value) if value != allowed => {
                let rule = format!("the simulator knows only {}", shown(allowed));
                Err(self.invalid(name, &value, &rule))
            }
            _ => Ok(()),
        }
    }

    /// A list of texts: `name.1`, `name.2`, ordered by number.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<String>, Fault> {
        let mut texts = Vec::new();
        for mut member in self.structs(name) {
            let text = member.take("");
            member.finish()?;
            texts.extend(text);
        }
        Ok(texts)
    }

    /// A list of structures: `name.1.…`, `name.2.…`, ordered by number.
    pub(super) fn structs(&mut self, name: &str) -> Vec<Params> {
        let start = format!("{name}.");
        let ours: Vec<String> = self.values.keys().cloned().collect();
        let mut members: BTreeMap<u32, Params> = BTreeMap::new();
        for key in ours {
            let Some(rest) = key.strip_prefix(&start) else {
                continue;
            };
            let (number, field) = rest.split_once('.').unwrap_or((rest, ""));
            let Some(index) = index(number) else {
                continue;
            };
            let value = self.values.remove(&key).unwrap_or_default();
            let member = members.entry(index).or_insert_with(|| Params {
                prefix: format!("{}{start}{number}.", self.prefix),
                values: BTreeMap::new(),
            });
            member.values.insert(field.to_owned(), value);
        }
        members.into_values().collect()
    }

    pub(super) fn within(&mut self, name: &str) -> Params {
        let start = format!("{name}.");
        let (inner, outer) = std::mem::take(&mut self.values)
            .into_iter()
            .partition(|(key, _)| key.starts_with(&start));
        self.values = outer;
        let inner: BTreeMap<String, String> = inner;
        let fields = inner
            .into_iter()
            .map(|(key, value)| (key[start.len()..].to_owned(), value));
        Params {
            prefix: format!("{}{start}", self.prefix),
            values: fields.collect(),
        }
    }

    /// Takes a parameter and everything below it, because the simulator has nothing that it could affect.
    pub(super) fn without_effect(&mut self, names: &[&str]) {
        self.values.retain(|key, _| {
            let first = key.split('.').next().unwrap_or_default();
            !names.contains(&first)
        });
    }

    pub(super) fn required_id<T: FromStr>(&mut self, name: &str) -> Result<T, Fault> {
        parse_id(&self.required(name)?)
    }

    /// A list of identifiers without duplicates.
    pub(super) fn ids<T: FromStr + PartialEq>(&mut self, name: &str) -> Result<Vec<T>, Fault> {
        let mut ids = Vec::new();
        for text in self.list(name)? {
            let id = parse_id(&text)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    pub(super) fn base64_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        const MOST: usize = 16_384;
        let Some(value) = self.take(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let Ok(bytes) = STANDARD.decode(value.trim()) else {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("Invalid BASE64 encoding of {name}"),
            ));
        };
        if bytes.len() > MOST {
            let message = format!("{name} is limited to {MOST} bytes");
            return Err(Fault::new("InvalidParameterValue", message));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| {
            let message = format!("The simulator takes only UTF-8 text as {name}");
            Fault::new("InvalidParameterValue", message)
        })
    }

    /// Refuses the request if any parameters are left.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let Some(name) = self.values.keys().next() else {
            return Ok(());
        };
        let whole = format!("{}{name}", self.prefix);
        let whole = whole.trim_end_matches('.');
        let message = format!("The parameter {} is not recognized", shown(whole));
        Err(Fault::new("UnknownParameter", message))
    }

    pub(super) fn invalid(&self, name: &str, value: &str, rule: impl Display) -> Fault {
        let message = format!(
            "Value ({}) for parameter {}{name} is invalid: {rule}",
            shown(value),
            self.prefix
        );
        Fault::new("InvalidParameterValue", message)
    }
}

/// The number of a list member; EC2 counts from 1.
fn index(text: &str) -> Option<u32> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n > 0)
}

/// Parses an identifier. EC2 has a specific error code for each kind of malformed identifier.
pub(super) fn parse_id<T: FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| {
        let kind = std::any::type_name::<T>();
        let kind = kind.rsplit("::").next().unwrap_or(kind);
        let (code, expected) = match kind {
            "InstanceId" => ("InvalidInstanceID.Malformed", "i-"),
            "ImageId" => ("InvalidAMIID.Malformed", "ami-"),
            "SnapshotId" => ("InvalidSnapshotID.Malformed", "snap-"),
            "VolumeId" => ("InvalidVolumeID.Malformed", "vol-"),
            "AccountId" => ("InvalidUserID.Malformed", "twelve digits"),
            _ => ("InvalidParameterValue", "another form"),
        };
        let message = format!("Invalid id: {} (expecting {expected:?})", shown(text));
        Fault::new(code, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use prism_functions::domain::InstanceId;

    fn of(form: &str) -> Params {
        Params::parse(form.as_bytes()).unwrap()
    }

    #[test]
    fn lists_are_ordered_by_number() {
        let mut params = of("X.10=c&X.2=b&X.1=a%20%2B&Y=1");
        assert_eq!(params.list("X").unwrap(), ["a +", "b", "c"]);
        assert_eq!(params.take("Y").unwrap(), "1");
        params.finish().unwrap();
    }

    #[test]
    fn structures_are_read_and_their_unknown_fields_are_refused_by_their_whole_name() {
        let mut params = of("Filter.1.Name=a&Filter.1.Value.1=x&Filter.1.Value.2=y");
        let mut filter = params.structs("Filter").remove(0);
        assert_eq!(filter.take("Name").unwrap(), "a");
        assert_eq!(filter.list("Value").unwrap(), ["x", "y"]);
        filter.finish().unwrap();

        let mut filter = of("Filter.1.Nmae=a").structs("Filter").remove(0);
        assert!(filter.take("Name").is_none());
        let fault = filter.finish().unwrap_err();
        assert_eq!(fault.code, "UnknownParameter");
        assert!(fault.message.contains("Filter.1.Nmae"), "{}", fault.message);
    }

    #[test]
    fn invalid_or_deep_structures_are_refused_or_left_over() {
        for form in ["X.0=a", "X.one=a", "X.=a", "X.123456=a", "X=a"] {
            let mut params = of(form);
            assert!(params.list("X").unwrap().is_empty(), "{form}");
            assert_eq!(params.finish().unwrap_err().code, "UnknownParameter");
        }
        let fault = of("X.1.Y=a").list("X").unwrap_err();
        assert_eq!(fault.code, "UnknownParameter");
    }

    #[test]
    fn duplicate_names_and_invalid_utf8_are_refused() {
        let code = |form: &[u8]| Params::parse(form).unwrap_err().code;
        assert_eq!(code(b"A=1&A=2"), "InvalidParameterCombination");
        assert_eq!(code(b"A=%ff"), "InvalidParameterValue");
    }

    #[test]
    fn values_are_checked() {
        let mut params = of("A=yes&B=-1&C=i-xyz&D=a&E=%21&F=AAH/&G=aGk=");
        assert_eq!(params.flag("A").unwrap_err().code, "InvalidParameterValue");
        assert_eq!(
            params.number("B").unwrap_err().code,
            "InvalidParameterValue"
        );
        let malformed = params.required_id::<InstanceId>("C").unwrap_err();
        assert_eq!(malformed.code, "InvalidInstanceID.Malformed");
        assert_eq!(
            params.only("D", "b").unwrap_err().code,
            "InvalidParameterValue"
        );
        assert!(params.base64_text("E").is_err());
        assert!(params.base64_text("F").is_err(), "it is no UTF-8");
        assert_eq!(params.base64_text("G").unwrap().unwrap(), "hi");
        assert_eq!(params.required("Z").unwrap_err().code, "MissingParameter");
    }
}
