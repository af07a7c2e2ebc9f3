//! The workflows of researchers, as they appear on the terminal.

mod common;

use common::{FAST, Prism, SERVED, settings, without_costs};
use serde_json::json;

/// Launches, customises and saves. Returns the output.
fn preserve(prism: &Prism) -> String {
    let mut text = prism.told(&["launch", "python-ml", "earthquake-analysis"]);
    let exec = ["exec", "earthquake-analysis", "--"];
    text += &prism.told(&[&exec[..], &["pip", "install", "obspy"]].concat());
    let tee = [&exec[..], &["tee", "notes.txt"]].concat();
    assert_eq!(prism.piped("M 6.1, 12 km deep\n", &tee).code, 0);
    let saved = prism.told(&[
        "save",
        "earthquake-analysis",
        "seismic-ml-environment",
        "--description",
        "ML environment optimized for seismic data analysis",
        "--region",
        "us-west-2,eu-west-1",
        "--yes",
    ]);
    assert!(!saved.contains("[exit"), "the save failed:\n{saved}");
    text + &saved
}

/// Only users of the embedded cloud itself are told to continue with "prism exec". Users of a server are told to
/// connect, which these tests treat as the same.
fn logged_in_by_exec(text: &str) -> String {
    let mut launched = "";
    let lines = text.split_inclusive('\n').map(|line| {
        if line.ends_with(" is running.\n") {
            launched = line.split(' ').next().unwrap_or_default();
        }
        if SERVED && line.starts_with("Next: prism connect i-") {
            return format!("Next: prism exec {launched} -- pip install PACKAGE\n");
        }
        line.to_owned()
    });
    lines.collect()
}

#[test]
fn preserve_an_environment_and_launch_it_again() {
    let prism = Prism::new(FAST);
    let mut text = preserve(&prism);
    let launch = ["launch", "seismic-ml-environment", "aftershock-prediction"];
    text += &prism.told(&[&launch[..], &["--size", "GPU-L"]].concat());
    let exec = ["exec", "aftershock-prediction", "--"];
    text += &prism.told(&[&exec[..], &["pip", "list"]].concat());
    text += &prism.told(&[&exec[..], &["cat", "notes.txt"]].concat());
    let text = logged_in_by_exec(&text);
    settings().bind(|| {
        insta::assert_snapshot!(text, @r#"
        $ prism launch python-ml earthquake-analysis
        earthquake-analysis (i-0) is running.
          template    python-ml
          region      us-east-1
          zone        us-east-1a
          type        t3.large (x86_64)
          price       $0.0832 per hour
          volumes     /dev/sda1 (30 GiB)
          address     ADDRESS
          log in as   ubuntu
        $ prism exec earthquake-analysis -- pip install obspy
        installed obspy 1.4.1 (40 MB)
        $ prism save earthquake-analysis seismic-ml-environment --description ML environment optimized for seismic data analysis --region us-west-2,eu-west-1 --yes
        earthquake-analysis is saved as seismic-ml-environment@1.
          downtime    DURATION
          AMIs        eu-west-1  ami-0
                      us-east-1  ami-0
                      us-west-2  ami-0
          cost        at most $0.38 a month (prices of us-east-1)
          visible to  only you; share it: prism template share seismic-ml-environment
        $ prism launch seismic-ml-environment aftershock-prediction --size GPU-L
        aftershock-prediction (i-0) is running.
          template    seismic-ml-environment@1
          region      us-east-1
          zone        us-east-1b
          type        g5.2xlarge (x86_64)
          price       $1.2120 per hour
          volumes     /dev/sda1 (30 GiB)
          address     ADDRESS
          log in as   ubuntu
        $ prism exec aftershock-prediction -- pip list
        jupyterlab               4.3.1
        matplotlib               3.9.2
        numpy                    2.1.3
        obspy                    1.4.1
        pandas                   2.2.3
        scikit-learn             1.5.2
        $ prism exec aftershock-prediction -- cat notes.txt
        M 6.1, 12 km deep
        "#);
    });
}

#[test]
fn what_a_preserved_environment_tells_of_itself() {
    let prism = Prism::new(FAST);
    preserve(&prism);
    let mut text = String::new();
    for line in [
        &["list"][..],
        &["templates", "--mine"],
        &["template", "info", "seismic-ml-environment"],
        &["template", "export", "seismic-ml-environment"],
        &["saves", "list"],
    ] {
        text += &prism.told(line);
    }
    settings().bind(|| {
        insta::assert_snapshot!(text, @r#"
        $ prism list
        NAME                 STATE            TYPE      ZONE        TEMPLATE   ADDRESS  SINCE                    PER HOUR  THIS MONTH  ID                   SAVE
        earthquake-analysis  running (ready)  t3.large  us-east-1a  python-ml  ADDRESS  TIME  PRICE  COST  i-0  -
        $ prism templates --mine
        NAME                    VERSION  OWNER  VISIBILITY  PROJECT  ARCH    UPDATED     LAUNCHES  DESCRIPTION
        seismic-ml-environment  1        alice  private     -        x86_64  DATE  0  ML environment optimized for seismic data analysis
        $ prism template info seismic-ml-environment
        seismic-ml-environment@1
          purpose     ML environment optimized for seismic data analysis
          owner       alice
          visibility  private
          source      saved from the instance earthquake-analysis (i-0)
          saved       by alice at TIME
          original    python-ml
          parent      python-ml
          packages    10 are known: show them with --packages
          AMIs        eu-west-1  x86_64  ami-0
                      us-east-1  x86_64  ami-0
                      us-west-2  x86_64  ami-0
          type        t3.large
          volumes     /dev/sda1 (30 GiB)
          snapshots   2.6 GiB in each Region
          cost        at most $0.38 a month (prices of us-east-1)
          log in as   ubuntu
          open ports  22
          launches    none yet

        Versions:
             1  TIME  from earthquake-analysis by alice
        $ prism template export seismic-ml-environment
        name: seismic-ml-environment
        description: ML environment optimized for seismic data analysis
        source: saved-from-instance
        original_template: python-ml
        saved_from: earthquake-analysis
        saved_by: alice
        saved_date: "TIME"
        ami_config:
          amis:
            eu-west-1:
              x86_64: ami-0
            us-east-1:
              x86_64: ami-0
            us-west-2:
              x86_64: ami-0
        format: 2
        launch:
          login: ubuntu
          ports:
          - 22
          architecture: x86_64
          machines:
            x86_64:
              instance_type: t3.large
              root_size_gib: 30
        $ prism saves list
        SAVE                       STATE      INSTANCE             TEMPLATE                  DOWNTIME  BEGAN                    SCHEDULE
        save-0  succeeded  earthquake-analysis  seismic-ml-environment@1  DURATION  TIME  -
        "#);
    });
}

#[test]
fn the_story_of_a_save_and_its_refusal() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "box-env", "-y"]);
    let list = prism.run(&["saves", "list", "--json"]).json();
    let id = list["saves"][0]["save_id"].as_str().unwrap();
    let mut text = prism.told(&["saves", "status", id]);
    prism.ok(&["local", "alter", "box", "--stop-protection", "on"]);
    text.push_str(&prism.told(&["save", "box", "box-env"]));
    settings().bind(|| {
        insta::assert_snapshot!(text, @r#"
        $ prism saves status save-0
        save-0: box as box-env@1 succeeded
          requested   by alice at TIME
          region      us-east-1
          step        Finishing (CompleteSave)
          instance    box is running again; it was down for DURATION.
          AMIs        us-east-1  ami-0
          size        2.0 GiB
          cost        at most $0.10 a month

        Timeline:
          TIME  DURATION  Checking
          TIME  DURATION  Stopping the instance
          TIME  DURATION  Creating the AMI
          TIME  DURATION  Waiting until the snapshots have started
          TIME  DURATION  Starting the instance again
          TIME  DURATION  Completing the AMI; you can use the instance again
          TIME  DURATION  Registering the template
          TIME  DURATION  Finishing
          TIME  succeeded
        $ prism save box box-env
        error[StopProtected]: Stop protection is enabled for box (i-0).
        hint: Save it with --how reboot, which does not stop it. Otherwise: Disable it: aws ec2 modify-instance-attribute --no-disable-api-stop --region us-east-1 --instance-id i-0
        [exit 1]
        "#);
    });
}

#[test]
fn a_public_template_is_launched_by_others_and_a_private_one_is_not_there() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "bioinformatics", "my-genomics-work"]);
    prism.ok(&[
        "save",
        "my-genomics-work",
        "team-genomics-env",
        "--public",
        "-y",
    ]);
    prism.ok(&["save", "my-genomics-work", "my-own-env", "-y"]);
    prism.ok(&[
        "--as",
        "bob",
        "launch",
        "team-genomics-env",
        "variant-calling",
    ]);
    let launch = ["--as", "bob", "launch", "my-own-env", "mine"];
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    let save = [
        "--as",
        "bob",
        "save",
        "variant-calling",
        "team-genomics-env",
    ];
    assert_eq!(prism.refused(&save), ("TemplateNameTaken".to_owned(), 1));
    let bobs = prism.ok(&["--as", "bob", "templates"]);
    assert!(bobs.contains("team-genomics-env") && !bobs.contains("my-own-env"));
}

#[test]
fn a_save_as_json() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let args = [
        "save",
        "box",
        "box-env",
        "--region",
        "eu-west-1",
        "--tag",
        "grant=a=b",
        "--json",
    ];
    let saved = prism.run(&args).json();
    // The record as the API returns it, and what follows from it.
    let id = saved["save_id"].as_str().unwrap();
    let record = prism.run(&["saves", "show", id, "--json"]).json();
    for (key, value) in record.as_object().unwrap() {
        assert_eq!(&saved[key], value, "{key}");
    }
    assert_eq!(
        (&saved["instance"], &saved["template"]),
        (&json!("box"), &json!("box-env"))
    );
    assert_eq!(saved["visibility"], "private");
    assert_eq!(saved["failed_regions"], json!({}));
    assert_eq!(saved["state"], "succeeded");
    assert_eq!(saved["version"], 1);
    assert_eq!(saved["next_command"], "prism launch box-env NEW-NAME");
    assert!(saved["downtime_s"].as_f64().unwrap() > 0.0);
    let regions: Vec<&String> = saved["amis"].as_object().unwrap().keys().collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(record["request"]["tags"], json!({ "grant": "a=b" }));
    let info = prism.run(&["template", "info", "box-env", "--json"]).json();
    assert_eq!(info["versions"][0]["number"], 1);
}

#[test]
fn a_dry_run_changes_nothing() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let before = without_costs(&prism.ok(&["list", "--json"]));
    let plan = prism
        .run(&["save", "box", "box-env", "--dry-run", "--json"])
        .json();
    assert_eq!(plan["dry_run"], true);
    assert!(plan["plan"]["expected_downtime_s"].as_u64().unwrap() > 0);
    let text = prism.told(&["save", "box", "box-env", "--dry-run"]);
    settings().bind(|| {
        insta::assert_snapshot!(text, @r#"
        $ prism save box box-env --dry-run
        Saving box (i-0, running) as box-env@1:
          1. stop the instance
          2. start creating an AMI and wait until the snapshots of all volumes have begun
          3. start the instance again
          4. wait until the AMI is available, while the instance is in use
          5. register the template box-env for you
          downtime    about DURATION
          volumes     /dev/sda1 (10 GiB)
          cost        at most $0.50 a month
          warning: Its public address ADDRESS changes at the restart; private and Elastic IP addresses do not. To avoid this, save it with --how reboot: it is down for about a minute and its processes end, as with a stop, and EC2 does not show whether its operating system boots again.
        "#);
    });
    prism.ok(&["launch", "ubuntu", "other", "--dry-run"]);
    assert_eq!(without_costs(&prism.ok(&["list", "--json"])), before);
    assert_eq!(
        prism.run(&["saves", "list", "--json"]).json()["saves"],
        json!([])
    );
    assert!(!prism.ok(&["templates"]).contains("box-env"));
}

#[test]
fn an_instance_stops_starts_and_ends() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box", "--no-wait"]);
    prism.until("box", |instance| instance["state"] == "running");
    prism.ok(&["stop", "box"]);
    assert_eq!(prism.state("box"), "stopped");
    prism.ok(&["save", "box", "box-env"]);
    assert_eq!(prism.state("box"), "stopped");
    let started = prism.run(&["start", "box", "--json"]).json();
    assert_eq!(started["state"], "running");
    assert_eq!(
        prism.refused(&["terminate", "box"]),
        ("ConfirmationNeeded".to_owned(), 2)
    );
    prism.ok(&["terminate", "box", "--yes"]);
    let list = prism.run(&["list", "--json"]).json();
    assert_eq!(list["instances"], json!([]));
}
