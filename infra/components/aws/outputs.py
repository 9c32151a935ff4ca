"""What the platform on AWS tells its use cases: the object `platform/<env>.json` in the platform's bucket."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, alias_generators

Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+$")]
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]


class Outputs(BaseModel):
    """Keys are camelCase, as in CloudFormation. A key that a later platform adds is let pass."""

    model_config = ConfigDict(
        alias_generator=alias_generators.to_camel, extra="ignore", frozen=True, validate_by_name=True
    )


class Vpc(Outputs):
    """The network that jobs, endpoints and workspaces run in."""

    id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


class PlatformOutputs(Outputs):
    """What use cases of one environment build on."""

    version: Literal[1] = 1
    environment: str
    account: Account
    region: str
    bucket: str
    """The platform's own: the engine's state, and these outputs."""
    state_region: str | None = None
    """Region of that bucket, and of the key of the state's secrets; none is `region`."""
    kms_key_arn: Arn
    repository_uri: str
    """Images of all use cases, without tag or digest."""
    mlflow_arn: Arn
    mlflow_url: str
    """What `contract.mlflow_app.address` of the runtime makes of the ARN."""
    oidc_provider_arn: Arn
    boundary_arn: Arn
    """The policy that bounds every role of a use case."""
    audit_trail: str
    """Name of the trail that records who reads and writes audit data."""
    topic_arn: Arn
    """Notices of this environment go there."""
    domain_id: str | None = None
    """The domain of spaces where data scientists work."""
    vpc: Vpc | None = None
    """None where the network is public."""
