//! Schemas of string types with their own format.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::schedule::{Cadence, TimeZone};
use crate::domain::sizes::Size;
use crate::domain::template::TemplateRef;

impl PartialSchema for Size {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The size of an instance."))
            .enum_values(Some(Size::ALL.iter().copied().map(Size::as_str)))
            .into()
    }
}

impl ToSchema for Size {}

impl PartialSchema for TemplateRef {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A template: NAME for the latest version, or NAME@3 for version 3.",
            ))
            .pattern(Some(
                "^[a-z0-9][a-z0-9._-]{2,63}(@(latest|[1-9][0-9]{0,8}))?$",
            ))
            .into()
    }
}

impl ToSchema for TemplateRef {}

impl PartialSchema for Cadence {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "How often: `rate(1 day)`, at least one hour, or `cron(0 3 ? * MON-FRI *)`, in the syntax of \
                 EventBridge Scheduler.",
            ))
            .examples(["rate(1 day)", "cron(0 3 ? * MON-FRI *)"])
            .into()
    }
}

impl ToSchema for Cadence {}

impl PartialSchema for TimeZone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A name in the time zone database, such as Europe/Berlin.",
            ))
            .examples(["Europe/Berlin", "UTC"])
            .into()
    }
}

impl ToSchema for TimeZone {}
