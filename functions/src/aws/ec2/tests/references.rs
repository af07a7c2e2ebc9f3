//! References to AMIs.

use super::*;

#[tokio::test]
async fn launch_templates_are_read_on_all_pages() {
    let page = |template: &str, behind: &str| {
        let arn = format!("arn:aws-cn:ec2:us-west-2:111122223333:launch-template/{template}");
        let told = format!(
            "<DescribeImageReferencesResponse><imageReferenceSet><item><imageId>{IMAGE}</imageId>
            <resourceType>ec2:LaunchTemplate</resourceType><arn>{arn}</arn></item></imageReferenceSet>
            {behind}</DescribeImageReferencesResponse>"
        );
        Reply::ok(told)
    };
    let aws = Aws::answering([
        page("lt-00000000000000001", "<nextToken>more</nextToken>"),
        page("lt-00000000000000002", ""),
    ]);
    let ec2 = ec2(&aws);
    let none = ec2.launch_templates_of(&region(), &[]).await.unwrap();
    assert!(none.is_empty());
    let found = ec2.launch_templates_of(&region(), &[image_id()]).await;
    let named: Vec<String> = found.unwrap()[&image_id()]
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(named, ["lt-00000000000000001", "lt-00000000000000002"]);
    insta::assert_snapshot!(aws.lines(1), @r#"
    Action = "DescribeImageReferences"
    ImageId.1 = "ami-0123456789abcdef0"
    ResourceType.1.ResourceType = "ec2:LaunchTemplate"
    ResourceType.1.ResourceTypeOption.1.OptionName = "version-depth"
    ResourceType.1.ResourceTypeOption.1.OptionValue.1 = "10000"
    NextToken = "more"
    "#);
}
