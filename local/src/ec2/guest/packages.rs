//! Commands for packages.

use super::commands::not_understood;
use super::disk::{Package, System};
use super::{GuestOutput, Session};

/// Well-known packages, with an approximate version and size. All other packages get a version and a size that are
/// derived from their name and are the same on every disk.
const KNOWN: &[(&str, &str, u64)] = &[
    ("numpy", "2.1.3", 68),
    ("pandas", "2.2.3", 60),
    ("scipy", "1.14.1", 120),
    ("scikit-learn", "1.5.2", 48),
    ("matplotlib", "3.9.2", 32),
    ("seaborn", "0.13.2", 2),
    ("torch", "2.5.1", 1700),
    ("pytorch", "2.5.1", 1700),
    ("tensorflow", "2.18.0", 1500),
    ("jax", "0.4.35", 90),
    ("jupyterlab", "4.3.1", 30),
    ("jupyter", "1.1.1", 30),
    ("obspy", "1.4.1", 40),
    ("transformers", "4.46.3", 45),
    ("r-base", "4.3.3", 95),
    ("rstudio-server", "2024.09.1", 520),
    ("tidyverse", "2.0.0", 60),
    ("ggplot2", "3.5.1", 8),
    ("build-essential", "12.10", 220),
    ("git", "2.43.0", 45),
    ("python3-pip", "24.0", 12),
    ("cuda-toolkit", "12.6.2", 6200),
];

impl Session {
    /// Installs packages, each given as a name and optionally a version.
    fn install(
        &mut self,
        manager: &str,
        wanted: &[(String, Option<String>)],
    ) -> Result<String, String> {
        let mut done = Vec::new();
        for (name, version) in wanted {
            let valid = |c: char| c.is_ascii_alphanumeric() || "-_.+[]".contains(c);
            if name.is_empty() || name.len() > 128 || !name.chars().all(valid) {
                let shown = prism_functions::domain::ids::shown(name);
                return Err(format!("Invalid package name: {shown}"));
            }
            let (usual, size_bytes) = facts(name);
            let version = version.clone().unwrap_or(usual);
            let key = format!("{manager}/{name}");
            let old = self.disk.packages.get(&key);
            if old.is_some_and(|p| p.version == version) {
                done.push(format!("{name} {version} is already installed"));
                continue;
            }
            let freed = old.map_or(0, |p| p.size_bytes);
            if (self.disk.used_bytes() - freed).saturating_add(size_bytes) > self.host.size_bytes {
                return Err(format!("{name}: No space left on device"));
            }
            let package = Package {
                manager: manager.to_owned(),
                name: name.clone(),
                version: version.clone(),
                size_bytes,
            };
            self.disk.packages.insert(key, package);
            self.written = self.written.saturating_add(size_bytes);
            self.changed = true;
            done.push(format!(
                "installed {name} {version} ({} MB)",
                size_bytes >> 20
            ));
        }
        Ok(done.join("\n") + "\n")
    }

    fn installed(&self, manager: &str, show: fn(&Package) -> String) -> GuestOutput {
        let packages = self.disk.packages.values();
        let lines = packages.filter(|p| p.manager == manager).map(show);
        GuestOutput::ok(lines.collect::<String>())
    }

    fn install_all(&mut self, manager: &str, words: &[&str], between: &str) -> GuestOutput {
        let mut wanted = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "-r" | "--requirement" => {
                    let file = words.next().copied().unwrap_or_default();
                    let listed = self.cat(&[file], &[]);
                    if listed.exit_code != 0 {
                        return listed;
                    }
                    let lines = listed.stdout.lines().map(str::trim);
                    let lines = lines.filter(|l| !l.is_empty() && !l.starts_with('#'));
                    wanted.extend(lines.map(|l| split(l, between)));
                }
                "-c" | "--channel" | "-n" | "--name" | "--index-url" | "-i" => {
                    words.next();
                }
                option if option.starts_with('-') => {}
                package => wanted.push(split(package, between)),
            }
        }
        if wanted.is_empty() {
            return GuestOutput::failed(1, "nothing to install: no package was named");
        }
        match self.install(manager, &wanted) {
            Ok(done) => GuestOutput::ok(done),
            Err(why) => GuestOutput::failed(1, format!("ERROR: {why}")),
        }
    }

    pub(super) fn pip(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        match args {
            ["install", words @ ..] => self.install_all("pip", words, "=="),
            ["list"] => self.installed("pip", |p| format!("{:<24} {}\n", p.name, p.version)),
            ["freeze"] => self.installed("pip", |p| format!("{}=={}\n", p.name, p.version)),
            _ => not_understood("pip", args),
        }
    }

    pub(super) fn conda(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        match args {
            ["install", words @ ..] => self.install_all("conda", words, "="),
            ["list"] => self.installed("conda", |p| format!("{:<24} {}\n", p.name, p.version)),
            _ => not_understood("conda", args),
        }
    }

    pub(super) fn apt(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        if self.disk.system != System::Debian {
            return GuestOutput::failed(
                127,
                "apt: command not found (this disk has Amazon Linux: dnf)",
            );
        }
        let words: Vec<&str> = args.iter().copied().filter(|w| !is_quiet(w)).collect();
        match words.as_slice() {
            ["update" | "upgrade", ..] => GuestOutput::ok("Reading package lists... Done\n"),
            ["install", words @ ..] => self.install_all("apt", words, "="),
            ["list", ..] => self.installed("apt", |p| {
                format!("{}/now {} [installed]\n", p.name, p.version)
            }),
            _ => not_understood("apt", args),
        }
    }

    pub(super) fn dnf(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        if self.disk.system != System::Amazon {
            return GuestOutput::failed(
                127,
                "dnf: command not found (this disk has Ubuntu: apt-get)",
            );
        }
        let words: Vec<&str> = args.iter().copied().filter(|w| !is_quiet(w)).collect();
        match words.as_slice() {
            ["update" | "upgrade"] => GuestOutput::ok("Complete!\n"),
            ["install", words @ ..] => self.install_all("dnf", words, "="),
            ["list", ..] => self.installed("dnf", |p| format!("{:<32} {}\n", p.name, p.version)),
            _ => not_understood("dnf", args),
        }
    }

    /// `R -e 'install.packages(c("a", "b"))'`: the names are the quoted texts before the first option.
    pub(super) fn r(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        let code = args
            .iter()
            .find_map(|arg| arg.split_once("install.packages("));
        let Some((_, code)) = code else {
            return not_understood("R", args);
        };
        let code = code.split("repos").next().unwrap_or(code);
        let quoted = code.split(['"', '\'']).skip(1).step_by(2);
        let wanted: Vec<_> = quoted.map(|name| (name.to_owned(), None)).collect();
        if wanted.is_empty() {
            return not_understood("R", args);
        }
        match self.install("R", &wanted) {
            Ok(done) => GuestOutput::ok(done),
            Err(why) => GuestOutput::failed(1, format!("Error: {why}")),
        }
    }

    pub(super) fn jupyter(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        const KERNELS: &str = "/usr/local/share/jupyter/kernels";
        match args {
            ["kernelspec", "list"] => self.ls(&[KERNELS], &[]),
            ["kernelspec", "install", rest @ ..] => {
                let mut words = rest.iter().skip_while(|word| **word != "--name");
                let name = words.nth(1).filter(|name| !name.contains('/'));
                let Some(name) = name else {
                    return not_understood("jupyter", args);
                };
                let path = format!("{KERNELS}/{name}/kernel.json");
                let kernel = format!("{{\"display_name\": \"{name}\"}}\n");
                match self.write(&path, kernel.as_bytes()) {
                    Ok(()) => GuestOutput::ok(format!("Installed kernelspec {name} in {path}\n")),
                    Err(why) => GuestOutput::failed(1, why),
                }
            }
            _ => not_understood("jupyter", args),
        }
    }
}

/// Options that may precede the subcommand.
fn is_quiet(word: &str) -> bool {
    matches!(
        word,
        "-y" | "-q" | "-qq" | "--yes" | "--assume-yes" | "--quiet"
    )
}

/// Splits a package from its version, as in `numpy==1.26`; a version range counts as no version.
fn split(word: &str, between: &str) -> (String, Option<String>) {
    // `a>=1` also splits at `=`, but into a name that ends in a comparison operator.
    if let Some((name, version)) = word.split_once(between)
        && !name.ends_with(['<', '>', '~', '!'])
    {
        let version = version.trim_start_matches('=').trim();
        return (name.trim().to_owned(), Some(version.to_owned()));
    }
    let name = word.split(['<', '>', '~', '!', ';']).next();
    (name.unwrap_or(word).trim().to_owned(), None)
}

fn facts(name: &str) -> (String, u64) {
    let plain = name.split('[').next().unwrap_or(name);
    if let Some((_, version, mib)) = KNOWN.iter().find(|(known, ..)| *known == plain) {
        return ((*version).to_owned(), mib << 20);
    }
    let sum = plain
        .bytes()
        .fold(7_u64, |n, b| n.wrapping_mul(31).wrapping_add(u64::from(b)));
    let version = format!("1.{}.{}", sum % 12, sum / 12 % 10);
    (version, (1 + sum % 24) << 20)
}
