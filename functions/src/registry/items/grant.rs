//! A grant, stored beside its template.

use crate::domain::grant::{Grant, Grantee};
use crate::domain::{Problem, TemplateName};
use crate::ports::{Condition, Key, Write};
use crate::registry::records::{Indexed, encode};

pub(in crate::registry) fn grant_key(template: &TemplateName, to: &Grantee) -> Key {
    Key::new(format!("TEMPLATE#{template}"), format!("GRANT#{to}"))
}

/// The partition of the grants to a user or a project, in the first index.
pub(in crate::registry) fn given_to_pk(to: &Grantee) -> String {
    format!("GRANTEE#{to}")
}

/// The write of a grant. Only grants to users and projects are in the index, because other recipients do not list
/// their grants.
pub(in crate::registry) fn grant_write(grant: &Grant) -> Result<Write, Problem> {
    let found = match &grant.to {
        Grantee::User(_) | Grantee::Project(_) => Some(Indexed::first(
            given_to_pk(&grant.to),
            format!("TEMPLATE#{}", grant.template),
        )),
        Grantee::Account(_) | Grantee::Organization(_) | Grantee::Public => None,
    };
    let item = encode(grant_key(&grant.template, &grant.to), grant, 1, found)?;
    Ok(Write::Put(item, Condition::Always))
}
