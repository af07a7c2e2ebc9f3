//! `prism key`.

mod add;
mod list;
mod remove;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use prism_functions::domain::public_key::PublicKey;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::KeyView;

use crate::text::plain;

/// The maximum number of bytes that are read from a file, which is more than the longest key has.
const FILE_BYTES: u64 = 16 << 10;

commands! {
    /// Manage your public SSH keys, which launches install
    Keys {
        Add(add::Add),
        #[command(visible_alias = "ls")]
        List(list::List),
        Remove(remove::Remove),
    }
}

/// Reads a public key from a file, or from stdin if the path is "-".
pub(crate) fn read(path: &Path) -> Result<PublicKey, Problem> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(FILE_BYTES).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let message = format!("{} cannot be read.", path.display());
        Problem::new(Code::LocalIo, message)
            .because(error)
            .hint("Name the .pub file of a key. \"ssh-keygen -t ed25519\" creates one.")
    })?;
    String::from_utf8_lossy(&bytes).parse()
}

/// A key in one line: its fingerprint, what its owner calls it, and its type.
fn named(key: &KeyView) -> String {
    let comment = match key.comment.as_str() {
        "" => String::new(),
        comment => format!(" {}", plain(comment)),
    };
    format!("{}{comment} ({})", key.fingerprint, key.r#type)
}
