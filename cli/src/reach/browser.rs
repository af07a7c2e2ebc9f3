//! A page in the user's browser, whose URL contains a secret.

use std::io::{self, Write as _};

use tempfile::NamedTempFile;

use super::{Invocation, Programs};

/// The programs that open a page in the user's browser.
const BROWSERS: [&str; 3] = ["xdg-open", "open", "wslview"];

/// A local page that leads to the URL, until it is dropped. Other users could see the URL among the arguments of the
/// browser, and only this user can read the page.
pub(crate) struct Page(NamedTempFile);

impl Page {
    pub(crate) fn leading_to(url: &str, what: &str) -> io::Result<Self> {
        let mut page = tempfile::Builder::new()
            .prefix("prism-")
            .suffix(".html")
            .tempfile()?;
        writeln!(
            page,
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
             <meta http-equiv=\"refresh\" content=\"0; url={url}\"><a href=\"{url}\">{what}</a>"
        )?;
        page.flush()?;
        Ok(Self(page))
    }

    /// How to open it; `None` if there is no program that does.
    pub(crate) fn opened_by(&self, programs: &Programs) -> Option<Invocation> {
        let mut known = BROWSERS.into_iter();
        let program = known.find(|name| programs.find(name).is_some())?;
        Some(Invocation {
            program,
            args: vec![self.0.path().display().to_string()],
            env: Vec::new(),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_its_user_can_read_the_page_and_it_goes_when_it_is_dropped() {
        let page = Page::leading_to("http://127.0.0.1:1/lab?token=abc", "The notebook").unwrap();
        let path = page.0.path().to_owned();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("url=http://127.0.0.1:1/lab?token=abc\""));
        drop(page);
        assert!(!path.exists());
    }
}
