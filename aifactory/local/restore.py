"""`factory restore`: a home from a backup, complete or not at all, then the environments that belong to it."""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aifactory import machine
from aifactory.home import Home
from aifactory.local import archive, backup, relocation
from aifactory.local.archive import Contents
from aifactory.provision import anchored, exclusive, stacks
from aifactory.workshop import workshop
from aifactory_runtime.audit import anchors, log
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """What was restored, what was moved out of the way, and what a person has to look at."""

    made: str
    files: int
    moved_aside: str | None
    moved_from: str | None
    """The home that the backup was made of, when it is not the one restored to."""
    troubles: list[str] = field(default_factory=list)


def restore(file: Path, home: Home, say: Say, *, force: bool = False) -> Restored:
    """Make `home` from the backup `file`. Services are not started.

    FactoryError, with everything as before, when the backup is damaged or the home is in use without `force`; with it
    the old home is stopped and moved aside.
    """
    if _in_use(home) and not force:
        raise FactoryError(f"{home.root} holds a platform: --force stops it and moves it aside before the restore")
    home.root.parent.mkdir(parents=True, exist_ok=True)
    aside = None
    try:
        with workshop(home.root.parent, f".{home.root.name}.restoring-") as making:
            say(f"Reading {file} ...")
            contents = archive.unpack(file, making)
            _finish(making, contents, home)
            aside = _move_aside(home, say) if _in_use(home) else None
            if home.root.exists():
                home.root.rmdir()
            making.rename(home.root)
    except OSError as error:
        kept = f"; the home before is in {aside}, stopped: move it back" if aside else ""
        raise FactoryError(f"{home.root} cannot be made ({error.strerror}): nothing was restored{kept}") from None
    _reuse_environments(home, aside)
    troubles = [
        *_write_down(home, contents.made, aside),
        *_reclaim_ports(home),
        *_build_environments(home, say),
    ]
    moved_from = contents.places.home if contents.places.home != str(home.root) else None
    return Restored(contents.made, len(contents.files), str(aside) if aside else None, moved_from, troubles)


def restore_state(file: Path, home: Home, stack: str, say: Say) -> Path:
    """Put the engine's record of one stack back as the backup has it; everything else stays. Where the old one is now.

    For a record that is damaged beyond the copy that the engine keeps. What changed since the backup is found by the
    refresh of the next `factory up`. FactoryError when the backup has no such stack or the stack is being changed.
    """
    with workshop(home.root, ".restoring-") as making:
        say(f"Reading {file} ...")
        contents = archive.unpack(file, making)
        relocation.relocate(making, contents.places, backup.places(home))
        found = next((making / "state" / ".pulumi" / "stacks").glob(f"*/{stack}.json"), None)
        if found is None:
            raise FactoryError(f"{file} holds no stack {stack}; factory status lists what there is")
        with exclusive.hold(home.lock(stack), stack):
            return _replace_record(making, home, found.relative_to(making))


def _replace_record(making: Path, home: Home, record: Path) -> Path:
    """The record, and, only where they are missing, the passphrase and the settings that open it."""
    place, damaged = home.root / record, home.root / f"{record}.damaged"
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.replace(damaged)
    for copy in place.parent.glob(f"{place.name}*.attrs"):
        copy.unlink()
    (making / record).replace(place)
    for name in ("passphrase", f"work/{record.stem}/Pulumi.{record.stem}.yaml"):
        if (making / name).exists() and not (home.root / name).exists():
            (making / name).replace(home.root / name)
    return damaged


def _in_use(home: Home) -> bool:
    return home.root.exists() and (not home.root.is_dir() or any(home.root.iterdir()))


def _finish(making: Path, contents: Contents, home: Home) -> None:
    """Folders, modes, links, and the paths of this machine."""
    here = backup.places(home)
    relocation.relocate(making, contents.places, here)
    for name, mode in contents.folders.items():
        folder = _below(making, name)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode & 0o777)
    for name, entry in contents.files.items():
        _below(making, name).chmod(entry.mode & 0o777)
    for name, target in contents.links.items():
        _below(making, name).symlink_to(relocation.link_target(target, contents.places, here))


def _below(making: Path, name: str) -> Path:
    path = making / name
    odd = "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts
    if odd or not path.parent.resolve().is_relative_to(making):
        raise FactoryError(f"the backup names {name!r}, which leads out of the home: do not trust it")
    return path


def _move_aside(home: Home, say: Say) -> Path:
    """Stop what runs in the home and rename it; FactoryError while an environment of it is being changed."""
    with ExitStack() as held:
        for stack in stacks.known(home):
            held.enter_context(exclusive.hold(home.lock(stack), stack))
        say(f"Stopping the services of {home.root} ...")
        machine.supervision(home).stop()
        aside = home.root.with_name(f"{home.root.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        home.root.rename(aside)
    say(f"What was there is in {aside} now.")
    return aside


def _write_down(home: Home, made: str, aside: Path | None) -> list[str]:
    """A line in each audit log, which names the newest anchored head of before; a sentence for each that takes none."""
    troubles = []
    for file in (
        path for name in names.ENVIRONMENTS for path in sorted((home.root / name).glob(f"*/audit/{log.FILE}"))
    ):
        environment, use_case = file.parts[-4:-2]
        before = anchored.head(aside or home.root, names.stack(use_case, environment))
        try:
            log.append(file.parent, anchors.RESTORED, getpass.getuser(), {"backup": made, "anchored": before})
        except FactoryError as error:
            troubles.append(str(error))
    return troubles


def _reclaim_ports(home: Home) -> list[str]:
    """Lease the ports again; a sentence for each that somebody else has."""
    return [f"{sentence}: factory up gives it another" for sentence in machine.reclaim_ports(home)]


def _reuse_environments(home: Home, aside: Path | None) -> None:
    """Take environments over from the home that was moved aside: their names are the digests of their locks."""
    if aside is None:
        return
    wanted = {link.readlink().name for link in _environment_links(home)}
    for environment in (aside / "snapshots" / "envs").glob("*"):
        if environment.name in wanted:
            place = home.root / "snapshots" / "envs" / environment.name
            making = place.with_name(f".{place.name}.{os.getpid()}")
            shutil.copytree(environment, making, symlinks=True, copy_function=os.link)
            making.rename(place)


def _environment_links(home: Home) -> list[Path]:
    links = [snapshot / ".venv" for snapshot in sorted((home.root / "snapshots").glob("*/*"))]
    return [link for link in links if link.is_symlink()]


def _build_environments(home: Home, say: Say) -> list[str]:
    """Environments of released code, from the locks in their snapshots; a sentence for each that cannot be built."""
    from aifactory_runtime.pipeline.snapshots.snapshot import ENVIRONMENTS, Snapshots

    root = home.root / "snapshots"
    troubles = {}
    for link in _environment_links(home):
        digest = link.readlink().name
        if digest in troubles or (root / ENVIRONMENTS / digest / "bin" / "python").exists():
            continue
        say(f"Building environment {digest[:12]} of released code, from its lock ...")
        try:
            Snapshots(root, link.parent.parent.name).prepare(link.parent.name, digest)
        except FactoryError as error:
            troubles[digest] = f"{error}; mend that, then factory release builds it"
    return list(troubles.values())
