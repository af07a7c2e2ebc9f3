//! Tests the EC2 adapter against the external emulator moto, as far as moto supports it: moto does not simulate time,
//! and cannot create an AMI with tags. `tests/emulators/run moto` starts it.

use std::sync::Arc;

use prism_functions::aws::{AwsEc2, Clients, Limits, PublicParameters, caller_arn};
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{ImageId, InstanceId, Region, VolumeId};
use prism_functions::ports::{
    Ec2, Encryption, ImageFilter, InstanceFilter, NewInstance, Parameters, Probe, Subnet,
    SubnetFilter, Tags,
};

/// A public parameter that exists both in moto and on AWS.
const PARAMETER: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

fn new(image: &ImageId, token: &str, ports: &[u16], subnet: &Subnet) -> NewInstance {
    NewInstance {
        image: image.clone(),
        instance_type: "t3.large".to_owned(),
        volumes: Vec::new(),
        ports: ports.to_vec(),
        kms_key: None,
        user_data: Some("#cloud-config\n".to_owned()),
        profile: None,
        client_token: token.to_owned(),
        tags: Tags::from([("Name".to_owned(), token.to_owned())]),
        subnet: subnet.clone(),
    }
}

async fn state(ec2: &AwsEc2, region: &Region, id: &InstanceId) -> InstanceState {
    let wanted = InstanceFilter::Ids(vec![id.clone()]);
    ec2.instances(region, &wanted)
        .await
        .expect("it is described")[0]
        .state
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says which emulator runs"
)]
async fn an_instance_is_launched_and_led_through_its_states() {
    if std::env::var("PRISM_EMULATOR").as_deref() != Ok("moto") {
        eprintln!("skipped: moto does not run (tests/emulators/run starts it)");
        return;
    }
    let clients = Arc::new(Clients::load(Limits::OF_A_STEP).await.unwrap());
    assert!(caller_arn(&clients).await.unwrap().starts_with("arn:aws:"));
    let region: Region = "us-west-2".parse().unwrap();
    let ec2 = AwsEc2::new(Arc::clone(&clients), &["192.0.2.0/24".to_owned()]);
    assert!(ec2.regions().await.unwrap().contains(&region));
    let kind = ec2.instance_type(&region, "m5d.large").await.unwrap();
    assert!(kind.instance_store_gb > 0, "{kind:?}");
    let unknown = ec2.instance_type(&region, "z9.tiny").await.unwrap_err();
    assert_eq!(unknown.code, "InvalidInstanceType");

    let parameters = PublicParameters::new(Arc::clone(&clients));
    let image = parameters.image(&region, PARAMETER).await.unwrap();
    let nowhere = parameters.image(&region, "/aws/none").await.unwrap_err();
    assert!(nowhere.is_not_found(), "{nowhere:?}");

    let subnets = ec2.subnets(&region, &SubnetFilter::Default).await.unwrap();
    let offering = ec2.zones_offering(&region, "t3.large").await.unwrap();
    let offers = |subnet: &&Subnet| offering.contains(&subnet.zone);
    let subnet = subnets.iter().find(offers).expect("a zone offers it");
    assert!(subnet.free_addresses > 0, "{subnet:?}");
    let elsewhere = vec!["subnet-0123456789abcdef0".parse().unwrap()];
    let none = ec2.subnets(&region, &SubnetFilter::Ids(elsewhere)).await;
    assert_eq!(none.unwrap(), []);

    // The second launch finds the security group that the first has created for the same ports.
    let first = new(&image, "one", &[22, 8888], subnet);
    let made = ec2.run_instance(&region, &first).await.unwrap();
    let second = new(&image, "two", &[8888, 22], subnet);
    let again = ec2.run_instance(&region, &second).await.unwrap();
    assert_ne!(again.id, made.id);

    let tag = InstanceFilter::Tag("Name".to_owned(), "one".to_owned());
    let found = ec2.instances(&region, &tag).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, found[0].name()), (&made.id, Some("one")));
    assert_eq!(found[0].zone.as_ref(), Some(&subnet.zone));
    let volumes: Vec<VolumeId> = found[0]
        .volumes
        .iter()
        .map(|it| it.volume.clone())
        .collect();
    let volumes = ec2.volumes(&region, &volumes).await.unwrap();
    assert_eq!(volumes[0].encryption, Encryption::None);

    ec2.probe(&region, &Probe::Stop(made.id.clone()))
        .await
        .unwrap();
    assert_eq!(state(&ec2, &region, &made.id).await, InstanceState::Running);
    assert!(!ec2.stop_protection(&region, &made.id).await.unwrap());
    ec2.stop_instance(&region, &made.id).await.unwrap();
    assert_eq!(state(&ec2, &region, &made.id).await, InstanceState::Stopped);
    ec2.start_instance(&region, &made.id).await.unwrap();
    assert_eq!(state(&ec2, &region, &made.id).await, InstanceState::Running);
    ec2.terminate_instance(&region, &made.id).await.unwrap();
    assert!(state(&ec2, &region, &made.id).await.is_gone());

    let wanted = ImageFilter::Ids(vec![image.clone()]);
    assert_eq!(ec2.images(&region, &wanted).await.unwrap()[0].id, image);
    let missing: InstanceId = "i-0123456789abcdef0".parse().unwrap();
    let wanted = InstanceFilter::Ids(vec![missing]);
    let error = ec2.instances(&region, &wanted).await.unwrap_err();
    assert_eq!(error.code, "InvalidInstanceID.NotFound");
}
