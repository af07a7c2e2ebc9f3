//! Public SSH keys, in the form of a line of OpenSSH's `.pub` files: a type, the key in Base64, and a comment.
//!
//! A line is checked to be a key of its type and nothing more. Options, as in an `authorized_keys` file, are refused.
//! No error repeats what it refuses: that may be a private key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::as_string::from_and_into_string;
use super::ids::KeyFingerprint;
use super::{Code, Problem, Timestamp};

/// The maximum number of keys that a user can have.
pub const KEYS: usize = 20;

/// The maximum number of keys in the request for a launch, besides those of the user.
pub const LAUNCH_KEYS: usize = 10;

/// The maximum length of a line. A key of RSA with [`MOST_BITS`] has 2,800 characters.
const LINE: usize = 4_096;
/// The maximum number of characters of a comment.
const COMMENT: usize = 128;
/// The shortest modulus of RSA that is accepted, in bits: OpenSSH's `RequiredRSASize` could be lower, NIST's
/// recommendation (SP 800-57) is not.
const LEAST_BITS: usize = 2_048;
/// OpenSSH's longest modulus.
const MOST_BITS: usize = 16_384;

/// A public SSH key with its comment.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    kind: String,
    blob: Vec<u8>,
    comment: String,
}

/// A public key that a user has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKey {
    pub public_key: PublicKey,
    pub added_at: Timestamp,
}

/// The registered keys of a user, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKeys {
    pub keys: Vec<OwnKey>,
}

/// A field of a key, after its type (RFC 4253, RFC 5656, RFC 8709 and OpenSSH's PROTOCOL.u2f).
#[derive(Clone, Copy)]
enum Field {
    /// A text of this value.
    Is(&'static str),
    /// A string of this many bytes.
    Bytes(usize),
    /// An uncompressed point of a curve, of this many bytes.
    Point(usize),
    /// The public exponent of RSA, which is odd.
    Exponent,
    Modulus,
    /// The application of a security key, such as `ssh:`.
    Application,
}

use Field::{Application, Bytes, Exponent, Is, Modulus, Point};

/// The types that are accepted, each with its fields.
const KINDS: &[(&str, &[Field])] = &[
    ("ssh-ed25519", &[Bytes(32)]),
    ("sk-ssh-ed25519@openssh.com", &[Bytes(32), Application]),
    ("ecdsa-sha2-nistp256", &[Is("nistp256"), Point(65)]),
    ("ecdsa-sha2-nistp384", &[Is("nistp384"), Point(97)]),
    ("ecdsa-sha2-nistp521", &[Is("nistp521"), Point(133)]),
    (
        "sk-ecdsa-sha2-nistp256@openssh.com",
        &[Is("nistp256"), Point(65), Application],
    ),
    ("ssh-rsa", &[Exponent, Modulus]),
];

impl PublicKey {
    /// The type, such as `ssh-ed25519`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What its owner calls it, such as `ada@laptop`; often empty.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The fingerprint as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> KeyFingerprint {
        let digest = STANDARD_NO_PAD.encode(Sha256::digest(&self.blob));
        let text = format!("SHA256:{digest}");
        text.parse()
            .expect("32 bytes are 43 characters in Base64, without padding")
    }

    /// The type and the key, without the comment.
    pub fn bare(&self) -> String {
        format!("{} {}", self.kind, STANDARD.encode(&self.blob))
    }
}

impl FromStr for PublicKey {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let line = text.trim();
        refuse_other(line)?;
        let mut words = line.splitn(3, [' ', '\t']);
        let (kind, key) = (words.next().unwrap_or_default(), words.next());
        if kind == "ssh-dss" {
            return Err(refused("It is a DSA key, which OpenSSH no longer accepts."));
        }
        let Some((kind, fields)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            return Err(refused(
                "It does not begin with the type of a key that is accepted.",
            ));
        };
        let blob = key
            .and_then(|key| STANDARD.decode(key.trim_end()).ok())
            .ok_or_else(|| refused("The key is not in Base64."))?;
        check(kind, fields, &blob)?;
        let comment = words.next().unwrap_or_default().trim();
        let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if comment.chars().count() > COMMENT || comment.contains(odd) {
            return Err(refused(&format!(
                "Its comment has more than {COMMENT} characters, or control characters."
            )));
        }
        Ok(Self {
            kind: (*kind).to_owned(),
            blob,
            comment: comment.to_owned(),
        })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())?;
        if self.comment.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.comment)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

from_and_into_string!(PublicKey);

impl utoipa::PartialSchema for PublicKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "A public SSH key as a line of OpenSSH's `.pub` files: Ed25519, ECDSA, RSA of at least 2048 bits, or a key of a security key.",
            ))
            .max_length(Some(LINE))
            .examples(["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop"])
            .into()
    }
}

impl utoipa::ToSchema for PublicKey {}

/// Refuses what is not one line of text.
fn refuse_other(line: &str) -> Result<(), Problem> {
    if line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File") {
        return Err(refused("It is a private key, which nobody else may see.")
            .hint("Give the public key, whose file ends in .pub. If the private key has left your machine, replace it."));
    }
    if line.is_empty() {
        return Err(refused("It is empty."));
    }
    if line.len() > LINE || line.contains(['\n', '\r']) {
        return Err(refused(&format!(
            "It is not one line of at most {LINE} characters."
        )));
    }
    Ok(())
}

/// Checks that a key consists of exactly its type and its fields.
fn check(kind: &str, fields: &[Field], blob: &[u8]) -> Result<(), Problem> {
    let damaged = || refused("The key is damaged, or it is not of the type that it names.");
    let mut rest = blob;
    if take(&mut rest) != Some(kind.as_bytes()) {
        return Err(damaged());
    }
    for field in fields {
        let bytes = take(&mut rest).ok_or_else(damaged)?;
        let valid = match *field {
            Is(text) => bytes == text.as_bytes(),
            Bytes(count) => bytes.len() == count,
            Point(count) => bytes.len() == count && bytes.first() == Some(&4),
            Exponent => bits(bytes) > 1 && bytes.last().is_some_and(|low| low % 2 == 1),
            Modulus if bits(bytes) < LEAST_BITS => {
                return Err(refused(&format!(
                    "It is an RSA key of {} bits; at least {LEAST_BITS} are required.",
                    bits(bytes)
                )));
            }
            Modulus => bits(bytes) <= MOST_BITS,
            Application => !bytes.is_empty(),
        };
        if !valid {
            return Err(damaged());
        }
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(damaged())
    }
}

/// Takes a string of SSH's wire format: its length in four bytes, and its bytes (RFC 4251, section 5).
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(string)
}

/// The number of bits of a positive integer; 0 for a negative one.
fn bits(integer: &[u8]) -> usize {
    if integer.first().is_some_and(|first| first & 0x80 != 0) {
        return 0;
    }
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    match integer.get(zeros) {
        Some(first) => (integer.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

fn refused(why: &str) -> Problem {
    let message =
        format!("This is not a public SSH key that can be used. {why} Nothing was changed.");
    Problem::new(Code::InvalidKey, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    /// A line of this type with these fields.
    fn line(kind: &str, fields: &[&[u8]]) -> String {
        let all = [kind.as_bytes()].into_iter().chain(fields.iter().copied());
        let blob = all.flat_map(|field| {
            let length = u32::try_from(field.len()).unwrap().to_be_bytes();
            length.into_iter().chain(field.iter().copied())
        });
        format!("{kind} {}", STANDARD.encode(blob.collect::<Vec<u8>>()))
    }

    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0xff_u8; bits / 8];
        modulus.insert(0, 0);
        line("ssh-rsa", &[&[1, 0, 1], &modulus])
    }

    fn why(text: &str) -> String {
        let problem = text.parse::<PublicKey>().unwrap_err();
        assert_eq!(problem.code, Code::InvalidKey);
        problem.message
    }

    #[test]
    fn a_key_reads_back_with_the_fingerprint_of_ssh_keygen() {
        let key: PublicKey = format!("  {ED25519}  ada@laptop \n").parse().unwrap();
        assert_eq!(key.kind(), "ssh-ed25519");
        assert_eq!(key.comment(), "ada@laptop");
        assert_eq!(key.to_string(), format!("{ED25519} ada@laptop"));
        assert_eq!(key.to_string().parse::<PublicKey>().unwrap(), key);
        // GitHub's own key, whose fingerprint its documentation names.
        let shown = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        assert_eq!(key.fingerprint().as_str(), shown);
    }

    #[test]
    fn every_type_is_accepted_with_exactly_its_fields() {
        let point = |size: usize| [&[4_u8][..], &vec![7; size - 1]].concat();
        for good in [
            line("ecdsa-sha2-nistp256", &[b"nistp256", &point(65)]),
            line("ecdsa-sha2-nistp384", &[b"nistp384", &point(97)]),
            line("ecdsa-sha2-nistp521", &[b"nistp521", &point(133)]),
            line("sk-ssh-ed25519@openssh.com", &[&[7; 32], b"ssh:"]),
            line(
                "sk-ecdsa-sha2-nistp256@openssh.com",
                &[b"nistp256", &point(65), b"ssh:"],
            ),
            rsa(2048),
            rsa(4096),
        ] {
            assert!(good.parse::<PublicKey>().is_ok(), "{good}");
        }
        for bad in [
            line("ssh-ed25519", &[&[7; 31]]),
            line("ssh-ed25519", &[&[7; 32], b"more"]),
            line("ssh-ed25519", &[]),
            line("ecdsa-sha2-nistp256", &[b"nistp384", &point(65)]),
            line("ecdsa-sha2-nistp256", &[b"nistp256", &[2; 65]]),
            line("ssh-rsa", &[&[2], &[0x7f; 256]]),
            ED25519.replacen("ssh-ed25519", "ssh-rsa", 1),
            format!("{ED25519}AAAA"),
        ] {
            assert!(why(&bad).contains("damaged"), "{bad}");
        }
    }

    #[test]
    fn what_nobody_should_use_is_refused_with_its_reason() {
        assert!(why(&rsa(1024)).contains("1024 bits"));
        assert!(why(&line("ssh-dss", &[&[7; 20]])).contains("DSA"));
        assert!(why("").contains("empty"));
        assert!(why(&format!("{ED25519} a\n{ED25519} b")).contains("one line"));
        assert!(why(&format!("command=\"sh\" {ED25519}")).contains("begin with the type"));
        assert!(why("ssh-ed25519 not-base-64!").contains("Base64"));
        assert!(why(&format!("{ED25519} a\u{7}b")).contains("comment"));
        assert!(why(&format!("{ED25519} {}", "x".repeat(200))).contains("comment"));
    }

    #[test]
    fn a_private_key_is_never_repeated() {
        for (secret, text) in [
            (
                "b3BlbnNzaC1rZXk",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
            ),
            ("MIIEpAIBAA", "-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAA"),
            (
                "AAAA5ecret",
                "PuTTY-User-Key-File-3: ssh-ed25519\nAAAA5ecret",
            ),
        ] {
            let problem = text.parse::<PublicKey>().unwrap_err();
            let told = format!("{problem:?} {problem} {problem:#} {}", problem.advice());
            assert!(
                told.contains("private key") && !told.contains(secret),
                "{told}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_is_repeated_and_what_is_read_is_written_the_same(text in ".{0,80}") {
            match text.parse::<PublicKey>() {
                Ok(key) => prop_assert_eq!(key.to_string().parse::<PublicKey>().unwrap(), key),
                Err(problem) => prop_assert!(
                    text.trim().len() < 12 || !problem.to_string().contains(text.trim())
                ),
            }
        }

        #[test]
        fn bytes_that_are_no_key_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = format!("ssh-ed25519 {}", STANDARD.encode(bytes));
            prop_assert!(text.parse::<PublicKey>().is_err());
        }
    }
}
