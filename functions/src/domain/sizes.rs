//! Instance sizes by architecture, in one table so that a size means the same everywhere.
//!
//! The figures are from AWS's pages on the instance types T3, T4g, G4dn, G5 and G5g and from its price list for
//! us-east-1, checked on 2026-11-23 against public copies of both. Memory is in GiB.

use std::fmt;
use std::str::FromStr;
use strum::VariantArray;

use serde::{Deserialize, Serialize};

use super::ec2::Architecture;
use super::problem::{Code, Problem};
use crate::domain::ids::shown;

/// The size of an instance.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantArray,
)]
#[serde(try_from = "String", into = "String")]
pub enum Size {
    /// For experiments.
    XS,
    /// For light work.
    S,
    /// For everyday work.
    M,
    /// For larger data.
    L,
    /// For the largest data without a GPU.
    XL,
    /// One small GPU.
    GpuS,
    GpuM,
    /// One GPU with more processor and memory.
    GpuL,
    /// The largest GPU configuration.
    GpuXL,
}

impl Size {
    /// All sizes, from small to large.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The size as users type it.
    pub fn as_str(self) -> &'static str {
        match self {
            Size::XS => "XS",
            Size::S => "S",
            Size::M => "M",
            Size::L => "L",
            Size::XL => "XL",
            Size::GpuS => "GPU-S",
            Size::GpuM => "GPU-M",
            Size::GpuL => "GPU-L",
            Size::GpuXL => "GPU-XL",
        }
    }

    /// The instance type for this size and architecture.
    pub fn machine(self, architecture: Architecture) -> &'static Machine {
        let row = &TABLE[Size::ALL
            .iter()
            .position(|s| *s == self)
            .unwrap_or_default()];
        match architecture {
            Architecture::X86_64 => &row.0,
            Architecture::Arm64 => &row.1,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Size {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Size::ALL
            .iter()
            .copied()
            .find(|size| size.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                Problem::new(
                    Code::InvalidSize,
                    format!("There is no size {}.", shown(text)),
                )
            })
    }
}

impl TryFrom<String> for Size {
    type Error = Problem;

    /// The message includes the hint, because serde reports only the message of a problem.
    fn try_from(text: String) -> Result<Self, Problem> {
        let size = text.parse();
        size.map_err(|problem: Problem| {
            let message = format!("{} {}", problem.message, problem.advice());
            Problem { message, ..problem }
        })
    }
}

impl From<Size> for String {
    fn from(size: Size) -> String {
        size.as_str().to_owned()
    }
}

/// An instance type with its resources and price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    pub instance_type: &'static str,
    /// The number of virtual CPUs.
    pub vcpus: u16,
    /// The memory in GiB.
    pub memory_gib: u16,
    /// The number and kind of GPUs; empty if there are none.
    pub gpu: &'static str,
    /// The on-demand price for Linux in us-east-1, in USD per hour.
    pub usd_per_hour: f64,
}

const fn machine(
    instance_type: &'static str,
    vcpus: u16,
    memory_gib: u16,
    gpu: &'static str,
    usd_per_hour: f64,
) -> Machine {
    Machine {
        instance_type,
        vcpus,
        memory_gib,
        gpu,
        usd_per_hour,
    }
}

/// For each size, the machines for x86_64 and arm64, in the order of [`Size::ALL`].
const TABLE: [(Machine, Machine); 9] = [
    (
        machine("t3.small", 2, 2, "", 0.0208),
        machine("t4g.small", 2, 2, "", 0.0168),
    ),
    (
        machine("t3.medium", 2, 4, "", 0.0416),
        machine("t4g.medium", 2, 4, "", 0.0336),
    ),
    (
        machine("t3.large", 2, 8, "", 0.0832),
        machine("t4g.large", 2, 8, "", 0.0672),
    ),
    (
        machine("t3.xlarge", 4, 16, "", 0.1664),
        machine("t4g.xlarge", 4, 16, "", 0.1344),
    ),
    (
        machine("t3.2xlarge", 8, 32, "", 0.3328),
        machine("t4g.2xlarge", 8, 32, "", 0.2688),
    ),
    (
        machine("g4dn.xlarge", 4, 16, "1 T4", 0.526),
        machine("g5g.xlarge", 4, 8, "1 T4G", 0.42),
    ),
    (
        machine("g5.xlarge", 4, 16, "1 A10G", 1.006),
        machine("g5g.2xlarge", 8, 16, "1 T4G", 0.556),
    ),
    (
        machine("g5.2xlarge", 8, 32, "1 A10G", 1.212),
        machine("g5g.4xlarge", 16, 32, "1 T4G", 0.828),
    ),
    (
        machine("g5.12xlarge", 48, 192, "4 A10G", 5.672),
        machine("g5g.16xlarge", 64, 128, "2 T4G", 2.744),
    ),
];

/// The price of an instance type, in USD per hour, if the table contains it.
pub fn usd_per_hour(instance_type: &str) -> Option<f64> {
    TABLE
        .iter()
        .flat_map(|(x86, arm)| [x86, arm])
        .find(|machine| machine.instance_type == instance_type)
        .map(|machine| machine.usd_per_hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_reads_back_in_either_case() {
        for &size in Size::ALL {
            assert_eq!(size.as_str().parse::<Size>().unwrap(), size);
            assert_eq!(size.as_str().to_lowercase().parse::<Size>().unwrap(), size);
        }
        assert_eq!("XXL".parse::<Size>().unwrap_err().code, Code::InvalidSize);
    }

    #[test]
    fn a_larger_letter_is_never_smaller_or_cheaper() {
        for architecture in [Architecture::X86_64, Architecture::Arm64] {
            for group in [&Size::ALL[..5], &Size::ALL[5..]] {
                for pair in group.windows(2) {
                    let (a, b) = (pair[0].machine(architecture), pair[1].machine(architecture));
                    assert!(
                        a.vcpus <= b.vcpus && a.memory_gib <= b.memory_gib,
                        "{a:?} {b:?}"
                    );
                    assert!(a.usd_per_hour < b.usd_per_hour, "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn gpu_letters_have_a_gpu_and_arm_types_are_graviton() {
        for &size in Size::ALL {
            let (x86, arm) = (
                size.machine(Architecture::X86_64),
                size.machine(Architecture::Arm64),
            );
            assert_eq!(size.as_str().starts_with("GPU"), !x86.gpu.is_empty());
            assert_eq!(size.as_str().starts_with("GPU"), !arm.gpu.is_empty());
            assert!(arm.instance_type.split('.').next().unwrap().ends_with('g'));
            assert!(!x86.instance_type.starts_with("t4g"));
        }
    }
}
