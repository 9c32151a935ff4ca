"""What one use case has in one environment on AWS, as rights name it: its own resources, and no other's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """Names of what there is; `kms_key`, `mlflow_app` and `repository` are ARNs, all else are plain names."""

    use_case: str
    environment: str
    account: str
    region: str
    bucket: str
    audit_bucket: str
    kms_key: str
    package_group: str
    endpoint: str
    pipeline: str
    mlflow_app: str
    log_group: str
    repository: str
    boundary: str = ""
    """ARN of the policy that bounds every role of a use case."""
    topics: tuple[str, ...] = ()
    """ARNs of what is told of this environment."""
    earlier_bucket: str | None = None
    """Bucket of the environment whose models are promoted to this one; none in the first."""
    earlier_kms_key: str | None = None
    """ARN of the key that the earlier bucket is encrypted with, where it is another one."""
