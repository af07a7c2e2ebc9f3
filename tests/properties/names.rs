//! Properties of any text given as a name, a reference or a rule: it is either parsed exactly as it says, or refused in
//! a short sentence; nothing panics.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use prism_functions::domain::allowed::{AllowedRegions, AllowedTypes};
use prism_functions::domain::audit::Subject;
use prism_functions::domain::grant::{Grantee, OrganizationArn};
use prism_functions::domain::principal::{IamIdentity, user_of_arn};
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::schedule::{Cadence, TimeZone};
use prism_functions::domain::sizes::Size;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{
    AccountId, ImageId, InstanceId, ProjectName, Region, SaveId, ScheduleName, SnapshotId,
    TemplateName, UserId, VolumeId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The maximum length of a refusal, in characters.
const TOLD: usize = 1000;

pub(crate) fn check(text: &str) {
    name::<TemplateName>(text, "");
    name::<ProjectName>(text, "");
    name::<ScheduleName>(text, "");
    name::<UserId>(text, "@+=:/");
    name::<Region>(text, "");
    name::<InstanceId>(text, "");
    name::<ImageId>(text, "");
    name::<SnapshotId>(text, "");
    name::<VolumeId>(text, "");
    name::<SaveId>(text, "");
    name::<AccountId>(text, "");
    name::<OrganizationArn>(text, ":/");
    read::<Grantee>(text);
    read::<Subject>(text);
    read::<Cadence>(text);
    read::<TimeZone>(text);
    read::<Size>(text);
    read::<ProjectRole>(text);
    same_in_json::<Cadence>(text);
    same_in_json::<TimeZone>(text);
    same_in_json::<TemplateRef>(text);
    if let Some(reference) = read::<TemplateRef>(text) {
        let (begin, version) = text.split_once('@').unwrap_or((text, "latest"));
        assert_eq!(reference.name.as_str(), begin);
        let number = version.bytes().all(|byte| byte.is_ascii_digit());
        assert_eq!(reference.version.is_some(), number, "{text}");
        assert!(number || version == "latest", "{text}");
    }
    lists(text);
    principals(text);
}

/// Parses a text as one type. The displayed form of an accepted value must parse to the same value.
fn read<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            let said = value.to_string();
            let again = said.parse::<T>();
            assert!(again.is_ok_and(|again| again == value), "{text:?} {said:?}");
            Some(value)
        }
        Err(refused) => {
            is_told(text, &refused);
            None
        }
    }
}

/// Asserts that a refusal is one short sentence that is safe to print.
fn is_told(text: &str, refused: &dyn Display) {
    let told = refused.to_string();
    assert!(!told.is_empty() && told.chars().count() <= TOLD, "{told}");
    assert!(!told.contains(char::is_control), "{text:?} {told:?}");
}

/// The same for a name, which is stored as written, and may be part of keys, paths and commands.
fn name<T>(text: &str, also: &str)
where
    T: FromStr + Display + PartialEq + Debug + Serialize + DeserializeOwned,
    T::Err: Display,
{
    if let Some(value) = read::<T>(text) {
        assert_eq!(value.to_string(), text);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c) || also.contains(c);
        assert!(text.chars().all(plain), "{text:?}");
    }
    same_in_json::<T>(text);
}

/// A request's body must accept and refuse the same texts as the command line, and a record must read back.
fn same_in_json<T>(text: &str)
where
    T: FromStr + PartialEq + Debug + Serialize + DeserializeOwned,
{
    let body = serde_json::Value::from(text);
    let (read, typed) = (serde_json::from_value::<T>(body).ok(), text.parse().ok());
    assert_eq!(read, typed, "{text:?}");
    if let Some(value) = typed {
        let kept = serde_json::to_string(&value).expect("a name can be written");
        let again: T = serde_json::from_str(&kept).expect("what was written can be read");
        assert_eq!(again, value, "{text:?}");
    }
}

fn lists(text: &str) {
    match text.parse::<AllowedTypes>() {
        Ok(types) => {
            let again: Result<AllowedTypes, _> = types.list().join(",").parse();
            assert_eq!(again.ok(), Some(types), "{text:?}");
        }
        Err(refused) => is_told(text, &refused),
    }
    if let Err(refused) = text.parse::<AllowedRegions>() {
        is_told(text, &refused);
    }
}

/// The user name derived from an ARN cannot be confused with that of another kind of principal.
fn principals(text: &str) {
    if let Err(refused) = text.parse::<IamIdentity>() {
        is_told(text, &refused);
    }
    match user_of_arn(text, IamIdentity::Arn) {
        Ok(user) => assert!(user.as_str().starts_with("iam:"), "{text:?} {user}"),
        Err(refused) => is_told(text, &refused),
    }
    match user_of_arn(text, IamIdentity::SessionName) {
        Ok(user) => assert!(text.contains(user.as_str().trim_start_matches("iam:"))),
        Err(refused) => is_told(text, &refused),
    }
}
