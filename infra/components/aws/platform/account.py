"""Component Account: the bucket and key of the engine's state, the forge's provider of identities, CI's two roles."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws_native as aws
from pydantic import BaseModel, ConfigDict, ValidationError

from infra.components.aws.bucket import Bucket
from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import policy
from infra.components.aws.platform.key import Key
from infra.conventions import names, tags
from infra.platform.settings import Account as Number

SESSION_SECONDS = 3600
READS, APPLIES = "reads", "applies"


class AccountSettings(BaseModel):
    """Setting `account` of the stack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Number
    region: str
    accounts: tuple[Number, ...]
    """Of the whole platform: the others read what the platform tells use cases, and keep their state here."""
    issuer: str
    audience: str
    subjects: dict[str, tuple[str, ...]]
    """Role (`reads`, `applies`) to the subjects of the forge's tokens that may take it."""
    makes_provider: bool = True
    """False where the account has the forge's provider already, as there can be only one."""


class Account(Part):
    """What has to be there before the engine can keep state here. Destroying it would take the state along."""

    def __init__(self, name: str, settings: AccountSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._settings, self._tags = settings, tags.of_platform(names.SHARED)
        account, others = settings.account, [one for one in settings.accounts if one != settings.account]
        stays = pulumi.ResourceOptions(parent=self, protect=True)
        self.key = Key(
            f"{name}-state",
            alias=naming.STATE_ALIAS,
            account=account,
            region=settings.region,
            others=others,
            tags=self._tags,
            opts=stays,
        )
        bucket_name = naming.platform_bucket(account)
        self.bucket = Bucket(
            f"{name}-platform",
            bucket_name=bucket_name,
            key_arn=self.key.arn,
            tags=self._tags,
            statements=_of_others(bucket_name, others),
            opts=stays,
        )
        provider_arn = self._forge()
        self.roles = {role: self._role(role, provider_arn) for role in (READS, APPLIES)}
        self.register_outputs({"bucket": bucket_name, "key": self.key.arn})

    def _forge(self) -> pulumi.Input[str]:
        if not self._settings.makes_provider:
            return naming.provider_arn(self._settings.account, self._settings.issuer)
        made = aws.iam.OidcProvider(
            f"{self._name}-forge",
            url=f"https://{self._settings.issuer}",
            client_id_list=[self._settings.audience],
            tags=tagged(self._tags),
            opts=self.child(),
        )
        arn: pulumi.Output[str] = made.arn
        return arn

    def _role(self, role: str, provider_arn: pulumi.Input[str]) -> pulumi.Output[str]:
        chosen = self._settings
        trusted = pulumi.Output.from_input(provider_arn).apply(lambda arn: _trust(chosen, role, arn))
        granted = {READS: _reading, APPLIES: _applying}[role]
        made = aws.iam.Role(
            f"{self._name}-{role}",
            role_name=f"aifactory-ci-{role}",
            description=f"Jobs of the company's factory repo: {role} the platform",
            assume_role_policy_document=trusted,
            max_session_duration=SESSION_SECONDS,
            managed_policy_arns=[_MANAGED[role]],
            policies=[
                aws.iam.RolePolicyArgs(
                    policy_name=role,
                    policy_document=self.key.arn.apply(lambda arn: policy(*granted(chosen, arn))),
                )
            ],
            tags=tagged(self._tags),
            opts=self.child(),
        )
        arn: pulumi.Output[str] = made.arn
        return arn


def build(config: pulumi.Config) -> None:
    """Read the setting, build, say where state and roles are; RunError says what is wrong with the setting."""
    try:
        settings = AccountSettings.model_validate_json(config.require("account"))
    except ValidationError as error:
        first = error.errors()[0]
        raise pulumi.RunError(f"{'.'.join(map(str, ('account', *first['loc'])))}: {first['msg']}") from None
    made = Account("account", settings)
    pulumi.export("bucket", made.bucket.bucket.bucket_name)
    pulumi.export("kmsKeyArn", made.key.arn)
    pulumi.export("roles", made.roles)


_MANAGED = {
    READS: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    APPLIES: "arn:aws:iam::aws:policy/PowerUserAccess",
}


def _trust(settings: AccountSettings, role: str, provider_arn: str) -> dict[str, Any]:
    """Tokens of exactly these subjects, made for AWS."""
    said = {
        f"{settings.issuer}:aud": settings.audience,
        f"{settings.issuer}:sub": [*settings.subjects[role]],
    }
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": said},
        }
    )


def _state(settings: AccountSettings, key_arn: str, *, writes: bool) -> list[dict[str, Any]]:
    """The engine's state, with what the platform tells use cases beside it."""
    arn = f"arn:aws:s3:::{naming.platform_bucket(settings.accounts[0])}"
    objects = ["s3:GetObject", *(("s3:DeleteObject", "s3:PutObject") if writes else ())]
    uses = ["kms:Decrypt", "kms:DescribeKey", *(("kms:Encrypt", "kms:GenerateDataKey") if writes else ())]
    return [
        {"Sid": "Bucket", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": arn},
        {"Sid": "State", "Effect": "Allow", "Action": objects, "Resource": f"{arn}/*"},
        {"Sid": "Key", "Effect": "Allow", "Action": uses, "Resource": key_arn},
    ]


def _reading(settings: AccountSettings, key_arn: str) -> list[dict[str, Any]]:
    """A preview reads the state; a lock in it is the one thing that it writes."""
    locks = f"arn:aws:s3:::{naming.platform_bucket(settings.accounts[0])}/.pulumi/locks/*"
    return [
        *_state(settings, key_arn, writes=False),
        {
            "Sid": "Locks",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:PutObject"],
            "Resource": locks,
        },
        {"Sid": "LocksKey", "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key_arn},
    ]


def _applying(settings: AccountSettings, key_arn: str) -> list[dict[str, Any]]:
    """Everything but identities, and those only when they are bounded."""
    account = settings.account
    own, bounds = f"arn:aws:iam::{account}:role/aifactory-*", f"arn:aws:iam::{account}:policy/aifactory-*-boundary"
    makes = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    looks = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    changes = ["iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"]
    versions = ["iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:GetPolicyVersion", "iam:ListPolicyVersions"]
    return [
        *_state(settings, key_arn, writes=True),
        {
            "Sid": "BoundedRoles",
            "Effect": "Allow",
            "Action": makes,
            "Resource": own,
            "Condition": {"ArnLike": {"iam:PermissionsBoundary": bounds}},
        },
        {"Sid": "OwnRoles", "Effect": "Allow", "Action": [*looks, *changes, "iam:UpdateRole"], "Resource": own},
        {
            "Sid": "Boundaries",
            "Effect": "Allow",
            "Action": ["iam:CreatePolicy", "iam:DeletePolicy", "iam:GetPolicy", *versions],
            "Resource": bounds,
        },
        {
            "Sid": "NotItself",
            "Effect": "Deny",
            "Action": "iam:*",
            "Resource": f"arn:aws:iam::{account}:role/aifactory-ci-*",
        },
    ]


def _of_others(bucket_name: str, others: list[str]) -> list[dict[str, Any]]:
    """Accounts of other environments keep their state in this bucket, each as its own roles allow."""
    if not others:
        return []
    arn = f"arn:aws:s3:::{bucket_name}"
    return [
        {
            "Sid": "OtherAccounts",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in others]},
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            "Resource": [arn, f"{arn}/*"],
        }
    ]
