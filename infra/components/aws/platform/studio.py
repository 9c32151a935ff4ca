"""Component Studio: the domain that data scientists' spaces belong to; a space that nobody works in stops."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import by_service
from infra.components.aws.platform.network import Network

IDLE_MINUTES = 60
SPACE_GB = 20


class Studio(Part):
    """A domain, and a role without any right: what a person may do comes from the profile that a use case makes."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        account: str,
        network: Network,
        private: bool,
        key_arn: pulumi.Input[str],
        boundary_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        role = aws.iam.Role(
            f"{name}-role",
            role_name=naming.named(environment, "studio"),
            description="Profiles without a role of their own; it grants nothing",
            assume_role_policy_document=by_service("sagemaker.amazonaws.com", account),
            permissions_boundary=boundary_arn,
            tags=tagged(tags),
            opts=self.child(),
        )
        access = aws.sagemaker.DomainAppNetworkAccessType
        self.domain = aws.sagemaker.Domain(
            f"{name}-domain",
            domain_name=naming.named(environment, "studio"),
            auth_mode=aws.sagemaker.DomainAuthMode.IAM,
            app_network_access_type=access.VPC_ONLY if private else access.PUBLIC_INTERNET_ONLY,
            vpc_id=network.id,
            subnet_ids=network.subnet_ids,
            kms_key_id=key_arn,
            home_efs_file_system_creation=aws.sagemaker.DomainHomeEfsFileSystemCreation.DISABLED,
            default_user_settings=aws.sagemaker.DomainUserSettingsArgs(
                execution_role=role.arn,
                security_groups=[network.work_group_id],
                jupyter_lab_app_settings=aws.sagemaker.DomainJupyterLabAppSettingsArgs(
                    app_lifecycle_management=_stops_when_idle()
                ),
                space_storage_settings=aws.sagemaker.DomainDefaultSpaceStorageSettingsArgs(
                    default_ebs_storage_settings=aws.sagemaker.DomainDefaultEbsStorageSettingsArgs(
                        default_ebs_volume_size_in_gb=5, maximum_ebs_volume_size_in_gb=SPACE_GB
                    )
                ),
            ),
            tags=tagged(tags),
            # A changed tag would make another domain, and everybody's spaces would be gone.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["tags"]),
        )
        self.id: pulumi.Output[str] = self.domain.domain_id
        self.register_outputs({"id": self.id})


def _stops_when_idle() -> aws.sagemaker.DomainAppLifecycleManagementArgs:
    return aws.sagemaker.DomainAppLifecycleManagementArgs(
        idle_settings=aws.sagemaker.DomainIdleSettingsArgs(
            lifecycle_management=aws.sagemaker.DomainLifecycleManagement.ENABLED,
            idle_timeout_in_minutes=IDLE_MINUTES,
            min_idle_timeout_in_minutes=IDLE_MINUTES,
            max_idle_timeout_in_minutes=IDLE_MINUTES,
        )
    )
