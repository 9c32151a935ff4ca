"""Rules about resources of AWS: what the engine is about to make in, sentences about what to write instead out.

No sentence quotes a value: what is wrong may be a secret, and the line with it lands in logs of CI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.conventions import regions

PREFIX = "aws-native:"
NOTICES = frozenset({50, 80, 100})
CLOSED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
WORKSPACE_SIZES = frozenset({"ml.t3.medium", "ml.t3.large", "system"})
"""Instance types of a data scientist's space; those of a service are in the target's offer."""
KEEPS = frozenset({"s3:Bucket", "sagemaker:ModelPackageGroup"})
"""What holds data of a use case that nothing makes again."""
REPLACED_BY_TAGS = frozenset({"sagemaker:Domain", "sagemaker:UserProfile", "sagemaker:Space"})
BILLS_IDLE = frozenset(
    {"ec2:NatGateway", "ec2:Instance", "sagemaker:NotebookInstance", "sagemaker:Endpoint", "sagemaker:Cluster"}
)
"""What bills while nobody uses it. Endpoints of a service are made by a release, which asks the manifest."""
_BY_KEY: Mapping[str, tuple[str, ...]] = {
    "logs:LogGroup": ("kmsKeyId",),
    "sns:Topic": ("kmsMasterKeyId",),
    "sqs:Queue": ("kmsMasterKeyId", "sqsManagedSseEnabled"),
    "cloudtrail:Trail": ("kmsKeyId",),
    "sagemaker:Domain": ("kmsKeyId",),
    "kms:Key": ("enableKeyRotation",),
}
"""Kind to the properties of which one has to be given."""
UNTAGGED = frozenset(
    f"aws-native:{kind}"
    for kind in (
        *("s3:BucketPolicy", "iam:ManagedPolicy", "kms:Alias", "logs:MetricFilter", "sqs:QueueInlinePolicy"),
        *("sns:Subscription", "sns:TopicPolicy", "sns:TopicInlinePolicy", "scheduler:Schedule"),
        *("ecr:RegistryPolicy", "ec2:SubnetRouteTableAssociation", "ec2:SecurityGroupIngress"),
        "ec2:SecurityGroupEgress",
    )
)
"""Types that the vendor gives no tags."""
_TRUSTING = frozenset(
    {"s3:BucketPolicy", "sqs:QueueInlinePolicy", "sns:TopicPolicy", "sns:TopicInlinePolicy", "ecr:Repository"}
)


@dataclass(frozen=True)
class Seen:
    """A resource as a policy sees it; `region` is its provider's, none where that is not known yet."""

    type: str
    properties: Mapping[str, Any]
    protected: bool = False
    ignored: frozenset[str] = field(default_factory=frozenset)
    region: str | None = None

    @property
    def kind(self) -> str:
        """Type without the vendor: `s3:Bucket`."""
        return self.type.removeprefix(PREFIX)

    @property
    def tags(self) -> dict[str, str]:
        """Tags by their key."""
        return tags_of(self.properties)


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a resource by their key, from either form that AWS's resources take them in."""
    found = properties.get("tags") or properties.get("resourceTags") or {}
    return dict(found) if isinstance(found, Mapping) else {one["key"]: one["value"] for one in found}


def encrypted(seen: Seen) -> Iterator[str]:
    """What holds data is encrypted, by a key of the platform where AWS takes one; keys are rotated."""
    if seen.kind == "s3:Bucket":
        rules = _dig(seen.properties, "bucketEncryption", "serverSideEncryptionConfiguration") or []
        kinds = [str(_dig(rule, "serverSideEncryptionByDefault", "sseAlgorithm")) for rule in rules]
        if not kinds or not all(kind.startswith("aws:kms") for kind in kinds):
            yield "bucketEncryption is not by a key: write sse_algorithm aws:kms with the platform's kmsKeyArn"
    kind = _dig(seen.properties, "encryptionConfiguration", "encryptionType")
    if seen.kind == "ecr:Repository" and kind != "KMS":
        yield "encryptionConfiguration is not by a key: write encryption_type KMS with the platform's key"
    wanted = _BY_KEY.get(seen.kind, ())
    if wanted and not any(seen.properties.get(name) for name in wanted):
        instead = "true" if seen.kind == "kms:Key" else "the platform's key"
        yield f"{wanted[0]} is missing: write {instead}"


def not_public(seen: Seen) -> Iterator[str]:
    """Nothing is open to the world: buckets, policies of what is shared, groups of a network, subnets."""
    if seen.kind == "s3:Bucket":
        block = seen.properties.get("publicAccessBlockConfiguration") or {}
        missing = [name for name in CLOSED if block.get(name) is not True]
        if missing:
            yield f"publicAccessBlockConfiguration lacks {', '.join(missing)}: write true for each"
    if seen.kind in _TRUSTING:
        yield from _trusts(seen)
    if seen.kind in ("ec2:SecurityGroup", "ec2:SecurityGroupIngress"):
        given = seen.properties.get("securityGroupIngress") or [seen.properties]
        if any({one.get("cidrIp"), one.get("cidrIpv6")} & ANYWHERE for one in given):
            yield "a rule lets in every address: write the network's own address_range, or a security group"
    if seen.kind == "ec2:Subnet" and seen.properties.get("mapPublicIpOnLaunch"):
        yield "mapPublicIpOnLaunch gives public addresses: leave it out"


def _trusts(seen: Seen) -> Iterator[str]:
    name = next((one for one in ("policyDocument", "repositoryPolicyText") if seen.properties.get(one)), None)
    statements = _statements(seen.properties.get(name)) if name else []
    for one in statements:
        everybody = one.get("Principal") in ("*", {"AWS": "*"})
        if one.get("Effect") == "Allow" and everybody and not one.get("Condition"):
            yield f"{name} allows everybody: name an account's or a service's principal, or add a condition"
    by_tls = [one for one in statements if _dig(one, "Condition", "Bool", "aws:SecureTransport") == "false"]
    if seen.kind == "s3:BucketPolicy" and not [one for one in by_tls if one.get("Effect") == "Deny"]:
        yield f"{name or 'policyDocument'} lets in what does not come by TLS: deny where aws:SecureTransport is false"


def sizes(seen: Seen) -> Iterator[str]:
    """Instance types are those that the company has prices for."""
    from infra.components.aws import offer

    known = WORKSPACE_SIZES | {size.instance_type for size in offer.SIZES.values()}
    if any(found not in known for found in _found(seen.properties, "instanceType")):
        yield f"instanceType is none that has a price: write {', '.join(sorted(known - {'system'}))}"


def in_a_region(seen: Seen) -> Iterator[str]:
    """Providers are in a region that the platform may be in, and subnets in that of their provider."""
    if seen.region is not None and seen.region not in regions.AWS:
        yield "the region is none of the platform's: write one of infra/conventions/regions.py in platform.yaml"
    zone = seen.properties.get("availabilityZone")
    if seen.region is not None and zone is not None and not str(zone).startswith(seen.region):
        yield "availabilityZone is in another region: write a zone of the environment's region"


def budget_tells(seen: Seen) -> Iterator[str]:
    """A budget has an amount, and says so at 50, 80 and 100 percent."""
    if seen.kind != "budgets:Budget":
        return
    if not float(_dig(seen.properties, "budget", "budgetLimit", "amount") or 0) > 0:
        yield "budgetLimit has no amount: write budget_month in the manifest, or in platform.yaml"
    notified = seen.properties.get("notificationsWithSubscribers") or []
    told = {int(float(_dig(one, "notification", "threshold") or 0)) for one in notified if one.get("subscribers")}
    if NOTICES - told:
        missing = ", ".join(map(str, sorted(NOTICES - told)))
        yield f"notificationsWithSubscribers lacks {missing}: write a notice with a subscriber at each of these percent"


def no_idle_cost(seen: Seen) -> Iterator[str]:
    """Outside prod nothing bills while nobody uses it, and spaces stop."""
    if seen.tags.get("environment") == "prod":
        return
    if seen.kind in BILLS_IDLE:
        yield "bills while nobody uses it: make it in prod only; jobs and VPC endpoints do without"
    if seen.kind == "sagemaker:Domain":
        managed = _found(seen.properties, "lifecycleManagement")
        if "ENABLED" not in managed:
            yield "spaces do not stop when idle: write lifecycle_management ENABLED with idle_timeout_in_minutes"


def protected_prod(seen: Seen) -> Iterator[str]:
    """What holds data of a use case in prod is protected, so that no `destroy` takes it before it is retired."""
    if seen.kind in KEEPS and seen.tags.get("environment") == "prod" and not seen.protected:
        yield "is not protected in prod: write protect=True, unless the use case is retired"


def tags_replace_nothing(seen: Seen) -> Iterator[str]:
    """A changed tag would make another domain or profile, and what people have in it would be gone."""
    if seen.kind in REPLACED_BY_TAGS and "tags" not in seen.ignored:
        yield 'would be replaced by a changed tag: write ignore_changes=["tags"]'


RULES: Mapping[str, Callable[[Seen], Iterator[str]]] = {
    "encrypted": encrypted,
    "not-public": not_public,
    "size-with-a-price": sizes,
    "region-of-platform": in_a_region,
    "budget-tells": budget_tells,
    "no-idle-cost": no_idle_cost,
    "tags-replace-nothing": tags_replace_nothing,
    "protected-prod": protected_prod,
}
"""Name of a policy to its rule."""
ADVISES = frozenset({"protected-prod"})
"""Policies that warn and stop nothing: a use case that is retired has its protection taken off on purpose."""


def _dig(found: Any, *keys: str) -> Any:
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _found(given: Any, name: str) -> list[Any]:
    """Values of a property of this name, at any depth."""
    if isinstance(given, Mapping):
        own = [value for key, value in given.items() if key == name]
        return own + [one for value in given.values() for one in _found(value, name)]
    return [one for value in given for one in _found(value, name)] if isinstance(given, (list, tuple)) else []


def _statements(document: Any) -> list[Mapping[str, Any]]:
    found = _dig(document, "Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)
