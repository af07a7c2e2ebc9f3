use std::fmt::Write as _;

use super::*;

const GOOD: &str = include_str!("../../../../tests/corpus/template_files/requirements.yaml");

fn file(description: &str, saved_from: &str) -> TemplateFile {
    TemplateFile {
        description: description.to_owned(),
        saved_from: saved_from.to_owned(),
        ..TemplateFile::from_yaml(GOOD).unwrap()
    }
}

fn place(text: &str) -> (u64, u64) {
    let problem = TemplateFile::from_yaml(text).unwrap_err();
    assert_eq!(problem.code, Code::InvalidTemplateFile, "{problem}");
    assert!(problem.message.len() < 2_000 && !problem.message.contains('\n'));
    let rest = problem
        .message
        .strip_prefix("The file is not a valid template: line ");
    let (line, rest) = rest.unwrap().split_once(", column ").unwrap();
    let (column, reason) = rest.split_once(':').unwrap();
    // The parser appends the same position to its reason.
    let repeated = format!("at line {line}, column {column}.");
    assert!(!reason.ends_with(&repeated), "{problem}");
    (line.parse().unwrap(), column.parse().unwrap())
}

/// The error message for the valid file with one part replaced.
fn told(part: &str, by: &str) -> String {
    assert!(GOOD.contains(part), "{part}");
    let text = GOOD.replacen(part, by, 1);
    place(&text);
    TemplateFile::from_yaml(&text).unwrap_err().message
}

#[test]
fn a_file_as_the_requirements_have_it_is_read() {
    let file = TemplateFile::from_yaml(GOOD).unwrap();
    assert_eq!(file.saved_by.as_str(), "researcher@university.edu");
    let count: usize = file.ami_config.amis.values().map(BTreeMap::len).sum();
    assert_eq!(count, 2);
    let again = TemplateFile::from_yaml(&file.to_yaml().unwrap()).unwrap();
    assert_eq!(again, file);
    assert_eq!(again.to_yaml().unwrap(), file.to_yaml().unwrap());
}

#[test]
fn what_a_launch_needs_is_held_to_its_rules() {
    const SECOND: &str = include_str!("../../../../tests/corpus/template_files/second_format.yaml");
    let file = TemplateFile::from_yaml(SECOND).unwrap();
    assert_eq!(
        TemplateFile::from_yaml(&file.to_yaml().unwrap()).unwrap(),
        file
    );
    for (part, by) in [
        ("format: 2", "format: 4"),
        ("format: 2", "format: 0"),
        ("ubuntu", "\"root; rm\""),
        ("[22, 8888]", "[0]"),
        ("[22, 8888]", "[70000]"),
        ("team", "\"aws:team\""),
        ("t3.large", "\"$(x)\""),
        ("root_size_gib: 30", "how: sleep, root_size_gib: 30"),
        ("root_size_gib: 30", "root_size_gib: 0"),
        ("root_size_gib: 30", "root_size_gib: 16385"),
        ("ports: ", "more: 1\n  ports: "),
    ] {
        assert!(SECOND.contains(part), "{part}");
        let refused = TemplateFile::from_yaml(&SECOND.replacen(part, by, 1)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidTemplateFile, "{by}");
    }
}

#[test]
fn a_template_file_reads_back_whatever_its_texts_hold() {
    for text in [
        "plain",
        "a: b # c",
        "{x}",
        "- y",
        "'q' \"d\"",
        "$(rm -rf /) `x` | & ;",
        "ünïcödé 数据",
        "yes",
        "1.0",
        "null",
        "~",
        " lead",
        "trail ",
        "%",
        "@x",
        "!!int 3",
        "&a *a",
        "<<",
        "0x1F",
        "2024-01-15",
        "\u{feff}bom",
        "---",
        "...",
        "\\",
        "\"",
    ] {
        let file = file(text, text);
        let yaml = file.to_yaml().unwrap();
        assert_eq!(TemplateFile::from_yaml(&yaml).unwrap(), file, "{yaml}");
    }
    let empty = file("", "work");
    let yaml = empty.to_yaml().unwrap();
    assert_eq!(TemplateFile::from_yaml(&yaml).unwrap(), empty);
}

#[test]
fn each_wrong_value_is_refused_where_it_stands() {
    let line_of = |part: &str, by: &str| place(&GOOD.replacen(part, by, 1)).0;
    assert_eq!(line_of("\"my-custom-ml-env\"", "\"My Env\""), 1);
    assert_eq!(line_of("\"saved-from-instance\"", "\"elsewhere\""), 3);
    assert_eq!(line_of("\"python-ml\"", "[1, 2]"), 4);
    assert_eq!(line_of("\"my-research\"", "\"a\\u0007b\""), 5);
    assert_eq!(line_of("\"researcher@university.edu\"", "\"a b\""), 6);
    assert_eq!(line_of("2024-01-15T10:30:00Z", "yesterday"), 7);
    assert_eq!(line_of("us-east-1", "mars"), 12);
    assert_eq!(line_of("x86_64", "z80"), 13);
    assert_eq!(line_of("ami-abc123def456", "ami-XYZ"), 13);
    let long = format!("description: \"{}", "x".repeat(256));
    assert_eq!(line_of("description: \"", &long), 2);
}

#[test]
fn what_does_not_belong_into_a_file_is_refused() {
    assert!(told("saved_from:", "owner: me\nsaved_from:").contains("owner"));
    assert!(told("saved_by:", "name: other\nsaved_by:").contains("name"));
    told("      arm64:", "      x86_64:");
    told("ami_config:\n  amis:", "ami_config:\n  more: 1\n  amis:");
    told("saved_date: \"2024-01-15T10:30:00Z\"\n", "");
    told("description: \"Custom", "description: &a \"Custom");
    assert_eq!(place("").0, 1);
    place("- a\n- b\n");
    place("just a text");
    place(&format!("{GOOD}---\n{GOOD}"));
    place(&format!("{GOOD}}}\n"));
    place("\u{0}");
    let none = GOOD.split("    us-east-1").next().unwrap();
    place(none);
    place(&none.replace("amis:", "amis: {}"));
    place(&none.replace("amis:", "amis: {us-east-1: {}}"));
}

#[test]
fn hostile_files_are_refused_quickly() {
    let mut laughs = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (before, name) in ('a'..='h').zip('b'..='i') {
        let many = format!("*{before}, ").repeat(9);
        let _ = writeln!(laughs, "{name}: &{name} [{many}]");
    }
    place(&laughs);
    place(&"[".repeat(10_000));
    place(&"{a: ".repeat(5_000));
    place(&"- ".repeat(10_000));
    let behind = u64::try_from(FILE_BYTES).unwrap() + 1;
    assert_eq!(place(&"x".repeat(FILE_BYTES + 1)), (1, behind));
    place(&"a\n".repeat(FILE_BYTES));
    let mut many = GOOD.split("    us-east-1").next().unwrap().to_owned();
    for n in 0..=FILE_IMAGES {
        let _ = writeln!(
            many,
            "    us-east-{}:\n      arm64: ami-0123456{n:02}",
            n + 1
        );
    }
    let problem = TemplateFile::from_yaml(&many).unwrap_err();
    assert!(problem.message.contains("1 to 40 AMIs"), "{problem}");
}
