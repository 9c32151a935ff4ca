"""Client of the supervisor of a home: start, stop, add, change and remove programs, and say whether they are well."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.providers.local import files, layout, processes
from infra.providers.local.failure import Unreachable
from infra.providers.local.files import locked
from infra.providers.protocol.failure import Failure

_KEPT = (
    *("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"),
    # A scheduled run reads its table over the same network as a person does.
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
_SHUTS_DOWN = 6
"""Supervisor's fault SHUTDOWN_STATE: it answers still, and does nothing any more."""
_START_SECONDS = 15.0
_STOP_SECONDS = 30.0


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_STOP_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        del host
        return _Connection(self._path)


@dataclass(frozen=True)
class Program:
    """What supervisor knows of one program."""

    state: str
    """RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL ..."""
    pid: int
    age: float
    """Seconds since it was last started."""


@dataclass(frozen=True)
class SupervisorClient:
    """The supervisor of one home. Stateless: everything is asked of the running one."""

    home: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return layout.socket(self.home)

    @property
    def configuration(self) -> Path:
        """Its configuration file; programs are beside it in conf.d."""
        return layout.services(self.home) / "supervisord.conf"

    def _call(self, method: str, *arguments: Any) -> Any:
        server = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self.socket))
        try:
            return getattr(server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException):
            raise Unreachable(f"the services of {self.home} are not running: factory start, or factory up") from None
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _SHUTS_DOWN:
                raise
            raise Unreachable(f"the services of {self.home} are being stopped: then factory start") from None

    def running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except Unreachable:
            return False

    def start(self, python: str) -> None:
        """Start it, after ending whatever an earlier one left behind. The programs in conf.d start with it."""
        layout.make_runtime(self.home)
        processes.end(processes.marked(self.socket))
        self.socket.unlink(missing_ok=True)
        layout.stopped_marker(self.home).unlink(missing_ok=True)
        # Children inherit supervisor's environment, which would hold the passphrase of the state.
        variables = {key: os.environ[key] for key in _KEPT if key in os.environ}
        command = [python, "-P", "-m", "supervisor.supervisord", "-c", str(self.configuration)]
        done = subprocess.run(
            command,
            env={**variables, processes.MARK: str(self.socket)},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + _START_SECONDS
        while done.returncode == 0 and time.monotonic() < deadline:
            if self.running():
                return
            time.sleep(0.05)
        reason = (done.stderr or done.stdout).strip().splitlines()
        log = layout.log(self.home, "supervisord")
        raise Failure(f"supervisor does not start ({reason[-1] if reason else 'no answer'}): see {log}")

    def stop(self) -> None:
        """Stop it and every program, by force in the end; nothing of it stays."""
        try:
            self._call("shutdown")
            deadline = time.monotonic() + _STOP_SECONDS
        except (Failure, xmlrpc.client.Fault):
            # Nobody is there to stop what an earlier supervisor may have left.
            deadline = time.monotonic()
        while (left := processes.marked(self.socket)) and time.monotonic() < deadline:
            time.sleep(0.1)
        processes.end(left)
        self.socket.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            layout.runtime(self.home).rmdir()

    def program(self, name: str) -> Program | None:
        """What is known of a program; None when there is none of that name."""
        try:
            known = self._call("getProcessInfo", name)
        except xmlrpc.client.Fault:
            return None
        return Program(known["statename"], known["pid"], float(known["now"] - known["start"]))

    def apply(self, name: str, section: str) -> None:
        """Put a program under supervision as `section` says, stopping what ran under the name before."""
        with locked(layout.services(self.home) / "lock"):
            self._withdraw(name)
            path = self._section(name)
            files.write(path, section)
            try:
                self._call("reloadConfig")
                self._call("addProcessGroup", name)
            except xmlrpc.client.Fault as fault:
                # One section that cannot be read blocks every later change, and the fault quotes its environment.
                path.unlink(missing_ok=True)
                raise Failure(
                    f"supervisor refuses the program {name} (fault {fault.faultCode}): see the settings of that service"
                ) from None

    def remove(self, name: str) -> None:
        """Stop a program and forget it."""
        with locked(layout.services(self.home) / "lock"):
            self._withdraw(name)
            self._section(name).unlink(missing_ok=True)
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("reloadConfig")

    def _section(self, name: str) -> Path:
        return layout.services(self.home) / "conf.d" / f"{name}.conf"

    def _withdraw(self, name: str) -> None:
        """Stop and remove a running program, and end what it may have left behind."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("stopProcessGroup", name)
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("removeProcessGroup", name)
        processes.end(processes.marked(self.socket, name))
