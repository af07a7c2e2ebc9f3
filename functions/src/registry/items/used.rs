//! The versions that an AMI belongs to.

use crate::domain::template::TemplateRef;
use crate::domain::{ImageId, Problem, Region};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

/// The prefix of the sort keys of the versions that an AMI belongs to.
pub(in crate::registry) const USED: &str = "USED#";

/// The partition of an AMI.
pub(in crate::registry) fn image_pk(region: &Region, image: &ImageId) -> String {
    format!("IMAGE#{region}#{image}")
}

pub(in crate::registry) fn used_key(region: &Region, image: &ImageId, by: &TemplateRef) -> Key {
    let number = by.version.unwrap_or(0);
    Key::new(
        image_pk(region, image),
        format!("{USED}{}#{number:06}", by.name),
    )
}

pub(in crate::registry) fn used_item(key: Key, by: &TemplateRef) -> Result<Item, Problem> {
    encode(key, by, 1, [])
}
