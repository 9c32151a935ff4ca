"""Where things of a home lie: paths only, and the short runtime folder that supervisor's socket needs."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from infra.providers.protocol.failure import Failure

LOOPBACK = "127.0.0.1"
TRACKING = "tracking"
"""Name of the tracking server's service and of its port's lease."""
DASHBOARD = "dashboard"
"""The same of the server of pages."""


def services(home: str | Path) -> Path:
    """Supervisor's configuration, logs and leases."""
    return Path(home) / "services"


def stopped_marker(home: str | Path) -> Path:
    """There while the services are stopped on purpose."""
    return services(home) / "stopped"


def ports(home: str | Path) -> Path:
    """Leases: service name to port."""
    return services(home) / "ports.json"


def admin(home: str | Path) -> Path:
    """Login of MLflow's administrator, for provisioning only."""
    return Path(home) / "credentials" / "admin.json"


def anchor(home: str | Path) -> Path:
    """Login of the identity that writes the heads of audit logs."""
    return Path(home) / "credentials" / "anchor.json"


def platform(home: str | Path) -> Path:
    """What use cases build on: outputs of the shared stack, none of them secret."""
    return Path(home) / "shared" / "platform.json"


def log(home: str | Path, service: str) -> Path:
    """What a service printed."""
    return services(home) / "logs" / f"{service}.log"


def runtime(home: str | Path) -> Path:
    """Folder of the socket: short, because socket paths end at about 100 characters, and the same after a reboot."""
    digest = hashlib.sha256(str(Path(home).resolve()).encode()).hexdigest()[:12]
    return Path("/tmp") / f"aifactory-{os.getuid()}-{digest}"  # noqa: S108  owner and mode are checked before use


def socket(home: str | Path) -> Path:
    """Supervisor's socket; also the mark by which its processes are known."""
    return runtime(home) / "supervisor.sock"


def make_runtime(home: str | Path) -> None:
    """Make the runtime folder, refusing one that somebody else put there."""
    folder = runtime(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Failure(f"{folder} belongs to somebody else: have it removed, then run it again")
    folder.chmod(0o700)


def tracking(home: str | Path) -> Path:
    """Databases and artefacts of the tracking server."""
    return Path(home) / "shared" / "mlflow"
