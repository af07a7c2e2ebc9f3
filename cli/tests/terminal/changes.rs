//! The same for commands that change something: each width has its own copy of a cloud, on which they are run in order.

use std::fs;
use std::path::Path;

use super::common::{Answer, Prism};
use super::{BOX, ENDLESS, ENV, GPU, PROJECT, SCHEDULE, WIDTHS, check, furnished};

/// The commands in their order. A `!` stands before one that fails. Those that wait are quiet: their progress differs
/// from run to run.
const CHANGES: &[&str] = &[
    "local speed 1000",
    "--quiet launch ENV velocity-model-of-the-san-andreas-fault",
    "extend BOX --for 3w --last-save ENV",
    "list",
    "show BOX",
    "extend BOX --never",
    "project end PROJECT --on DATE --last-save",
    "project end PROJECT --never",
    "--quiet stop GPU",
    "--quiet start GPU",
    "resize GPU --size GPU-XL --dry-run",
    "--quiet resize GPU --size GPU-XL --yes",
    "--quiet rename GPU aftershock-prediction-with-a-larger-gpu",
    "--quiet rename aftershock-prediction-with-a-larger-gpu GPU",
    "project create slip-rates-of-southern-california --description Slip-rates",
    "project edit PROJECT --description Faults --largest-size XL --instances-per-member 9 --hours-per-month 200",
    "project delete slip-rates-of-southern-california --yes",
    "project member add PROJECT erin@university.edu fay --role viewer",
    "project member add PROJECT gil --group laboratory-of-seismology --dry-run",
    "project member remove PROJECT fay",
    "project group add PROJECT laboratory-of-seismology bob carol@university.edu",
    "project group list PROJECT",
    "project group remove PROJECT laboratory-of-seismology bob",
    "project link create PROJECT --uses 60 --until DATE --group laboratory-of-seismology",
    "project link list PROJECT",
    "--as dan project join CODE --dry-run",
    "--as dan project join CODE",
    "project link revoke PROJECT LINK",
    "project launch PROJECT ubuntu --for-each-member --dry-run",
    "--quiet project launch PROJECT ubuntu --for-each-member --yes",
    "list --project PROJECT",
    "project budget PROJECT --limit 60 --alert 50,80 --hard-stop",
    "project approve PROJECT ENV --withdraw",
    "project costs PROJECT --history",
    "--quiet save BOX my-own-seismic-environment --yes",
    "project share-template PROJECT my-own-seismic-environment",
    "--quiet template copy my-own-seismic-environment --copy-to eu-west-1",
    "template export my-own-seismic-environment -o FILE",
    "template import FILE --name seismic-environment-of-another-group",
    "template unshare my-own-seismic-environment --project PROJECT",
    "--quiet template delete my-own-seismic-environment@1 --yes --force",
    "template share ENV --user erin@university.edu",
    "template unshare ENV --user erin@university.edu",
    "template edit ENV --notes Tested-with-the-data-of-2026",
    "template deprecate ENV --replaced-by seismic-environment-of-another-group",
    "template restore ENV",
    "template rollback ENV 1",
    "schedule create BOX ENV --name weekly-seismic-environment --rate 7d --keep 3 --project PROJECT",
    "schedule edit SCHEDULE --keep 3",
    "schedule pause SCHEDULE",
    "schedule resume SCHEDULE",
    "--quiet schedule run SCHEDULE",
    "schedule show SCHEDULE",
    "schedule delete weekly-seismic-environment",
    "notify set --on save.failed,budget.crossed --desktop",
    "notify set --webhook http://127.0.0.1:9/hook",
    "notify test",
    "notify off",
    "key remove FINGERPRINT",
    "key add KEY",
    "local alter GPU --stop-protection on",
    "local speed 0.1",
    "save BOX ENV --no-wait --yes",
    "saves recover SAVE",
    "saves cancel SAVE",
    "local speed 1000",
    "!--quiet saves watch SAVE",
    "saves show SAVE",
    "--quiet terminate BOX --yes",
    "configure --local --name seismology-on-this-machine",
];
/// The last ones: the first of them is for a home that has lost its registry.
const REPAIRS: &[&str] = &["local adopt --yes", "local reset --yes"];

/// The commands, each as its arguments.
pub(super) fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = CHANGES.iter().chain(REPAIRS);
    lines.map(|line| line.trim_start_matches('!').split(' ').collect())
}

/// A cloud for the terminals of one width.
struct Copied {
    width: u16,
    prism: Prism,
    names: Vec<(&'static str, String)>,
}

impl Copied {
    fn of(home: &Path, width: u16, known: &[(&'static str, String)]) -> Self {
        let prism = Prism::empty();
        copy(home, prism.home());
        let path = |file: &str| prism.home().join(file).display().to_string();
        let mut names = known.to_vec();
        names.push(("KEY", path("key.pub")));
        names.push(("FILE", path("template.yaml")));
        Self {
            width,
            prism,
            names,
        }
    }

    fn run(&self, line: &str) -> Answer {
        let save = || {
            let saves = self.prism.ok(&["saves", "list", "--format", "ids"]);
            saves.lines().next().unwrap().to_owned()
        };
        let name = |word: &str| match self.names.iter().find(|(name, _)| *name == word) {
            Some((_, value)) => value.clone(),
            None if word == "SAVE" => save(),
            None => word.to_owned(),
        };
        let words: Vec<String> = line.trim_start_matches('!').split(' ').map(name).collect();
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let config = self.prism.home().join("config.toml");
        let variables = [("PRISM_CONFIG", config.to_str().unwrap())];
        let answer = self.prism.on_terminal_with(self.width, &args, &variables);
        let fails = i32::from(line.starts_with('!'));
        assert_eq!(answer.code, fails, "{line}: {}", answer.stdout);
        answer
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// The beginning of the random name of a temporary folder, and how much follows.
const TEMPORARY: (&str, usize) = (".tmp", 6);

/// A word without what differs between two copies: the digits of random IDs and of prices, but not how many they are.
fn same(word: &str) -> String {
    if let Some((before, name)) = word.split_once(TEMPORARY.0) {
        return format!("{before}{}", &name[TEMPORARY.1..]);
    }
    if let Some((before, amount)) = word.split_once('$') {
        let (dollars, rest) = amount.split_once('.').unwrap_or((amount, ""));
        let shape = |digits: &str| digits.replace(|c: char| c.is_ascii_digit(), "#");
        let dollars = if dollars.is_empty() { "" } else { "#" };
        return format!("{before}${dollars}.{}", shape(rest));
    }
    let parts = word.split(['-', '_']).map(|part| {
        let hex = part.chars().take_while(char::is_ascii_hexdigit).count();
        match hex {
            0..8 => part.to_owned(),
            _ => format!("<{hex}>{}", &part[hex..]),
        }
    });
    parts.collect::<Vec<_>>().join("-")
}

#[test]
fn no_width_breaks_what_a_change_says() {
    let (prism, _) = furnished();
    let now = prism.ok(&["local", "show", "--format", "now"]);
    let today: chrono::NaiveDate = now[..10].parse().unwrap();
    let date = (today + chrono::Days::new(300)).to_string();
    let link = ["project", "link", "create", PROJECT, "--uses", "60"];
    let link = [&link[..], &["--until", &date, "--json"]].concat();
    let link = prism.run(&link).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let fingerprint = prism.ok(&["key", "list", "--format", "ids"]);
    let names = [
        ("BOX", BOX.to_owned()),
        ("GPU", GPU.to_owned()),
        ("ENV", ENV.to_owned()),
        ("PROJECT", PROJECT.to_owned()),
        ("SCHEDULE", SCHEDULE.to_owned()),
        ("DATE", date),
        ("LINK", text(&link["link"]["id"])),
        ("CODE", text(&link["code"])),
        ("FINGERPRINT", fingerprint.trim().to_owned()),
    ];
    let of = |width| Copied::of(prism.home(), width, &names);
    let (endless, copies) = (of(ENDLESS), WIDTHS.map(of));
    let compare = |line: &&str| {
        let whole = endless.run(line).stdout;
        let args: Vec<&str> = line.split(' ').collect();
        for copied in &copies {
            let shown = copied.run(line).stdout;
            check(&args, copied.width, &whole, &shown, same);
        }
    };
    CHANGES.iter().for_each(compare);
    for copied in copies.iter().chain([&endless]) {
        fs::remove_file(copied.prism.home().join("registry.db")).unwrap();
    }
    REPAIRS.iter().for_each(compare);
}

#[test]
fn an_id_or_a_price_that_is_broken_is_another_word() {
    assert_eq!(same("save-0123456789abcdef0123:"), "save-<20>:");
    assert_ne!(same("save-0123456789abcdef0123"), same("save-0123456789"));
    assert_eq!(same("$12.34"), same("$5.67"));
    assert_ne!(same("$0.0832"), same("$0.08"));
    assert_ne!(same("prism_0123456789abcdef"), same("prism_0123456789"));
    assert_eq!(same(BOX), BOX);
}
