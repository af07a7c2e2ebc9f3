//! What the variables may be, and what is refused.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn only_the_table_must_be_set() {
    let config = read(&[(TABLE, "prism")]).unwrap();
    assert_eq!(config.event_bus, "default");
    assert_eq!(config.settings, Settings::default());
    assert!(config.launch_networks.is_empty() && config.alarm_topic.is_none());
    assert_eq!(config.user_claim, "email");
    assert_eq!(config.iam_identity, IamIdentity::Arn);
    let error = config.state_machine().unwrap_err();
    assert!(error.to_string().contains(STATE_MACHINE));
    assert_eq!(read(&[]), Err(ConfigError::Missing(TABLE)));
    assert_eq!(read(&[(TABLE, "")]), Err(ConfigError::Missing(TABLE)));
}

#[test]
fn everything_can_be_set() {
    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd";
    let config = read(&[
        (TABLE, "prism"),
        (STATE_MACHINE, "arn:aws:states:a"),
        ("PRISM_PUBLIC_SCOPE", "world"),
        ("PRISM_ALLOWED_REGIONS", "us-east-1,us-west-2"),
        ("PRISM_ALLOWED_INSTANCE_TYPES", "t3.*"),
        ("PRISM_EC2_SHARE_PERCENT", "80"),
        ("PRISM_QUEUE_HOURS", "12"),
        ("PRISM_KMS_KEYS", KEY),
        ("PRISM_RESOURCE_TAGS", "CostCentre=42,Owner=lab"),
        ("PRISM_LAUNCH_NETWORKS", "192.0.2.0/24, 2001:db8::/32"),
        (
            "PRISM_LAUNCH_SUBNETS",
            "subnet-0123456789abcdef0,subnet-01234567",
        ),
        ("PRISM_EVENT_REGIONS", "us-west-2,eu-west-1"),
        ("PRISM_USER_CLAIM", "sub"),
        ("PRISM_IAM_IDENTITY", "session-name"),
    ])
    .unwrap();
    assert_eq!(config.state_machine(), Ok("arn:aws:states:a"));
    assert_eq!(config.settings.public_scope, PublicScope::World);
    assert_eq!(config.settings.allowed_regions.0.len(), 2);
    assert_eq!(config.settings.allowed_types.list(), ["t3.*"]);
    assert_eq!(config.settings.ec2_share.to_string(), "80");
    assert_eq!(config.settings.queue_hours.to_string(), "12");
    assert_eq!(config.settings.kms_keys.list(), [KEY]);
    let tags = config.settings.resource_tags.list();
    assert_eq!(tags, ["CostCentre=42", "Owner=lab"]);
    assert_eq!(config.launch_networks, ["192.0.2.0/24", "2001:db8::/32"]);
    let subnets = ["subnet-0123456789abcdef0", "subnet-01234567"];
    let launch = config.settings.launch_subnets.iter();
    assert!(launch.map(crate::domain::ids::SubnetId::as_str).eq(subnets));
    let events = config.event_regions.iter().map(Region::as_str);
    assert!(events.eq(["us-west-2", "eu-west-1"]));
    assert_eq!(config.user_claim, "sub");
    assert_eq!(config.iam_identity, IamIdentity::SessionName);
}

#[test]
fn public_reaches_the_organization_only_where_that_is_named() {
    const ARN: &str = "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";
    let scope = ("PRISM_PUBLIC_SCOPE", "organization");
    let missing = read(&[(TABLE, "prism"), scope]).unwrap_err();
    assert_eq!(missing, ConfigError::Missing(ORGANIZATION));
    let config = read(&[(TABLE, "prism"), scope, (ORGANIZATION, ARN)]).unwrap();
    assert_eq!(config.settings.public_scope, PublicScope::Organization);
    let named = config.settings.organization.map(|arn| arn.to_string());
    assert_eq!(named.as_deref(), Some(ARN));
}

#[test]
fn a_portal_has_an_issuer_and_the_first_audience() {
    let both = [
        (TABLE, "prism"),
        (JWT_ISSUER, "https://id.example.org"),
        (JWT_AUDIENCE, "prism, other"),
    ];
    let sign_in = read(&both).unwrap().settings.sign_in.unwrap();
    assert_eq!(sign_in.issuer, "https://id.example.org");
    assert_eq!(sign_in.client_id, "prism");
    assert_eq!(sign_in.origins(), ["https://id.example.org"]);
    let elsewhere = (
        "PRISM_TOKEN_ORIGINS",
        "https://a.example.org, https://b.example.org",
    );
    let issuer = (JWT_ISSUER, "https://id.example.org/pools/x");
    let sign_in = read(&[both[0], issuer, both[2], elsewhere]).unwrap();
    let origins = [
        "https://id.example.org",
        "https://a.example.org",
        "https://b.example.org",
    ];
    assert_eq!(sign_in.settings.sign_in.unwrap().origins(), origins);
    // The template sets the audience even without a portal.
    for lacks in [both[1], both[2]] {
        let some = both.into_iter().filter(|it| *it != lacks);
        let some: Vec<_> = some.collect();
        assert_eq!(read(&some).unwrap().settings.sign_in, None);
    }
}

#[test]
fn schedules_need_their_group_their_role_and_the_machine() {
    let all = [
        (TABLE, "prism"),
        (SCHEDULE_GROUP, "saves"),
        (SCHEDULE_ROLE, "arn:aws:iam::1:role/r"),
        (STATE_MACHINE, "arn:aws:states:a"),
    ];
    let schedules = read(&all).unwrap().schedules.unwrap();
    assert_eq!(
        (schedules.group.as_str(), schedules.dead_letters),
        ("saves", None)
    );
    for missing in 1..all.len() {
        let mut some = all.to_vec();
        let (name, _) = some.remove(missing);
        assert_eq!(read(&some), Err(ConfigError::Missing(name)));
    }
    assert_eq!(read(&all[..1]).unwrap().schedules, None);
}

fn check_refused(name: &str, value: &str) {
    let error = read(&[(TABLE, "prism"), (name, value)]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(name) && text.contains(value), "{text}");
}

#[test]
fn a_wrong_value_is_named_with_its_rule() {
    for Variable {
        name,
        rule,
        setting,
        ..
    } in VARIABLES
    {
        if !rule.is_empty() {
            check_refused(name, "what nobody may set");
        }
        match setting.as_ref().map(|it| &it.values) {
            Some(Values::Number(least, most)) => {
                check_refused(name, &(i32::from(*least) - 1).to_string());
                check_refused(name, &(i32::from(*most) + 1).to_string());
            }
            Some(Values::OneOf(values)) => {
                for value in *values {
                    assert!(rule.contains(&format!("\"{value}\"")), "{name}: {value}");
                }
            }
            _ => {}
        }
    }
    for (name, value) in [
        ("PRISM_LAUNCH_NETWORKS", "192.0.2.0"),
        ("PRISM_LAUNCH_NETWORKS", "192.0.2.0/33"),
        ("PRISM_LAUNCH_NETWORKS", "campus/24"),
        ("PRISM_LAUNCH_SUBNETS", "vpc-0123456789abcdef0"),
        ("PRISM_LAUNCH_SUBNETS", "subnet-*"),
        ("PRISM_ALLOWED_REGIONS", "us-east-1,europe"),
        ("PRISM_ALLOWED_INSTANCE_TYPES", "m7i.large,large"),
        ("PRISM_KMS_KEYS", "alias/lab"),
        ("PRISM_RESOURCE_TAGS", "prism:owner=eve"),
        (ORGANIZATION, "o-a1b2c3d4e5"),
    ] {
        check_refused(name, value);
    }
}
