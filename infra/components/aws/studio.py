"""Component Studio: a private space for each data scientist of the use case, which the domain stops when it is idle."""

from __future__ import annotations

import pulumi
from pulumi_aws_native import sagemaker

from aifactory_runtime.contract import names as agreed
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings
from infra.conventions import names, people

INSTANCE = "ml.t3.medium"
DISK_GB = 20


def scientists(settings: UseCaseSettings) -> list[str]:
    """Data scientists of the environment today, the owner among them."""
    held = people.held(settings.manifest, settings.environment, settings.today)
    return [person for person, roles in held.items() if agreed.DATA_SCIENTIST in roles]


class Studio(Part):
    """Profiles and spaces in the environment's domain. A profile keeps its tags: with others AWS would make it anew."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        domain: str,
        role: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        for person in scientists(settings):
            self._space(settings, domain, role, person)
        self.register_outputs({})

    def _space(self, settings: UseCaseSettings, domain: str, role: pulumi.Input[str], person: str) -> None:
        called = names.fitted("sagemaker-user-profile", *settings.place, person)
        profile = sagemaker.UserProfile(
            f"{self._name}-{person}",
            domain_id=domain,
            user_profile_name=called,
            user_settings={"execution_role": role},
            tags=tagged(settings.tags),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["tags"]),
        )
        sagemaker.Space(
            f"{self._name}-{person}-space",
            domain_id=domain,
            space_name=called,
            ownership_settings={"owner_user_profile_name": called},
            space_sharing_settings={"sharing_type": "Private"},
            space_settings={
                "app_type": "JupyterLab",
                "jupyter_lab_app_settings": {"default_resource_spec": {"instance_type": INSTANCE}},
                "space_storage_settings": {"ebs_storage_settings": {"ebs_volume_size_in_gb": DISK_GB}},
            },
            tags=tagged(settings.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[profile], ignore_changes=["tags"]),
        )
