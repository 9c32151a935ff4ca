"""What holds for every test: a fast one fetches nothing, because on a fresh machine that would take minutes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from aifactory.home import Home
from aifactory_runtime import garbage, threads
from tests.fixtures.machine import Machine

garbage.seldom()  # before the tests' imports: their modules are many, and they are not garbage
threads.sleep_while_waiting()
# A busy machine is no failure, so there are no deadlines. `make thorough` says --hypothesis-profile thorough.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("quick")

# What these need is there after `./bootstrap.sh clouds` only, which `make test-clouds` runs first.
collect_ignore = [] if find_spec("moto") else ["clouds"]

pytest_plugins = ("tests.distribution", "tests.fixtures.cluster", "tests.slowest_files")

_FETCHERS = ("go", "curl", "wget")
_ENGINE = "pulumi"
_SLOW = ("slow", "e2e")


def pytest_configure() -> None:
    """Options of this run are not those of the runs that tests start."""
    os.environ.pop("PYTEST_ADDOPTS", None)


class _Refusing(NamedTuple):
    """Programs that fetch nothing, and the file where they leave their names."""

    programs: Path
    trace: Path


@pytest.fixture(scope="session")
def _refusing(tmp_path_factory: pytest.TempPathFactory) -> _Refusing:
    """An engine that does not fit, and downloaders that leave a trace."""
    made = _Refusing(tmp_path_factory.mktemp("programs"), tmp_path_factory.mktemp("trace") / "fetched")
    bodies = {name: f'echo {name} >>"{made.trace}"; exit 1' for name in _FETCHERS} | {_ENGINE: "exit 1"}
    for name, body in bodies.items():
        (made.programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (made.programs / name).chmod(0o755)
    return made


@pytest.fixture(autouse=True)
def _fetches_nothing(
    request: pytest.FixtureRequest, _refusing: _Refusing, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An empty cache of its own, and a fast test that fetches fails."""
    if any(request.node.get_closest_marker(mark) for mark in _SLOW):
        yield
        return
    cache = _refusing.trace.with_name(f"cache-{secrets.token_hex(8)}")
    monkeypatch.setenv("PATH", str(_refusing.programs), prepend=os.pathsep)
    monkeypatch.setenv("FACTORY_CACHE", str(cache))
    yield
    fetched = [*_traced(_refusing.trace), *cache.glob("pulumi/*")]
    assert not fetched, f"a fast test fetched: {fetched}"


def _traced(trace: Path) -> list[str]:
    """The names in `trace`, which is gone afterwards: the next test is not blamed."""
    if not trace.exists():
        return []
    names = trace.read_text().split()
    trace.unlink()
    return names


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A home for the `factory` command, empty at first; whatever tests left of it is destroyed at the end."""
    made = Machine(Home(tmp_path_factory.mktemp("machine") / "home"))
    yield made
    made.clear()


@pytest.fixture
def platform(machine: Machine) -> Machine:
    """That home with the shared platform up."""
    machine.up()
    return machine
