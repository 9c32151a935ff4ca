"""Operations on AWS: nothing of a use case runs on this machine, so what is kept and started there is AWS's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from aifactory_runtime.errors import FactoryError, UsageProblem

_PAGE = "docs/aws.md"
_VERSIONS = f"its buckets keep each version of every object: {_PAGE} says how one is brought back"


def _without_meaning(command: str, instead: str) -> Callable[..., NoReturn]:
    """An operation that the target does not have; it says what to do in its place."""

    def refuse(*_asked: object, **_more: object) -> NoReturn:
        raise UsageProblem(f"factory {command} has no meaning with target: aws: {instead}")

    return refuse


def _unfinished(command: str) -> Callable[..., NoReturn]:
    def refuse(*_asked: object, **_more: object) -> NoReturn:
        raise FactoryError(f"factory {command} does not know AWS yet: look at it in the console")

    return refuse


status = _unfinished("status")
logs = _unfinished("logs")
open = _unfinished("open")
doctor = _unfinished("doctor")
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
