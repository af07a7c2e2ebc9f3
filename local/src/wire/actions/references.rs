//! DescribeImageReferences for launch templates.

use prism_functions::domain::{ImageId, LaunchTemplateId};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::pages::Paging;
use super::super::params::Params;
use super::super::xml::Xml;

const LAUNCH_TEMPLATE: &str = "ec2:LaunchTemplate";
/// How many versions of a launch template are searched by default and at most.
const VERSIONS: usize = 10;
const MOST_VERSIONS: usize = 10_000;
/// The maximum number of AMIs in one request.
const MOST_IMAGES: usize = 10;

pub(super) fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids: Vec<ImageId> = call.params.ids("ImageId")?;
    if ids.is_empty() {
        let message = "The request must contain the parameter ImageId";
        return Err(Fault::new("MissingParameter", message));
    }
    if ids.len() > MOST_IMAGES {
        let count = ids.len().to_string();
        let rule = format!("at most {MOST_IMAGES} AMIs");
        return Err(call.params.invalid("ImageId", &count, rule));
    }
    let types = call.params.structs("ResourceType");
    let [wanted] = <[Params; 1]>::try_from(types).map_err(|_| {
        let message = "The simulator looks at one resource type, launch templates";
        Fault::new("InvalidParameterCombination", message)
    })?;
    let versions = versions(wanted)?;
    let paging = Paging::take(&mut call.params, call.action, 5..=1000)?;
    call.finish()?;

    let found = (call.ec2).launch_templates_within(&call.region, &ids, versions)?;
    let references: Vec<(ImageId, LaunchTemplateId)> = found
        .into_iter()
        .flat_map(|(image, templates)| templates.into_iter().map(move |it| (image.clone(), it)))
        .collect();
    let key = |(image, template): &(ImageId, LaunchTemplateId)| format!("{image}/{template}");
    let (page, next) = paging.cut(references, key, |_| true);
    let place = format!("{}:{}", call.region, call.account());
    let mut xml = Xml::new();
    xml.list("imageReferenceSet", &page, |xml, (image, template)| {
        xml.text("imageId", image);
        xml.text("resourceType", LAUNCH_TEMPLATE);
        let arn = format!("arn:aws:ec2:{place}:launch-template/{template}");
        xml.text("arn", arn);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

fn versions(mut wanted: Params) -> Result<usize, Fault> {
    wanted.only("ResourceType", LAUNCH_TEMPLATE)?;
    let mut versions = VERSIONS;
    for mut option in wanted.structs("ResourceTypeOption") {
        option.only("OptionName", "version-depth")?;
        for value in option.list("OptionValue")? {
            let depth = value.parse().ok();
            let depth = depth.filter(|depth| (1..=MOST_VERSIONS).contains(depth));
            versions = depth.ok_or_else(|| {
                let rule = format!("it is 1 to {MOST_VERSIONS}");
                option.invalid("OptionValue", &value, rule)
            })?;
        }
        option.finish()?;
    }
    wanted.finish()?;
    Ok(versions)
}
