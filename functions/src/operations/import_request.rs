//! What an import is asked for with, and what it makes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parts::{Created, DryRun, Either, Found, IfMatch, Json};
use super::{Asked, Service};
use crate::domain::ec2::Architecture;
use crate::domain::save::Warning;
use crate::domain::{ImageId, Region, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// A file to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The text of the file, in YAML.
    #[schema(max_length = 32768)]
    pub file: String,
    /// Whether whoever asks consents to show the sensitive files of the AMIs to all who see the template.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
}

/// What an import makes, or would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// The template.
    pub template: TemplateName,
    /// The version.
    pub version: u32,
    /// Whether that version is there, and not only asked about.
    pub done: bool,
    /// Whether the template's latest version was this very one already, so that none was made.
    pub repeated: bool,
    /// Its AMIs.
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
    /// What those need to know to whom the template's AMIs are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

operation! {
    /// Import a template from its file
    ///
    /// It becomes a new template, or the next version of one of yours. The same file again is the version
    /// that is there.
    ImportTemplate by import_template: Post "/v1/templates/{name}/import" of "templates",
    path: TemplateName, query: DryRun, head: IfMatch, body: Json<ImportRequest>,
    output: Either<Found<Imported>, Created<Imported>>,
    // The same file again is the version that is there.
    repeatable: |_| true,
}

async fn import_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ImportTemplate>,
) -> Answered<ImportTemplate> {
    let (name, expected) = (&asked.path, asked.head.0.as_ref());
    let Json(request) = &asked.body;
    if asked.query.dry_run {
        let planned = service.plan_import(caller, name, request, expected);
        return planned
            .await
            .map(|planned| Either::One(Found::new(planned)));
    }
    let imported = service.import_template(caller, name, request, expected);
    let imported = imported.await?;
    if imported.repeated {
        return Ok(Either::One(Found::new(imported)));
    }
    let place = format!("/v1/templates/{name}/versions/{}", imported.version);
    Ok(Either::Other(Created::new(imported).at(place)))
}
