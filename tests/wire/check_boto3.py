"""Carries out the steps of a save on the wire server with boto3 and the AWS CLI.

Every response is also checked against botocore's model of EC2, because every SDK would silently ignore an element
that the model does not contain.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

SPEED = "20"
HOME, AWAY = "us-east-1", "us-west-2"
PARAMETER = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
QUICK = {"Delay": 1, "MaxAttempts": 60}
SERVER_TIMEOUT_S = 20
ACTIONS = 26
seen_actions = set()


@contextlib.contextmanager
def server(binary):
    """Runs the server, which must exit when it is asked to."""
    process = subprocess.Popen([binary, SPEED], stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    try:
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(SERVER_TIMEOUT_S) == 0, "the server did not end well"
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def hold_against_model(operation_model, response_dict, **_):
    """Asserts that the model contains every element of a response, with the right type."""
    if response_dict["status_code"] != 200:
        return
    seen_actions.add(operation_model.name)
    root = ElementTree.fromstring(response_dict["body"])
    assert root.tag.split("}")[1] == operation_model.name + "Response", root.tag
    assert root.tag.startswith("{http://ec2.amazonaws.com/doc/2016-11-15/}"), root.tag
    known = operation_model.output_shape
    for child in root:
        name = child.tag.split("}")[1]
        if name == "requestId" or (known is None and name == "return"):
            continue
        hold(child, member(known, name, operation_model.name))


def member(shape, name, where):
    for key, inner in shape.members.items():
        if inner.serialization.get("name", key) == name:
            return inner
    # EC2 returns `return` for actions whose model has no output.
    if name == "return":
        return None
    raise AssertionError(f"the model knows no {name} in {where}")


def hold(element, shape):
    if shape is None:
        return
    if shape.type_name == "structure":
        for child in element:
            name = child.tag.split("}")[1]
            hold(child, member(shape, name, shape.name))
    elif shape.type_name == "list":
        for child in element:
            assert child.tag.endswith("}item"), child.tag
            hold(child, shape.member)
    else:
        assert len(element) == 0, f"{element.tag} is no text"
        text = element.text or ""
        if getattr(shape, "enum", []):
            assert text in shape.enum, f"{element.tag}: {text} is none of {shape.enum}"
        if shape.type_name == "boolean":
            assert text in ("true", "false"), element.tag
        if shape.type_name in ("integer", "long"):
            int(text)


def clients(url):
    session = boto3.Session(aws_access_key_id="AKIAFIRST", aws_secret_access_key="secret")

    def client(service, region=HOME, **more):
        made = session.client(service, region_name=region, endpoint_url=url, **more)
        made.meta.events.register("before-parse.ec2", hold_against_model)
        return made

    return client


def refused(code, status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        told = error.response
        assert told["Error"]["Code"] == code, told
        assert told["ResponseMetadata"]["HTTPStatusCode"] == status, told
        assert told["ResponseMetadata"]["RequestId"], told
        return
    raise AssertionError(f"{code} was expected")


def tags(*kinds, **values):
    pairs = [{"Key": key, "Value": value} for key, value in values.items()]
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]


def one_instance(ec2, image, **more):
    more = {"InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1, **more}
    return ec2.run_instances(ImageId=image, **more)["Instances"][0]


def state(ec2, instance):
    found = ec2.describe_instances(InstanceIds=[instance])
    return found["Reservations"][0]["Instances"][0]["State"]["Name"]


def available(ec2, image):
    """Waits for an AMI. A new one is not found at first, which boto3's waiter treats as a failure."""
    for _ in range(100):
        with contextlib.suppress(ec2.exceptions.ClientError):
            ec2.describe_images(ImageIds=[image])
            break
        time.sleep(0.1)
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=QUICK)


def check_save(client):
    """Launches, stops, images, restarts once the snapshots exist, copies to another Region, launches the copy."""
    ec2, away, ssm = client("ec2"), client("ec2", AWAY), client("ssm")
    public = ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    name = "Ana's <lab> & \"friends\" é"
    default = [{"Name": "is-default", "Values": ["true"]}]
    (vpc,) = ec2.describe_vpcs(Filters=default)["Vpcs"]
    subnet, *others = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    zones = {it["AvailabilityZone"] for it in (subnet, *others)}
    offered = [{"Name": "instance-type", "Values": ["t3.large"]}]
    offered = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=offered)
    assert {it["Location"] for it in offered["InstanceTypeOfferings"]} == zones, offered
    group = {"GroupName": "lab", "Description": "A lab's ports", "VpcId": vpc["VpcId"]}
    group = ec2.create_security_group(**group)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 8888, "ToPort": 8888}
    rule["IpRanges"] = [{"CidrIp": "0.0.0.0/0"}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    launch = {
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20}}],
        "ClientToken": "the-same",
        "UserData": "#cloud-config\nruncmd: []\n",
        "SecurityGroupIds": [group],
        "SubnetId": subnet["SubnetId"],
        "TagSpecifications": tags("instance", "volume", "network-interface", Name=name),
    }
    instance = one_instance(ec2, public, **launch)["InstanceId"]
    assert one_instance(ec2, public, **launch)["InstanceId"] == instance
    refused("InvalidInstanceID.NotFound", 400, ec2.describe_instances, InstanceIds=["i-00000000"])
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig=QUICK)
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance], WaiterConfig=QUICK)

    by_name = [{"Name": "tag:Name", "Values": [name]}]
    running = {"Name": "instance-state-name", "Values": ["running"]}
    found = ec2.describe_instances(Filters=[*by_name, running])["Reservations"]
    (found,) = found[0]["Instances"]
    assert found["Tags"] == [{"Key": "Name", "Value": name}], found
    assert found["SecurityGroups"] == [{"GroupId": group, "GroupName": "lab"}], found
    assert (found["VpcId"], found["SubnetId"]) == (vpc["VpcId"], subnet["SubnetId"]), found
    (device,) = found["BlockDeviceMappings"]
    (volume,) = ec2.describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
    assert volume["Size"] == 20 and volume["Attachments"][0]["InstanceId"] == instance

    refused("DryRunOperation", 412, ec2.stop_instances, InstanceIds=[instance], DryRun=True)
    refused("DryRunOperation", 412, ec2.start_instances, InstanceIds=[instance], DryRun=True)
    image = {"InstanceId": instance, "Name": "save-1", "NoReboot": True, "Description": "v1"}
    refused("DryRunOperation", 412, ec2.create_image, DryRun=True, **image)
    protection = {"InstanceId": instance, "Attribute": "disableApiStop"}
    assert not ec2.describe_instance_attribute(**protection)["DisableApiStop"]["Value"]

    (stopping,) = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"]
    assert stopping["PreviousState"]["Name"] == "running", stopping
    assert stopping["CurrentState"]["Name"] == "stopping", stopping
    refused("IncorrectInstanceState", 400, ec2.start_instances, InstanceIds=[instance])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance], WaiterConfig=QUICK)
    stopped = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown", stopped
    assert stopped["StateTransitionReason"].startswith("User initiated ("), stopped

    image["TagSpecifications"] = tags("image", "snapshot", save="1")
    ami = ec2.create_image(**image)["ImageId"]
    refused("InvalidAMIName.Duplicate", 400, ec2.create_image, **image)
    by_save = {"Filters": [{"Name": "tag:save", "Values": ["1"]}], "OwnerIds": ["self"]}
    snapshot = None
    while snapshot is None:
        time.sleep(0.05)
        snapshot = next(iter(ec2.describe_snapshots(**by_save)["Snapshots"]), None)
    assert snapshot["State"] == "pending" and "FullSnapshotSizeInBytes" not in snapshot, snapshot
    ec2.start_instances(InstanceIds=[instance])
    pending = ec2.describe_images(ImageIds=[ami])["Images"][0]
    assert pending["State"] == "pending" and state(ec2, instance) == "pending", pending

    share = {"Add": [{"UserId": "222222222222"}]}
    modify = {"ImageId": ami, "LaunchPermission": share}
    refused("InvalidAMIID.Unavailable", 400, ec2.modify_image_attribute, **modify)
    available(ec2, ami)
    ec2.get_waiter("snapshot_completed").wait(
        SnapshotIds=[snapshot["SnapshotId"]], WaiterConfig=QUICK
    )
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig=QUICK)
    check_sharing(ec2, ami, modify)

    copy = {
        "SourceImageId": ami,
        "SourceRegion": HOME,
        "Name": "save-1",
        "ClientToken": "copy-1",
        "TagSpecifications": tags("image", "snapshot", save="1"),
    }
    copied = away.copy_image(**copy)["ImageId"]
    assert away.copy_image(**copy)["ImageId"] == copied
    available(away, copied)
    (found,) = away.describe_images(Owners=["self"], Filters=by_save["Filters"])["Images"]
    assert found["ImageId"] == copied and found["OwnerId"] == "111111111111", found
    launched = one_instance(away, copied)["InstanceId"]
    away.get_waiter("instance_running").wait(InstanceIds=[launched], WaiterConfig=QUICK)

    clean_up(ec2, instance, ami, group)
    clean_up(away, launched, copied)


def check_sharing(ec2, ami, modify):
    ec2.modify_image_attribute(**modify)
    attribute = {"ImageId": ami, "Attribute": "launchPermission"}
    held = ec2.describe_image_attribute(**attribute)["LaunchPermissions"]
    assert held == [{"UserId": "222222222222"}], held
    public = {"ImageId": ami, "LaunchPermission": {"Add": [{"Group": "all"}]}}
    refused("OperationNotPermitted", 400, ec2.modify_image_attribute, **public)
    blocked = ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"]
    assert blocked == "block-new-sharing", blocked
    gone = {"Remove": [{"UserId": "222222222222"}]}
    ec2.modify_image_attribute(ImageId=ami, LaunchPermission=gone)
    assert ec2.describe_image_attribute(**attribute)["LaunchPermissions"] == []


def clean_up(ec2, instance, image, group=None):
    """Removes everything, in the order that EC2 requires."""
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    snapshot = found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    refused("InvalidSnapshot.InUse", 400, ec2.delete_snapshot, SnapshotId=snapshot)
    ec2.deregister_image(ImageId=image)
    ec2.delete_snapshot(SnapshotId=snapshot)
    refused("InvalidSnapshot.NotFound", 400, ec2.describe_snapshots, SnapshotIds=[snapshot])
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig=QUICK)
    if group:
        assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        ec2.delete_security_group(GroupId=group)


def check_pages(client):
    """Lists seven instances in pages of five, with the SDK's retries of throttled calls."""
    ec2 = client("ec2", "eu-west-1", config=Config(retries={"mode": "standard", "max_attempts": 8}))
    image = client("ssm", "eu-west-1").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    made = {one_instance(ec2, image)["InstanceId"] for _ in range(7)}
    ec2.get_waiter("instance_running").wait(InstanceIds=list(made), WaiterConfig=QUICK)
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    found = [r["Instances"][0]["InstanceId"] for page in pages for r in page["Reservations"]]
    assert len(pages) == 2 and set(found) == made and len(found) == 7, pages
    for operation, key in [
        ("describe_volumes", "Volumes"),
        ("describe_instance_status", "InstanceStatuses"),
        ("describe_instance_types", "InstanceTypes"),
    ]:
        pages = list(ec2.get_paginator(operation).paginate(PaginationConfig={"PageSize": 5}))
        assert len(pages) > 1 and sum(len(page[key]) for page in pages) >= 7, operation
    assert AWAY in [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
    (kind,) = ec2.describe_instance_types(InstanceTypes=["g5.xlarge"])["InstanceTypes"]
    assert kind["InstanceStorageInfo"]["TotalSizeInGB"] == 250, kind
    assert kind["ProcessorInfo"]["SupportedArchitectures"] == ["x86_64"], kind
    ec2.terminate_instances(InstanceIds=list(made))
    ec2.get_waiter("instance_terminated").wait(InstanceIds=list(made), WaiterConfig=QUICK)


def check_refusals(client, url):
    once = Config(retries={"total_max_attempts": 1})
    ec2 = client("ec2", config=once)
    refused("InvalidAction", 400, ec2.reboot_instances, InstanceIds=["i-00000000"])
    refused("InvalidInstanceID.Malformed", 400, ec2.stop_instances, InstanceIds=["x"])
    refused("InvalidAMIID.NotFound", 400, ec2.describe_images, ImageIds=["ami-00000000"])
    nonsense = [{"Name": "nonsense", "Values": ["x"]}]
    refused("InvalidParameterValue", 400, ec2.describe_instances, Filters=nonsense)
    refused("UnknownParameter", 400, ec2.describe_images, ExecutableUsers=["self"])
    codes = set()
    for _ in range(12):
        try:
            ec2.start_instances(InstanceIds=["i-00000000"])
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            codes.add((error.response["Error"]["Code"], status))
    assert codes == {("InvalidInstanceID.NotFound", 400), ("RequestLimitExceeded", 503)}, codes
    elsewhere = client("ec2", "mars-north-1", config=once)
    refused("AuthFailure", 401, elsewhere.describe_instances)
    ssm = client("ssm")
    refused("ParameterNotFound", 400, ssm.get_parameter, Name="/mine")
    try:
        ssm.get_parameter(Name="/mine")
    except ssm.exceptions.ParameterNotFound:
        pass
    kms = client("kms")
    managed = kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS", managed
    refused("NotFoundException", 400, kms.describe_key, KeyId="none")
    # The example's second account may not stop instances.
    second = boto3.Session(aws_access_key_id="AKIASECOND", aws_secret_access_key="s")
    second = second.client("ec2", region_name=HOME, endpoint_url=url, config=once)
    stop = {"InstanceIds": ["i-00000000"], "DryRun": True}
    refused("UnauthorizedOperation", 403, second.stop_instances, **stop)


def check_cli(url):
    """Runs the AWS CLI in the same environment."""
    program = os.path.join(os.path.dirname(sys.executable), "aws")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "AKIAFIRST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "ca-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(*words, fails=None):
        command = [program, "--endpoint-url", url, "--output", "json", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        if fails:
            assert done.returncode != 0 and fails in done.stderr, done
            return None
        assert done.returncode == 0, done
        return json.loads(done.stdout) if done.stdout.strip() else None

    parameter = aws("ssm", "get-parameter", "--name", PARAMETER)["Parameter"]["Value"]
    spec = "ResourceType={},Tags=[{{Key=Name,Value=cli}}]"
    run = ["ec2", "run-instances", "--image-id", parameter, "--instance-type", "t3.large"]
    run += ["--tag-specifications", spec.format("instance"), "--user-data", "#cloud-config"]
    instance = aws(*run)["Instances"][0]["InstanceId"]
    aws("ec2", "wait", "instance-running", "--instance-ids", instance)
    found = aws("ec2", "describe-instances", "--filters", "Name=tag:Name,Values=c*")
    assert found["Reservations"][0]["Instances"][0]["InstanceId"] == instance, found
    create = ["ec2", "create-image", "--instance-id", instance, "--name", "cli", "--no-reboot"]
    create += ["--tag-specifications", spec.format("image"), spec.format("snapshot")]
    aws(*create, "--dry-run", fails="DryRunOperation")
    image = aws(*create)["ImageId"]
    aws("ec2", "wait", "image-available", "--image-ids", image)
    attribute = ["ec2", "modify-image-attribute", "--image-id", image]
    attribute += ["--attribute", "launchPermission", "--operation-type", "add"]
    aws(*attribute, "--user-ids", "222222222222")
    aws("ec2", "deregister-image", "--image-id", image)
    aws("ec2", "terminate-instances", "--instance-ids", instance)
    aws("ec2", "reboot-instances", "--instance-ids", instance, fails="InvalidAction")


def main():
    (binary,) = sys.argv[1:]
    with server(binary) as url:
        client = clients(url)
        check_save(client)
        check_pages(client)
        check_refusals(client, url)
        check_cli(url)
    assert len(seen_actions) == ACTIONS, f"not all actions were asked: {sorted(seen_actions)}"
    versions = f"boto3 {boto3.__version__}, botocore {botocore.__version__}"
    print(f"{versions}: {len(seen_actions)} actions answered as the model says")


if __name__ == "__main__":
    main()
