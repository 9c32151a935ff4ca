"""Versions as SageMaker shows them: model packages of one group, numbered by AWS. What counts lies with the bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.aws import errors
from aifactory_runtime.aws.session import Session
from aifactory_runtime.errors import FactoryError

PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"
"""What AWS knows of an approval; a package is rejected while its bytes are not all there."""
_DESCRIBED = re.compile(r"model sha256 (?P<sha256>[0-9a-f]{64}), registration (?P<content>[0-9a-f]{64})")
_GONE = {"Deleting", "Failed"}
_MISSING = re.compile("does not exist|not found|could not find", re.IGNORECASE)
_TOKEN, _MOST_VALUE, _MOST_TEXT = 36, 256, 1_000
_UNSPEAKABLE = re.compile(r"[^\w .:/=+\-@]")


@dataclass(frozen=True)
class Package:
    """One model package: its number in the group, and what its description, which nobody can change, says of it."""

    number: int
    arn: str
    sha256: str
    content: str
    """Digest of what makes two registrations one version; see `registry.same_version`."""
    status: str


class Packages:
    """The model package group of an environment; its name is the contract's `model_name`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._group: str = session.contract.model_name

    def all(self) -> list[Package]:
        """Packages that were registered by this code, lowest number first."""
        with self._told():
            pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self._group)
            found = [package for page in pages for one in page["ModelPackageSummaryList"] if (package := _package(one))]
        return sorted(found, key=lambda package: package.number)

    def one(self, number: int) -> Package | None:
        """The package of this number; None when there is none that was registered by this code."""
        try:
            with self._told():
                return _package(self._client.describe_model_package(ModelPackageName=self._arn(number)))
        except errors.Refused as refused:
            if _MISSING.search(str(refused)):
                return None
            raise

    def create(self, sha256: str, content: str) -> Package:
        """Have AWS number a package whose bytes are still to come; the same content twice is one package for AWS."""
        with self._told():
            made = self._client.create_model_package(
                ModelPackageGroupName=self._group,
                ModelPackageDescription=f"model sha256 {sha256}, registration {content}",
                ModelApprovalStatus=REJECTED,
                SourceUri=self._session.contract.registry_uri,
                ClientToken=hashlib.sha256(f"{self._group} {content}".encode()).hexdigest()[:_TOKEN],
            )
        arn = str(made["ModelPackageArn"])
        return Package(int(arn.rpartition("/")[2]), arn, sha256, content, REJECTED)

    def complete(self, package: Package, address: str, status: str, why: str, shown: Mapping[str, str]) -> None:
        """Say where the bytes are, how the approval stands, and what people look for; nothing is read back from it."""
        with self._told():
            self._client.update_model_package(
                ModelPackageArn=package.arn,
                ModelApprovalStatus=status,
                ApprovalDescription=why[:_MOST_TEXT],
                SourceUri=address,
                CustomerMetadataProperties={
                    key: _UNSPEAKABLE.sub("-", value)[:_MOST_VALUE] for key, value in shown.items() if value
                },
            )

    def approve(self, package: Package, why: str) -> None:
        """Set a package approved, unless it is."""
        if package.status == APPROVED:
            return
        with self._told():
            self._client.update_model_package(
                ModelPackageArn=package.arn, ModelApprovalStatus=APPROVED, ApprovalDescription=why[:_MOST_TEXT]
            )

    @property
    def _client(self) -> Any:
        return self._session.client("sagemaker")

    def _arn(self, number: int) -> str:
        contract, region = self._session.contract, self._session.region
        partition, account = self._client.meta.partition, contract.account or self._session.identity.account
        return f"arn:{partition}:sagemaker:{region}:{account}:model-package/{self._group.lower()}/{number}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A group that is not there is told as such."""
        environment = self._session.contract.environment
        try:
            with errors.one_line(environment):
                yield
        except errors.Refused as refused:
            if "roup" in str(refused) and _MISSING.search(str(refused)):
                raise FactoryError(
                    f"the model package group {self._group} is not there: factory up {environment} makes it"
                ) from None
            raise


def _package(found: Mapping[str, Any]) -> Package | None:
    """A package as AWS lists or describes it; None for one that somebody else put into the group, or that is going."""
    said = _DESCRIBED.match(str(found.get("ModelPackageDescription", "")))
    if said is None or found.get("ModelPackageStatus") in _GONE:
        return None
    arn = str(found["ModelPackageArn"])
    number = int(found.get("ModelPackageVersion") or arn.rpartition("/")[2])
    return Package(number, arn, said["sha256"], said["content"], str(found.get("ModelApprovalStatus", "")))
