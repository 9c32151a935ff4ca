"""Services of this machine by the real engine, with a small web server in place of the platform's heavy ones."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pulumi
import pytest
from pulumi import automation

from aifactory.provision import servers
from infra.components.local.part import ServerSettings
from infra.components.local.supervisor import Supervision as SupervisionPart
from infra.conventions import tags
from infra.providers.local import layout, processes, sdk
from infra.providers.local.port_lease import PortLease
from infra.providers.local.service import Service
from infra.providers.local.supervisor_client import SupervisorClient
from tests.infra.engine import Bench

pytestmark = pytest.mark.slow

TAGS = tags.of_platform("shared")


class Small(Bench):
    """A home with a supervisor and one web server of the standard library, called `web`."""

    def web(self) -> automation.Stack:
        """The one stack."""
        return self.stack_of("platform", "small", {}, self._program)

    @property
    def port(self) -> int:
        """Port that `web` has leased."""
        return int(json.loads(layout.ports(self.home).read_text())["web"])

    def _program(self) -> None:
        home, python = str(self.home), self.servers
        settings = ServerSettings.model_validate({"home": home, "tags": TAGS, "python": python})
        supervision = SupervisionPart("supervision", settings)
        ready = pulumi.ResourceOptions(depends_on=[supervision.process])
        lease = sdk.PortLease("web-port", home=home, service="web", opts=ready)
        sdk.Service(
            "web",
            home=home,
            service="web",
            command=[
                str(python),
                "-m",
                "http.server",
                "--bind",
                layout.LOOPBACK,
                lease.port.apply(str),
            ],
            directory=str(self.home / "usecases"),
            host=layout.LOOPBACK,
            port=lease.port,
            ready_path="/",
            tags=TAGS,
            opts=ready,
        )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    made = Small(tmp_path_factory.mktemp("small"), servers.ensure(print))
    made.up(made.web())
    yield made
    made.destroy(made.web())


def _answers(small: Small) -> bool:
    return httpx.get(f"http://127.0.0.1:{small.port}/").status_code == 200


def _status(small: Small) -> str:
    state = {"home": str(small.home), "name": "web", "host": "127.0.0.1", "port": small.port, "status": "running"}
    return str((Service().read(state) or {})["status"])


def test_fault_44_given_a_dead_process_when_read_then_it_is_named_and_up_repairs_it(small: Small) -> None:
    SupervisorClient(small.home)._call("stopProcess", "web")
    assert _status(small) == "stopped"
    assert small.drift(small.web()) == {"update": 1}
    assert small.up(small.web()) == {"update": 1}
    assert _answers(small)


def test_given_a_process_killed_when_supervisor_has_brought_it_back_then_there_is_no_drift(small: Small) -> None:
    program = SupervisorClient(small.home).program("web")
    assert program is not None
    os.kill(program.pid, signal.SIGKILL)
    assert small.drift(small.web()) == {}
    again = SupervisorClient(small.home).program("web")
    assert again is not None
    assert again.pid != program.pid


def test_fault_44_given_supervisor_killed_when_up_runs_then_its_orphans_are_ended_first(small: Small) -> None:
    socket_path = layout.socket(small.home)
    orphans = processes.marked(socket_path, "web")
    for pid in set(processes.marked(socket_path)) - set(orphans):
        os.kill(pid, signal.SIGKILL)
    assert small.drift(small.web()) == {"update": 2}
    assert small.up(small.web()) == {"update": 2}
    assert not set(orphans) & set(processes.marked(socket_path))
    assert _answers(small)


def test_fault_44_given_a_port_taken_by_somebody_else_when_up_runs_then_holder_is_named_and_the_service_moves(
    small: Small,
) -> None:
    before = small.port
    SupervisorClient(small.home)._call("stopProcess", "web")
    with socket.create_server(("127.0.0.1", before)):
        lease = {"home": str(small.home), "name": "web", "port": before, "status": "leased"}
        assert f"taken by process {os.getpid()}" in str(PortLease().read(lease))
        assert _status(small) == f"port {before} is held by process {os.getpid()} ({processes.command(os.getpid())})"
        assert small.drift(small.web()) == {"update": 2}
        assert small.up(small.web()) == {"update": 2}
        assert small.port != before
        assert _answers(small)


def test_given_services_stopped_on_purpose_when_refreshed_then_that_is_not_drift(small: Small) -> None:
    layout.stopped_marker(small.home).touch()
    SupervisorClient(small.home).stop()
    assert small.drift(small.web()) == {}
    SupervisorClient(small.home).start(str(small.servers))
    assert small.up(small.web()) == {}
    assert _answers(small)


def test_given_a_service_that_cannot_start_when_up_runs_then_its_last_words_are_said_and_nothing_is_left(
    small: Small, tmp_path: Path
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('there is no such model')\n")

    def program() -> None:
        command = [str(small.servers), str(script)]
        home = str(small.home)
        sdk.Service("broken", home=home, service="broken", command=command, directory=str(tmp_path), tags=TAGS)

    stack = small.stack_of("usecase", "broken.dev", {}, program)
    with pytest.raises(automation.CommandError) as failed:
        small.up(stack)
    assert "there is no such model" in str(failed.value)
    assert SupervisorClient(small.home).program("broken") is None
    assert not (layout.services(small.home) / "conf.d" / "broken.conf").exists()
    small.destroy(stack)


def test_given_a_home_when_destroyed_then_no_process_no_port_no_folder_is_left(small: Small, tmp_path: Path) -> None:
    other = Small(tmp_path, small.servers)
    other.up(other.web())
    port = other.port
    assert port != small.port
    other.destroy(other.web())
    assert processes.marked(layout.socket(tmp_path)) == []
    assert processes.listeners(port) == []
    assert not layout.runtime(tmp_path).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pulumi", "state", "work"]
    assert _answers(small)
