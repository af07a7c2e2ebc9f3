//! The context of a command.

use std::cell::OnceCell;

use prism_functions::domain::save::check_name;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, Region, SaveId};
use prism_functions::operations::parts::{self, InstanceName, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, Operation, SaveView, ShowInstance, ShowSave, ShowTemplate, ShowVersion,
    TemplateView,
};

use crate::client::{Client, Local};
use crate::environment::Environment;
use crate::names::{self, Kind};
use crate::options::InRegion;
use crate::output::Output;
use crate::text::{self, Times};

pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) environment: Environment,
    /// The Region that the profile names.
    pub(crate) region: Option<Region>,
    /// The save whose end the desktop was notified of.
    pub(crate) shown: OnceCell<SaveId>,
}

impl Session {
    /// Returns the Region that a command names, or the default one.
    pub(crate) fn region(&self, named: &InRegion) -> Result<Region, Problem> {
        self.region_of(named.region.as_deref())
    }

    /// Returns the Region of this name, or the default one.
    pub(crate) fn region_of(&self, named: Option<&str>) -> Result<Region, Problem> {
        self.environment.region(named, self.region.as_ref())
    }

    /// How instants are shown in results.
    pub(crate) fn times(&self) -> Times {
        Times(self.out.terminal.then(|| self.client.now()))
    }

    /// The option that a command needs for this Region; empty for the default one.
    pub(crate) fn region_option(&self, region: &Region) -> String {
        match self.region_of(None) {
            Ok(usual) if usual == *region => String::new(),
            _ => format!(" --region {region}"),
        }
    }

    pub(crate) async fn save(&self, id: &SaveId) -> Result<SaveView, Problem> {
        self.client.ask(Asked::<ShowSave>::of(id.clone())).await
    }

    /// Returns a template and the version that the reference names.
    pub(crate) async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem> {
        if reference.version.is_some() {
            let asked = Asked::<ShowVersion>::of(reference.clone());
            return self.client.ask(asked).await;
        }
        let asked = Asked::<ShowTemplate>::of(reference.name.clone());
        self.client.ask(asked).await
    }

    /// Returns an instance by its name or its ID.
    pub(crate) async fn instance(
        &self,
        region: &Region,
        name: &str,
    ) -> Result<InstanceView, Problem> {
        check_name("instance name or ID", name)?;
        let name = self.whole_id(region, name).await?;
        let asked = in_region::<ShowInstance>(region, &name);
        self.client.ask(asked).await
    }

    /// Returns the whole ID of an instance whose ID begins with this text, or the text if it is no such beginning.
    pub(crate) async fn whole_id(&self, region: &Region, text: &str) -> Result<String, Problem> {
        if !begins_id(text, "i-", INSTANCE_ID) {
            return Ok(text.to_owned());
        }
        let ids = names::instance_ids(&self.client, region).await?;
        Ok(whole(text, ids)?.unwrap_or_else(|| text.to_owned()))
    }

    /// Returns the ID of a save, of which the beginning may have been typed.
    pub(crate) async fn save_id(&self, text: &str) -> Result<SaveId, Problem> {
        if begins_id(text, "save-", SAVE_ID) {
            let region = self.region_of(None)?;
            let ids = names::of(&self.client, Kind::Save, &region).await?;
            if let Some(id) = whole(text, ids)? {
                return Ok(id.parse::<SaveId>()?);
            }
        }
        Ok(text.parse::<SaveId>()?)
    }

    /// Returns the embedded cloud, for commands that work only on it.
    pub(crate) fn embedded(&self) -> Result<&Local, Problem> {
        self.client.embedded().ok_or_else(|| {
            let message = "This command works only on an embedded cloud.";
            Problem::new(Code::EmbeddedOnly, message)
        })
    }
}

/// The length of a whole ID of an instance, and of a save.
const INSTANCE_ID: usize = 19;
const SAVE_ID: usize = 25;
/// The least number of digits that stand for a whole ID.
const DIGITS: usize = 4;

/// Whether a text is the beginning of an ID that is longer.
fn begins_id(text: &str, prefix: &str, whole: usize) -> bool {
    let digits = text.strip_prefix(prefix).filter(|_| text.len() < whole);
    digits.is_some_and(|it| it.len() >= DIGITS && it.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The ID that begins with a text; `None` if there is none. Several are refused.
fn whole(text: &str, ids: Vec<String>) -> Result<Option<String>, Problem> {
    if ids.iter().any(|id| id == text) {
        return Ok(Some(text.to_owned()));
    }
    let mut found: Vec<String> = ids.into_iter().filter(|id| id.starts_with(text)).collect();
    if found.len() > 1 {
        let message = format!("Several IDs begin with {text}: {}.", text::joined(&found));
        return Err(Problem::new(Code::InvalidName, message).hint("Type more of the ID."));
    }
    Ok(found.pop())
}

/// Builds an operation on an instance.
pub(crate) fn in_region<O>(region: &Region, name: &str) -> Asked<O>
where
    O: Operation<Path = InstanceName, Query = parts::InRegion, Head = Nothing, Body = Nothing>,
{
    let region = region.clone();
    Asked::by(InstanceName(name.to_owned()), parts::InRegion { region })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_stands_for_it_if_there_is_one_only() {
        let ids = || vec!["save-aaaa1111".to_owned(), "save-aaaa2222".to_owned()];
        assert_eq!(
            whole("save-aaaa1", ids()).unwrap(),
            Some("save-aaaa1111".to_owned())
        );
        assert_eq!(whole("save-bbbb", ids()).unwrap(), None);
        let several = whole("save-aaaa", ids()).unwrap_err();
        assert!(several.message.contains("save-aaaa2222"), "{several}");
        assert!(begins_id("i-0123", "i-", INSTANCE_ID));
        assert!(!begins_id("i-0123456789abcdef0", "i-", INSTANCE_ID));
        assert!(!begins_id("i-am-a-name", "i-", INSTANCE_ID));
    }
}
