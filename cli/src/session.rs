//! The context of a command.

use prism_functions::domain::save::check_name;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Code, Problem, Region, SaveId};
use prism_functions::operations::parts::{self, InstanceName, Nothing};
use prism_functions::operations::{
    Asked, InstanceView, Operation, SaveView, ShowInstance, ShowSave, ShowTemplate, ShowVersion,
    TemplateView,
};

use crate::args::InRegion;
use crate::client::{Client, Local};
use crate::environment::Environment;
use crate::output::Output;

pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) environment: Environment,
    /// The Region that the profile names.
    pub(crate) region: Option<Region>,
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
        let asked = in_region::<ShowInstance>(region, name);
        self.client.ask(asked).await
    }

    /// Returns the embedded cloud, for commands that work only on it.
    pub(crate) fn embedded(&self) -> Result<&Local, Problem> {
        self.client.embedded().ok_or_else(|| {
            let message = "This command works only on an embedded cloud.";
            Problem::new(Code::EmbeddedOnly, message)
        })
    }
}

/// Builds an operation on an instance.
pub(crate) fn in_region<O>(region: &Region, name: &str) -> Asked<O>
where
    O: Operation<Path = InstanceName, Query = parts::InRegion, Head = Nothing, Body = Nothing>,
{
    let region = region.clone();
    Asked::by(InstanceName(name.to_owned()), parts::InRegion { region })
}
