//! The path patterns of the catalog: `~` is any user's home directory, `**` any directories, `*` any part of a name.

use super::catalogue::HOMES;

/// Whether an absolute path matches a pattern.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let parts: Vec<&str> = path.split('/').collect();
    if let Some(rest) = pattern.strip_prefix("~/") {
        let rest: Vec<&str> = rest.split('/').collect();
        return HOMES.iter().any(|home| {
            let home = home.trim_start_matches('/').split('/');
            let whole: Vec<&str> = home.chain(rest.iter().copied()).collect();
            all(&whole, &parts)
        });
    }
    let pattern: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    all(&pattern, &parts)
}

fn all(pattern: &[&str], parts: &[&str]) -> bool {
    // Most paths differ in the file name, so it is compared first.
    match (pattern.last(), parts.last()) {
        (Some(last), Some(name)) if !one(last, name) => return false,
        _ => {}
    }
    match pattern.split_first() {
        None => parts.is_empty(),
        Some((&"**", rest)) => (0..parts.len()).any(|skipped| all(rest, &parts[skipped..])),
        Some((first, rest)) => match parts.split_first() {
            Some((part, others)) => one(first, part) && all(rest, others),
            None => false,
        },
    }
}

/// Whether the name of a single directory or file matches.
fn one(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_means_what_it_says() {
        for (pattern, path) in [
            ("~/.netrc", "/root/.netrc"),
            ("~/.netrc", "/home/ann/.netrc"),
            ("/etc/machine-id", "/etc/machine-id"),
            ("**/.env", "/.env"),
            ("**/.env", "/srv/a/b/.env"),
            ("~/.ssh/*.pem", "/home/ann/.ssh/.pem"),
            ("/etc/a*b*c", "/etc/aXbYc"),
            ("~/x/*/y", "/root/x/1/y"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("~/.netrc", "/home/.netrc"),
            ("~/.netrc", "/home/ann/work/.netrc"),
            ("~/.netrc", "/srv/.netrc"),
            ("/etc/machine-id", "/etc/machine-id/x"),
            ("**/.env", "/srv/.environment"),
            ("/etc/a*b*c", "/etc/acb"),
            ("/etc/ab*b", "/etc/ab"),
            ("~/x/*/y", "/root/x/1/2/y"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }
}
