//! The request and the result of an import.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parts::{Created, DryRun, Either, Found, IfMatch, Json};
use super::versions::changed_meanwhile;
use super::{Asked, Service};
use crate::domain::ec2::Architecture;
use crate::domain::save::Warning;
use crate::domain::template_file::TemplateFile;
use crate::domain::{ImageId, Region, SaveId, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::registry::TRIES;
use crate::rules::access::Caller;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The contents of the file, in YAML.
    #[schema(max_length = 32768)]
    pub file: String,
    /// Whether you consent to showing the sensitive files of the AMIs to everyone who sees the template.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
}

/// The result of an import, or of its dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// The template.
    pub template: TemplateName,
    /// The number of the version.
    pub version: u32,
    /// Whether the version exists; false for a dry run.
    pub done: bool,
    /// Whether the latest version already corresponded to the file, so that no version was created.
    pub repeated: bool,
    /// The AMIs of the version.
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
    /// What users of the template should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

operation! {
    /// Imports a template from a file
    ///
    /// The file becomes a new template, or the next version of one of your templates. If the latest version already
    /// corresponds to the file, no version is created and that version is returned.
    ImportTemplate by import_template: Post "/v1/templates/{name}/import" of "templates",
    path: TemplateName, query: DryRun, head: IfMatch, body: Json<ImportRequest>,
    output: Either<Found<Imported>, Created<Imported>>,
    rights: [Import Template, SaveVersion Template, Edit Template, Open Template, Delete Template],
    // Repeating it returns the existing version.
    repeatable: |_| true,
}

async fn import_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ImportTemplate>,
) -> Answered<ImportTemplate> {
    let (name, Json(request)) = (&asked.path, &asked.body);
    let file = TemplateFile::from_yaml(&request.file)?;
    let planned = || service.plan_import(caller, name, (request, &file), asked.head.0.as_ref());
    if asked.query.dry_run {
        let plan = planned().await?;
        return Ok(Either::One(Found::new(plan.imported(name, &file, false))));
    }
    let digits = service.digits("import", &caller.user, None)?;
    let id: SaveId = format!("save-{digits}").parse()?;
    for _ in 0..TRIES {
        let plan = planned().await?;
        let (version, repeated) = (plan.number, plan.repeated);
        if !repeated
            && !service
                .add_imported(caller, name, (&file, &id), &plan)
                .await?
        {
            continue;
        }
        service.open_imported(name, version).await?;
        let imported = plan.imported(name, &file, true);
        if repeated {
            return Ok(Either::One(Found::new(imported)));
        }
        let place = format!("/v1/templates/{name}/versions/{version}");
        return Ok(Either::Other(Created::new(imported).at(place)));
    }
    Err(changed_meanwhile(name))
}
