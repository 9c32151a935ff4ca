"""Component Tracking: the environment's MLflow app, with a bucket for artefacts and the role it writes them as."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws_native as aws

from aifactory_runtime.contract import mlflow_app
from infra.components.aws.bucket import Bucket
from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import by_service, policy


class Tracking(Part):
    """One app for the use cases of an environment. Rights are per app: who sees one's runs sees those of all."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        account: str,
        key_arn: pulumi.Output[str],
        boundary_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        artefacts = Bucket(
            f"{name}-artefacts",
            bucket_name=naming.bucket(environment, "mlflow", account),
            key_arn=key_arn,
            tags=tags,
            opts=self.child(),
        )
        role = aws.iam.Role(
            f"{name}-role",
            role_name=naming.named(environment, "mlflow"),
            description="The MLflow app reads and writes its artefacts",
            assume_role_policy_document=by_service("sagemaker.amazonaws.com", account),
            permissions_boundary=boundary_arn,
            policies=[
                aws.iam.RolePolicyArgs(
                    policy_name="artefacts",
                    policy_document=key_arn.apply(lambda arn: policy(*_artefacts(artefacts.arn, arn))),
                )
            ],
            tags=tagged(tags),
            opts=self.child(),
        )
        self.app = aws.sagemaker.MlflowApp(
            f"{name}-app",
            name=naming.named(environment, "mlflow"),
            artifact_store_uri=f"s3://{artefacts.bucket_name}/artifacts",
            role_arn=role.arn,
            model_registration_mode=aws.sagemaker.MlflowAppModelRegistrationMode.AUTO_MODEL_REGISTRATION_DISABLED,
            tags=tagged(tags),
            opts=self.child(artefacts.policy),
        )
        self.arn: pulumi.Output[str] = self.app.arn
        self.address: pulumi.Output[str] = self.arn.apply(mlflow_app.address)
        self.register_outputs({"arn": self.arn, "address": self.address})


def _artefacts(bucket_arn: str, key_arn: str) -> list[dict[str, object]]:
    objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return [
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": [bucket_arn]},
        {"Effect": "Allow", "Action": objects, "Resource": [f"{bucket_arn}/artifacts/*"]},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": [key_arn]},
    ]
