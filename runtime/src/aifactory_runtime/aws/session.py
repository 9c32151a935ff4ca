"""Clients of AWS for one environment, made when they are asked for, under the identity of the surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from aifactory_runtime.aws import errors
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.storage import Store, answers, open_store

_LIMITS = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "total_max_attempts": 4}}


_MACHINES = ("botocore-session-", "aws-sdk-", "aifactory")
"""How sessions begin that are named for nobody."""


@dataclass(frozen=True)
class Identity:
    """Who is logged in, as AWS itself says."""

    account: str
    arn: str

    @property
    def name(self) -> str:
        """What people call it: role and session, or the user's name."""
        return answers.short(self.arn)

    @property
    def person(self) -> str | None:
        """The login that a person's session is named for; None for users, and for sessions that a machine named."""
        _, _, session = errors.session_of(self.arn)
        try:
            return None if session.startswith(_MACHINES) else names.check_person(session)
        except ValueError:
            return None


@dataclass(frozen=True)
class Session:
    """One environment's region, and whoever is logged in: boto3's own chain of variables, profiles and roles."""

    contract: EnvironmentContract

    @property
    def region(self) -> str:
        """Region of the environment; UsageProblem when its contract names none."""
        if self.contract.region is None:
            raise UsageProblem(
                f"{self.contract.environment} names no region: factory outputs {self.contract.environment} --write"
            )
        return self.contract.region

    @cached_property
    def identity(self) -> Identity:
        """Who is logged in; FactoryError when that is nobody, or somebody of another account than the environment's."""
        with errors.one_line(self.contract.environment):
            said = self.client("sts").get_caller_identity()
        found = Identity(str(said["Account"]), str(said["Arn"]))
        if self.contract.account not in (None, found.account):
            raise FactoryError(
                f"{found.name} is of account {found.account}, but {self.contract.environment} lies in "
                f"{self.contract.account}: log in to that account, then do this again"
            )
        return found

    @property
    def keys(self) -> Any:
        """The keys that sign requests now; botocore renews those of a role. FactoryError when there are none."""
        with errors.one_line(self.contract.environment):
            found = self._boto.get_credentials()
            if found is None:
                raise FactoryError(f"there is no login to AWS: {answers.LOGIN_AGAIN}")
            return found.get_frozen_credentials()

    def client(self, service: str) -> Any:
        """Client of a service, the same one each time; errors of its calls go through `aws.errors.one_line`."""
        return self._clients(service)

    def store(self, address: str) -> Store:
        """What lies below an address in S3, in the environment's region; UsageProblem for any other address."""
        if not address.startswith("s3://"):
            raise UsageProblem(f"{address} is no address in S3: factory outputs {self.contract.environment} --write")
        return open_store(address, self.region)

    @cached_property
    def _boto(self) -> Any:
        with errors.one_line(self.contract.environment):
            return boto3.Session(region_name=self.region)

    @cached_property
    def _clients(self) -> Any:
        return cache(lambda service: self._boto.client(service, config=Config(**_LIMITS)))
