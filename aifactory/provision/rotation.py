"""Which secrets an environment has, and how new ones are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory import machine
from aifactory.provision import applied, stacks
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.provision.stacks import Stack


def manifests(home: Home, use_case: str, environments: Iterable[str]) -> dict[str, Manifest]:
    """Manifest as applied of each of `environments` that is provisioned."""
    found = {}
    for environment in environments:
        with suppress(FileNotFoundError):
            found[environment] = applied.manifest(home, use_case, environment)
    return found


def secrets(
    home: Home, use_case: str, environments: Iterable[str], identities: Sequence[str]
) -> dict[str, dict[Path, str]]:
    """Per environment credentials file to identity, of `identities` or of all; without environments that have none.

    The key that hashes what is recorded is new only when it is named: what equal values have in common ends with it.
    UsageProblem names an identity that has no secret in any of them.
    """
    there = {
        name: {path: path.stem for path in sorted((home.root / "credentials" / name / use_case).rglob("*.json"))}
        for name in environments
    }
    everybody = {identity for paths in there.values() for identity in paths.values()}
    unknown = [identity for identity in identities if identity not in everybody]
    if unknown:
        known = ", ".join(sorted(everybody)) or "nobody"
        raise UsageProblem(f"{', '.join(unknown)} has no secret in {', '.join(there)}; who has: {known}")
    wanted = set(identities) or everybody - {names.CAPTURE_KEY}
    found = {name: {path: one for path, one in paths.items() if one in wanted} for name, paths in there.items()}
    return {name: paths for name, paths in found.items() if paths}


def ask(paths: Iterable[Path], overlap_seconds: float) -> None:
    """Mark the files: the next `up` draws new secrets. It is drift until then, so a killed `up` is gone on with."""
    for path in paths:
        machine.ask_rotation(path, overlap_seconds)


def unfinished(home: Home, use_case: str, environment: str) -> list[Path]:
    """Credentials files whose mark is there: a rotation that was killed."""
    folder = home.root / "credentials" / environment / use_case
    return [path for path in sorted(folder.rglob("*.json")) if machine.rotation_asked(path)]


def done(paths: Iterable[Path]) -> list[str]:
    """Identities among those of `paths` that have their new secret."""
    return sorted({path.stem for path in paths if not machine.rotation_asked(path)})


def check_done(paths: Iterable[Path]) -> None:
    """FactoryError names whose secret is still the old one."""
    left = [path.stem for path in paths if machine.rotation_overlap(path) is not None]
    if left:
        raise FactoryError(f"{', '.join(left)} still have their old secret: factory start, then factory rotate again")


def wave(home: Home, manifests: dict[str, Manifest], servers: Path) -> list[Stack]:
    """The stacks as they were applied: a rotation brings no change of factory.yaml along, only today's date."""
    return [stacks.usecase(manifest, name, home, servers) for name, manifest in manifests.items()]
