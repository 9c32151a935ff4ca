"""Which stacks a command means, seen from where it is typed, in waves that may run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aifactory.home import Home
from aifactory.provision import exclusive, stacks
from aifactory.provision.stacks import Stack
from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST, find_root
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError, UsageProblem

Waves = list[list[Stack]]


@dataclass(frozen=True)
class Place:
    """Where a command is typed: a use case's repo, or anywhere else, which means the platform."""

    home: Home
    repo: Path | None
    manifest: Manifest | None

    @classmethod
    def here(cls) -> Place:
        """The nearest repo at or above the current folder, if any."""
        try:
            repo = find_root(Path.cwd())
        except UsageProblem:
            return cls(Home.current(), None, None)
        return cls(Home.current(), repo, yaml_model.load(repo / MANIFEST, Manifest))


def waves(place: Place, environments: Sequence[str], servers_python: Path, *, with_platform: bool) -> Waves:
    """Stacks of these environments, each wave needing the ones before it.

    In a repo its own stacks, `with_platform` those of the platform first; elsewhere the platform's. FactoryError when
    a repo's platform is not there.
    """
    if place.manifest is None:
        return _platform(place.home, environments, servers_python)
    usecase = [stacks.usecase(place.manifest, name, place.home, servers_python) for name in environments]
    if with_platform:
        return [*_platform(place.home, environments, servers_python), usecase]
    _require_platform(place.home, environments)
    return [usecase]


def check(home: Home, planned: Waves, *, applied: bool = False) -> None:
    """Everything that can be known before anything is fetched or started.

    FactoryError when the home is no home, when somebody works on one of the stacks and, with `applied`, when one of
    them was never applied.
    """
    home.check()
    known = stacks.known(home)
    for stack in (stack for wave in planned for stack in wave):
        exclusive.refuse_held(home.lock(stack.name), stack.name)
        if applied and stack.name not in known and not stacks.shared_backend():
            raise FactoryError(f"{stack.name} is not provisioned: factory up {stack.name.rpartition('.')[2]}")


def everything(home: Home, servers_python: Path) -> Waves:
    """Every stack that this home holds, use cases last."""
    known = stacks.known(home)
    if not known:
        return []
    platform = only(_platform(home, names.ENVIRONMENTS, servers_python), known)
    usecases = [stacks.last_configured(name, home) for name in stacks.use_cases(home)]
    return [wave for wave in [*platform, usecases] if wave]


def only(planned: Waves, wanted: Sequence[str]) -> Waves:
    """Those of the planned stacks that are wanted, by name."""
    kept = [[stack for stack in wave if stack.name in wanted] for wave in planned]
    return [wave for wave in kept if wave]


def chosen(place: Place, environments: Sequence[str]) -> list[str]:
    """The environments that are meant, in order; all when none is named. UsageProblem for an unknown one."""
    allowed = names.ENVIRONMENTS if place.manifest else (stacks.SHARED, *names.ENVIRONMENTS)
    for name in environments:
        if name not in allowed:
            raise UsageProblem(f"{name!r} is not an environment here; use one of {', '.join(allowed)}")
    return [name for name in allowed if name in environments] or list(names.ENVIRONMENTS)


def _platform(home: Home, environments: Sequence[str], servers_python: Path) -> Waves:
    """The shared stack, then one per environment; every environment needs the shared one."""
    shared = stacks.platform(stacks.SHARED, home, servers_python)
    rest = [stacks.platform(name, home, servers_python) for name in environments if name != stacks.SHARED]
    return [[shared], rest] if rest else [[shared]]


def _require_platform(home: Home, environments: Sequence[str]) -> None:
    if stacks.shared_backend():
        return
    known = stacks.known(home)
    missing = [name for name in (stacks.SHARED, *environments) if name not in known]
    if missing:
        raise FactoryError(
            f"the platform has no {', '.join(missing)} yet: add --platform to bring it up along with the use case"
        )
