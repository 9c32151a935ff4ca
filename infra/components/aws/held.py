"""What one use case has in one environment on AWS, as rights name it: its own resources, and no other's."""

from __future__ import annotations

from dataclasses import dataclass

from infra.conventions import names


@dataclass(frozen=True)
class Resources:
    """Names of what there is; what is an ARN says so, all else are plain names."""

    use_case: str
    environment: str
    account: str
    region: str
    bucket: str
    audit_bucket: str
    kms_key: str
    """ARN of the key that all of it is encrypted with."""
    package_group: str
    endpoint: str
    """Name of the endpoint; names of models, configurations, schedules and queues begin with it."""
    pipeline: str
    """Name of the pipeline; where there is one for each kind of work, what their names begin with."""
    mlflow_app: str
    """ARN of the environment's tracking app."""
    log_group: str
    repository: str
    """ARN of the repository with the images."""
    boundary: str = ""
    """ARN of the policy that bounds every role of a use case."""
    topics: tuple[str, ...] = ()
    """ARNs of what is told of this environment."""
    platform_bucket: str = ""
    """The platform's own bucket: the engine's state, and what the platform tells of itself."""
    state_key: str = ""
    """ARN of the key that secrets in the engine's state are encrypted with."""
    sources: tuple[str, ...] = ()
    """ARNs of objects that data are ingested from: `arn:aws:s3:::lake/churn/*`."""
    earlier_bucket: str | None = None
    """Bucket of the environment whose models are promoted to this one; none in the first."""
    earlier_kms_key: str | None = None
    """ARN of the key that the earlier bucket is encrypted with, where it is another one."""

    def role(self, role: str, person: str | None = None) -> str:
        """ARN of a role of the use case; that of an approver is the person's own."""
        place = self.use_case, self.environment
        name = names.cloud_role(role, *place) if person is None else names.cloud_approver_role(person, *place)
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    @property
    def partition(self) -> str:
        """`aws`, or that of a region with its own."""
        return self.kms_key.split(":")[1]

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in the account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def objects(self, *prefixes: str) -> list[str]:
        """ARNs of all objects of the bucket below prefixes such as `models/`."""
        return [f"{self.bucket_arn}/{prefix}*" for prefix in prefixes]

    @property
    def bucket_arn(self) -> str:
        """ARN of the bucket itself."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def audit_arn(self) -> str:
        """ARN of the bucket with the audit log."""
        return f"arn:{self.partition}:s3:::{self.audit_bucket}"

    def sagemaker(self, kind: str, *named: str) -> list[str]:
        """ARNs of things of a kind at SageMaker."""
        return [self.arn("sagemaker", f"{kind}/{name}") for name in named]

    @property
    def pipelines(self) -> list[str]:
        """ARNs of the pipelines, their executions included; names that begin alike are told apart by their tags."""
        return self.sagemaker("pipeline", f"{self.pipeline}*")

    @property
    def packages(self) -> list[str]:
        """ARNs of the package group and its packages."""
        group = self.sagemaker("model-package-group", self.package_group)
        return [*group, *self.sagemaker("model-package", f"{self.package_group}/*")]

    @property
    def log_groups(self) -> list[str]:
        """ARNs of its own logs and those of its endpoint."""
        groups = (self.log_group, f"/aws/sagemaker/Endpoints/{self.endpoint}")
        return [self.arn("logs", f"log-group:{group}:*") for group in groups]

    @property
    def queues(self) -> list[str]:
        """ARNs of the queue of what happened and that of dead letters."""
        return [self.arn("sqs", f"{self.endpoint}-{part}") for part in ("events", "dead-letters")]
