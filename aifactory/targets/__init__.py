"""What a person does with what stands, on each target; `of` finds the module that does it, and imports it then."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem

if TYPE_CHECKING:
    from aifactory.local.backup import Made
    from aifactory.local.restore import Restored
    from aifactory.provision.diagnosis import Finding
    from aifactory.provision.plan import Place
    from aifactory.status.addresses import Address
    from aifactory.status.logs import Line, Wanted
    from aifactory.status.overview import ServiceState
    from aifactory.targets.report import Report

Say = Callable[[str], None]
Secret = tuple[str, str, str]
"""Environment, identity and the file that has its new secret."""


class Operations(Protocol):
    """A module of this package; each function is what the command of its name does, seen from `place`.

    FactoryError says what is wrong in one line. UsageProblem says what has no meaning on the target, and what to do
    in its place.
    """

    def status(self, place: Place) -> Report:
        """What stands, runs and is served."""

    def logs(self, place: Place, wanted: Wanted, lines: int, *, follow: bool) -> Iterator[Line]:
        """The last `lines` of each log that is meant and, with `follow`, each line that is added, without end."""

    def open(self, place: Place, page: str | None, where: str | None) -> list[Address]:
        """The page that is meant, or all of them, each with how to log in."""

    def doctor(self, place: Place) -> list[Finding]:
        """What is there of what is needed, in the order in which people should mend."""

    def start(self, place: Place, say: Say, *, at_boot: bool | None) -> Sequence[ServiceState]:
        """Start what was stopped; what runs then. `at_boot` also says whether it starts with the machine."""

    def stop(self, place: Place, say: Say) -> Sequence[ServiceState]:
        """Stop what runs and remove nothing; what runs then."""

    def backup(self, place: Place, file: Path | None, say: Say) -> Made:
        """A copy of all that is kept."""

    def restore(self, place: Place, file: Path, say: Say, *, force: bool, start: bool) -> Restored:
        """All that is kept, from a copy."""

    def restore_state(self, place: Place, file: Path, stack: str, say: Say) -> Path:
        """The engine's record of one stack, from a copy; where the damaged one is now."""

    def rotate(
        self, place: Place, identities: Sequence[str], environments: Sequence[str], overlap: float, say: Say
    ) -> list[Secret]:
        """New secrets for `identities` or, where none is named, for all."""


def named(name: str) -> Operations:
    """The operations of a target; UsageProblem when there is none of this name."""
    if name not in names.TARGETS:
        raise UsageProblem(f"{name} is no target; there are: {', '.join(names.TARGETS)}")
    return cast("Operations", importlib.import_module(f"aifactory.targets.{name}"))


def of(place: Place) -> Operations:
    """The operations of the use case whose repo the place is, elsewhere of this machine."""
    return named(names.LOCAL if place.manifest is None else place.manifest.target)
