//! What cloud-init does at the first boot of a launched instance: the setup of a built-in template, and public SSH keys.
//!
//! cloud-init works once for each instance ID. An instance of a saved template is a new one, so it gets the keys of the
//! user who launches it. Its disk still has those with which the saved instance was launched, whose owners should not
//! be able to log in to it: they are removed before the new ones are added. They are known by [`MARK`]. Keys that
//! somebody wrote to `authorized_keys` by hand remain, as part of what was saved; they are reported as sensitive files.

use std::fmt::Write as _;

use super::public_key::PublicKey;
use super::{Code, Problem};

/// The maximum size of user data, in bytes, before EC2's client encodes it in Base64.
pub const USER_DATA_BYTES: usize = 16 << 10;

/// The end of each line in `authorized_keys` that a launch has added.
pub const MARK: &str = " prism:launch-key";

/// Removes the keys of an earlier launch, for all users that have any. It is a script for `sh -c`.
pub const FORGET_KEYS: &str = "for f in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do \
     if [ -f \"$f\" ]; then sed -i '/ prism:launch-key$/d' \"$f\"; fi; done";

/// Returns the user data with which an instance is launched; `None` if there is nothing to do. `setup` is the setup of a
/// built-in template. `saved` tells that the disk comes from an instance that was launched before.
pub fn user_data<'a>(
    setup: Option<String>,
    saved: bool,
    keys: impl IntoIterator<Item = &'a PublicKey>,
) -> Result<Option<String>, Problem> {
    let keys: Vec<&PublicKey> = keys.into_iter().collect();
    if !saved && keys.is_empty() {
        return Ok(setup);
    }
    let mut text = setup.unwrap_or_else(|| "#cloud-config\n".to_owned());
    if saved {
        // `bootcmd` runs at every boot, before cloud-init adds keys; cloud-init-per limits it to the first one.
        let script = quoted(FORGET_KEYS);
        let _ = writeln!(
            text,
            "bootcmd:\n  - [cloud-init-per, instance, prism-keys, sh, -c, {script}]"
        );
    }
    if !keys.is_empty() {
        text.push_str("ssh_authorized_keys:\n");
    }
    for key in &keys {
        let _ = writeln!(text, "  - {}", quoted(&format!("{key}{MARK}")));
    }
    if text.len() > USER_DATA_BYTES {
        let message = format!(
            "The setup of the template and {} public keys are {} bytes, and EC2 accepts {USER_DATA_BYTES}. Nothing was launched.",
            keys.len(),
            text.len()
        );
        return Err(Problem::new(Code::LimitReached, message)
            .hint("Remove keys that you no longer use, or replace RSA keys by Ed25519 keys, which are shorter."));
    }
    Ok(Some(text))
}

/// A text in the form that JSON and YAML share.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue;

    #[derive(serde::Deserialize)]
    struct CloudConfig {
        #[serde(default)]
        bootcmd: Vec<Vec<String>>,
        #[serde(default)]
        ssh_authorized_keys: Vec<String>,
        #[serde(default)]
        runcmd: Vec<String>,
    }

    fn key(comment: &str) -> PublicKey {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        format!("{key} {comment}").parse().unwrap()
    }

    fn read(text: Option<String>) -> CloudConfig {
        let text = text.unwrap();
        assert!(text.starts_with("#cloud-config\n"));
        serde_saphyr::from_str(&text).unwrap()
    }

    #[test]
    fn a_launch_without_keys_of_what_was_never_launched_needs_nothing() {
        assert_eq!(user_data(None, false, &[]).unwrap(), None);
    }

    #[test]
    fn every_built_in_template_has_room_for_keys() {
        for built_in in catalogue::ALL {
            let setup = built_in.user_data();
            let steps = setup
                .as_ref()
                .map_or(0, |it| it.matches("  - /opt").count());
            let config = read(user_data(setup, false, &vec![key("ada@laptop"); 20]).unwrap());
            assert_eq!(config.ssh_authorized_keys.len(), 20);
            assert!(config.bootcmd.is_empty());
            assert_eq!(config.runcmd.len(), steps, "{}", built_in.name);
        }
    }

    #[test]
    fn an_instance_of_a_saved_template_forgets_the_keys_of_earlier_launches() {
        let config = read(user_data(None, true, &[]).unwrap());
        let words: Vec<_> = config.bootcmd[0].iter().map(String::as_str).collect();
        assert_eq!(
            words[..4],
            ["cloud-init-per", "instance", "prism-keys", "sh"]
        );
        assert_eq!(words[5], FORGET_KEYS);
        assert!(FORGET_KEYS.contains(&format!("/{MARK}$/d")));
    }

    #[test]
    fn no_comment_leaves_its_line() {
        for comment in ["\"', ]} # : - &a *b !c %d", "\\n\\\"", "ünï 数据", "~"] {
            let config = read(user_data(None, true, &[key(comment)]).unwrap());
            let [line] = config.ssh_authorized_keys.as_slice() else {
                panic!("{:?}", config.ssh_authorized_keys);
            };
            assert_eq!(*line, format!("{}{MARK}", key(comment)));
        }
    }

    #[test]
    fn more_than_ec2_takes_is_refused() {
        let many = vec![key(&"x".repeat(120)); 80];
        let refused = user_data(None, false, &many).unwrap_err();
        assert_eq!(refused.code, Code::LimitReached);
    }

    #[test]
    fn the_script_removes_exactly_the_marked_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authorized_keys");
        let own = key("by-hand");
        std::fs::write(&file, format!("{own}\n{own}{MARK}\nno-pty {own}{MARK}\n")).unwrap();
        let script = FORGET_KEYS.replace("/root/.ssh/authorized_keys", file.to_str().unwrap());
        let script = script.replace(" /home/*/.ssh/authorized_keys", "");
        let ran = std::process::Command::new("sh")
            .args(["-c", &script])
            .status();
        assert!(ran.unwrap().success());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{own}\n"));
    }
}
