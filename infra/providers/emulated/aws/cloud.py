"""AWS: where a provider works, its resource types by name, and the functions that aws-native has."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.providers.emulated.aws import forms, schemas
from infra.providers.emulated.aws.kind import AwsKind
from infra.providers.emulated.vendor import Place, Values
from infra.providers.protocol.failure import Failure

ACCOUNT = "123456789012"
"""Of AWS's own examples; taken where the configuration allows any."""
_CHINA = "cn-"
_GOVERNMENT = "us-gov-"


class Cloud:
    """What stands in for the plugin aws-native."""

    name = "aws-native"

    @property
    def version(self) -> str:
        """Of the installed library; of none, what a plugin without one may say."""
        try:
            return importlib.metadata.version("pulumi_aws_native")
        except importlib.metadata.PackageNotFoundError:
            return "1.0.0"

    def place(self, config: Mapping[str, Any]) -> Place:
        """The region configured, else AWS's own variables; the first of the allowed accounts."""
        region = config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise Failure("aws-native:region is missing: set it in the stack's configuration, or AWS_REGION")
        if region not in schemas.regions():
            raise Failure(f"region: {region} is none of AWS's; use one of {', '.join(schemas.regions())}")
        allowed = config.get("allowedAccountIds") or []
        allowed = json.loads(allowed) if isinstance(allowed, str) else allowed
        return Place(account=str(allowed[0]) if allowed else ACCOUNT, region=region)

    def kind(self, token: str, place: Place) -> AwsKind:
        """A resource type by aws-native's token; Failure when AWS has none of this name in the region."""
        return _kind(token, place.region)

    def invoke(self, token: str, arguments: Values, place: Place) -> Values:
        """Answer of a function that needs no resource."""
        name = token.rpartition(":")[2]
        answers: dict[str, Values] = {
            "getAccountId": {"accountId": place.account},
            "getRegion": {"region": place.region},
            "getPartition": {"partition": _partition(place.region), "dnsSuffix": forms.suffix(place.region)},
            "getUrlSuffix": {"urlSuffix": forms.suffix(place.region)},
            "getAzs": {"azs": [f"{arguments.get('region') or place.region}{letter}" for letter in "abc"]},
        }
        if name not in answers:
            raise Failure(f"{token} is not emulated; emulated are {', '.join(sorted(answers))}")
        return answers[name]


@cache
def _kind(token: str, region: str) -> AwsKind:
    return AwsKind(token, schemas.of(token, region))


def _partition(region: str) -> str:
    if region.startswith(_CHINA):
        return "aws-cn"
    return "aws-us-gov" if region.startswith(_GOVERNMENT) else "aws"
