//! Generates what says which settings a deployment has: their parts of `infra/template.yaml`, and the table of
//! `docs/deploy.md`.

use prism_functions::rules::config::{Setting, VARIABLES, Values, Variable};

use super::quoted;

fn settings() -> impl Iterator<Item = (&'static Variable, &'static Setting)> {
    let setting = |variable: &'static Variable| Some((variable, variable.setting.as_ref()?));
    VARIABLES.iter().filter_map(setting)
}

/// The parts of the template by their markers.
pub(super) fn parts() -> Vec<(String, String)> {
    let [
        mut names,
        mut parameters,
        mut conditions,
        mut variables,
        mut outputs,
    ] = [const { String::new() }; 5];
    for (variable, setting) in settings() {
        let parameter = variable.output;
        names += &format!("- {parameter}\n");
        parameters += &declared(variable, setting);
        variables += &format!("{}: !Ref {parameter}\n", variable.name);
        if variable.key.is_empty() {
            continue;
        }
        outputs += &format!("{parameter}:\n");
        if variable.default.is_empty() {
            // An output must have a value.
            conditions += &format!("Has{parameter}: !Not [!Equals [!Ref {parameter}, '']]\n");
            outputs += &format!("  Condition: Has{parameter}\n");
        }
        outputs += &format!("  Value: !Ref {parameter}\n");
    }
    let parts = [
        ("setting-names", names),
        ("setting-parameters", parameters),
        ("setting-conditions", conditions),
        ("setting-variables", variables),
        ("setting-outputs", outputs),
    ];
    parts.map(|(key, part)| (key.to_owned(), part)).into()
}

/// The parameter of a setting.
fn declared(variable: &Variable, setting: &Setting) -> String {
    let kind = match &setting.values {
        Values::Number(..) => "Number",
        _ => "String",
    };
    let values = match &setting.values {
        Values::OneOf(values) => format!("  AllowedValues: [{}]\n", values.join(", ")),
        Values::Number(least, most) => format!("  MinValue: {least}\n  MaxValue: {most}\n"),
        Values::Text(pattern) | Values::List(pattern) => {
            format!("  AllowedPattern: {pattern}\n")
        }
    };
    let rule = match variable.rule {
        "" => String::new(),
        rule => format!("  ConstraintDescription: {}\n", quoted(rule)),
    };
    let default = match variable.default {
        "" => "''",
        default => default,
    };
    format!(
        "{}:\n  Type: {kind}\n  Default: {default}\n{values}{rule}  Description: {}\n",
        variable.output,
        quoted(setting.text)
    )
}

/// The table of `docs/deploy.md`.
pub(super) fn table() -> String {
    let row = |(variable, setting): (&Variable, &Setting)| {
        let default = match variable.default {
            "" => "empty".to_owned(),
            default => format!("`{default}`"),
        };
        let (rule, text) = (variable.rule, setting.text);
        let rule = if rule.is_empty() { "any text" } else { rule };
        format!("| `{}` | {default} | {rule} | {text} |\n", variable.output)
    };
    let head = "| parameter | default | values | meaning |\n|---|---|---|---|\n";
    head.to_owned() + &settings().map(row).collect::<String>()
}
