"""Brings a home's services up after a stop or a reboot, and says which cannot come up and why."""

from __future__ import annotations

import getpass
import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aifactory import machine
from aifactory.home import Home, cache
from aifactory.status import overview
from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]


def start(home: Home, say: Say) -> None:
    """Start every service of `home` and wait until each answers; what runs already stays.

    FactoryError when nothing is provisioned, and, after all others run, for those whose port somebody else has.
    """
    record = machine.start_record(home)
    supervision = machine.supervision(home)
    running = supervision.running()
    if not running:
        supervision.start(record.read_text(encoding="utf-8").strip())
    blocked = {}
    for service in overview.services(home):
        port = service.address.rpartition(":")[2]
        holder = machine.holder(home, int(port)) if port else None
        if holder:
            blocked[service.name] = f"port {port} of {service.name} is taken by {holder}"
    overview.await_services(home, say, without=frozenset(blocked))
    if blocked:
        said = "; ".join(blocked.values())
        raise FactoryError(f"{said}: end that process, or let factory up take another port. All other services run")
    say("The services run already." if running else "The services run.")


def at_boot(home: Home, *, wanted: bool) -> str:
    """Let systemd start the services of `home` at each boot, or no longer; what was done, in a sentence.

    FactoryError where systemd does not run for this user, with what to do instead.
    """
    unit = _units() / f"aifactory-{_name(home)}.service"
    if not wanted:
        _systemctl(home, "disable", unit.name)
        unit.unlink(missing_ok=True)
        return "The services no longer start at boot."
    text = _unit(home)
    before = unit.read_text(encoding="utf-8") if unit.exists() else None
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(text, encoding="utf-8")
    try:
        _systemctl(home, "daemon-reload")
        _systemctl(home, "enable", unit.name)
    except FactoryError:
        if before is None:
            unit.unlink()
        raise
    return f"{unit} starts them at boot; without a login only after: loginctl enable-linger {getpass.getuser()}"


def _units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _name(home: Home) -> str:
    return hashlib.sha256(str(home.root).encode()).hexdigest()[:12]


def _unit(home: Home) -> str:
    """A unit that starts once and leaves the services to their supervisor; a percent sign is doubled there."""
    command = shlex.join([str(Path(sys.executable).with_name("factory")), "start"])
    stop = shlex.join([str(Path(sys.executable).with_name("factory")), "stop"])
    lines = (
        "[Unit]",
        f"Description=Services of the AI factory in {home.root}",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        f'Environment="FACTORY_HOME={home.root}"',
        f'Environment="FACTORY_CACHE={cache()}"',
        f"ExecStart={command}",
        f"ExecStop={stop}",
        "TimeoutStartSec=300",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    )
    return "\n".join(line.replace("%", "%%") for line in lines)


def _systemctl(home: Home, *arguments: str) -> None:
    factory = Path(sys.executable).with_name("factory")
    line = f"@reboot FACTORY_HOME={shlex.quote(str(home.root))} {shlex.quote(str(factory))} start"
    instead = "add this line with crontab -e: " + line.replace("%", "\\%")
    try:
        done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        raise FactoryError(f"systemd is not on this machine: {instead}") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise FactoryError(f"systemd does not do it ({said}): {instead}")
