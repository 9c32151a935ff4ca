"""The environments of a use case on AWS that are known here, by their contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from aifactory.provision.plan import Place
from aifactory_runtime.aws import errors
from aifactory_runtime.aws.session import Session
from aifactory_runtime.config import environment
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

_GONE = {"NoSuchKey", "NoSuchBucket", "404", "ResourceNotFound", "ResourceNotFoundException", "ValidationException"}
"""AWS's words for what is not there; SageMaker has no better one than the last."""


class NothingApplied(FactoryError):
    """No environment of the use case is known here."""


def known(place: Place, wanted: Iterable[str] = names.ENVIRONMENTS) -> list[Session]:
    """A session for each environment that was applied, in order; NothingApplied when there is none."""
    if place.repo is None or place.manifest is None:
        raise FactoryError("this belongs to a use case: run it inside its repo")
    found = []
    for name in wanted:
        try:
            found.append(Session(environment.resolve(place.repo, place.manifest, environment=name).contract))
        except UsageProblem as problem:
            if "is not known here" not in str(problem):
                raise
    if not found:
        meant = ", ".join(wanted)
        raise NothingApplied(f"nothing of {place.manifest.use_case} is known in {meant}: factory up")
    return [one for one in found if one.contract.target == "aws"]


def asked(session: Session, call: Callable[[], Any]) -> Any:
    """What AWS answers; None for what is not there. FactoryError in one line for anything else."""
    with errors.one_line(session.contract.environment):
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
