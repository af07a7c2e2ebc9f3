//! The serial console.

use super::*;

#[tokio::test]
async fn what_a_console_shows_now_is_asked_for_where_ec2_can_tell() {
    let shown = |output: &str| {
        Reply::ok(format!(
            "<GetConsoleOutputResponse><instanceId>{INSTANCE}</instanceId>{output}</GetConsoleOutputResponse>"
        ))
    };
    let aws = Aws::answering([
        // "prism-setup: ready", and a byte that is no UTF-8.
        shown("<output>cHJpc20tc2V0dXA6IHJlYWR5/w==</output>"),
        Reply::ec2_error(
            "UnsupportedOperation",
            "Please retry without the 'latest' option.",
        ),
        shown(""),
        shown("<output>not base64</output>"),
    ]);
    let (ec2, region, id) = (ec2(&aws), region(), instance_id());
    let console = ec2.console(&region, &id).await.unwrap();
    assert_eq!(console, "prism-setup: ready\u{fffd}");
    assert_eq!(ec2.console(&region, &id).await.unwrap(), "");
    assert!(ec2.console(&region, &id).await.is_err());
    insta::assert_snapshot!(aws.lines(1), @r#"
    Action = "GetConsoleOutput"
    InstanceId = "i-0123456789abcdef0"
    Latest = "true"
    "#);
    insta::assert_snapshot!(aws.lines(2), @r#"
    Action = "GetConsoleOutput"
    InstanceId = "i-0123456789abcdef0"
    Latest = "false"
    "#);
}
