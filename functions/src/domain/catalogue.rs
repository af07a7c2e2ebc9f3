//! The built-in templates, which are the root of every lineage.
//!
//! Each built-in template resolves its base AMI from a public parameter of Systems Manager at launch, so that it
//! always uses the newest one, and installs its packages at the first boot. The parameter paths follow Canonical's
//! scheme for Ubuntu.

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
    /// The Python packages to install.
    pub pip: &'static [&'static str],
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The TCP ports to open.
    pub ports: &'static [u16],
}

/// The user name to log in with on Canonical's AMIs.
pub const LOGIN: &str = "ubuntu";

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
            "python3-pip",
        ],
        pip: &["jupyterlab", "biopython", "pandas"],
        root_size_gib: 60,
        ports: &[22, 8888],
    },
    BuiltIn {
        name: "python-ml",
        description: "Python with Jupyter and the usual machine learning packages",
        apt: &["python3-pip", "python3-venv", "git", "build-essential"],
        pip: &[
            "jupyterlab",
            "numpy",
            "pandas",
            "scikit-learn",
            "matplotlib",
        ],
        root_size_gib: 30,
        ports: &[22, 8888],
    },
    BuiltIn {
        name: "r-research",
        description: "R with the tidyverse and what it needs to compile packages",
        apt: &["r-base", "r-cran-tidyverse", "git", "build-essential"],
        pip: &[],
        root_size_gib: 30,
        ports: &[22, 8787],
    },
    BuiltIn {
        name: "ubuntu",
        description: "Ubuntu 24.04 and nothing else",
        apt: &[],
        pip: &[],
        root_size_gib: 10,
        ports: &[22],
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

    /// The user data for cloud-init at the first boot; `None` if there is nothing to install.
    pub fn user_data(&self) -> Option<String> {
        if self.apt.is_empty() && self.pip.is_empty() {
            return None;
        }
        let mut text = String::from("#cloud-config\npackages:\n");
        for package in self.apt {
            text.push_str("  - ");
            text.push_str(package);
            text.push('\n');
        }
        if !self.pip.is_empty() {
            text.push_str("runcmd:\n  - pip install ");
            text.push_str(&self.pip.join(" "));
            text.push('\n');
        }
        Some(text)
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
}
