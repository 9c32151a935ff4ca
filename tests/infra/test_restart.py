"""The services of a home after a reboot, after a restore, and after their record was damaged; by real parts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from aifactory.home import Home
from infra.providers.local import layout, processes
from tests.fixtures.machine import Machine

pytestmark = pytest.mark.slow


@pytest.fixture
def home(platform: Machine) -> Home:
    """The home with the shared platform up."""
    return platform.home


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


def test_given_a_reboot_when_started_then_all_services_run_and_nothing_differs(home: Home, machine: Machine) -> None:
    reboot(home)

    started = machine.factory("start", "--json")

    assert started.returncode == 0, started.stderr
    assert {one["state"] for one in json.loads(started.stdout)["services"]} == {"running"}
    compared = machine.factory("refresh", "shared")
    assert compared.returncode == 0, compared.stderr


def test_fault_44_given_a_reboot_and_a_port_taken_meanwhile_when_started_then_it_is_named_and_the_others_run(
    home: Home, machine: Machine
) -> None:
    reboot(home)
    port = json.loads((home.services / "ports.json").read_text())["dagster-webserver"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        started = machine.factory("start")
        shown = machine.factory("status", "--json")

    assert started.returncode == 1
    assert f"port {port} of dagster-webserver is taken by process {os.getpid()}" in started.stderr
    states = {one["name"]: one["state"] for one in json.loads(shown.stdout)["services"]}
    assert {state for name, state in states.items() if name != "dagster-webserver"} == {"running"}
    assert machine.factory("up", "shared").returncode == 0
    assert machine.factory("refresh", "shared").returncode == 0


def test_given_a_platform_when_backed_up_lost_and_restored_then_it_runs_and_nothing_differs(
    home: Home, machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert machine.factory("backup", str(file)).returncode == 0
    kill_all(home)
    shutil.rmtree(home.root)

    restored = machine.factory("restore", str(file), "--json")

    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["troubles"] == []
    for command in ("refresh", "up"):
        done = machine.factory(command, "shared", "--json")
        assert done.returncode == 0, done.stderr
        assert [one["changed"] for one in json.loads(done.stdout)] == [[]]


def test_fault_43_given_a_record_damaged_with_its_copy_when_up_then_it_names_what_brings_it_back(
    home: Home, machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert machine.factory("backup", str(file)).returncode == 0
    record = home.state / ".pulumi" / "stacks" / "aifactory-platform" / "shared.json"
    for path in (record, record.with_name("shared.json.bak")):
        path.write_text('{"version": 3, "checkp')

    refused = machine.factory("up", "shared")
    restored = machine.factory("restore", str(file), "--state", "shared")
    again = machine.factory("up", "shared", "--json")

    assert refused.returncode == 1
    assert "--state shared" in refused.stderr
    assert restored.returncode == 0, restored.stderr
    assert again.returncode == 0, again.stderr
    assert [one["changed"] for one in json.loads(again.stdout)] == [[]]
