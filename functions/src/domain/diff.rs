//! The differences between two versions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Region;
use super::ec2::Architecture;
use super::inventory::{Inventory, Package};
use super::template::Version;

/// The differences between two versions of the same template or of different templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateDiff {
    /// The first version, in the form `name@3`.
    pub from: String,
    /// The second version, in the form `name@3`.
    pub to: String,
    /// The fields that are known for both versions and differ, in the order in which a version is displayed.
    pub fields: Vec<FieldDiff>,
    /// The differences between the packages; null if the packages of either version are not known.
    pub packages: Option<PackageDiff>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldDiff {
    /// The name of the field.
    pub field: String,
    /// The value in the first version, a text or a number; an empty text if the first version has none.
    pub from: Value,
    /// The value in the second version; an empty text if the second version has none.
    pub to: Value,
}

/// The differences between the packages of two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PackageDiff {
    /// The packages that only the second version contains.
    pub added: Vec<Package>,
    /// The packages that only the first version contains.
    pub removed: Vec<Package>,
    /// The packages that both versions contain, with different package versions.
    pub changed: Vec<ChangedPackage>,
    /// Whether all packages of both versions are known. If false, there may be further differences.
    pub complete: bool,
}

/// A package whose version differs between the two template versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangedPackage {
    /// The name of the package.
    pub name: String,
    /// The package manager.
    pub manager: String,
    /// The package's version in the first template version.
    pub from: String,
    /// The package's version in the second template version.
    pub to: String,
}

/// Compares two versions, including their packages if they are known.
pub fn diff(
    from: (&Version, Option<&Inventory>),
    to: (&Version, Option<&Inventory>),
) -> TemplateDiff {
    let fields = fields(from.0).into_iter().zip(fields(to.0));
    TemplateDiff {
        from: from.0.reference().to_string(),
        to: to.0.reference().to_string(),
        fields: fields
            .filter(|((_, a), (_, b))| a != b)
            .map(|((field, a), (_, b))| FieldDiff {
                field: field.to_owned(),
                from: a,
                to: b,
            })
            .collect(),
        packages: from.1.zip(to.1).map(|(a, b)| packages(a, b)),
    }
}

fn fields(version: &Version) -> [(&'static str, Value); 18] {
    let optional = |text: &Option<String>| json!(text.as_deref().unwrap_or_default());
    let ports: Vec<String> = version.ports.iter().map(ToString::to_string).collect();
    let tags: Vec<String> = version
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let architectures = version.architectures().into_iter();
    let architectures: Vec<&str> = architectures.map(Architecture::as_str).collect();
    let regions: Vec<&str> = version.amis.keys().map(Region::as_str).collect();
    let saved = version
        .saved_date
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    [
        ("description", json!(version.description)),
        ("notes", json!(version.notes)),
        ("state", json!(version.state.as_str())),
        ("saved_from", json!(version.saved_from)),
        ("saved_by", json!(version.saved_by)),
        ("saved_date", json!(saved)),
        ("how", json!(version.how.as_str())),
        ("parent", optional(&version.parent)),
        ("architectures", json!(architectures.join(", "))),
        ("regions", json!(regions.join(", "))),
        ("instance_type", json!(version.instance_type)),
        ("root_device", json!(version.root_device)),
        ("root_size_gib", json!(version.root_size_gib)),
        ("snapshot_bytes", json!(version.snapshot_bytes)),
        ("usd_per_month", json!(cents(version.usd_per_month))),
        ("login", optional(&version.login)),
        ("ports", json!(ports.join(", "))),
        ("tags", json!(tags.join(", "))),
    ]
}

/// An estimate in whole cents, so that versions do not differ by less.
fn cents(usd: f64) -> f64 {
    (usd * 100.0).round() / 100.0
}

/// Packages by name and manager. One name can have several versions, such as for kernels.
type Named<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>;

fn named(inventory: &Inventory) -> Named<'_> {
    let mut named = Named::new();
    for package in &inventory.packages {
        let key = (package.name.as_str(), package.manager.as_str());
        named.entry(key).or_default().insert(&package.version);
    }
    named
}

fn packages(from: &Inventory, to: &Inventory) -> PackageDiff {
    let (before, after) = (named(from), named(to));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let none = BTreeSet::new();
    let mut diff = PackageDiff {
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
        complete: !from.truncated && !to.truncated,
    };
    for key in keys {
        let (name, manager) = key;
        let (a, b) = (
            before.get(&key).unwrap_or(&none),
            after.get(&key).unwrap_or(&none),
        );
        let gone: Vec<_> = a.difference(b).collect();
        let new: Vec<_> = b.difference(a).collect();
        if let ([old], [young]) = (gone.as_slice(), new.as_slice()) {
            diff.changed.push(ChangedPackage {
                name: name.to_owned(),
                manager: manager.to_owned(),
                from: (**old).to_owned(),
                to: (**young).to_owned(),
            });
            continue;
        }
        let package = |version: &str| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            manager: manager.to_owned(),
        };
        diff.removed.extend(gone.into_iter().map(|it| package(it)));
        diff.added.extend(new.into_iter().map(|it| package(it)));
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(packages: &[(&str, &str, &str)], truncated: bool) -> Inventory {
        let packages = packages.iter().map(|(name, version, manager)| Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            manager: (*manager).to_owned(),
        });
        let at = "2026-01-05T09:00:00Z".parse().unwrap();
        Inventory::of(at, packages.collect(), truncated)
    }

    #[test]
    fn packages_are_added_removed_and_changed() {
        let before = inventory(
            &[
                ("numpy", "1.0", "pip"),
                ("numpy", "1.9", "apt"),
                ("git", "2.43", "apt"),
                ("linux", "6.1", "apt"),
                ("linux", "6.2", "apt"),
                ("same", "1", "apt"),
            ],
            false,
        );
        let after = inventory(
            &[
                ("numpy", "2.0", "pip"),
                ("numpy", "1.9", "apt"),
                ("linux", "6.2", "apt"),
                ("linux", "6.3", "apt"),
                ("linux", "6.4", "apt"),
                ("obspy", "1.4", "pip"),
                ("same", "1", "apt"),
            ],
            true,
        );
        let told = packages(&before, &after);
        let names = |list: &[Package]| -> Vec<String> {
            let each = list.iter().map(|it| format!("{} {}", it.name, it.version));
            each.collect()
        };
        assert_eq!(names(&told.removed), ["git 2.43", "linux 6.1"]);
        assert_eq!(names(&told.added), ["linux 6.3", "linux 6.4", "obspy 1.4"]);
        assert_eq!(told.changed.len(), 1);
        assert_eq!(
            (told.changed[0].from.as_str(), told.changed[0].to.as_str()),
            ("1.0", "2.0")
        );
        assert!(!told.complete);
        let same = packages(&before, &before);
        assert!(same.added.is_empty() && same.removed.is_empty() && same.changed.is_empty());
        assert!(same.complete);
    }
}
