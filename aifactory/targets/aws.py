"""Operations on AWS: nothing of a use case runs on this machine, so what is kept and started there is AWS's own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn

from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.provision.diagnosis import Finding
    from aifactory.provision.plan import Place
    from aifactory.status.addresses import Address
    from aifactory.status.logs import Line, Wanted
    from aifactory.targets.report import Report

_PAGE = "docs/aws.md"
_VERSIONS = f"its buckets keep each version of every object: {_PAGE} says how one is brought back"


def _without_meaning(command: str, instead: str) -> Callable[..., NoReturn]:
    """An operation that the target does not have; it says what to do in its place."""

    def refuse(*_asked: object, **_more: object) -> NoReturn:
        raise UsageProblem(f"factory {command} has no meaning with target: aws: {instead}")

    return refuse


def _require() -> None:
    """FactoryError where the tool was installed without what speaks to AWS."""
    if importlib.util.find_spec("boto3") is None:
        raise FactoryError("what speaks to AWS is not installed: uv tool install 'aifactory[aws]', as docs/aws.md says")


def status(place: Place) -> Report:
    """What each environment released, serves, registered and ran, and which alarms are on."""
    _require()
    from aifactory.targets.on_aws import standing

    return standing.report(place)


def logs(place: Place, wanted: Wanted, lines: int, *, follow: bool) -> Iterator[Line]:
    """What jobs and endpoint wrote to CloudWatch."""
    _require()
    from aifactory.targets.on_aws import logs as groups

    return groups.lines(place, wanted, lines, follow=follow)


def open(place: Place, page: str | None, where: str | None) -> list[Address]:
    """Pages of the console, and of MLflow by an address that logs in."""
    _require()
    from aifactory.targets.on_aws import pages

    return pages.of(place, page, where)


def doctor(place: Place) -> list[Finding]:
    """What account, region and platform give."""
    _require()
    from aifactory.targets.on_aws import doctor as account

    return account.examine(place)


start = _without_meaning(
    "start", "services are AWS's and run all the time; an endpoint is started by a release: factory release"
)
stop = _without_meaning(
    "stop",
    "nothing of it runs on this machine; to end what costs, factory retire ENV --reason WHY keeps all that was made, "
    "and factory destroy ENV removes it",
)
backup = _without_meaning("backup", _VERSIONS)
restore = _without_meaning("restore", _VERSIONS)
restore_state = _without_meaning(
    "restore --state", f"the engine's record is an object in the platform's bucket, with its versions: {_PAGE}"
)
rotate = _without_meaning(
    "rotate",
    "there are no passwords and no tokens: roles get keys for hours, and AWS rotates the key that encrypts; to take "
    "somebody's rights away, factory person, then factory up ENV",
)
