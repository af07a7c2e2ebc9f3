//! The tags by which Prism knows its own resources in EC2.

/// The tag that says who owns an instance, an AMI or a snapshot.
pub const OWNER_TAG: &str = "prism:owner";
/// On AMIs and snapshots: the save that made them.
pub const SAVE_TAG: &str = "prism:save-id";
/// On everything that is made in EC2: the deployment that made it.
pub const DEPLOYMENT_TAG: &str = "prism:deployment";
/// On the AMI of a save and its snapshots: which of the save's requests for the AMI made them, counted from 1.
pub const ATTEMPT_TAG: &str = "prism:attempt";
/// On instances, AMIs and snapshots: the template.
pub const TEMPLATE_TAG: &str = "prism:template";
/// On instances, AMIs and snapshots: the project.
pub const PROJECT_TAG: &str = "prism:project";
/// On instances: the user to log in as.
pub const LOGIN_TAG: &str = "prism:login";
/// On instances: the open TCP ports, with spaces between.
pub const PORTS_TAG: &str = "prism:ports";
