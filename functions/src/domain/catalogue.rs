//! The built-in templates, which are the root of every lineage.
//!
//! Each built-in template resolves its base AMI from a public parameter of Systems Manager at launch, so that it
//! always uses the newest one, and is set up by cloud-init at the first boot. The parameter paths follow Canonical's
//! scheme for Ubuntu.
//!
//! # The notebook
//! The system's Python refuses `pip install` (PEP 668), so the Python packages are in a virtual environment,
//! `/opt/prism/venv`, which belongs to [`LOGIN`]. From there the unit `prism-notebook` runs JupyterLab at every boot, on
//! 127.0.0.1 and [`NOTEBOOK_PORT`] only: it is reached through a tunnel, and no port is open for it.
//!
//! It keeps Jupyter's token, because other local users and services can connect to 127.0.0.1 too, and all of its users
//! act as `LOGIN`, who may use sudo. The token changes at each start of the server, and is in [`NOTEBOOK_TOKEN`], in a
//! folder that only `LOGIN` can read. The folder is in memory and the journal never shows the token, so no AMI contains
//! it.
//!
//! # The outcome of the setup
//! It is in [`SETUP_FILE`] on the instance, an object of strings on one line:
//!
//! - `state`: `preparing`; `ready`, when the notebook has answered; or `failed`.
//! - `step`, `output`: the command that failed after its retries, and the end of what it printed. Otherwise empty.
//! - `instance_id`: the instance that the file describes. An AMI contains the file of the instance that was saved, so a
//!   reader must ignore a file with another instance's ID.
//! - `boot_id` and `at`: the boot, as `/proc/sys/kernel/random/boot_id` has it, and the time in UTC.
//!
//! The same is on the serial console, which `ec2:GetConsoleOutput` returns, in a line of its own that begins with
//! [`CONSOLE_MARK`]: `preparing`, `ready`, or `failed: STEP: OUTPUT`. The last such line counts. Anyone with root
//! access to the instance can write such a line, so a reader must only show it to the owner.
//!
//! The console begins again at each boot, so the unit `prism-setup` repeats the line: `ready` if the notebook answers
//! again, and `failed` if a restart has interrupted the setup. On an instance of a saved template, which has no user
//! data, it replaces the file by one about the new instance. A template without packages has neither file nor line.
//! EC2 keeps the last 64 KB of a console: at the first boot, what apt and pip print can have displaced `preparing`.

use super::ec2::Architecture;

/// A built-in template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// The name of the template.
    pub name: &'static str,
    /// The purpose of the template.
    pub description: &'static str,
    /// The Debian packages to install.
    pub apt: &'static [&'static str],
    /// The Python packages to install, JupyterLab among them.
    pub pip: &'static [&'static str],
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
}

/// The user name to log in with on Canonical's AMIs.
pub const LOGIN: &str = "ubuntu";

/// The TCP ports that are open to the deployment's launch networks, and to nobody if it has none.
pub const PORTS: &[u16] = &[22];

/// The port of 127.0.0.1 that the notebook listens on.
pub const NOTEBOOK_PORT: u16 = 8888;

/// The file with the notebook's token, without a line end.
pub const NOTEBOOK_TOKEN: &str = "/run/prism-notebook/token";

/// The script that the user data calls for each step of the setup.
pub const SETUP: &str = "/opt/prism/setup";

/// The file with the outcome of the setup.
pub const SETUP_FILE: &str = "/var/lib/prism/setup.json";

/// How the lines about the setup begin on the serial console.
pub const CONSOLE_MARK: &str = "prism-setup: ";

/// The files that the setup writes first: the path, the permissions and the contents.
const FILES: &[(&str, &str, &str)] = &[
    (SETUP, "0755", include_str!("catalogue/setup.sh")),
    (
        "/etc/systemd/system/prism-setup.service",
        "0644",
        include_str!("catalogue/prism-setup.service"),
    ),
    (
        "/etc/systemd/system/prism-notebook.service",
        "0644",
        include_str!("catalogue/prism-notebook.service"),
    ),
    (
        "/etc/profile.d/prism.sh",
        "0644",
        include_str!("catalogue/profile.sh"),
    ),
];

/// All built-in templates, by name.
pub const ALL: &[BuiltIn] = &[
    BuiltIn {
        name: "bioinformatics",
        description: "Aligners, variant tools and a Python notebook for genomics",
        apt: &[
            "bwa",
            "samtools",
            "bcftools",
            "bedtools",
            "fastqc",
            "python3-venv",
        ],
        pip: &["jupyterlab", "biopython", "pandas"],
        root_size_gib: 60,
    },
    BuiltIn {
        name: "python-ml",
        description: "Python with Jupyter and the usual machine learning packages",
        apt: &["python3-dev", "python3-venv", "git", "build-essential"],
        pip: &[
            "jupyterlab",
            "numpy",
            "pandas",
            "scikit-learn",
            "matplotlib",
        ],
        root_size_gib: 30,
    },
    BuiltIn {
        name: "r-research",
        description: "R with the tidyverse, a notebook, and the tools to compile packages",
        // RStudio Server is not among Ubuntu's packages, so R has Jupyter's notebook.
        apt: &[
            "r-base",
            "r-cran-tidyverse",
            "r-cran-irkernel",
            "python3-venv",
            "git",
            "build-essential",
        ],
        pip: &["jupyterlab"],
        root_size_gib: 30,
    },
    BuiltIn {
        name: "ubuntu",
        description: "Ubuntu 24.04 and nothing else",
        apt: &[],
        pip: &[],
        root_size_gib: 10,
    },
];

/// Returns the built-in template with this name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|built_in| built_in.name == name)
}

impl BuiltIn {
    /// The name of the public parameter that contains the ID of the base AMI.
    pub fn parameter(&self, architecture: Architecture) -> String {
        let architecture = match architecture {
            Architecture::X86_64 => "amd64",
            Architecture::Arm64 => "arm64",
        };
        format!(
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/{architecture}/hvm/ebs-gp3/ami-id"
        )
    }

    /// The user data for cloud-init at the first boot; `None` if there is nothing to install. Other keys of a
    /// cloud-config can be appended to it.
    pub fn user_data(&self) -> Option<String> {
        if self.apt.is_empty() && self.pip.is_empty() {
            return None;
        }
        let mut text = String::from("#cloud-config\nwrite_files:\n");
        for (path, permissions, contents) in FILES {
            let contents = contents.trim_end().replace('\n', "\n      ");
            let contents = contents.replace("      \n", "\n");
            let permissions = ["\n    permissions: '", permissions, "'"].concat();
            text += &[
                "  - path: ",
                path,
                &permissions,
                "\n    content: |\n      ",
                &contents,
                "\n",
            ]
            .concat();
        }
        text += "runcmd:\n";
        for step in self.steps() {
            text += &["  - ", SETUP, " ", &step, "\n"].concat();
        }
        Some(text)
    }

    /// The calls of the setup script. `packages:` of cloud-init is not used, because it does not retry a command that
    /// fails, and continues after it.
    fn steps(&self) -> [String; 8] {
        [
            "begin".to_owned(),
            // Otherwise a list that could not be fetched is only a warning.
            "run apt-get update --option=APT::Update::Error-Mode=any".to_owned(),
            // The daily update of the system holds the lock for a while after the first boot.
            format!(
                "run apt-get install --yes --option=DPkg::Lock::Timeout=600 {}",
                self.apt.join(" ")
            ),
            format!("run install -d -o {LOGIN} /opt/prism/venv"),
            "own python3 -m venv /opt/prism/venv".to_owned(),
            format!(
                "own /opt/prism/venv/bin/pip install --no-cache-dir {}",
                self.pip.join(" ")
            ),
            "run systemctl enable --now prism-notebook".to_owned(),
            "finish".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TemplateName;

    #[test]
    fn names_are_valid_and_in_order() {
        assert!(ALL.is_sorted_by_key(|built_in| built_in.name));
        for built_in in ALL {
            assert!(
                built_in.name.parse::<TemplateName>().is_ok(),
                "{}",
                built_in.name
            );
        }
    }
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct CloudConfig {
        write_files: Vec<File>,
        runcmd: Vec<String>,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        path: String,
        permissions: String,
        content: String,
    }

    #[test]
    fn user_data_is_a_cloud_config_with_the_files_as_they_are() {
        for built_in in ALL {
            let Some(text) = built_in.user_data() else {
                assert_eq!(built_in.name, "ubuntu");
                continue;
            };
            // EC2's limit is 16 KB. Half is left for the keys of users.
            assert!(text.len() < 8 << 10, "{}: {}", built_in.name, text.len());
            assert!(text.starts_with("#cloud-config\n"));
            let config: CloudConfig = serde_saphyr::from_str(&text).unwrap();
            let written = config.write_files.iter();
            let written: Vec<_> = written
                .map(|f| (&*f.path, &*f.permissions, &*f.content))
                .collect();
            assert_eq!(written, FILES);
            let called: Vec<_> = config.runcmd.iter().map(|c| c.split_once(' ')).collect();
            assert!(called.iter().all(|c| c.is_some_and(|(s, _)| s == SETUP)));
            assert!(built_in.pip.contains(&"jupyterlab") && built_in.apt.contains(&"python3-venv"));
        }
    }

    #[test]
    fn the_notebook_is_for_this_machine_and_no_secret_is_in_the_user_data() {
        assert_eq!(PORTS, [22]);
        for text in ALL.iter().filter_map(BuiltIn::user_data) {
            for word in [
                "0.0.0.0",
                "[::]",
                "--ip=*",
                "--allow-root",
                "password",
                "token=",
            ] {
                assert!(!text.contains(word), "{word}");
            }
            let port = format!("--ip=127.0.0.1 --port={NOTEBOOK_PORT} ");
            let token = format!("JUPYTER_TOKEN_FILE={NOTEBOOK_TOKEN}\n");
            let user = format!("User={LOGIN}\n");
            for part in [&port, &token, &user, SETUP_FILE, CONSOLE_MARK] {
                assert!(text.contains(part), "{part}");
            }
        }
    }
}
