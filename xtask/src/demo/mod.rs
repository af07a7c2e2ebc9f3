//! `demo`: plays a researcher's workflow with the real program on a new embedded cloud.
//!
//! It is the first example workflow of the requirements: launch an environment, customise it, save it, launch the saved
//! version, and find everything there again.

mod line;
mod stage;

use std::path::Path;
use std::time::Duration;

pub(crate) use line::Line;
use stage::Stage;

use crate::Outcome;
use crate::shell::{self, root};

/// How many times faster than real time the cloud runs. With this, the demo takes under half a minute; much faster, the
/// run time of the commands themselves would show in the measured downtime.
const SPEED: u32 = 8;
const PACKAGE: (&str, &str) = ("obspy", "1.4.1");
const KERNEL: &str = "seismic";
const STATIONS: &str = "\
network,station,latitude,longitude
CI,PASC,34.1714,-118.1852
CI,SBC,34.4408,-119.7149
BK,CMB,38.0346,-120.3865
";

pub(crate) fn run() -> Outcome {
    let program = shell::build(&["--workspace", "--bin", "prism"])?;
    let folder = tempfile::Builder::new()
        .prefix("prism-demo-")
        .tempdir()
        .map_err(|error| format!("no temporary folder: {error}"))?;
    shell::write(&folder.path().join("stations.csv"), STATIONS)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the demo cannot be set up: {error}"))?;

    let played = runtime.block_on(async {
        let stage = Stage::new(&program, folder.path());
        tokio::select! {
            played = play(&stage) => played,
            problem = stage::interrupted() => Err(problem),
        }
    });
    // Tasks of the runtime reap the child process after an interrupt.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let removed = folder
        .close()
        .map_err(|error| format!("the temporary folder stays: {error}"));
    played?;
    removed?;
    close(&program);
    Ok(())
}

async fn play(stage: &Stage) -> Outcome {
    stage.say(&format!(
        "A new embedded cloud, in a folder of its own. Its clock runs at {SPEED} times the normal speed."
    ));
    stage.run(&format!("prism local speed {SPEED}")).await?;
    stage.say("Start with a built-in template.");
    stage
        .run("prism launch python-ml earthquake-analysis")
        .await?;
    customise(stage).await?;
    save(stage).await?;
    stage.say("Launch a new project from the saved environment, on a machine with a GPU.");
    stage
        .run("prism launch seismic-ml-environment aftershock-prediction --size GPU-L")
        .await?;
    find_again(stage).await
}

async fn customise(stage: &Stage) -> Outcome {
    stage.say("Customise it: seismic packages, a folder with data, a kernel for Jupyter.");
    let (package, version) = PACKAGE;
    for command in [
        &format!("pip install {package}=={version} torch"),
        "sudo apt-get install -y gmt",
        "mkdir -p data",
        "tee data/stations.csv < stations.csv",
        &format!("jupyter kernelspec install kernels/{KERNEL} --name {KERNEL}"),
    ] {
        stage
            .run(&format!("prism exec earthquake-analysis -- {command}"))
            .await?;
    }
    Ok(())
}

async fn save(stage: &Stage) -> Outcome {
    stage.say("Save it. It is down until its snapshots have begun, not until the AMI is complete.");
    stage
        .run(
            "prism save earthquake-analysis seismic-ml-environment \\\n    \
             --description \"ML environment optimized for seismic data analysis\"",
        )
        .await?;
    stage.say("What the save did and when, by the cloud's clock.");
    let saves = stage.output("prism saves list").await?;
    let id = saves
        .split_whitespace()
        .find(|word| word.starts_with("save-"))
        .ok_or("\"prism saves list\" shows no save")?;
    stage.run(&format!("prism saves show {id}")).await?;
    stage.say("The instance runs as before, and there is a new template.");
    let list = stage.output("prism list").await?;
    expect(
        list.lines()
            .any(|line| line.starts_with("earthquake-analysis ") && line.contains(" running ")),
        "\"prism list\" does not show earthquake-analysis running",
    )?;
    stage.run("prism template list").await?;
    stage
        .run("prism template show seismic-ml-environment")
        .await
}

async fn find_again(stage: &Stage) -> Outcome {
    stage.say("It has everything: the packages, the data, the kernel.");
    let (package, version) = PACKAGE;
    let packages = stage
        .output("prism exec aftershock-prediction -- pip list")
        .await?;
    let found = packages.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words == [package, version]
    });
    expect(
        found,
        &format!("{package} {version} is not in the saved environment"),
    )?;
    let data = stage
        .output("prism exec aftershock-prediction -- cat data/stations.csv")
        .await?;
    expect(data == STATIONS, "data/stations.csv is not as it was saved")?;
    let kernels = stage
        .output("prism exec aftershock-prediction -- jupyter kernelspec list")
        .await?;
    let found = kernels
        .lines()
        .any(|line| line.split_whitespace().next() == Some(KERNEL));
    expect(
        found,
        &format!("the kernel {KERNEL} is not in the saved environment"),
    )
}

fn expect(holds: bool, otherwise: &str) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn close(program: &Path) {
    let program = program.strip_prefix(root()).map_or_else(
        |_| program.display().to_string(),
        |inside| format!("$PWD/{}", inside.display()),
    );
    println!(
        "\n\
         Shown: a customised instance was saved as a template and runs again; an instance launched\n\
         from the template has its packages, its data and its kernel. The demo's cloud is removed.\n\
         \n\
         Next, by hand:\n  \
         alias prism=\"{program}\"\n  \
         prism local speed 20\n  \
         prism launch python-ml my-research\n  \
         prism save --help"
    );
}
