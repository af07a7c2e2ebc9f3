//! Checks that the table of guides is complete.

use super::*;

#[test]
fn every_text_of_the_table_is_filled_in() {
    let names = [
        "save",
        "name",
        "quoted",
        "again",
        "id",
        "region",
        "type",
        "othertype",
        "size",
        "template",
        "version",
        "elsewhere",
        "since",
        "said",
    ];
    for row in TABLE {
        let texts = row
            .steps
            .iter()
            .flat_map(|(_, text, command)| [*text, *command]);
        for text in texts.chain([row.happened]) {
            let filled = filled(text, |key| {
                assert!(names.contains(&key), "{}: {key}", row.cause);
                "x"
            });
            assert!(!filled.contains(['{', '}']), "{filled}");
        }
        assert!(
            !row.steps.is_empty() && !row.happened.contains("  "),
            "{}",
            row.cause
        );
    }
}

#[test]
fn every_code_has_a_guide() {
    for code in Code::ALL {
        assert!(TABLE.iter().any(|row| row.codes.contains(code)), "{code}");
    }
}

#[test]
fn names_are_quoted_as_a_shell_takes_them() {
    assert_eq!(quoted("my-work_2"), "my-work_2");
    assert_eq!(quoted("my work"), "'my work'");
    assert_eq!(quoted("a'b$(x)"), r"'a'\''b$(x)'");
}

#[test]
fn another_region_is_near_and_allowed() {
    let of = |region: &str, allowed: &str| {
        let allowed = allowed.parse().unwrap();
        elsewhere(&region.parse().unwrap(), &allowed).map(String::from)
    };
    assert_eq!(of("us-east-1", ""), Some("us-west-2".to_owned()));
    assert_eq!(of("eu-west-1", ""), Some("eu-central-1".to_owned()));
    assert_eq!(of("sa-east-1", ""), Some("us-east-1".to_owned()));
    assert_eq!(
        of("us-east-1", "eu-west-1,us-east-1"),
        Some("eu-west-1".to_owned())
    );
    assert_eq!(of("us-east-1", "us-east-1"), None);
}
