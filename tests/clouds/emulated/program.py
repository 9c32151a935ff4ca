"""About ten resources of AWS that stand on each other, as the tests' program; `bad` seeds faults into it."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws_native as aws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def program(prefix: str, *, kms_rotates: bool = True, retention: int = 90, instance: str = "ml.m5.large") -> None:
    """A bucket with its key, a role, an endpoint with its configuration, a topic with a rule and an alarm, a budget."""
    key = aws.kms.Key("key", enable_key_rotation=kms_rotates, key_policy={"Version": "2012-10-17", "Statement": []})
    bucket = aws.s3.Bucket("data", bucket_name=f"{prefix}-data", bucket_encryption=_encrypted(key.arn))
    aws.s3.BucketPolicy("tls", bucket=bucket.bucket_name, policy_document=bucket.arn.apply(_tls_only))
    role = aws.iam.Role("release", role_name=f"{prefix}-release", assume_role_policy_document=TRUST)
    model = aws.sagemaker.Model(
        "model",
        execution_role_arn=role.arn,
        primary_container={"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/c"},
    )
    configuration = aws.sagemaker.EndpointConfig(
        "configuration",
        endpoint_config_name=f"{prefix}-1",
        production_variants=[
            {
                "variant_name": "champion",
                "model_name": model.model_name,
                "initial_instance_count": 1,
                "instance_type": instance,
                "initial_variant_weight": 1.0,
            }
        ],
    )
    aws.sagemaker.Endpoint("endpoint", endpoint_name=prefix, endpoint_config_name=configuration.endpoint_config_name)
    topic = aws.sns.Topic("alerts", topic_name=prefix)
    aws.events.Rule(
        "registered",
        name=f"{prefix}-registered",
        event_pattern={"source": ["aws.sagemaker"]},
        targets=[{"id": "topic", "arn": topic.topic_arn}],
    )
    aws.logs.LogGroup("log", log_group_name=f"/aws/sagemaker/{prefix}", retention_in_days=retention)
    pulumi.export("account", aws.get_account_id().account_id)
    pulumi.export("region", aws.get_region().region)
    pulumi.export("role", role.arn)
    pulumi.export("key", key.key_id)
    pulumi.export("model", model.model_name)


def _encrypted(key: pulumi.Output[str]) -> Any:
    default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
    return {"server_side_encryption_configuration": [{"server_side_encryption_by_default": default}]}


def _tls_only(arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
