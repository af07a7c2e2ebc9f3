//! Commands for files.

use super::commands::not_understood;
use super::disk::FileBody;
use super::{GuestOutput, Session};

/// The maximum number of files on a simulated disk, and also of folders.
const MOST_FILES: usize = 10_000;

impl Session {
    /// The absolute form of a path; a relative one starts at the user's home folder.
    fn path(&self, path: &str) -> String {
        let home = format!("/home/{}", self.disk.system.user());
        let whole = match path.strip_prefix('~') {
            Some(rest) => format!("{home}/{rest}"),
            None if path.starts_with('/') => path.to_owned(),
            None => format!("{home}/{path}"),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in whole.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    fn is_folder(&self, path: &str) -> bool {
        let inside = beginning(path);
        let after = |p: &String| p.starts_with(&inside);
        let (files, folders) = (&self.disk.files, &self.disk.folders);
        path == "/"
            || path == format!("/home/{}", self.disk.system.user())
            || folders.contains(path)
            || folders.range(inside.clone()..).next().is_some_and(after)
            || (files.range(inside.clone()..).next()).is_some_and(|(p, _)| after(p))
    }

    /// The contents of a text file; `None` if there is no such file.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn bytes(&self, path: &str) -> Option<&[u8]> {
        let file = self.disk.files.get(&self.path(path))?;
        Some(&file.0)
    }

    pub(super) fn write(&mut self, path: &str, contents: &[u8]) -> Result<(), String> {
        let path = self.path(path);
        if path.len() > 4096 {
            return Err("File name too long".to_owned());
        }
        if self.is_folder(&path) {
            return Err(format!("{path}: Is a directory"));
        }
        if self.disk.files.len() >= MOST_FILES && !self.disk.files.contains_key(&path) {
            return Err(format!(
                "{path}: a simulated disk holds at most {MOST_FILES} files"
            ));
        }
        let old = self.disk.files.get(&path).map_or(0, |f| f.0.len() as u64);
        let new = contents.len() as u64;
        let files = self.disk.file_bytes() - old + new;
        if files > self.host.file_limit_bytes {
            return Err(format!(
                "{path}: a simulated disk holds at most {} bytes of files; this would make {files}",
                self.host.file_limit_bytes
            ));
        }
        if (self.disk.used_bytes() - old).saturating_add(new) > self.host.size_bytes {
            return Err(format!("{path}: No space left on device"));
        }
        if !self.host.is_in_instance_store(&path) {
            self.written = self.written.saturating_add(new);
        }
        self.disk.files.insert(path, FileBody(contents.into()));
        self.changed = true;
        Ok(())
    }

    pub(super) fn cat(&mut self, args: &[&str], stdin: &[u8]) -> GuestOutput {
        if args.is_empty() {
            return GuestOutput::ok(String::from_utf8_lossy(stdin));
        }
        let mut stdout = String::new();
        for path in args {
            match self.disk.file(&self.path(path)) {
                Some(contents) => stdout.push_str(&String::from_utf8_lossy(contents)),
                None => return no_such("cat", path),
            }
        }
        GuestOutput::ok(stdout)
    }

    pub(super) fn ls(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        let (options, paths): (Vec<&str>, Vec<&str>) =
            args.iter().partition(|arg| arg.starts_with('-'));
        let long = options.iter().any(|o| o.contains('l'));
        let shown = paths.first().copied().unwrap_or(".");
        let path = self.path(shown);
        if let Some(contents) = self.disk.file(&path) {
            return GuestOutput::ok(line(&path, Some(contents.len()), long));
        }
        if !self.is_folder(&path) {
            return no_such("ls", shown);
        }
        let inside = beginning(&path);
        let mut entries = std::collections::BTreeMap::new();
        let files = self.disk.files.iter().map(|(p, f)| (p, Some(f.0.len())));
        for (entry, size) in files.chain(self.disk.folders.iter().map(|p| (p, None))) {
            if let Some(rest) = entry.strip_prefix(&inside) {
                match rest.split_once('/') {
                    Some((folder, _)) => entries.insert(folder.to_owned(), None),
                    None => entries.insert(rest.to_owned(), size),
                };
            }
        }
        let lines = entries.iter().map(|(name, size)| line(name, *size, long));
        GuestOutput::ok(lines.collect::<String>())
    }

    pub(super) fn tee(&mut self, args: &[&str], stdin: &[u8]) -> GuestOutput {
        let (append, path) = match args {
            ["-a", path] => (true, *path),
            [path] if !path.starts_with('-') => (false, *path),
            _ => return not_understood("tee", args),
        };
        let mut contents = Vec::new();
        if append {
            let old = self.disk.file(&self.path(path)).unwrap_or_default();
            contents.extend_from_slice(old);
        }
        contents.extend_from_slice(stdin);
        match self.write(path, &contents) {
            Ok(()) => GuestOutput::ok(String::from_utf8_lossy(stdin)),
            Err(why) => GuestOutput::failed(1, format!("tee: {why}")),
        }
    }

    pub(super) fn rm(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        let (options, paths): (Vec<&str>, Vec<&str>) =
            args.iter().partition(|arg| arg.starts_with('-'));
        let has = |letter| options.iter().any(|o| o.contains(letter));
        for shown in paths {
            let path = self.path(shown);
            if self.disk.files.remove(&path).is_some() {
                self.changed = true;
            } else if !self.is_folder(&path) {
                if !has('f') {
                    return no_such("rm", shown);
                }
            } else if has('r') {
                let inside = beginning(&path);
                self.disk.files.retain(|p, _| !p.starts_with(&inside));
                self.disk
                    .folders
                    .retain(|p| *p != path && !p.starts_with(&inside));
                self.changed = true;
            } else {
                let why = format!("rm: cannot remove '{shown}': Is a directory");
                return GuestOutput::failed(1, why);
            }
        }
        GuestOutput::default()
    }

    pub(super) fn mkdir(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        for shown in args.iter().filter(|arg| !arg.starts_with('-')) {
            let path = self.path(shown);
            if self.disk.files.contains_key(&path) {
                let why = format!("mkdir: cannot create directory '{shown}': File exists");
                return GuestOutput::failed(1, why);
            }
            if path.len() > 4096 || self.disk.folders.len() >= MOST_FILES {
                return GuestOutput::failed(1, "mkdir: a simulated disk has no room for it");
            }
            self.disk.folders.insert(path);
            self.changed = true;
        }
        GuestOutput::default()
    }
}

/// How the absolute paths inside a folder begin.
fn beginning(folder: &str) -> String {
    format!("{}/", folder.trim_end_matches('/'))
}

fn no_such(command: &str, path: &str) -> GuestOutput {
    let shown = prism_functions::domain::ids::shown(path);
    GuestOutput::failed(1, format!("{command}: {shown}: No such file or directory"))
}

fn line(name: &str, size: Option<usize>, long: bool) -> String {
    match (long, size) {
        (false, _) => format!("{name}\n"),
        (true, Some(size)) => format!("-rw-r--r-- {size:>10} {name}\n"),
        (true, None) => format!("drwxr-xr-x          0 {name}\n"),
    }
}
