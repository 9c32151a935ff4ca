"""The services of a home after a reboot, after a restore, and after their record was damaged; by real parts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aifactory.home import Home
from infra.providers.local import layout, processes

pytestmark = pytest.mark.slow

FACTORY = str(Path(sys.executable).with_name("factory"))


def factory(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `factory` to its end, as if behind a proxy that is not there."""
    proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    variables = {**os.environ, "FACTORY_HOME": str(home.root), **proxied}
    return subprocess.run(
        [FACTORY, *arguments], cwd=home.root.parent, env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The shared platform, up; behind a proxy that nothing of ours may ask."""
    found = Home(tmp_path_factory.mktemp("restart") / "home")
    done = factory(found, "up", "shared")
    assert done.returncode == 0, done.stderr
    yield found
    gone = factory(found, "destroy", "--all", "--yes")
    assert gone.returncode == 0, gone.stderr


def kill_all(home: Home) -> None:
    """No process is left, those included that the supervisor started while the others were being killed.

    One that is just being started has no variables yet by which it is known: so nobody may be found twice in a row.
    """
    quiet = 0
    while quiet < 2:
        pids = processes.marked(layout.socket(home.root))
        quiet = 0 if pids else quiet + 1
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        processes.end(pids)
        time.sleep(0.5)


def reboot(home: Home) -> None:
    """What a reboot leaves: no process, no runtime folder, stale process ids."""
    assert len(processes.marked(layout.socket(home.root))) > 4
    kill_all(home)
    shutil.rmtree(layout.runtime(home.root))
    (home.services / "supervisord.pid").write_text(f"{os.getpid()}\n")


def test_given_a_reboot_when_started_then_all_services_run_and_nothing_differs(home: Home) -> None:
    reboot(home)

    started = factory(home, "start", "--json")

    assert started.returncode == 0, started.stderr
    assert {one["state"] for one in json.loads(started.stdout)["services"]} == {"running"}
    compared = factory(home, "refresh", "shared")
    assert compared.returncode == 0, compared.stderr


def test_fault_44_given_a_reboot_and_a_port_taken_meanwhile_when_started_then_it_is_named_and_the_others_run(
    home: Home,
) -> None:
    reboot(home)
    port = json.loads((home.services / "ports.json").read_text())["dagster-webserver"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        started = factory(home, "start")
        shown = factory(home, "status", "--json")

    assert started.returncode == 1
    assert f"port {port} of dagster-webserver is taken by process {os.getpid()}" in started.stderr
    states = {one["name"]: one["state"] for one in json.loads(shown.stdout)["services"]}
    assert {state for name, state in states.items() if name != "dagster-webserver"} == {"running"}
    assert factory(home, "up", "shared").returncode == 0
    assert factory(home, "refresh", "shared").returncode == 0


def test_given_a_platform_when_backed_up_lost_and_restored_then_it_runs_and_nothing_differs(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert factory(home, "backup", str(file)).returncode == 0
    kill_all(home)
    shutil.rmtree(home.root)

    restored = factory(home, "restore", str(file), "--json")

    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["troubles"] == []
    for command in ("refresh", "up"):
        done = factory(home, command, "shared", "--json")
        assert done.returncode == 0, done.stderr
        assert [one["changed"] for one in json.loads(done.stdout)] == [[]]


def test_fault_43_given_a_record_damaged_with_its_copy_when_up_then_it_names_what_brings_it_back(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert factory(home, "backup", str(file)).returncode == 0
    record = home.state / ".pulumi" / "stacks" / "aifactory-platform" / "shared.json"
    for path in (record, record.with_name("shared.json.bak")):
        path.write_text('{"version": 3, "checkp')

    refused = factory(home, "up", "shared")
    restored = factory(home, "restore", str(file), "--state", "shared")
    again = factory(home, "up", "shared", "--json")

    assert refused.returncode == 1
    assert "--state shared" in refused.stderr
    assert restored.returncode == 0, restored.stderr
    assert again.returncode == 0, again.stderr
    assert [one["changed"] for one in json.loads(again.stdout)] == [[]]


def test_fault_47_given_a_destroy_killed_half_way_when_run_again_then_it_is_finished(home: Home) -> None:
    destroying = subprocess.Popen(
        [FACTORY, "destroy", "--all", "--yes", "--verbose"],
        cwd=home.root.parent,
        env={**os.environ, "FACTORY_HOME": str(home.root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert destroying.stderr is not None
    while "deleted" not in destroying.stderr.readline():
        assert destroying.poll() is None, "it ended before it deleted anything"
    destroying.kill()
    destroying.communicate()

    again = factory(home, "destroy", "--all", "--yes")

    assert again.returncode == 0, again.stderr
    assert not home.root.exists()
    assert processes.marked(layout.socket(home.root)) == []
    # What the fixture destroys at the end.
    assert factory(home, "up", "shared").returncode == 0
