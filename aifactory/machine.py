"""What a home runs on this machine: services, ports, workers. The one module that speaks to `infra.providers.local`.

Its parts are imported when they are used: most commands need none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.home import Home
    from infra.providers.local.supervisor_client import SupervisorClient


def supervision(home: Home) -> SupervisorClient:
    """Who starts and watches the services of the home."""
    from infra.providers.local.supervisor_client import SupervisorClient

    return SupervisorClient(home.root)


def start_record(home: Home) -> Path:
    """File with the interpreter that the services are started with; FactoryError when nothing is provisioned."""
    from infra.providers.local.supervisor import start_record

    record = start_record(home.root)
    if not record.exists():
        raise FactoryError(f"nothing is provisioned in {home.root}: factory up")
    return record


def stop(home: Home) -> None:
    """Stop the services, on purpose: not running is no drift until they are started. FactoryError as `start_record`."""
    from infra.providers.local import files, layout

    start_record(home)
    files.write(layout.stopped_marker(home.root), "")
    supervision(home).stop()


def stopped(home: Home) -> bool:
    """Whether the services were stopped on purpose."""
    from infra.providers.local import layout

    return layout.stopped_marker(home.root).exists()


def addresses(home: Home) -> dict[str, str]:
    """Address of each program of the home that has a port."""
    from infra.providers.local import layout
    from infra.providers.local.files import own_json

    return {name: f"http://{layout.LOOPBACK}:{port}" for name, port in own_json(layout.ports(home.root)).items()}


def holder(home: Home, port: int) -> str | None:
    """Who has the port that the home leases, where it is somebody else."""
    from infra.providers.local.port_lease import foreign_holder

    return foreign_holder(str(home.root), port)


def reclaim_ports(home: Home) -> list[str]:
    """Lease the ports of the home again; a sentence for each that somebody else has."""
    from infra.providers.local.port_lease import reclaim

    return reclaim(str(home.root))


def environment_of(pid: int) -> dict[str, str]:
    """Variables of a process of ours; empty when it is gone or another's."""
    from infra.providers.local import processes

    return processes.environment(pid)


def socket(home: Home) -> Path:
    """Socket that the home's services are spoken to through."""
    from infra.providers.local import layout

    return layout.socket(home.root)


def anchor(home: Home) -> Path:
    """Login of the identity that writes heads of audit logs."""
    from infra.providers.local import layout

    return layout.anchor(home.root)


def ask_rotation(path: Path, overlap_seconds: float) -> None:
    """Mark the credentials file at `path`: the next `up` draws a new secret, the old one is good for so long."""
    from infra.providers.local import rotation_mark

    rotation_mark.ask(path, overlap_seconds)


def rotation_asked(path: Path) -> bool:
    """Whether the secret at `path` is to be drawn again and is not yet."""
    from infra.providers.local import rotation_mark

    return rotation_mark.mark(path).exists()


def rotation_overlap(path: Path) -> float | None:
    """Seconds that the old secret at `path` stays good; None when no new one is asked for."""
    from infra.providers.local import rotation_mark

    return rotation_mark.overlap(path)


def most_overlap_seconds() -> float:
    """The longest time that an old secret may stay good."""
    from infra.providers.local import rotation_mark

    return rotation_mark.MOST_OVERLAP_SECONDS
