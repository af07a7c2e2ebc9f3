//! How the command line refuses to publish sensitive files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{FAST, Prism};
use serde_json::Value;

const KEY: &str = "/home/ubuntu/.ssh/id_rsa";
const AWS: &str = "/home/ubuntu/.aws/credentials";

fn paths(error: &Value) -> Vec<&str> {
    assert_eq!(error["code"], "SensitiveFiles", "{error}");
    let files = error["files"].as_array().unwrap();
    files
        .iter()
        .map(|it| it["path"].as_str().unwrap())
        .collect()
}

#[test]
fn only_its_own_flag_consents_to_show_them() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "my-genomics-work"]);
    let save = [
        "save",
        "my-genomics-work",
        "team-genomics-env",
        "--public",
        "--description",
        "Genomics pipeline with BWA, GATK, and R Bioconductor",
    ];
    // The command as it is in the requirements document.
    prism.ok(&save);
    for path in [KEY, AWS] {
        prism.piped("secret", &["exec", "my-genomics-work", "--", "tee", path]);
    }
    for more in [
        &["--yes"][..],
        &["--dry-run"],
        &["-q"],
        &["--no-wait", "--yes"],
    ] {
        let refused = prism.run(&[&["--json"], &save[..], more].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{more:?}");
        assert_eq!(paths(&refused.error()), [AWS, KEY], "{more:?}");
        let told = prism.run(&[&save[..], more].concat());
        told.says("/.aws/credentials (AWS credentials)");
        told.says("--publish-sensitive");
    }
    let consents = [&save[..], &["--publish-sensitive"]].concat();
    let plan = prism.run(&[&["--json"], &consents[..], &["--dry-run"]].concat());
    let plan = plan.json();
    assert_eq!(plan["plan"]["shows"].as_array().unwrap().len(), 2);
    assert_eq!(plan["plan"]["visible_to"][0], "everybody");
    let told = prism.ok(&[&consents[..], &["--dry-run"]].concat());
    assert!(told.contains("\n  visible to  everybody\n"));
    prism.ok(&consents);

    prism.ok(&["save", "my-genomics-work", "mine"]);
    let share = ["template", "share", "mine", "--user", "bob", "--yes"];
    let refused = prism.run(&[&["--json"], &share[..]].concat());
    assert_eq!(paths(&refused.error()), [AWS, KEY]);
    assert_eq!(refused.error()["files"][0]["versions"][0], 1);
    prism.ok(&[&share[..], &["--publish-sensitive"]].concat());

    let schedule = [
        "schedule",
        "create",
        "my-genomics-work",
        "team-genomics-env",
        "--rate",
        "1d",
    ];
    let refused = prism.run(&[&["--json"], &schedule[..]].concat());
    assert_eq!(paths(&refused.error()), [AWS, KEY]);
    prism.ok(&[&schedule[..], &["--publish-sensitive"]].concat());
    let edit = [
        "schedule",
        "edit",
        "team-genomics-env",
        "--publish-sensitive=false",
    ];
    assert_eq!(prism.refused(&edit).0, "SensitiveFiles");
}
