"""Which stacks a command means, seen from where it is typed, in waves that may run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory.home import Home
from aifactory.provision import exclusive, forge_subjects, platform_file, platform_outputs, stacks
from aifactory.provision.stacks import Stack
from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST, find_root
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from infra.platform.settings import PlatformSettings

Waves = list[list[Stack]]


@dataclass(frozen=True)
class Place:
    """Where a command is typed: a use case's repo, or anywhere else, which means the platform.

    `platform` is what the company's platform.yaml says, in its factory repo; without one all is of this machine.
    """

    home: Home
    repo: Path | None
    manifest: Manifest | None
    platform: PlatformSettings | None = None

    @classmethod
    def here(cls) -> Place:
        """The nearest repo at or above the current folder, if any."""
        try:
            repo = find_root(Path.cwd())
        except UsageProblem:
            return cls.outside()
        manifest = yaml_model.load(repo / MANIFEST, Manifest)
        return cls(Home.current().of(manifest.target), repo, manifest)

    @property
    def on_this_machine(self) -> bool:
        """Whether all that is meant runs on this machine."""
        if self.manifest is not None:
            return self.manifest.target == names.LOCAL
        return self.platform is None or not self.platform.in_cloud

    @classmethod
    def outside(cls) -> Place:
        """The platform that the nearest platform.yaml at or above the current folder describes, else this machine's."""
        settings = platform_file.above(Path.cwd())
        target = settings.shared.target if settings else names.LOCAL
        return cls(Home.current().of(target), None, None, settings)


def waves(place: Place, environments: Sequence[str], servers_python: Path, *, with_platform: bool) -> Waves:
    """Stacks of these environments, each wave needing the ones before it.

    In a repo its own stacks, `with_platform` those of the platform first; elsewhere the platform's. FactoryError when
    a repo's platform is not there.
    """
    if place.manifest is None:
        return _platform(place, environments, servers_python)
    if place.manifest.target != names.LOCAL:
        if with_platform:
            raise UsageProblem(
                f"--platform: that of target: {place.manifest.target} comes up in the company's factory repo"
            )
        return [_in_cloud(place, place.manifest, environments)]
    usecase = [stacks.usecase(place.manifest, name, place.home, servers_python) for name in environments]
    if with_platform:
        return [*_platform(place, environments, servers_python), usecase]
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
        if applied and stack.name not in known and not stacks.elsewhere(stack):
            raise FactoryError(f"{stack.name} is not provisioned: factory up {stack.name.rpartition('.')[2]}")


def everything(place: Place, servers_python: Path) -> Waves:
    """Every stack that the place's home holds, use cases last."""
    home = place.home
    known = stacks.known(home)
    if not known:
        return []
    platform = only(_platform(place, chosen(Place(home, None, None, place.platform), []), servers_python), known)
    usecases = [stacks.last_configured(name, home) for name in stacks.use_cases(home)]
    return [wave for wave in [*platform, usecases] if wave]


def only(planned: Waves, wanted: Sequence[str]) -> Waves:
    """Those of the planned stacks that are wanted, by name."""
    kept = [[stack for stack in wave if stack.name in wanted] for wave in planned]
    return [wave for wave in kept if wave]


def chosen(place: Place, environments: Sequence[str]) -> list[str]:
    """The environments that are meant, in order; all when none is named. UsageProblem for an unknown one."""
    there: Sequence[str] = names.ENVIRONMENTS
    if place.platform is not None and place.platform.in_cloud:
        there = place.platform.in_cloud
    allowed = there if place.manifest else (stacks.SHARED, *there)
    for name in environments:
        if name not in allowed:
            raise UsageProblem(f"{name!r} is not an environment here; use one of {', '.join(allowed)}")
    return [name for name in allowed if name in environments] or list(there)


def _platform(place: Place, environments: Sequence[str], servers_python: Path) -> Waves:
    """The shared stack, then one per environment; every environment needs the shared one."""
    if place.platform is not None and place.platform.in_cloud:
        return _cloud_platform(place.platform, environments)
    shared = stacks.platform(stacks.SHARED, place.home, servers_python)
    rest = [stacks.platform(name, place.home, servers_python) for name in environments if name != stacks.SHARED]
    return [[shared], rest] if rest else [[shared]]


def _cloud_platform(settings: PlatformSettings, environments: Sequence[str]) -> Waves:
    """The shared stack first, where it is meant or in the account of one that is: a login is good for one account."""
    accounts = {settings.site(name).account for name in environments}
    meant = stacks.SHARED in environments or settings.shared.account in accounts
    shared = [stacks.cloud_platform(stacks.SHARED, settings)] if meant else []
    rest = [stacks.cloud_platform(name, settings) for name in environments if name != stacks.SHARED]
    return [wave for wave in (shared, rest) if wave]


def _in_cloud(place: Place, manifest: Manifest, environments: Sequence[str]) -> list[Stack]:
    """The use case's stacks on what the platform wrote of each environment."""
    told = {name: platform_outputs.read(str(manifest.platform), name) for name in environments}
    jobs = {} if place.repo is None else {name: forge_subjects.of(place.repo, name) for name in environments}
    beside = {name: platform_outputs.beside(str(manifest.platform), name) for name in environments}
    return [
        stacks.cloud_usecase(manifest, name, place.home, found, subjects=jobs.get(name), beside=beside[name])
        for name, found in told.items()
    ]


def _require_platform(home: Home, environments: Sequence[str]) -> None:
    if stacks.shared_backend():
        return
    known = stacks.known(home)
    missing = [name for name in (stacks.SHARED, *environments) if name not in known]
    if missing:
        raise FactoryError(
            f"the platform has no {', '.join(missing)} yet: add --platform to bring it up along with the use case"
        )
