//! The contract of the port `Inspect`.

use prism_functions::domain::inventory::Package;
use prism_functions::domain::{AccountId, InstanceId, Region};
use prism_functions::ports::Inspect;
use prism_local::ec2::Cloud;

/// More packages than one page of the Systems Manager inventory has.
const MANY: usize = 120;

/// Installs packages with several package managers on a running instance with Ubuntu, and checks what the port reports
/// about them.
///
/// # Panics
///
/// If a rule is violated.
pub async fn check(
    inspect: &dyn Inspect,
    cloud: &Cloud,
    account: &AccountId,
    region: &Region,
    instance: &InstanceId,
) {
    let guest = cloud.guest(account.clone(), region.clone(), instance.clone());
    let install = |manager: &str, packages: Vec<String>| {
        let mut words = vec![manager.to_owned(), "install".to_owned()];
        words.extend(packages);
        let ran = guest.run(&words, &[]).expect("the instance runs");
        assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
    };
    install(
        "pip",
        (0..MANY).map(|n| format!("many-{n}==1.{n}")).collect(),
    );
    install("apt-get", vec!["git".to_owned()]);
    install("conda", vec!["obspy=1.4.1".to_owned()]);

    let told = inspect.packages(region, instance).await;
    let told = told.expect("it answers").expect("the instance is managed");
    let has = |name: &str, version: &str, manager: &str| {
        let wanted = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            manager: manager.to_owned(),
        };
        assert!(told.packages.contains(&wanted), "{name} is missing");
    };
    has("git", "2.43.0", "apt");
    has("obspy", "1.4.1", "conda");
    (0..MANY).for_each(|n| has(&format!("many-{n}"), &format!("1.{n}"), "pip"));
    assert!(told.packages.is_sorted(), "they are told by name");
    assert!(!told.truncated);

    let nobody: InstanceId = "i-00000000000000000".parse().expect("it is an id");
    let other: Region = "eu-west-1".parse().expect("it is a Region");
    for (region, id) in [(region, &nobody), (&other, instance)] {
        let told = inspect.packages(region, id).await.expect("it answers");
        assert_eq!(told, None, "{id} in {region}");
    }
}
