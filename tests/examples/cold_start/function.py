"""The function AwaitStopped, implemented with boto3."""

import os

import boto3

dynamodb = boto3.client("dynamodb")
ec2 = boto3.client("ec2")


def handler(event, context):
    key = {"pk": {"S": f"SAVE#{event['save_id']}"}, "sk": {"S": "META"}}
    item = dynamodb.get_item(TableName=os.environ["PRISM_TABLE"], Key=key, ConsistentRead=True)
    record = item["Item"]["record"]["M"]
    if "S" in record.get("stopped_at", {}):
        return {"done": True}
    instance = record["plan"]["M"]["instance"]["M"]["id"]["S"]
    found = ec2.describe_instances(InstanceIds=[instance])
    state = found["Reservations"][0]["Instances"][0]["State"]["Name"]
    return {"done": state == "stopped"}
