"""What a use case is called on AWS in one environment, and what it may not ask. Names are known before all else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from aifactory_runtime.contract import names as agreed
from infra.components.asked import Asked
from infra.components.aws.outputs import PlatformOutputs
from infra.components.aws.platform import naming
from infra.conventions import names

PRIVATE = frozenset({"confidential", "restricted"})
"""Classifications of data that touch no public network."""
_TAG_VALUE = re.compile(r"[\w\s.:/=+@-]*")


class UseCaseSettings(Asked):
    """One use case in one environment of an account."""

    platform: PlatformOutputs
    tags: dict[str, str]
    subjects: Mapping[str, tuple[str, ...]]
    """By role, what a forge's token says of who may take it."""
    earlier: PlatformOutputs | None = None
    """The platform of the environment whose models are promoted to this one; none lies in the account of this one."""
    later: PlatformOutputs | None = None
    """The platform of the environment that models are promoted to from this one; none as `earlier`."""

    @property
    def name(self) -> str:
        """What its endpoint, package group, pipeline, queues and rules are called, or begin with."""
        return names.fitted("sagemaker-endpoint", *self.place)

    @property
    def bucket(self) -> str:
        """Its bucket: names of buckets are global, so the account's number is part of it."""
        return self._bucket(self.environment, self.platform.account)

    @property
    def earlier_bucket(self) -> str | None:
        """Bucket of the environment whose models are promoted to this one; none in the first."""
        environment = agreed.before(self.environment)
        account = (self.earlier or self.platform).account
        return None if environment is None else self._bucket(environment, account)

    @property
    def readers(self) -> tuple[str, ...]:
        """ARNs of the roles of the next environment that fetch models from here; none of the last."""
        environment = agreed.after(self.environment)
        if environment is None:
            return ()
        role = names.cloud_role(agreed.RELEASE, self.manifest.use_case, environment)
        return (f"arn:{self.partition}:iam::{(self.later or self.platform).account}:role/{role}",)

    def _bucket(self, environment: str, account: str) -> str:
        return f"{names.fitted('s3-bucket', self.manifest.use_case, environment)}-{account}"

    @property
    def audit_bucket(self) -> str:
        """The bucket of its audit log: the platform's trail knows such buckets by how their names begin."""
        return f"{naming.AUDIT_BUCKETS}{self.bucket}"

    @property
    def log_group(self) -> str:
        """Where its own logs are."""
        return f"/{names.PREFIX}/{self.manifest.use_case}/{self.environment}"

    @property
    def endpoint_log_group(self) -> str:
        """Where the service writes logs of the endpoint of this name."""
        return f"/aws/sagemaker/Endpoints/{self.name}"

    @property
    def has_endpoint(self) -> bool:
        """Whether requests are answered here: a use case that is retired answers none."""
        return self.manifest.serves_in(self.environment) and self.retired is None

    @property
    def monitors(self) -> dict[str, str]:
        """What is watched to the person who is called."""
        watched = self.manifest.monitors
        return {"service": watched.service.owner, "data": watched.data.owner, "model": watched.model.owner}

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in the environment's account and region."""
        return f"arn:{self.partition}:{service}:{self.platform.region}:{self.platform.account}:{resource}"

    @property
    def partition(self) -> str:
        """`aws`, or that of a region with its own, such as `aws-cn`."""
        return self.platform.kms_key_arn.split(":")[1]

    @property
    def state_keys(self) -> str:
        """ARN of the keys where the engine's state lies: that of its secrets is known by its alias alone."""
        platform = self.platform
        account = platform.bucket.removeprefix(naming.platform_bucket(""))
        return f"arn:{self.partition}:kms:{platform.state_region or platform.region}:{account}:key/*"

    @property
    def sources(self) -> tuple[str, ...]:
        """ARNs of the objects that data and batches are read from, where they lie in buckets."""
        wanted = self.manifest.settings(self.environment)
        found = dict.fromkeys((wanted.data_source, wanted.batch.source or wanted.data_source))
        places = (one.removeprefix("s3://") for one in found if one.startswith("s3://"))
        return tuple(f"arn:{self.partition}:s3:::{place.rstrip('/')}*" for place in places)

    @property
    def repository_arn(self) -> str:
        """ARN of the repository of images."""
        return self.arn("ecr", f"repository/{self.platform.repository_uri.partition('/')[2]}")


def refusals(settings: UseCaseSettings) -> Iterator[str]:
    """What the manifest asks that an environment on AWS does not give, each with what to write instead."""
    manifest, environment = settings.manifest, settings.environment
    if manifest.data_classification in PRIVATE and settings.platform.vpc is None:
        yield (
            f"data_classification: {manifest.data_classification} keeps to a private network, and {environment} has "
            f"none: write network: private under {environment} in platform.yaml, then factory up --platform"
        )
    wanted = manifest.settings(environment)
    for key in ("compute", "cluster"):
        if getattr(wanted, key) is not None:
            yield f"environments.{environment}.{key}: target: aws brings no Dask cluster; leave {key} out"
    yield from _tags(settings.tags)


def _tags(tags: Mapping[str, str]) -> Iterator[str]:
    for key, value in tags.items():
        if not _TAG_VALUE.fullmatch(value):
            odd = next(character for character in value if not _TAG_VALUE.fullmatch(character))
            allowed = "letters, digits, spaces, . : / = + - @ _"
            yield f"{key}: {value!r} becomes a tag, and AWS takes no {odd!r} in one: use {allowed}"
