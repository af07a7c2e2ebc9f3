//! The instance types that the simulated Regions offer.
//!
//! The figures are from AWS's instance type pages; for the sizes that have a letter in Prism, a test
//! compares them with the core's table. Memory is in MiB, instance store in GB.

use prism_functions::domain::ec2::Architecture;
use prism_functions::ports::InstanceType;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct TypeFacts {
    pub name: &'static str,
    pub vcpus: u32,
    pub memory_mib: u32,
    /// The architecture. Each of these types supports only one.
    pub architecture: Architecture,
    /// Instance store in GB; 0 if there is none.
    pub instance_store_gb: u32,
}

const fn facts(
    name: &'static str,
    vcpus: u32,
    memory_gib: u32,
    architecture: Architecture,
    instance_store_gb: u32,
) -> TypeFacts {
    TypeFacts {
        name,
        vcpus,
        memory_mib: memory_gib * 1024,
        architecture,
        instance_store_gb,
    }
}

use Architecture::{Arm64, X86_64};

pub const TYPES: [TypeFacts; 30] = [
    facts("t3.micro", 2, 1, X86_64, 0),
    facts("t3.small", 2, 2, X86_64, 0),
    facts("t3.medium", 2, 4, X86_64, 0),
    facts("t3.large", 2, 8, X86_64, 0),
    facts("t3.xlarge", 4, 16, X86_64, 0),
    facts("t3.2xlarge", 8, 32, X86_64, 0),
    facts("t4g.micro", 2, 1, Arm64, 0),
    facts("t4g.small", 2, 2, Arm64, 0),
    facts("t4g.medium", 2, 4, Arm64, 0),
    facts("t4g.large", 2, 8, Arm64, 0),
    facts("t4g.xlarge", 4, 16, Arm64, 0),
    facts("t4g.2xlarge", 8, 32, Arm64, 0),
    facts("g4dn.xlarge", 4, 16, X86_64, 125),
    facts("g4dn.2xlarge", 8, 32, X86_64, 225),
    facts("g5.xlarge", 4, 16, X86_64, 250),
    facts("g5.2xlarge", 8, 32, X86_64, 450),
    facts("g5.4xlarge", 16, 64, X86_64, 600),
    facts("g5.12xlarge", 48, 192, X86_64, 3800),
    facts("g5g.xlarge", 4, 8, Arm64, 0),
    facts("g5g.2xlarge", 8, 16, Arm64, 0),
    facts("g5g.4xlarge", 16, 32, Arm64, 0),
    facts("g5g.8xlarge", 32, 64, Arm64, 0),
    facts("g5g.16xlarge", 64, 128, Arm64, 0),
    facts("m5.large", 2, 8, X86_64, 0),
    facts("m5.xlarge", 4, 16, X86_64, 0),
    facts("m5d.large", 2, 8, X86_64, 75),
    facts("m7g.large", 2, 8, Arm64, 0),
    facts("c5.large", 2, 4, X86_64, 0),
    facts("r5.large", 2, 16, X86_64, 0),
    facts("mac2.metal", 8, 16, Arm64, 0),
];

/// The facts of a type, or `None` if it is not offered.
pub fn facts_of(name: &str) -> Option<&'static TypeFacts> {
    TYPES.iter().find(|t| t.name == name)
}

impl TypeFacts {
    pub(crate) fn described(&self) -> InstanceType {
        InstanceType {
            name: self.name.to_owned(),
            architectures: vec![self.architecture],
            instance_store_gb: self.instance_store_gb,
        }
    }
}

#[cfg(test)]
mod tests {
    use prism_functions::domain::sizes::Size;

    use super::*;

    #[test]
    fn every_size_letter_is_a_type_with_the_same_figures() {
        for &size in Size::ALL {
            for architecture in [X86_64, Arm64] {
                let machine = size.machine(architecture);
                let facts = facts_of(machine.instance_type).unwrap();
                assert_eq!(facts.architecture, architecture, "{machine:?}");
                assert_eq!(facts.vcpus, u32::from(machine.vcpus), "{machine:?}");
                let memory_mib = u32::from(machine.memory_gib) * 1024;
                assert_eq!(facts.memory_mib, memory_mib, "{machine:?}");
            }
        }
    }
}
