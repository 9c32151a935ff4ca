"""`factory up` by the real engine, interrupted, doubled, and with the wrong passphrase."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision import lock

pytestmark = pytest.mark.slow

FACTORY = str(Path(sys.executable).with_name("factory"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of its own, emptied by `destroy` at the end."""
    found = Home(tmp_path / "home")
    yield found
    factory(found, "destroy", "--all", "--yes")


def factory(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `factory` to its end."""
    variables = {**os.environ, "FACTORY_HOME": str(home.root)}
    return subprocess.run(
        [FACTORY, *arguments], cwd=home.root.parent, env=variables, capture_output=True, text=True, check=False
    )


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


def test_fault_43_given_a_damaged_record_of_a_stack_when_up_then_the_copy_is_used_and_it_converges(home: Home) -> None:
    assert factory(home, "up", "shared").returncode == 0
    record = home.state / ".pulumi" / "stacks" / "aifactory-platform" / "shared.json"
    Path(f"{record}.attrs").write_text("")
    record.write_bytes(record.read_bytes()[:1000])

    again = factory(home, "up", "shared")

    assert again.returncode == 0, again.stderr
    assert "shared.json was damaged" in again.stderr
    assert factory(home, "refresh", "shared").returncode == 0


def test_fault_41_given_an_up_killed_half_way_when_run_again_then_it_converges_and_leaves_no_orphans(
    home: Home,
) -> None:
    interrupted = subprocess.Popen(
        [FACTORY, "up", "shared", "--verbose"],
        cwd=home.root.parent,
        env={**os.environ, "FACTORY_HOME": str(home.root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert interrupted.stderr is not None
    while "created Supervisor" not in interrupted.stderr.readline():
        assert interrupted.poll() is None, "it ended before it made anything"
    interrupted.kill()
    interrupted.communicate()

    again = factory(home, "up", "shared")

    assert again.returncode == 0, again.stderr
    compared = factory(home, "refresh", "shared")
    assert compared.returncode == 0, compared.stderr
    assert factory(home, "up", "shared").stdout.count("no change") == 1
    deadline = time.monotonic() + 20
    while [pid for pid in ours(home) if "pulumi" in _command(pid)] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [_command(pid) for pid in ours(home) if "pulumi" in _command(pid)] == []


def test_fault_41_given_an_engine_killed_with_everything_around_it_when_looked_then_its_plugins_end_too(
    home: Home,
) -> None:
    killed = subprocess.Popen(
        [FACTORY, "up", "shared", "--verbose"],
        cwd=home.root.parent,
        env={**os.environ, "FACTORY_HOME": str(home.root)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert killed.stderr is not None
    while "created Supervisor" not in killed.stderr.readline():
        assert killed.poll() is None, "it ended before it made anything"
    plugins = [pid for pid in ours(home) if "engine_bound" in _command(pid)]

    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    assert len(plugins) == 2, "the provider and the policies"
    deadline = time.monotonic() + 15
    while any("engine_bound" in _command(pid) for pid in plugins) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [_command(pid) for pid in plugins] == ["", ""]
    assert factory(home, "up", "shared").returncode == 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def test_fault_42_given_a_stack_in_use_when_up_then_the_loser_is_told_who_holds_it(home: Home) -> None:
    home.prepare()

    with lock.hold(home.work("shared") / "lock", "shared"):
        loser = factory(home, "up", "shared")

    assert loser.returncode == 1
    assert f"shared is being changed by process {os.getpid()}" in loser.stderr
    assert loser.stderr.count("\n") == 1


def test_fault_45_given_the_wrong_passphrase_when_up_then_it_is_said_and_the_state_is_untouched(home: Home) -> None:
    assert factory(home, "up", "shared").returncode == 0
    right, before = home.passphrase.read_text(), state_of(home, "shared")
    home.passphrase.write_text("something else")

    for command in ("up", "preview", "refresh", "destroy"):
        refused = factory(home, command, "shared", *(["--yes"] if command == "destroy" else []))
        assert refused.returncode == 1
        assert "passphrase does not open this state" in refused.stderr, refused.stderr

    assert state_of(home, "shared") == before
    home.passphrase.write_text(right)
    assert factory(home, "up", "shared").returncode == 0


def test_given_nothing_provisioned_when_shared_is_previewed_then_creations_are_named_and_nothing_is_made(
    home: Home,
) -> None:
    looked = factory(home, "preview", "shared")

    assert looked.returncode == 0, looked.stderr
    said = looked.stdout + looked.stderr
    for kind in ("Supervisor", "PortLease", "Service", "File"):
        assert kind in said
    assert "create" in said
    assert not home.root.exists()
