"""Resource Supervisor: the one process of a home that keeps its services running."""

from __future__ import annotations

from pathlib import Path

from infra.providers.local import files, layout
from infra.providers.local.kind import Kind, Values
from infra.providers.local.supervisor_client import SupervisorClient

RUNNING = "running"


class Supervisor(Kind):
    """Supervisor with its configuration; a process id is not state, only whether it answers is."""

    inputs = frozenset({"home", "python", "configuration"})
    replaced_by = frozenset({"home"})
    made = frozenset({"socket"})

    def desired(self, inputs: Values) -> Values:
        """It answers."""
        del inputs
        return {"status": RUNNING}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Write the configuration and start it; one that runs with the same configuration is adopted."""
        supervision = SupervisorClient(Path(inputs["home"]))
        with_place = inputs["configuration"].format(socket=supervision.socket)
        path = supervision.configuration
        same = path.is_file() and path.read_text(encoding="utf-8") == with_place
        if not (same and supervision.running()):
            supervision.stop()
            files.write(path, with_place)
            files.write(start_record(inputs["home"]), inputs["python"] + "\n")
            supervision.start(inputs["python"])
        return str(supervision.socket), {**inputs, "socket": str(supervision.socket), "status": RUNNING}

    def read(self, state: Values) -> Values | None:
        """Drift when it does not answer, unless it was stopped on purpose."""
        if layout.stopped_marker(state["home"]).exists():
            return state
        return {**state, "status": RUNNING if SupervisorClient(Path(state["home"])).running() else "not running"}

    def update(self, state: Values, inputs: Values) -> Values:
        """Start it again; its services come with it."""
        if state["python"] != inputs["python"]:
            SupervisorClient(Path(inputs["home"])).stop()
        return self.create(inputs)[1]

    def delete(self, state: Values) -> None:
        """Stop it and everything under it."""
        supervision = SupervisorClient(Path(state["home"]))
        supervision.stop()
        supervision.configuration.unlink(missing_ok=True)
        start_record(state["home"]).unlink(missing_ok=True)


def start_record(home: str | Path) -> Path:
    """File that names the interpreter to start supervisor with."""
    return layout.services(home) / "python"
