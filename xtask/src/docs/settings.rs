//! Generates what says which settings a deployment has: their parts of `infra/template.yaml`, and the table of
//! `docs/deploy.md`.

use prism_functions::rules::config::{Setting, VARIABLES, Values, Variable};

use super::quoted;

fn settings() -> impl Iterator<Item = (&'static Variable, &'static Setting)> {
    let setting = |variable: &'static Variable| Some((variable, variable.setting.as_ref()?));
    VARIABLES.iter().filter_map(setting)
}

/// The parts of the template by their markers.
pub(super) fn parts() -> [(&'static str, String); 5] {
    let each = |part: fn(&Variable, &Setting) -> String| {
        let parts = settings().map(|(variable, setting)| part(variable, setting));
        parts.collect::<Vec<_>>().concat()
    };
    let name = |it: &Variable, _: &_| format!("- {}\n", it.output);
    let variable = |it: &Variable, _: &_| format!("{}: !Ref {}\n", it.name, it.output);
    [
        ("setting-names", each(name)),
        ("setting-parameters", each(declared)),
        ("setting-conditions", each(|it, _| condition(it))),
        ("setting-variables", each(variable)),
        ("setting-outputs", each(|it, _| output(it))),
    ]
}

/// An output must have a value, so a setting that may be empty has its output only where it is set.
fn is_conditional(variable: &Variable) -> bool {
    !variable.key.is_empty() && variable.default.is_empty()
}

fn condition(variable: &Variable) -> String {
    let parameter = variable.output;
    if !is_conditional(variable) {
        return String::new();
    }
    format!("Has{parameter}: !Not [!Equals [!Ref {parameter}, '']]\n")
}

/// The output of a setting, if profiles have the setting.
fn output(variable: &Variable) -> String {
    let parameter = variable.output;
    if variable.key.is_empty() {
        return String::new();
    }
    let condition = if is_conditional(variable) {
        format!("  Condition: Has{parameter}\n")
    } else {
        String::new()
    };
    format!("{parameter}:\n{condition}  Value: !Ref {parameter}\n")
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
        format!("| `{}` | {default} | {rule} | {text} |\n", variable.output).replace('"', "`")
    };
    let head = "| parameter | default | values | meaning |\n|---|---|---|---|\n";
    head.to_owned() + &settings().map(row).collect::<Vec<_>>().concat()
}
