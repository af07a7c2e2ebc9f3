//! Checks that a program can run where it is meant to run.

use super::Arch;
use crate::Outcome;

/// The newest glibc that a program may need: that of Amazon Linux 2023, which is also Lambda's, and of RHEL 9.
const GLIBC: (u32, u32) = (2, 34);
const VERSION: &[u8] = b"GLIBC_";

/// Fails if the program is not for this architecture, or needs a newer glibc.
pub(super) fn check(program: &[u8], arch: Arch) -> Outcome {
    if program.get(..4) != Some(b"\x7fELF") {
        return Err("it is not a Linux program".to_owned());
    }
    let machine = match arch {
        Arch::X86_64 => 0x3e,
        Arch::Arm64 => 0xb7,
    };
    if program.get(18) != Some(&machine) {
        return Err(format!("it is not made for {}", arch.name()));
    }
    match newest_glibc(program) {
        Some((major, minor)) if (major, minor) > GLIBC => Err(format!(
            "it needs glibc {major}.{minor}, and may need at most {}.{}",
            GLIBC.0, GLIBC.1
        )),
        _ => Ok(()),
    }
}

/// The newest version of glibc that a program needs. The linker writes each version name into the string table as plain
/// text, so no tool is needed to find it.
fn newest_glibc(program: &[u8]) -> Option<(u32, u32)> {
    let places = program.windows(VERSION.len()).enumerate();
    let places = places.filter(|(_, window)| *window == VERSION);
    places
        .filter_map(|(at, _)| version(&program[at + VERSION.len()..]))
        .max()
}

fn version(text: &[u8]) -> Option<(u32, u32)> {
    let end = text
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.'));
    let text = std::str::from_utf8(&text[..end?]).ok()?;
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(machine: u8, names: &str) -> Vec<u8> {
        let mut program = b"\x7fELF".to_vec();
        program.resize(18, 0);
        program.push(machine);
        program.extend(names.as_bytes());
        program
    }

    #[test]
    fn a_program_for_an_older_glibc_is_accepted() {
        let names = "\0memcpy\0GLIBC_2.14\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE\0";
        assert_eq!(check(&program(0x3e, names), Arch::X86_64), Ok(()));
        assert_eq!(check(&program(0xb7, ""), Arch::Arm64), Ok(()));
    }

    #[test]
    fn a_newer_glibc_another_machine_or_another_system_is_refused() {
        let refused = check(&program(0x3e, "\0GLIBC_2.4\0GLIBC_2.35\0"), Arch::X86_64);
        assert!(refused.unwrap_err().contains("needs glibc 2.35"));
        let refused = check(&program(0x3e, ""), Arch::Arm64);
        assert!(refused.unwrap_err().contains("not made for arm64"));
        assert!(check(b"#!/bin/sh", Arch::X86_64).is_err());
    }
}
