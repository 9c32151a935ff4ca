"""`factory up` by the real engine, interrupted, doubled, and with the wrong passphrase; in the shared home."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision import exclusive
from tests.fixtures.machine import Machine

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(machine: Machine) -> Machine:
    """The home before anything is in it."""
    machine.clear()
    return machine


def state_of(home: Home, stack: str) -> bytes:
    """The stack's state as the backend holds it."""
    return (home.state / ".pulumi" / "stacks" / "aifactory-platform" / f"{stack}.json").read_bytes()


def ours(home: Home) -> list[int]:
    """Processes started for this home that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"FACTORY_HOME={home.root}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def half_way(machine: Machine) -> subprocess.Popen[str]:
    """An `up` that has just made the supervisor."""
    started = machine.start("up", "shared", "--verbose")
    assert started.stderr is not None
    while "created Supervisor" not in started.stderr.readline():
        assert started.poll() is None, "it ended before it made anything"
    return started


def test_given_nothing_provisioned_when_shared_is_previewed_then_creations_are_named_and_nothing_is_made(
    empty: Machine,
) -> None:
    looked = empty.factory("preview", "shared")

    assert looked.returncode == 0, looked.stderr
    said = looked.stdout + looked.stderr
    for kind in ("Supervisor", "PortLease", "Service", "File"):
        assert kind in said
    assert "create" in said
    assert not empty.home.root.exists()


def test_fault_41_given_an_engine_killed_with_everything_around_it_when_looked_then_its_plugins_end_too(
    empty: Machine,
) -> None:
    killed = half_way(empty)
    plugins = [pid for pid in ours(empty.home) if "engine_bound" in _command(pid)]

    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    assert len(plugins) == 2, "the provider and the policies"
    deadline = time.monotonic() + 15
    while any("engine_bound" in _command(pid) for pid in plugins) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [_command(pid) for pid in plugins] == ["", ""]
    empty.done("up", "shared")


def test_fault_41_given_an_up_killed_half_way_when_run_again_then_it_converges_and_leaves_no_orphans(
    empty: Machine,
) -> None:
    interrupted = half_way(empty)
    interrupted.kill()
    interrupted.communicate()

    empty.done("up", "shared")

    empty.done("refresh", "shared")
    assert empty.done("up", "shared").count("no change") == 1
    deadline = time.monotonic() + 20
    while [pid for pid in ours(empty.home) if "pulumi" in _command(pid)] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [_command(pid) for pid in ours(empty.home) if "pulumi" in _command(pid)] == []


def test_fault_43_given_a_damaged_record_of_a_stack_when_up_then_the_copy_is_used_and_it_converges(
    platform: Machine,
) -> None:
    record = platform.home.state / ".pulumi" / "stacks" / "aifactory-platform" / "shared.json"
    Path(f"{record}.attrs").write_text("")
    record.write_bytes(record.read_bytes()[:1000])

    again = platform.factory("up", "shared")

    assert again.returncode == 0, again.stderr
    assert "shared.json was damaged" in again.stderr
    platform.done("refresh", "shared")


def test_fault_42_given_a_stack_in_use_when_up_then_the_loser_is_told_who_holds_it(platform: Machine) -> None:
    with exclusive.hold(platform.home.work("shared") / "lock", "shared"):
        loser = platform.factory("up", "shared")

    assert loser.returncode == 1
    assert f"shared is being changed by process {os.getpid()}" in loser.stderr
    assert loser.stderr.count("\n") == 1


def test_fault_45_given_the_wrong_passphrase_when_up_then_it_is_said_and_the_state_is_untouched(
    platform: Machine,
) -> None:
    home = platform.home
    right, before = home.passphrase.read_text(), state_of(home, "shared")
    home.passphrase.write_text("something else")

    for command in ("up", "preview", "refresh", "destroy"):
        refused = platform.factory(command, "shared", *(["--yes"] if command == "destroy" else []))
        assert refused.returncode == 1
        assert "passphrase does not open this state" in refused.stderr, refused.stderr

    assert state_of(home, "shared") == before
    home.passphrase.write_text(right)
    platform.done("up", "shared")
