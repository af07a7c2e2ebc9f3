//! The tags by which Prism identifies its own resources in EC2.

/// The owner of an instance, an AMI or a snapshot.
pub const OWNER_TAG: &str = "prism:owner";
/// On instances that were launched for somebody else: the user who launched them.
pub const LAUNCHER_TAG: &str = "prism:launched-by";
/// On AMIs and snapshots: the save that created them.
pub const SAVE_TAG: &str = "prism:save-id";
/// On all EC2 resources that Prism creates: the deployment.
pub const DEPLOYMENT_TAG: &str = "prism:deployment";
/// On the AMI of a save and its snapshots: the number of the CreateImage request that created them, counted from 1.
pub const ATTEMPT_TAG: &str = "prism:attempt";
/// On instances, AMIs and snapshots: the template.
pub const TEMPLATE_TAG: &str = "prism:template";
/// On instances, AMIs and snapshots: the project.
pub const PROJECT_TAG: &str = "prism:project";
/// On instances: the user name to log in with.
pub const LOGIN_TAG: &str = "prism:login";
/// On instances: the open TCP ports, separated by spaces.
pub const PORTS_TAG: &str = "prism:ports";
