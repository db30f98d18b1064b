"""Drives a Secrets Manager with the official client and prints the results as one JSON object."""

import json
import os
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

aws = boto3.client(
    "secretsmanager",
    endpoint_url=os.environ["ENDPOINT"],
    region_name="us-east-1",
    config=Config(retries={"mode": "standard", "max_attempts": 3}),
)


def error_of(call, **members):
    try:
        call(**members)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return None


first = aws.create_secret(Name="app/key", SecretString="first", Tags=[{"Key": "owner", "Value": "payments"}])
pending = str(uuid.uuid4())
aws.put_secret_value(
    SecretId="app/key", SecretString="second", ClientRequestToken=pending, VersionStages=["AWSPENDING"]
)
aws.update_secret_version_stage(
    SecretId="app/key",
    VersionStage="AWSCURRENT",
    RemoveFromVersionId=first["VersionId"],
    MoveToVersionId=pending,
)
aws.create_secret(Name="app/bytes", SecretBinary=b"\x00\xff")

read = aws.get_secret_value(SecretId="app/key")
described = aws.describe_secret(SecretId="app/key")
batch = aws.batch_get_secret_value(SecretIdList=["app/key", "app/bytes", "app/none"])
pages = aws.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
deleted = aws.delete_secret(SecretId="app/bytes", RecoveryWindowInDays=7)

print(
    json.dumps(
        {
            "text": read["SecretString"],
            "created": read["CreatedDate"].timestamp(),
            "current": read["VersionId"] == pending,
            "previous": described["VersionIdsToStages"][first["VersionId"]],
            "tags": described["Tags"],
            "binary": batch["SecretValues"][1]["SecretBinary"].hex(),
            "missing": batch["Errors"][0]["ErrorCode"],
            "listed": [secret["Name"] for page in pages for secret in page["SecretList"]],
            "window_days": (deleted["DeletionDate"] - read["CreatedDate"]).days,
            "absent": error_of(aws.get_secret_value, SecretId="app/none"),
            "ending": error_of(aws.get_secret_value, SecretId="app/bytes"),
            "stale": error_of(
                aws.update_secret_version_stage,
                SecretId="app/key",
                VersionStage="AWSCURRENT",
                RemoveFromVersionId=first["VersionId"],
                MoveToVersionId=first["VersionId"],
            ),
        }
    )
)
