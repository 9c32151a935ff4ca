"""Destroying everything in a home: `make test` ends the shared home with it."""

from __future__ import annotations

import pytest

from infra.providers.local import layout, processes
from tests.fixtures.machine import Machine

pytestmark = pytest.mark.slow


def test_fault_47_given_a_destroy_killed_half_way_when_run_again_then_it_is_finished(platform: Machine) -> None:
    home = platform.home
    destroying = platform.start("destroy", "--all", "--yes", "--verbose")
    assert destroying.stderr is not None
    while "deleted" not in destroying.stderr.readline():
        assert destroying.poll() is None, "it ended before it deleted anything"
    destroying.kill()
    destroying.communicate()

    platform.done("destroy", "--all", "--yes")

    assert not home.root.exists()
    assert processes.marked(layout.socket(home.root)) == []
