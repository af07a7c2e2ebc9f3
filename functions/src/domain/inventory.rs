//! The packages that are installed on an instance.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::sensitive::SensitiveFile;

/// The maximum number of packages in an inventory.
pub const PACKAGES: usize = 5000;
/// The maximum total size of an inventory's names and versions, in bytes. An inventory is stored in one item of the
/// table.
pub const INVENTORY_BYTES: usize = 200_000;

/// A package on an instance.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Package {
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    pub version: String,
    /// The package manager: `apt`, `dnf`, `pip`, ...
    pub manager: String,
}

impl Package {
    fn bytes(&self) -> usize {
        // 50 bytes for the JSON syntax around the values.
        self.name.len() + self.version.len() + self.manager.len() + 50
    }
}

/// The packages that are installed on an instance, as reported by software on the instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Inventory {
    /// When the packages were listed on the instance.
    pub captured_at: Timestamp,
    /// The packages, by name.
    pub packages: Vec<Package>,
    /// Whether the instance has further packages that are not listed.
    pub truncated: bool,
    /// Files that may be sensitive; `None` if no list of files was reported. Only users who are about to share the
    /// files can see them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub sensitive: Option<Vec<SensitiveFile>>,
    /// Whether there may be further sensitive files that are not listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(ignore)]
    pub sensitive_more: bool,
}

impl Inventory {
    /// Creates an inventory from as many of these packages as fit. `more` means that the list is already incomplete.
    pub fn of(captured_at: Timestamp, mut packages: Vec<Package>, more: bool) -> Self {
        packages.sort();
        packages.dedup();
        let mut room = INVENTORY_BYTES;
        let fits = |package: &&Package| {
            let left = room.checked_sub(package.bytes());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let fitting = packages.iter().take(PACKAGES).take_while(fits).count();
        let truncated = more || fitting < packages.len();
        packages.truncate(fitting);
        Self {
            captured_at,
            packages,
            truncated,
            sensitive: None,
            sensitive_more: false,
        }
    }

    /// Adds the files that may be sensitive, if a list of files was reported; `more` means that the list is
    /// incomplete.
    #[must_use]
    pub fn with_sensitive(mut self, files: Option<Vec<SensitiveFile>>, more: bool) -> Self {
        self.sensitive = files;
        self.sensitive_more = more;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: String) -> Package {
        Package {
            name,
            version: "1.0".to_owned(),
            manager: "apt".to_owned(),
        }
    }

    #[test]
    fn an_inventory_keeps_what_fits_and_says_when_there_is_more() {
        let at = "2026-01-05T09:00:00Z".parse().unwrap();
        let few = vec![
            package("b".into()),
            package("a".into()),
            package("b".into()),
        ];
        let kept = Inventory::of(at, few, false);
        assert_eq!(kept.packages, [package("a".into()), package("b".into())]);
        assert!(!kept.truncated);
        let many = (0..=PACKAGES).map(|n| package(format!("{n:05}")));
        let kept = Inventory::of(at, many.collect(), false);
        assert!(kept.truncated && kept.packages.len() < PACKAGES);
        assert!(
            serde_json::to_string(&kept).unwrap().len() < 400_000,
            "what a table item can contain"
        );
        let long = (0..9).map(|n| package(format!("{n}{}", "x".repeat(40_000))));
        let kept = Inventory::of(at, long.collect(), false);
        assert!(kept.truncated && kept.packages.len() == 4);
        assert!(Inventory::of(at, Vec::new(), true).truncated);
    }
}
