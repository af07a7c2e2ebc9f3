//! Generates `docs/sensitive-files.md` from the catalogue of sensitive files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use prism_functions::domain::sensitive::{CATALOGUE, CHECKED, HOMES, markdown};
use serde_json::{Value, json};

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from functions/src/domain/sensitive/catalogue.rs. Change it there. -->

# Sensitive files

What was perhaps not meant for whoever a template is shown to ([access](access.md#showing-data-to-more-people)), by where the
documentation of each tool says that it keeps it. `~` is the home folder of any user, `**` any folders, `*` any part of a name.
Where the consent is \"needed\", such a file is shown to more people with `--publish-sensitive` alone; where it is \"told\", it is
named. Only paths are looked at, never what is in a file. Tools that keep their secrets elsewhere, or in the environment alone, are not
in it: an empty list is no proof.

";

const LOOKED_UP: &str = "\
The paths of Anaconda, Anthropic, Azure, Comet, DNAnexus, the EGA, Globus, HTCondor, iRODS, Kaggle, MLflow, Nextflow, OpenAI,
RStudio, Synapse, Systems Manager and VS Code were looked up in public documents on";

const INVENTORY: &str = "
## On AWS

Instances tell of these files by Systems Manager's inventory, once the association that gathers it lists them: as the parameter
`files` of the document `AWS-GatherSoftwareInventory`. The agent stops at its own limits of files and folders, and what it has
not listed since a file was made is not known.

```json
";

pub(super) fn document() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(
        text,
        "{LOOKED_UP} {CHECKED}; the other sources were not read again then.\n"
    );
    text.push_str(&markdown());
    text.push_str(INVENTORY);
    let lines: Vec<String> = inventory().iter().map(Value::to_string).collect();
    let _ = writeln!(text, "[\n  {}\n]\n```", lines.join(",\n  "));
    text
}

/// The `aws:application` inventory parameters: the names of the files by folder.
fn inventory() -> Vec<Value> {
    let mut folders: BTreeMap<(&str, bool), BTreeSet<&str>> = BTreeMap::new();
    for entry in CATALOGUE {
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", entry.path));
        if folder.starts_with(['~', '*']) {
            for home in HOMES {
                let home = home.trim_end_matches("/*");
                folders.entry((home, true)).or_default().insert(name);
            }
        } else {
            let fixed = folder.split_once("/*").map(|(fixed, _)| fixed);
            let key = (fixed.unwrap_or(folder), fixed.is_some());
            folders.entry(key).or_default().insert(name);
        }
    }
    let each = folders.into_iter().map(|((path, recursive), names)| {
        json!({ "Path": path, "Pattern": names, "Recursive": recursive })
    });
    each.collect()
}
