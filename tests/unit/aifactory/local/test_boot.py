"""Start at boot: the unit that is written, and what is said without systemd. systemctl is a stand-in here."""

from __future__ import annotations

import os
import socketserver
import threading
import xmlrpc.client
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.local import boot
from aifactory_runtime.errors import FactoryError
from infra.providers.local import layout
from infra.providers.local.failure import Unreachable
from infra.providers.local.supervisor_client import SupervisorClient


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that writes down what it is asked; the file of its answers."""
    programs = tmp_path / "bin"
    programs.mkdir()
    asked = tmp_path / "asked"
    (programs / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexit "${{FAILS:-0}}"\n')
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return asked


def test_given_systemd_when_asked_for_boot_then_a_unit_starts_this_home_and_is_taken_back(
    tmp_path: Path, systemctl: Path
) -> None:
    home = Home(tmp_path / "home")

    said = boot.at_boot(home, wanted=True)

    (unit,) = (tmp_path / "config" / "systemd" / "user").iterdir()
    text = unit.read_text()
    assert f'Environment="FACTORY_HOME={home.root}"\n' in text
    assert "ExecStart=" in text and text.count("/factory start\n") == 1
    assert "WantedBy=default.target" in text
    assert systemctl.read_text() == f"--user daemon-reload\n--user enable {unit.name}\n"
    assert "enable-linger" in said
    boot.at_boot(home, wanted=False)
    assert not unit.exists()


def test_given_a_home_with_percent_signs_and_blanks_when_asked_for_boot_then_systemd_and_cron_read_its_name_as_it_is(
    tmp_path: Path, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "100% ours")

    boot.at_boot(home, wanted=True)

    (unit,) = (tmp_path / "config" / "systemd" / "user").iterdir()
    assert f'Environment="FACTORY_HOME={tmp_path}/100%% ours"\n' in unit.read_text()
    assert systemctl.exists()
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(FactoryError, match=r"@reboot FACTORY_HOME='.*/100\\% ours' "):
        boot.at_boot(home, wanted=True)


def test_given_two_homes_when_asked_for_boot_then_each_has_a_unit_of_its_own(tmp_path: Path, systemctl: Path) -> None:
    for name in ("one", "two", "one"):
        boot.at_boot(Home(tmp_path / name), wanted=True)

    assert len(list((tmp_path / "config" / "systemd" / "user").iterdir())) == 2
    assert systemctl.exists()


def test_given_no_systemd_for_this_user_when_asked_then_the_line_for_cron_is_said_and_no_unit_stays(
    tmp_path: Path, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", "1")

    with pytest.raises(FactoryError, match=r"@reboot FACTORY_HOME=.*/home .*/factory start"):
        boot.at_boot(Home(tmp_path / "home"), wanted=True)

    assert list((tmp_path / "config" / "systemd" / "user").iterdir()) == []
    assert systemctl.exists()


class _Stopping(BaseHTTPRequestHandler):
    """Answers as supervisor does between `shutdown` and its end; that moment is too short to be caught."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))  # what is not read resets the connection
        answer = xmlrpc.client.dumps(xmlrpc.client.Fault(6, "SHUTDOWN_STATE"), methodresponse=True).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""


def test_given_a_supervisor_that_stops_when_asked_then_it_is_not_running_and_the_next_step_is_said(
    tmp_path: Path,
) -> None:
    layout.make_runtime(tmp_path)
    client = SupervisorClient(tmp_path)
    with socketserver.UnixStreamServer(str(client.socket), _Stopping) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert not client.running()
            with pytest.raises(Unreachable, match="are being stopped: then factory start"):
                client.program("tracking")
        finally:
            server.shutdown()
            thread.join()
    client.stop()

    assert not layout.runtime(tmp_path).exists()
