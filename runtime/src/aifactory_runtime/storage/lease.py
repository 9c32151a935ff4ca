"""A lock as an object: owner, how long it holds without a sign of life, and a number that grows with each holder.

Age is told by the store's clock alone: the object's time against that of a probe that is written now. The object stays
when the lock is free, so that the number never repeats.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.port import Changed, Exists, Missing, Store

SECONDS = 60.0
"""For so long a lease holds without being renewed, which is done each third of it."""


@dataclass
class Lease:
    """A lock that is held: `fence` is larger than that of each holder before; `replaced` names one that died."""

    key: str
    fence: int
    replaced: str | None = None
    lost: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set once somebody else has taken it."""

    def check(self) -> None:
        """FactoryError when somebody else has taken it meanwhile: nothing may be written in its name then."""
        if self.lost.is_set():
            raise FactoryError(f"{self.key} was taken over, as this process gave no sign of life: do this again")


@dataclass(frozen=True)
class _State:
    """What the object says; nobody holds it where `owner` is None."""

    owner: str | None
    fence: int
    seconds: float
    renewed: int = 0

    def encoded(self) -> bytes:
        return json.dumps(self.__dict__).encode()


@contextmanager
def held(store: Store, key: str, refused: str, seconds: float = SECONDS) -> Iterator[None]:
    """Hold the lock while the block runs, as `taken`, for those who need no number."""
    with taken(store, key, refused, seconds):
        yield


@contextmanager
def taken(store: Store, key: str, refused: str, seconds: float = SECONDS) -> Iterator[Lease]:
    """Hold the lock `key` while the block runs; files.Busy at once when another does: `refused` with its `{holder}`.

    FactoryError after the block when the lock was lost meanwhile.
    """
    lease, state, version = _take(store, key, refused, seconds)
    done = threading.Event()
    renewing = _Renewing(store, lease, state, version, done)
    renewing.start()
    try:
        yield lease
    finally:
        done.set()
        renewing.join()
        renewing.give_back()
    lease.check()


def is_held(store: Store, key: str) -> bool:
    """Whether somebody holds the lock now."""
    state, _ = _read(store, key)
    return state is not None and state.owner is not None and not _is_over(store, key, state)


def _take(store: Store, key: str, refused: str, seconds: float) -> tuple[Lease, _State, str]:
    before, version = _read(store, key)
    dead = None
    if before is not None and before.owner is not None:
        if not _is_over(store, key, before):
            raise files.Busy(refused.replace("{holder}", before.owner))
        dead = before.owner
    mine = _State(_owner(), before.fence + 1 if before else 1, seconds)
    try:
        got = store.create(key, mine.encoded()) if version is None else store.replace(key, mine.encoded(), version)
    except (Exists, Changed):
        winner, _ = _read(store, key)
        raise files.Busy(refused.replace("{holder}", (winner and winner.owner) or "another process")) from None
    if dead:
        logging.getLogger(__name__).warning("%s: %s gave no sign of life and is replaced", key, dead)
    return Lease(key, mine.fence, dead), mine, got


class _Renewing(threading.Thread):
    """Gives a sign of life each third of the lease's time, until the block is over or the lock is lost."""

    def __init__(self, store: Store, lease: Lease, state: _State, version: str, done: threading.Event) -> None:
        super().__init__(name=f"lease {lease.key}", daemon=True)
        self._store, self._lease, self._state, self._version, self._done = store, lease, state, version, done

    def run(self) -> None:
        while not self._done.wait(self._state.seconds / 3):
            state = self._state
            if not self._swap(_State(state.owner, state.fence, state.seconds, state.renewed + 1)):
                return

    def give_back(self) -> None:
        """Let the next one in; one that cannot be told so waits until the lease is over."""
        if not self._lease.lost.is_set():
            self._swap(_State(None, self._state.fence, self._state.seconds, self._state.renewed + 1))

    def _swap(self, state: _State) -> bool:
        """Whether the lock is still ours; a store that does not answer now is asked again at the next turn."""
        try:
            self._version = self._store.replace(self._lease.key, state.encoded(), self._version)
            self._state = state
        except Changed:
            return self._is_ours(state)
        except FactoryError as error:
            logging.getLogger(__name__).warning("%s could not be renewed: %s", self._lease.key, error)
        return True

    def _is_ours(self, state: _State) -> bool:
        """Whether the object holds what we wrote, whose answer did not come; else the lock is lost."""
        found, version = _read(self._store, self._lease.key)
        if version is not None and found is not None and found in (state, self._state):
            self._version, self._state = version, found
            return True
        self._lease.lost.set()
        return False


def _read(store: Store, key: str) -> tuple[_State | None, str | None]:
    try:
        found = store.read(key)
    except Missing:
        return None, None
    try:
        said: dict[str, Any] = files.parse_json(found.content)
        owner = said["owner"]
        seconds, renewed = float(said["seconds"]), int(said["renewed"])
        return _State(None if owner is None else str(owner), int(said["fence"]), seconds, renewed), found.version
    except (ValueError, TypeError, KeyError):
        raise FactoryError(f"the lock {key} is damaged: delete it when nobody works there") from None


def _is_over(store: Store, key: str, state: _State) -> bool:
    """Whether the holder gave no sign of life for as long as its lease lasts, by the store's clock."""
    probe = f"{key}.{uuid.uuid4().hex}"
    store.put(probe, b"")
    try:
        times = {entry.key: entry.modified for entry in store.list(key)}
    finally:
        store.delete(probe)
    return key in times and times[probe] - times[key] > timedelta(seconds=state.seconds)


def _owner() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} ({uuid.uuid4().hex[:8]})"
