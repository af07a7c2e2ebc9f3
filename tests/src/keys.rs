//! Public SSH keys for tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prism_functions::domain::public_key::PublicKey;

/// A key of Ed25519 whose bytes are all this number.
pub fn ed25519(number: u8, comment: &str) -> PublicKey {
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([number; 32]);
    let line = format!("ssh-ed25519 {} {comment}", STANDARD.encode(blob));
    line.parse().expect("it is a key")
}
