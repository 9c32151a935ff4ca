"""What holds for every test: a fast one fetches nothing, because on a fresh machine that would take minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

_FETCHERS = ("go", "curl", "wget")
_ENGINE = "pulumi"
_SLOW = ("slow", "e2e")


def pytest_configure() -> None:
    """Options of this run are not those of the runs that tests start."""
    os.environ.pop("PYTEST_ADDOPTS", None)


@pytest.fixture(autouse=True)
def _fetches_nothing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An empty cache, an engine on PATH that does not fit, and downloaders that leave a trace: it fails a fast test."""
    if any(request.node.get_closest_marker(mark) for mark in _SLOW):
        yield
        return
    place = tmp_path_factory.mktemp("cache")
    programs, cache, trace = place / "bin", place / "cache", place / "trace"
    programs.mkdir()
    bodies = {name: f'echo {name} >>"{trace}"; exit 1' for name in _FETCHERS} | {_ENGINE: "exit 1"}
    for name, body in bodies.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("FACTORY_CACHE", str(cache))
    yield
    fetched = [*(trace.read_text().split() if trace.exists() else []), *cache.glob("pulumi/*")]
    assert not fetched, f"a fast test fetched: {fetched}"
