"""Released code: a copy of the repo by commit, an environment by lock, and the link that says which one runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.config import layout, network
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import checkout, provenance
from aifactory_runtime.pipeline.reproduction.provenance import LOCKS
from aifactory_runtime.pipeline.snapshots import claims
from aifactory_runtime.pipeline.snapshots.claims import VENV, Claims

ENVIRONMENTS = claims.ENVIRONMENTS
_BUILD_SECONDS = 900


@dataclass(frozen=True)
class Snapshots:
    """The folder that holds the released code of one use case, and environments shared with all others.

    An `environment` claims what it uses, so that it stays; without one nothing is claimed.
    """

    root: Path
    use_case: str
    environment: str | None = None

    def of(self, commit: str) -> Path:
        """Where the snapshot of `commit` is, or will be."""
        return self.root / self.use_case / commit

    def is_made(self, commit: str) -> bool:
        """Whether the snapshot of `commit` is there with an environment to run in."""
        return _works(self.of(commit) / VENV)

    def extract(self, repo: Path, commit: str) -> Path:
        """The files of `commit` of `repo`, copied when they are not there; FactoryError when it has no such commit."""
        place = self.of(commit)
        self._claim(commit)
        if not place.exists():
            self._extract(repo, commit, place)
        layout.link_old_place(place)
        return place

    def prepare(self, commit: str, lock_sha256: str) -> Path:
        """The extracted snapshot of `commit` with the environment of its lock, built when no snapshot had it before.

        FactoryError when it cannot be built; nothing half-made stays.
        """
        place = self.of(commit)
        environment = self.root / ENVIRONMENTS / lock_sha256
        self._claim(commit)
        if place.is_dir():
            _link(place / VENV, environment)  # first: an environment that is linked is not tidied away
        if not _works(environment):
            _build_environment(environment, place)
        _link(place / VENV, environment)
        return place

    def _claim(self, commit: str) -> None:
        if self.environment is not None:
            Claims(self.root, self.use_case, self.environment).make(commit)

    def _extract(self, repo: Path, commit: str, place: Path) -> None:
        temporary = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            if not checkout.extract(repo, commit, temporary):
                raise FactoryError(
                    f"commit {commit[:12]}, from which the model was trained, is not in this repo: git fetch, or "
                    "release from the repo that has it"
                )
            _rename(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _works(environment: Path) -> bool:
    """Whether it has an interpreter: its link dangles when the Python it was made with is gone."""
    return (environment / "bin" / "python").exists()


def activate(current: Path, snapshot: Path) -> None:
    """Let the link `current` lead to `snapshot`, from one moment to the next."""
    current.parent.mkdir(parents=True, exist_ok=True)
    _link(current, snapshot)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _rename(temporary: Path, place: Path) -> None:
    """Give a finished folder its name; another release may have been first, with the same content."""
    try:
        temporary.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _build_environment(environment: Path, snapshot: Path) -> None:
    """An environment from the snapshot's locks, hashes checked, with the interpreter that runs this release."""
    locks = [str(lock) for lock in provenance.locks(snapshot)]
    if not locks:
        raise FactoryError(f"the commit holds none of {', '.join(LOCKS)}: nothing says what the service needs")
    uv = _find_uv()
    environment.parent.mkdir(parents=True, exist_ok=True)
    temporary = environment.with_name(f".{environment.name}.{os.getpid()}")
    broken = temporary.with_name(f"{temporary.name}.broken")
    for leftover in (temporary, broken):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        _uv(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(temporary))
        python = str(temporary / "bin" / "python")
        _uv(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, *locks)
        if not _works(environment):
            with suppress(FileNotFoundError):
                environment.rename(broken)
        _rename(temporary, environment)
    finally:
        for leftover in (temporary, broken):
            shutil.rmtree(leftover, ignore_errors=True)


def _find_uv() -> str:
    """Uv on PATH, beside this interpreter, or in its `uv` package."""
    beside = Path(sys.executable).with_name("uv")
    found = shutil.which("uv") or (str(beside) if beside.exists() else None)
    if found is None and importlib.util.find_spec("uv") is not None:
        import uv

        found = str(uv.find_uv_bin())
    if found is None:
        raise FactoryError("uv is needed to build the environment of a release: pip install uv, or make setup")
    return found


def _uv(uv: str, *arguments: str) -> None:
    try:
        done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise FactoryError(f"the environment of the release was not built in {_BUILD_SECONDS} s: try again") from None
    if done.returncode:
        last = network.without_logins((done.stderr.strip().splitlines() or ["no reason given"])[-1].strip())
        raise FactoryError(f"the environment of the release cannot be built: uv {arguments[0]} says: {last}")
