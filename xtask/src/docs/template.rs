//! The generated parts of `infra/template.yaml`: the functions of the steps, with a policy for exactly the calls that
//! each makes.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::operations::calls;
use prism_functions::ports::Call;
use prism_functions::steps;
use serde_json::Value;

use super::{TEMPLATE, filled, indented, quoted, settings};
use crate::Outcome;
use crate::shell::{read, root};
use crate::tidy::snake_case;

/// A function with its logs and its role. Names in capitals are replaced.
const FUNCTION: &str = "infra/parts/function.yaml";
const STATEMENTS: &str = "infra/parts/statements.yaml";
/// The time limit of a Task, unless the definition sets another one, in seconds.
const TASK_S: u64 = 60;
/// How much earlier the function ends, so that a step never runs beside its retry, in seconds.
const EARLIER_S: u64 = 5;

/// The template with its generated parts.
pub(super) fn generated(definition: &Value, mut template: String) -> Outcome<String> {
    for (key, part) in settings::parts() {
        template = filled(TEMPLATE, &template, key, &part)?;
    }
    let function = read(&root().join(FUNCTION))?;
    let statements = read(&root().join(STATEMENTS))?;
    let parameters = parameters(&template)?;
    let functions = steps::ALL.iter().map(|step| {
        let timeout = limit(&definition["States"], step.name).unwrap_or(TASK_S) - EARLIER_S;
        let calls = indented(&policy(&statements, step.calls)?, &" ".repeat(12));
        let function = function
            .replace("            CALLS\n", &calls)
            .replace("PARAMETERS\n", &parameters)
            .replace("DESCRIPTION", &description(step.name)?)
            .replace("TIMEOUT", &timeout.to_string())
            .replace("NAME", step.name);
        Ok(function)
    });
    let each = |part: fn(&str) -> String| {
        let parts = steps::ALL.iter().map(|step| part(step.name));
        parts.collect::<Vec<_>>().concat()
    };
    let versions = each(|name| format!("{name}: !Ref {name}Function.Version\n"));
    let invoked = each(|name| format!("- !Sub ${{{name}Function.Arn}}:*\n"));
    for (key, part) in [
        (
            "step-functions",
            functions.collect::<Outcome<Vec<_>>>()?.concat(),
        ),
        ("versions", versions),
        ("invoked", invoked),
        ("parameters", parameters),
    ] {
        template = filled(TEMPLATE, &template, key, &part)?;
    }
    for (handler, calls) in calls::HANDLERS {
        let policy = policy(&statements, calls)?;
        template = filled(TEMPLATE, &template, &format!("calls-of-{handler}"), &policy)?;
    }
    Ok(template)
}

/// The statements that allow these calls.
fn policy(statements: &str, calls: &[Call]) -> Outcome<String> {
    let mut needed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (statement, action) in calls.iter().flat_map(|call| call.statements()) {
        needed.entry(statement).or_default().insert(action);
    }
    let mut policy = Vec::new();
    for (name, rest) in statements
        .split("- Sid: ")
        .filter_map(|it| it.split_once('\n'))
    {
        if let Some(actions) = needed.remove(name) {
            let actions = Vec::from_iter(actions).join("\n    - ");
            let allowed = format!("  Effect: Allow\n  Action:\n    - {actions}\n  Resource:");
            let rest = rest.replacen("  Resource:", &allowed, 1);
            policy.push(format!("- Sid: {name}\n{rest}"));
        }
    }
    match needed.keys().next() {
        Some(name) => Err(format!("{STATEMENTS} has no statement {name}")),
        None => Ok(policy.concat()),
    }
}

/// The variable that makes the values of parameters part of a function, with the parameters that functions depend on.
fn parameters(template: &str) -> Outcome<String> {
    let section = |name: &str| {
        let rest = template.split_once(&format!("\n{name}:\n"));
        let section = rest.and_then(|(_, rest)| rest.split("\n\n").next());
        section.ok_or_else(|| format!("the template has no section {name}"))
    };
    let globals = section("Globals")?;
    let read = |name: &&str| {
        let mut words = globals.split(|it: char| !it.is_alphanumeric());
        words.any(|word| word == *name)
    };
    let names = section("Parameters")?
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let used: Vec<String> = names
        .filter(read)
        .map(|name| format!("!Ref {name}"))
        .collect();
    let used = used.join(", ");
    Ok(format!(
        "PRISM_PARAMETERS: {{'Fn::ToJsonString': [{used}]}}\n"
    ))
}

/// The time limit of a step's Task.
fn limit(states: &Value, step: &str) -> Option<u64> {
    let inner = |state: &Value| limit(&state["ItemProcessor"]["States"], step);
    let own = states[step]["TimeoutSeconds"].as_u64();
    own.or_else(|| states.as_object()?.values().find_map(inner))
}

/// What a step does: the first sentence of its file, which begins with its name.
fn description(step: &str) -> Outcome<String> {
    let name = format!("functions/src/steps/{}.rs", snake_case(step));
    let text = read(&root().join(&name))?;
    let head: Vec<&str> = text
        .lines()
        .map_while(|it| it.strip_prefix("//! "))
        .collect();
    let head = head.join(" ");
    let sentence = head.split(". ").next().unwrap_or_default();
    let told = sentence.trim_end_matches('.').strip_prefix(step);
    let told = told.and_then(|told| told.strip_prefix(": "));
    let told = told.ok_or_else(|| format!("{name} does not begin with \"//! {step}: \""))?;
    let (first, rest) = told.split_at(1);
    Ok(quoted(&(first.to_uppercase() + rest)))
}
