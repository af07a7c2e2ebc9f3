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

/// The parts by their markers.
pub(super) fn parts(definition: &Value, template: &str) -> Outcome<Vec<(String, String)>> {
    let function = read(&root().join(FUNCTION))?;
    let statements = read(&root().join(STATEMENTS))?;
    let mut parts = settings::parts();
    let fill = |text: String, (key, part): &(String, String)| filled(TEMPLATE, &text, key, part);
    let template = parts.iter().try_fold(template.to_owned(), fill)?;
    let parameters = parameters(&template)?;
    let [mut functions, mut versions, mut invoked] = [const { String::new() }; 3];
    for step in steps::ALL {
        let timeout = limit(&definition["States"], step.name).unwrap_or(TASK_S) - EARLIER_S;
        let calls = indented(&policy(&statements, step.calls)?, &" ".repeat(12));
        functions += &function
            .replace("            CALLS\n", &calls)
            .replace("PARAMETERS\n", &parameters)
            .replace("DESCRIPTION", &description(step.name)?)
            .replace("TIMEOUT", &timeout.to_string())
            .replace("NAME", step.name);
        versions += &format!("{0}: !Ref {0}Function.Version\n", step.name);
        invoked += &format!("- !Sub ${{{}Function.Arn}}:*\n", step.name);
    }
    parts.extend([
        ("step-functions".to_owned(), functions),
        ("versions".to_owned(), versions),
        ("invoked".to_owned(), invoked),
        ("parameters".to_owned(), parameters),
    ]);
    for (handler, calls) in calls::HANDLERS {
        let policy = policy(&statements, calls)?;
        parts.push((format!("calls-of-{handler}"), policy));
    }
    Ok(parts)
}

/// The statements that allow these calls.
fn policy(statements: &str, calls: &[Call]) -> Outcome<String> {
    let mut needed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (statement, action) in calls.iter().flat_map(|call| call.statements()) {
        needed.entry(statement).or_default().insert(action);
    }
    let mut policy = String::new();
    for (name, rest) in statements
        .split("- Sid: ")
        .filter_map(|it| it.split_once('\n'))
    {
        if let Some(actions) = needed.remove(name) {
            let actions: String = actions.iter().map(|it| format!("    - {it}\n")).collect();
            let allowed = format!("  Effect: Allow\n  Action:\n{actions}  Resource:");
            policy += &format!(
                "- Sid: {name}\n{}",
                rest.replacen("  Resource:", &allowed, 1)
            );
        }
    }
    match needed.keys().next() {
        Some(name) => Err(format!("{STATEMENTS} has no statement {name}")),
        None => Ok(policy),
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
