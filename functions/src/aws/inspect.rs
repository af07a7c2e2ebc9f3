//! Implements the port [`Inspect`] with Systems Manager Inventory.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::clients::Clients;
use super::ec2::errors;
use crate::domain::inventory::{Inventory, PACKAGES, Package};
use crate::domain::sensitive::{SensitiveFile, sensitive};
use crate::domain::{InstanceId, Region, Timestamp};
use crate::ports::{Ec2Error, Inspect};

const ACTION: &str = "ssm:ListInventoryEntries";
/// The operating system's packages, which the agent lists automatically.
const APPLICATIONS: &str = "AWS:Application";
/// Packages of pip, conda, R and others, if the instance's owner passes them to the agent as custom inventory with
/// the attributes Name, Version and Manager.
const CUSTOM: &str = "Custom:Packages";
/// The files in the folders that the inventory association names. Without an association there are none.
const FILES: &str = "AWS:File";
/// The maximum number of entries on a page.
const PAGE: i32 = 50;

/// The inventory of each Region.
#[derive(Debug, Clone)]
pub struct SsmInventory {
    clients: Arc<Clients>,
}

/// The inventory entries of one type.
#[derive(Default)]
struct Told {
    captured_at: Option<Timestamp>,
    packages: Vec<Package>,
    /// The paths of files that are in the catalogue.
    sensitive: Vec<String>,
    /// How many files the inventory lists in total.
    entries: usize,
    more: bool,
}

impl SsmInventory {
    /// The inventory, read with these clients.
    pub fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }

    /// The entries of a type. Empty if Systems Manager does not know the instance or the type.
    async fn told(
        &self,
        region: &Region,
        instance: &InstanceId,
        kind: &str,
    ) -> Result<Told, Ec2Error> {
        let client = self.clients.ssm(region);
        let mut told = Told::default();
        let mut token = None;
        loop {
            let request = client
                .list_inventory_entries()
                .instance_id(instance.as_str())
                .type_name(kind)
                .max_results(PAGE)
                .set_next_token(token);
            let page = match request.send().await.map_err(errors::of(ACTION)) {
                Ok(page) => page,
                Err(error) if is_unknown(&error) => return Ok(told),
                Err(error) => return Err(error),
            };
            let captured = page.capture_time().and_then(|at| at.parse().ok());
            told.captured_at = told.captured_at.max(captured);
            let entries = || page.entries().iter();
            if kind == FILES {
                told.entries += page.entries().len();
                told.sensitive.extend(entries().filter_map(file));
            } else {
                told.packages.extend(entries().filter_map(package));
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(told);
            }
            if told.packages.len().max(told.entries) >= PACKAGES {
                told.more = true;
                return Ok(told);
            }
        }
    }
}

#[async_trait]
impl Inspect for SsmInventory {
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        let applications = self.told(region, instance, APPLICATIONS);
        let custom = self.told(region, instance, CUSTOM);
        let files = self.told(region, instance, FILES);
        let (applications, custom, files) =
            futures::future::try_join3(applications, custom, files).await?;
        // If the agent never reported anything, there is no capture time.
        let captured = [&applications, &custom, &files].map(|it| it.captured_at);
        let mut packages = applications.packages;
        packages.extend(custom.packages);
        let more = applications.more || custom.more;
        // Files are listed only if the inventory association names folders.
        let (kept, many) = sensitive(files.sensitive.iter().map(String::as_str));
        let told = files.captured_at.map(|_| kept);
        let inventory = |at| {
            let inventory = Inventory::of(at, packages, more);
            inventory.with_sensitive(told, many || files.more)
        };
        Ok(captured.into_iter().flatten().max().map(inventory))
    }
}

fn is_unknown(error: &Ec2Error) -> bool {
    let code = error.code.as_str();
    // The service has used several forms of these error codes.
    ["InvalidInstanceId", "InvalidTypeName"]
        .iter()
        .any(|unknown| code.starts_with(unknown))
}

/// The path of a file, if it is in the catalogue. The agent reports folder and name separately.
fn file(entry: &HashMap<String, String>) -> Option<String> {
    let folder = entry.get("InstalledDir").map_or("", String::as_str);
    let name = entry.get("Name")?;
    let path = if name.starts_with('/') {
        name.clone()
    } else {
        format!("{}/{name}", folder.trim_end_matches('/'))
    };
    SensitiveFile::at(&path).map(|file| file.path)
}

fn package(entry: &HashMap<String, String>) -> Option<Package> {
    let field = |name: &str| entry.get(name).filter(|text| !text.is_empty());
    // The agent derives the ID from the package's file name: `git_2.43.0_amd64.deb`, `git-2.43.0.src.rpm`.
    let by_id = || match field("PackageId")?.rsplit_once('.')?.1 {
        "deb" => Some("apt"),
        "rpm" => Some("dnf"),
        _ => None,
    };
    let manager = field("Manager").map(String::as_str).or_else(by_id);
    Some(Package {
        name: field("Name")?.clone(),
        version: field("Version").cloned().unwrap_or_default(),
        manager: manager.unwrap_or("system").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    async fn told(replies: impl IntoIterator<Item = Reply>) -> Result<Option<Inventory>, Ec2Error> {
        told_by(&Aws::answering(replies)).await
    }

    async fn told_by(aws: &Aws) -> Result<Option<Inventory>, Ec2Error> {
        let inventory = SsmInventory::new(Arc::new(aws.clients()));
        let (region, id) = (
            "us-west-2".parse().unwrap(),
            "i-0123456789abcdef0".parse().unwrap(),
        );
        inventory.packages(&region, &id).await
    }

    fn page(entries: &Value, next: Option<&str>) -> Reply {
        let at = "2026-01-05T08:00:00Z";
        Reply::found(json!({"CaptureTime": at, "Entries": entries, "NextToken": next}))
    }

    fn error(code: &str) -> Reply {
        Reply::json(400, json!({"__type": code}))
    }

    /// A response without files.
    fn no_files() -> Reply {
        error("InvalidTypeNameException")
    }

    fn package(name: &str, version: &str, manager: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            manager: manager.to_owned(),
        }
    }

    #[tokio::test]
    async fn packages_say_what_manages_them() {
        let system = json!([
            {"Name": "git", "Version": "2.43.0", "PackageId": "git_2.43.0_amd64.deb"},
            {"Name": "acl", "Version": "2.2", "PackageId": "acl-2.2.src.rpm"},
            {"Name": "lxd", "Version": "5", "PackageId": ""},
            {"Version": "nameless"},
        ]);
        let custom = json!([{"Name": "obspy", "Version": "1.4.1", "Manager": "pip"}]);
        let told = told([page(&system, None), page(&custom, None), no_files()]).await;
        let told = told.unwrap().unwrap();
        assert_eq!(
            told.packages,
            [
                package("acl", "2.2", "dnf"),
                package("git", "2.43.0", "apt"),
                package("lxd", "5", "system"),
                package("obspy", "1.4.1", "pip"),
            ]
        );
        assert!(!told.truncated);
        assert_eq!(
            told.captured_at,
            "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap()
        );
    }

    #[tokio::test]
    async fn an_instance_that_is_not_managed_tells_nothing() {
        let empty = || Reply::found(json!({"Entries": []}));
        assert_eq!(told([empty(), empty(), empty()]).await.unwrap(), None);
        let unknown = || error("InvalidInstanceId");
        assert_eq!(told([unknown(), unknown(), unknown()]).await.unwrap(), None);
        let told = told([page(&json!([]), None), no_files(), no_files()]).await;
        assert!(told.unwrap().unwrap().packages.is_empty());
    }

    #[tokio::test]
    async fn files_that_others_should_not_have_are_known_where_files_are_told() {
        let files = json!([
            {"Name": "ssh_host_rsa_key", "InstalledDir": "/etc/ssh"},
            {"Name": "credentials", "InstalledDir": "/home/ubuntu/.aws/"},
            {"Name": "data.csv", "InstalledDir": "/home/ubuntu"},
        ]);
        let packages = || page(&json!([]), None);
        let inventory = told([packages(), packages(), page(&files, None)]).await;
        let sensitive = inventory.unwrap().unwrap().sensitive.unwrap();
        let paths: Vec<&str> = sensitive.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            ["/etc/ssh/ssh_host_rsa_key", "/home/ubuntu/.aws/credentials"]
        );
        let unknown = told([packages(), packages(), no_files()]).await;
        assert_eq!(unknown.unwrap().unwrap().sensitive, None);
    }

    #[tokio::test]
    async fn another_error_is_one() {
        let denied = || error("AccessDeniedException");
        let error = told([denied(), denied()]).await.unwrap_err();
        assert_eq!(error.action, ACTION);
        assert!(error.to_string().contains("AccessDenied"), "{error}");
    }

    #[tokio::test]
    async fn pages_are_followed_up_to_a_limit() {
        let entries = |from: usize, count: usize| {
            let each =
                (from..from + count).map(|n| json!({"Name": format!("p{n}"), "Version": "1"}));
            Value::Array(each.collect())
        };
        let aws = Aws::answering([
            page(&entries(0, 2), Some("more")),
            page(&entries(2, 1), None),
            error("InvalidTypeNameException"),
            no_files(),
        ]);
        let kept = told_by(&aws).await.unwrap().unwrap();
        assert_eq!(kept.packages.len(), 3);
        assert_eq!(aws.json(1)["NextToken"], "more");
        let endless = page(&entries(0, PACKAGES), Some("more"));
        let kept = told([endless, error("InvalidTypeNameException"), no_files()]).await;
        assert!(kept.unwrap().unwrap().truncated);
    }
}
