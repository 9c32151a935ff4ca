"""What AWS gives a use case before anything is made there: login, account, region, platform, quota, names, CI's token.

Looks only. Each finding is a line, and what is missing comes with the command that mends it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from aifactory.provision import platform_outputs
from aifactory.provision.diagnosis import Finding
from aifactory.provision.plan import Place
from aifactory.targets.on_aws import environments, forge
from aifactory_runtime.aws import errors
from aifactory_runtime.contract import EnvironmentContract, Manifest, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import answers
from infra.components.aws import offer
from infra.components.aws.outputs import PlatformOutputs
from infra.conventions import names as conventions

_LOGIN = "aws sso login, or set AWS_PROFILE"
_ANYWHERE = "us-east-1"
"""Who is logged in is the same wherever it is asked."""
_UNKNOWN_QUOTA = "aws service-quotas list-service-quotas --service-code sagemaker"


def examine(place: Place) -> list[Finding]:
    """Every finding, in the order in which people should mend; without a login only that."""
    told = {} if place.manifest is None else _platform(place.manifest)
    outputs = {name: one for name, one in told.items() if isinstance(one, PlatformOutputs)}
    first = next(iter(outputs.values()), None)
    session = boto3.Session(region_name=first.region) if first else boto3.Session()
    region = session.region_name
    who, login = _login(session)
    if who is None:
        return [login]
    found = [login, _account(who, outputs), _region(region, first)]
    found += [_told(name, one) for name, one in told.items()]
    if region is None:
        return found
    if place.manifest is not None:
        found += [*_quotas(place.manifest, session), *_names(place, who, session)]
    found += [
        Finding(f"role {name}", True, f"{_release_role(place.manifest, name, one)} (AWS_ROLE_ARN of CI)")
        for name, one in outputs.items()
        if place.manifest is not None
    ]
    providers = {one.oidc_provider_arn for one in outputs.values() if one.account == who}
    return [*found, *forge.findings(place, session, providers)]


def _login(session: Any) -> tuple[str | None, Finding]:
    """The number of the account that is logged in to, and what is said of it."""
    try:
        with errors.one_line("this account"):
            said = session.client("sts", region_name=session.region_name or _ANYWHERE).get_caller_identity()
    except FactoryError as error:
        return None, Finding("login", False, str(error), _LOGIN)
    return str(said["Account"]), Finding("login", True, f"{answers.short(said['Arn'])} of account {said['Account']}")


def _account(who: str, outputs: dict[str, PlatformOutputs]) -> Finding:
    """Environments may lie in several accounts; the login is of one of them."""
    expected = sorted({one.account for one in outputs.values()})
    if not expected:
        return Finding("account", True, f"{who}; which one the platform has is not known")
    good = who in expected
    mend = "" if good else f"log in to account {' or '.join(expected)}: aws sso login --profile PROFILE"
    return Finding("account", good, f"{who}, the platform's are {', '.join(expected)}", mend)


def _region(region: str | None, first: PlatformOutputs | None) -> Finding:
    if region is None:
        return Finding("region", False, "none is set", "export AWS_REGION=eu-central-1, the platform's region")
    offered = boto3.Session().get_available_regions("sagemaker")
    if region not in offered:
        return Finding("region", False, f"SageMaker is not in {region}", f"choose one of {', '.join(offered)}")
    here = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if first is not None and here not in (None, region):
        return Finding("region", False, f"AWS_REGION is {here}, the platform's {region}", f"export AWS_REGION={region}")
    return Finding("region", True, region)


def _platform(manifest: Manifest) -> dict[str, PlatformOutputs | FactoryError]:
    """What the platform tells of each environment, or why that is not known."""
    found: dict[str, PlatformOutputs | FactoryError] = {}
    for name in names.ENVIRONMENTS:
        try:
            found[name] = platform_outputs.read(manifest.platform or "", name)
        except FactoryError as error:
            found[name] = error
    return found


def _told(name: str, said: PlatformOutputs | FactoryError) -> Finding:
    part = f"platform {name}"
    if isinstance(said, PlatformOutputs):
        return Finding(part, True, f"account {said.account}, {said.region}")
    return Finding(part, False, str(said), f"factory up {name}, in the company's factory repo")


def _release_role(manifest: Manifest, environment: str, platform: PlatformOutputs) -> str:
    """ARN of the role that jobs of the forge take."""
    name = conventions.cloud_role(names.RELEASE, manifest.use_case, environment)
    return f"arn:{platform.kms_key_arn.split(':')[1]}:iam::{platform.account}:role/{name}"


def _quotas(manifest: Manifest, session: Any) -> Iterator[Finding]:
    """For each kind of machine that the manifest asks for as an endpoint, how many the account may run."""
    wanted: dict[str, int] = {}
    for name in names.ENVIRONMENTS:
        size = offer.SIZES[manifest.settings(name).size]
        if manifest.serves and name != "dev":
            wanted[size.instance_type] = wanted.get(size.instance_type, 0) + size.instances
    try:
        allowed = _allowed(session) if wanted else {}
    except (ClientError, BotoCoreError, FactoryError):
        yield Finding("quota", False, "AWS does not say", _UNKNOWN_QUOTA, needed=False)
        return
    for machine, count in wanted.items():
        quota = allowed.get(f"{machine} for endpoint usage")
        if quota is None:
            yield Finding(f"quota {machine}", False, "AWS does not say", _UNKNOWN_QUOTA, needed=False)
            continue
        code, most = quota
        mend = (
            ""
            if most >= count
            else "aws service-quotas request-service-quota-increase --service-code sagemaker "
            f"--quota-code {code} --desired-value {count}"
        )
        yield Finding(f"quota {machine}", not mend, f"{most:.0f} endpoints' machines, {count} wanted", mend)


def _allowed(session: Any) -> dict[str, tuple[str, float]]:
    """Code and value of SageMaker's quotas by name."""
    pages = session.client("service-quotas").get_paginator("list_service_quotas")
    return {
        one["QuotaName"]: (one["QuotaCode"], float(one["Value"]))
        for page in pages.paginate(ServiceCode="sagemaker")
        for one in page["Quotas"]
    }


def _names(place: Place, account: str, session: Any) -> Iterator[Finding]:
    """Whether the bucket of each environment can be had: names of buckets are everybody's."""
    applied = _applied(place)
    for name in names.ENVIRONMENTS:
        bucket = _bucket(place, name, account, applied.get(name))
        if bucket is None:
            continue
        part = f"bucket {name}"
        code = _head(bucket, session)
        if code == "200" and name in applied:
            yield Finding(part, True, f"{bucket}, applied")
        elif code == "200":
            mend = f"factory up {name} where it was applied, or aws s3 rb s3://{bucket} when it is nobody's"
            yield Finding(part, False, f"{bucket} is there already, in your account", mend)
        elif code == "404" and name in applied:
            yield Finding(part, False, f"{bucket} was applied and is gone", f"factory up {name}")
        elif code == "404":
            yield Finding(part, True, f"{bucket} is free")
        else:
            yield Finding(part, False, f"{bucket} is somebody else's", "rename the use case: use_case in factory.yaml")


def _applied(place: Place) -> dict[str, EnvironmentContract]:
    try:
        return {one.contract.environment: one.contract for one in environments.known(place)}
    except FactoryError:
        return {}


def _bucket(place: Place, name: str, account: str, contract: EnvironmentContract | None) -> str | None:
    """Its name: as applied, else as it will be."""
    if contract is not None:
        return urlsplit(contract.data_uri).netloc
    if place.manifest is None:
        return None
    return f"{conventions.fitted('s3-bucket', place.manifest.use_case, name)}-{account}"


def _head(bucket: str, session: Any) -> str:
    try:
        session.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "200"
