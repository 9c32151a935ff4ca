"""FACTORY_HOME and FACTORY_CACHE: where everything of the local target lives, and the passphrase of its state."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from aifactory import emulation
from aifactory_runtime.config import cache as shared
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError

_CLOUDS = tuple(target for target in names.TARGETS if target != names.LOCAL)
"""Homes within a home, of stacks in clouds."""
_OURS = (
    *("state", "passphrase", "pulumi", "work", "services", "shared", "snapshots", "usecases", "credentials", "retired"),
    *("dev", "staging", "prod"),
    *_CLOUDS,
    emulation.FOLDER,
    *("world", "failures.json"),
)
"""Everything in a home; see docs/interfaces.md."""


@dataclass(frozen=True)
class Home:
    """Folders under FACTORY_HOME; see docs/interfaces.md for what is in each."""

    root: Path

    @classmethod
    def current(cls) -> Home:
        """The home that FACTORY_HOME names, else `~/.factory`."""
        return cls(Path(os.environ.get("FACTORY_HOME") or Path.home() / ".factory").absolute())

    def of(self, target: str) -> Home:
        """Where settings of stacks on a target are kept; those of this machine lie in the home itself.

        With FACTORY_EMULATE they lie apart from all that is real; FactoryError when it is this machine then.
        """
        if not emulation.asked():
            return self if target == names.LOCAL else Home(self.root / target)
        if target == names.LOCAL:
            raise FactoryError(f"{emulation.VARIABLE}=1 stands in for a cloud, and this is target: local: unset it")
        return Home(self.root / emulation.FOLDER / target)

    @property
    def state(self) -> Path:
        """Pulumi's file backend."""
        return self.root / "state"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase of the file backend."""
        return self.root / "passphrase"

    @property
    def services(self) -> Path:
        """Supervisor's configuration, logs and leases."""
        return self.root / "services"

    def work(self, stack: str) -> Path:
        """Generated program folder of one stack."""
        return self.root / "work" / stack

    def lock(self, stack: str) -> Path:
        """Lock file of one stack."""
        return self.work(stack) / "lock"

    def applied(self, use_case: str, environment: str) -> Path:
        """Manifest and environment contract as applied."""
        return self.root / "usecases" / f"{use_case}.{environment}.json"

    def retired(self, use_case: str, environment: str) -> Path:
        """Record of why and when a use case was stopped in an environment; there while it is."""
        return self.root / "retired" / f"{use_case}.{environment}.json"

    def check(self) -> None:
        """FactoryError for a folder that holds something else: it would become private and, in the end, removed."""
        if odd := names.odd_folder(str(self.root)):
            raise FactoryError(odd)
        if self.root.exists() and not self.root.is_dir():
            raise FactoryError(f"{self.root} is not a folder: let FACTORY_HOME name one that is new or empty")
        if (
            self.root.is_dir()
            and not self.state.is_dir()
            and {one.name for one in self.root.iterdir()} - {*_CLOUDS, emulation.FOLDER}
        ):
            raise FactoryError(f"{self.root} holds other files: let FACTORY_HOME name a folder that is new or empty")

    def prepare(self) -> None:
        """Make the folders (0700) and, for a new file backend only, its passphrase (0600); FactoryError as `check`."""
        self.check()
        for folder in (self.root, self.state, self.services, self.root / "work"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        if not self.passphrase.exists() and not any(self.state.iterdir()):
            self._write_passphrase()

    def _write_passphrase(self) -> None:
        """Write beside the place, then link: a killed writer leaves no empty one, and of two only the first counts."""
        part = self.root / f".passphrase.{os.getpid()}"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(part, self.passphrase)
        part.unlink()

    def remove(self) -> None:
        """Remove what the factory made here, and the folder itself if nothing else is in it."""
        for name in _OURS:
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.root.rmdir()


def cache() -> Path:
    """Folder of what is downloaded or built once for all homes: FACTORY_CACHE, else `~/.cache/aifactory`."""
    return shared.folder()
