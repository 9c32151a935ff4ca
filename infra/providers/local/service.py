"""Resource Service: a program under supervisor that is well only when it itself holds its port."""

from __future__ import annotations

import http.client
import re
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from infra.providers.local import layout, processes
from infra.providers.local.failure import Unreachable
from infra.providers.local.kind import Kind, Values
from infra.providers.local.supervisor_client import Program, SupervisorClient
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.values import UNKNOWN

RUNNING = "running"
_NETWORK = frozenset({"host", "port", "ready_path", "ready_text"})
_NAME = re.compile(r"[a-z][a-z0-9.-]*")
_BOOT_SECONDS = 180.0
"""Enough for a cold, busy machine; a program that dies or meets a taken port is not waited for."""
_GRACE_SECONDS = 45.0
"""How long after its start a program may be without its port before that counts as drift."""
_RESTARTS = 2
"""How often a program may end and be started again before it counts as not coming up."""
_PAUSE = 0.1
_DEAD = frozenset({"FATAL", "EXITED", "STOPPED"})


def section(inputs: Values) -> str:
    """The program's section of supervisor's configuration; percent signs are doubled, as its format asks."""
    environment = ",".join(f'{key}="{value}"' for key, value in sorted(inputs.get("environment", {}).items()))
    lines = [
        f"[program:{inputs['name']}]",
        f"command={shlex.join(inputs['command'])}",
        f"directory={inputs['directory']}",
        *([f"environment={environment}"] if environment else []),
        f"stdout_logfile={layout.log(inputs['home'], inputs['name'])}",
        "stdout_logfile_maxbytes=5MB",
        "stdout_logfile_backups=1",
        "redirect_stderr=true",
        "autorestart=true",
        "startretries=5",
        "stopwaitsecs=20",  # longer than a launcher gives its workers
        # The polite signal goes to the program alone, which ends its own children; force goes to all of them.
        "killasgroup=true",
    ]
    return lines[0] + "\n" + "\n".join(line.replace("%", "%%") for line in lines[1:]) + "\n"


class Service(Kind):
    """A program; `watch` holds digests of files it reads only at its start, so that their change restarts it."""

    inputs = frozenset({"home", "name", "command", "directory", "environment", "tags", "watch"}) | _NETWORK
    replaced_by = frozenset({"home", "name"})
    made = frozenset({"address"})

    def check(self, inputs: Values) -> Mapping[str, str]:
        """Names supervisor takes, values its configuration can carry."""
        problems = {}
        if isinstance(inputs.get("name"), str) and not _NAME.fullmatch(inputs["name"]):
            problems["name"] = f"may hold a-z, 0-9, dots and hyphens only: {inputs['name']}"
        texts = [*inputs.get("command", []), *inputs.get("environment", {}).values()]
        if any(isinstance(text, str) and ("\n" in text or '"' in text) for text in texts):
            problems["command"] = "and environment may hold neither line breaks nor double quotes"
        if "port" in inputs and "host" not in inputs:
            problems["host"] = f"is missing: write {layout.LOOPBACK}"
        return problems

    def desired(self, inputs: Values) -> Values:
        """It runs and holds its port."""
        del inputs
        return {"status": RUNNING}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Start it and wait until it answers."""
        supervision = SupervisorClient(Path(inputs["home"]))
        if layout.stopped_marker(inputs["home"]).exists():
            raise Failure("the services are stopped: factory start, then run it again")
        supervision.apply(inputs["name"], section(inputs))
        _await_ready(supervision, inputs)
        return inputs["name"], {**inputs, **_address(inputs), "status": RUNNING}

    def read(self, state: Values) -> Values | None:
        """Drift when it is not running, missing, or its port is held by another; not when stopped on purpose."""
        if layout.stopped_marker(state["home"]).exists():
            return state
        supervision = SupervisorClient(Path(state["home"]))
        deadline = time.monotonic() + _GRACE_SECONDS
        while True:
            try:
                program = supervision.program(state["name"])
            except Unreachable:
                return {**state, "status": "not running, like its supervisor"}
            status = _status(program, state)
            booting = program is not None and program.state not in _DEAD and program.age < _GRACE_SECONDS
            if status == RUNNING or not booting or "is held by" in status or time.monotonic() > deadline:
                return {**state, "status": status}
            time.sleep(_PAUSE)

    def update(self, state: Values, inputs: Values) -> Values:
        """Start it anew with what is asked, unless it is what is asked and well: its supervisor may have mended it."""
        if all(state.get(key) == inputs.get(key) for key in self.inputs - {"tags"}):
            now = self.read({**inputs, **_address(inputs)})
            if now is not None and now["status"] == RUNNING and _answers(inputs):
                return now
        return self.create(inputs)[1]

    def foreseen(self, state: Values, inputs: Values) -> Values:
        """The address follows the port."""
        return {**super().foreseen(state, inputs), **_address(inputs)}

    def delete(self, state: Values) -> None:
        """Stop it and take it out of supervision, with its logs."""
        try:
            SupervisorClient(Path(state["home"])).remove(state["name"])
        except Unreachable:
            processes.end(processes.marked(layout.socket(state["home"]), state["name"]))
            (layout.services(state["home"]) / "conf.d" / f"{state['name']}.conf").unlink(missing_ok=True)
        for path in layout.log(state["home"], state["name"]).parent.glob(f"{state['name']}.log*"):
            path.unlink(missing_ok=True)


def _address(inputs: Values) -> Values:
    if "port" not in inputs:
        return {"address": ""}
    port = inputs["port"]
    return {"address": UNKNOWN if port is UNKNOWN else f"http://{inputs['host']}:{port}"}


def _status(program: Program | None, inputs: Values) -> str:
    """`running`, or what is wrong in a few words."""
    if program is None:
        return "missing"
    foreign = None
    if "port" in inputs:
        holders = processes.listeners(inputs["port"])
        for holder in holders:
            if not any(processes.descends(pid, program.pid) for pid in holder.pids):
                foreign = holder.described()
        if foreign:
            return f"port {inputs['port']} is held by {foreign}"
        if program.state == "RUNNING" and not holders:
            return "does not listen"
    return RUNNING if program.state == "RUNNING" else program.state.lower()


def _await_ready(supervision: SupervisorClient, inputs: Values) -> None:
    """Wait until the program holds its port and says what it should; when it does not, take it out and say why."""
    deadline = time.monotonic() + _BOOT_SECONDS
    status, name = "starting", inputs["name"]
    seen: set[int] = set()
    while time.monotonic() < deadline and len(seen) <= _RESTARTS:
        program = supervision.program(name)
        seen |= {program.pid} - {0} if program else set()
        status = _status(program, inputs)
        if status == RUNNING and _answers(inputs):
            return
        if program is None or program.state in _DEAD or "is held by" in status:
            break
        time.sleep(_PAUSE)
    supervision.remove(name)
    log = layout.log(inputs["home"], name)
    raise Failure(f"{name} does not start ({status}). Its last log lines: {_last_lines(log)!r}. See {log}")


def _answers(inputs: Values) -> bool:
    """Whether the ready path gives 200 and, where asked, the text that shows it is ready."""
    if "ready_path" not in inputs:
        return True
    connection = http.client.HTTPConnection(inputs["host"], inputs["port"], timeout=10)
    try:
        connection.request("GET", inputs["ready_path"])
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return answer.status == http.client.OK and inputs.get("ready_text", "") in body


def _last_lines(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]
