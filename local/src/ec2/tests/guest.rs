//! Commands on an instance, and that an image captures exactly their results.

use futures::executor::block_on;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::{ImageId, InstanceId, catalogue, first_boot};
use prism_functions::ports::{ImageState, Parameters};

use super::{World, account, launch};
use crate::ec2::{GuestError, GuestOutput, Settings};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn run_with(w: &World, id: &InstanceId, line: &str, stdin: &[u8]) -> GuestOutput {
    let guest = w.cloud.guest(account('1'), w.region.clone(), id.clone());
    guest.run(&words(line), stdin).unwrap()
}

fn run(w: &World, id: &InstanceId, line: &str) -> GuestOutput {
    run_with(w, id, line, b"")
}

fn said(w: &World, id: &InstanceId, line: &str) -> String {
    let output = run(w, id, line);
    assert_eq!(output.exit_code, 0, "{line}: {}", output.stderr);
    output.stdout
}

#[test]
fn commands_change_the_disk_and_print_what_they_did() {
    let w = World::new();
    let id = w.running();
    said(&w, &id, "pip install -q numpy==1.26.4 obspy seaborn>=0.13");
    assert_eq!(
        said(&w, &id, "pip freeze"),
        "numpy==1.26.4\nobspy==1.4.1\nseaborn==0.13.2\n"
    );
    said(&w, &id, "sudo apt-get -y install r-base");
    assert!(said(&w, &id, "apt list --installed").contains("r-base"));
    said(&w, &id, "conda install -y -c conda-forge pytorch=2.4.0");
    assert!(said(&w, &id, "conda list").contains("2.4.0"));
    let r = [
        "R",
        "-e",
        "install.packages(c(\"tidyverse\", 'ggplot2'), repos='x')",
    ];
    let r: Vec<String> = r.map(str::to_owned).to_vec();
    let guest = w.cloud.guest(account('1'), w.region.clone(), id.clone());
    assert_eq!(guest.run(&r, b"").unwrap().exit_code, 0);

    said(&w, &id, "mkdir -p work/data");
    assert_eq!(
        run_with(&w, &id, "tee work/data/a.csv", b"1,2\n").stdout,
        "1,2\n"
    );
    run_with(&w, &id, "tee -a ~/work/data/a.csv", b"3,4\n");
    assert_eq!(
        said(&w, &id, "cat /home/ubuntu/work/../work/data/a.csv"),
        "1,2\n3,4\n"
    );
    assert_eq!(said(&w, &id, "ls work"), "data\n");
    assert!(said(&w, &id, "ls -l work/data").contains("8 a.csv"));
    said(&w, &id, "rm -r work");
    assert_eq!(run(&w, &id, "cat work/data/a.csv").exit_code, 1);
    said(&w, &id, "jupyter kernelspec install . --name seismic");
    assert_eq!(said(&w, &id, "jupyter kernelspec list"), "seismic\n");
    assert_eq!(said(&w, &id, "uname -m"), "x86_64\n");
    assert_eq!(said(&w, &id, "whoami"), "ubuntu\n");
    assert!(said(&w, &id, "hostname").starts_with("ip-10-"));
    assert!(said(&w, &id, "df -h").contains("8.0G"));
}

#[test]
fn a_refused_command_lists_the_supported_ones() {
    let w = World::new();
    let id = w.running();
    let refused = run(&w, &id, "vim notes.txt");
    assert_eq!(refused.exit_code, 127);
    assert!(
        refused.stderr.contains("simulated disk"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("pip install"), "{}", refused.stderr);
    assert_eq!(run(&w, &id, "pip uninstall numpy").exit_code, 2);
    assert_eq!(run(&w, &id, "dnf install git").exit_code, 127);
    assert_eq!(run(&w, &id, "").exit_code, 2);
    let hostile = run(&w, &id, "pip install $(reboot)");
    assert_eq!(hostile.exit_code, 1);
}

#[test]
fn a_disk_has_limits() {
    let w = World::new();
    let id = w.running();
    let large = vec![b'x'; 5 << 20];
    let refused = run_with(&w, &id, "tee big", &large);
    assert_eq!(refused.exit_code, 1);
    assert!(refused.stderr.contains("at most"), "{}", refused.stderr);
    // 8 GiB, of which 2 are in use: the toolkit's 6.2 do not fit.
    let refused = run(&w, &id, "apt-get install -y cuda-toolkit");
    assert!(
        refused.stderr.contains("No space left"),
        "{}",
        refused.stderr
    );
    let odd = [0_u8, 255, 10];
    run_with(&w, &id, "tee odd", &odd);
    assert_eq!(said(&w, &id, "ls"), "odd\n");
}

#[test]
fn only_a_running_instance_runs_commands() {
    let w = World::new();
    let id = w.stopped();
    let guest = |digit| w.cloud.guest(account(digit), w.region.clone(), id.clone());
    let stopped = guest('1').run(&words("ls"), b"").unwrap_err();
    assert!(matches!(stopped, GuestError::NotRunning { .. }));
    assert!(stopped.to_string().contains("stopped"));
    let stranger = guest('2').run(&words("ls"), b"").unwrap_err();
    assert!(matches!(stranger, GuestError::NotFound(_)));
}

#[test]
fn an_image_holds_what_was_there_and_costs_what_changed() {
    let w = World::new();
    let id = w.running();
    said(&w, &id, "pip install obspy");
    run_with(&w, &id, "tee notes", b"kept");
    w.stop_fully(&id);
    let image = w.image_of(&id, "customised").unwrap();
    w.wait(3);
    w.start_fully(&id);
    // Written after the snapshot's moment, while the image is still pending.
    said(&w, &id, "pip install torch");
    run_with(&w, &id, "tee notes", b"changed");
    assert_eq!(w.image(&image).state, ImageState::Pending);
    w.wait(600);
    let copy = w.run(&launch(&image, "")).unwrap().id;
    w.wait(15);
    assert_eq!(said(&w, &copy, "pip freeze"), "obspy==1.4.1\n");
    assert_eq!(said(&w, &copy, "cat notes"), "kept");
    let full = w.snapshots("customised")[0].full_size_bytes.unwrap();
    assert_eq!(full, (2 << 30) + (40 << 20) + 4);
}

#[test]
fn a_stop_erases_the_instance_store_and_no_image_has_it() {
    let w = World::new();
    let id = w.running();
    w.admin
        .edit(&id, |f| f.instance_type = "m5d.large".to_owned())
        .unwrap();
    run_with(&w, &id, "tee /mnt/instance-store/scratch", b"gone");
    run_with(&w, &id, "tee notes", b"kept");
    assert_eq!(said(&w, &id, "cat /mnt/instance-store/scratch"), "gone");
    let volume = w.instance(&id).volumes[0].volume.clone();
    let files = w.admin.disk_of_volume(&volume).unwrap().files;
    assert_eq!(files.keys().collect::<Vec<_>>(), ["/home/ubuntu/notes"]);
    w.stop_fully(&id);
    w.start_fully(&id);
    assert_eq!(run(&w, &id, "cat /mnt/instance-store/scratch").exit_code, 1);
    assert_eq!(said(&w, &id, "cat notes"), "kept");
}

#[test]
fn cloud_config_is_applied_once_at_the_first_boot() {
    let w = World::with(Settings::instant());
    let parameter = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/ami-id";
    let image = block_on(w.ec2.image(&w.region, parameter)).unwrap();
    let mut new = launch(&image, "");
    let user_data = "#cloud-config\npackages:\n  - git\n  - [r-base, 4.3.3]\nhostname: x\nruncmd:\n  \
                     - pip install numpy 'jupyterlab==4.3.1' && mkdir -p /srv/data\n  - [systemctl, restart, x]\n";
    new.user_data = Some(user_data.to_owned());
    let id = w.run(&new).unwrap().id;
    assert_eq!(
        said(&w, &id, "pip freeze"),
        "jupyterlab==4.3.1\nnumpy==2.1.3\n"
    );
    assert!(said(&w, &id, "apt list").contains("r-base/now 4.3.3"));
    assert_eq!(said(&w, &id, "ls /srv"), "data\n");
    assert!(said(&w, &id, "cat /var/log/cloud-init-output.log").contains("systemctl"));
    let events = w.cloud.events_of(id.as_str()).unwrap();
    let last = events.last().unwrap().what.clone();
    assert_eq!(last, "cloud-init: 4 commands, 1 failed");
    for odd in [
        "#!/bin/sh\nreboot",
        "#cloud-config\n{[",
        "#cloud-config\npackages: 7",
    ] {
        let mut new = launch(&image, "");
        new.user_data = Some(odd.to_owned());
        let id = w.run(&new).unwrap().id;
        assert_eq!(said(&w, &id, "pip freeze"), "");
    }
}

#[test]
fn the_setup_of_a_built_in_template_leaves_its_outcome() {
    let w = World::with(Settings::instant());
    let python = catalogue::find("python-ml").unwrap();
    let parameter = python.parameter(Architecture::X86_64);
    let image = block_on(w.ec2.image(&w.region, &parameter)).unwrap();
    let launched = |user_data: String| {
        let mut new = launch(&image, "");
        new.user_data = Some(user_data);
        let id = w.run(&new).unwrap().id;
        let told = said(&w, &id, &format!("cat {}", catalogue::SETUP_FILE));
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["instance_id"], id.as_str());
        (id, told)
    };
    let user_data = python.user_data().unwrap();
    let (id, told) = launched(user_data.clone());
    assert_eq!(told["state"], "ready");
    for package in python.pip {
        assert!(said(&w, &id, "pip freeze").contains(package), "{package}");
    }
    let (id, told) = launched(user_data.replace("build-essential", "cuda-toolkit"));
    assert_eq!(
        (&told["state"], said(&w, &id, "pip freeze")),
        (&"failed".into(), String::new())
    );
    assert!(
        told["step"]
            .as_str()
            .unwrap()
            .starts_with("apt-get install")
    );
    assert!(told["output"].as_str().unwrap().contains("No space left"));
}

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[test]
fn keys_are_for_the_default_user_and_replace_those_of_an_earlier_launch() {
    let w = World::with(Settings::instant());
    let parameter = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/ami-id";
    let image = block_on(w.ec2.image(&w.region, parameter)).unwrap();
    let launched = |image: &ImageId, saved: bool, comment: &str| {
        let key = format!("{KEY} {comment}").parse().unwrap();
        let mut new = launch(image, "");
        new.user_data = first_boot::user_data(None, saved, [&key]).unwrap();
        w.run(&new).unwrap().id
    };
    let read = |id: &InstanceId| said(&w, id, "cat .ssh/authorized_keys");
    let first = launched(&image, false, "first");
    assert_eq!(read(&first), format!("{KEY} first{}\n", first_boot::MARK));
    let by_hand = format!("{KEY} by-hand\n");
    let add = ["tee", "-a", ".ssh/authorized_keys"].map(str::to_owned);
    let guest = w.cloud.guest(account('1'), w.region.clone(), first.clone());
    guest.run(&add, by_hand.as_bytes()).unwrap();
    assert_eq!(guest.file("nothing").unwrap(), None);
    let saved = w.image_of(&first, "saved").unwrap();
    let second = launched(&saved, true, "second");
    let expected = format!("{by_hand}{KEY} second{}\n", first_boot::MARK);
    assert_eq!(read(&second), expected);
}

#[test]
fn user_data_has_a_limit() {
    let w = World::with(Settings::instant());
    let parameter = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/ami-id";
    let image = block_on(w.ec2.image(&w.region, parameter)).unwrap();
    let sized = |bytes: usize| {
        let mut new = launch(&image, "");
        new.user_data = Some("#".repeat(bytes));
        w.run(&new)
    };
    assert!(sized(first_boot::USER_DATA_BYTES).is_ok());
    super::assert_refused(
        sized(first_boot::USER_DATA_BYTES + 1),
        "InvalidParameterValue",
    );
}
