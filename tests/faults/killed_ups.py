"""Figure 10: `factory up` is killed at a random moment; the same command must finish it and leave no orphan."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from infra.providers.local import files, layout, port_lease, processes
from tests.faults.trials import Figure, Say, Trial, figure, processes_with
from tests.fixtures import usecase_repo

_ASKED = "one command converges within 2 minutes, no orphans"
_LIMIT_SECONDS = 120.0
_GRACE_SECONDS = 15.0
_UP = ("up", "dev", "--platform")
_WHOLE_EVERY = 4
"""Every fourth `up` begins with nothing, platform included; the others with the platform there."""
_DRAWS = 8
_VICTIMS = ("the command", "the command and all it started", "the engine")


@dataclass(frozen=True)
class Bench:
    """A home and a use case's repo of this figure's own."""

    folder: Path

    @property
    def home(self) -> Path:
        """FACTORY_HOME."""
        return self.folder / "home"

    @property
    def repo(self) -> Path:
        """The repo."""
        return self.folder / "repo"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`factory ...` in the repo, in a session of its own."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AIFACTORY_")}
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("factory")), *arguments],
            cwd=self.repo,
            env={**kept, "FACTORY_HOME": str(self.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what was said on standard error."""
        process = self.start(*arguments)
        _, said = process.communicate()
        return process.returncode, said

    def must(self, *arguments: str) -> float:
        """Seconds of a command that has to work."""
        began = time.monotonic()
        code, said = self.run(*arguments)
        if code:
            raise RuntimeError(f"factory {' '.join(arguments)} ends with {code}: {said[-2000:]}")
        return time.monotonic() - began


def measure(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Kill `kills` `up`s, of the platform with the use case or of the use case alone, in a home below `folder`."""
    bench = Bench(folder)
    usecase_repo.make_repo(bench.repo)
    try:
        whole = bench.must(*_UP)
        bench.must("destroy", "dev", "--yes")
        alone = bench.must(*_UP)
        say(f"figure 10: undisturbed, up takes {whole:.0f} s with the platform, {alone:.0f} s when that is there")

        def everything(random: Random) -> Trial:
            return _trial(bench, "platform and use case", "--all", whole, random)

        def use_case(random: Random) -> Trial:
            return _trial(bench, "use case", "dev", alone, random)

        kinds = [everything if number % _WHOLE_EVERY == 0 else use_case for number in range(kills)]
        found = Figure(10, f"{kills} killed `factory up`s", _ASKED, seed, _LIMIT_SECONDS)
        return figure(found, kinds, say)
    finally:
        bench.run("destroy", "--all", "--yes")


def _trial(bench: Bench, what: str, destroyed: str, seconds: float, random: Random) -> Trial:
    for _ in range(_DRAWS):
        bench.must("destroy", destroyed, "--yes")
        after, victim = random.uniform(0.02, 1.0) * seconds, random.choice(_VICTIMS)
        began = time.monotonic()
        if _interrupt(bench, after, victim):
            break
        seconds = time.monotonic() - began  # it ran to its end: so long it takes at this moment
    else:
        return Trial("never killed: it always ended first", 0.0, ("no kill",))
    began = time.monotonic()
    code, said = bench.run(*_UP)
    took = time.monotonic() - began
    problems = [] if code == 0 else [f"the next up ends with {code}: {said.strip()[-300:]}"]
    code, said = bench.run("refresh", "dev", "--platform")
    if code:
        problems.append(f"drift is left: {said.strip()[-300:]}")
    return Trial(f"up of {what}, {victim} killed after {after:.1f} s", took, (*problems, *orphans(bench.home)))


def _interrupt(bench: Bench, after: float, victim: str) -> bool:
    """Whether there was somebody to kill, `after` seconds from the start of an `up`; returns when that has ended."""
    process = bench.start(*_UP)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=after)
    killed = process.poll() is None and _kill(bench, process, victim)
    process.communicate()
    return killed


def _kill(bench: Bench, process: subprocess.Popen[str], victim: str) -> bool:
    if victim == _VICTIMS[0]:
        process.kill()
        return True
    if victim == _VICTIMS[1]:
        os.killpg(process.pid, signal.SIGKILL)
        return True
    engines = [pid for pid in processes_with(f"PULUMI_HOME={bench.home}/pulumi") if processes.command(pid) == "pulumi"]
    for pid in engines:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(engines)


def orphans(home: Path) -> list[str]:
    """What nobody would end or free any more: unsupervised processes, second supervisors, ports without lease."""
    mark = f"{processes.MARK}={layout.socket(home)}"
    deadline = time.monotonic() + _GRACE_SECONDS
    while stray := set(processes_with(f"FACTORY_HOME={home}")) - set(processes_with(mark)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    problems = [f"process {pid} ({processes.command(pid)}) runs outside supervision" for pid in sorted(stray)]
    supervised = processes_with(mark)
    supervisors = [pid for pid in supervised if "SUPERVISOR_PROCESS_NAME" not in processes.environment(pid)]
    if len(supervisors) != 1:
        problems.append(f"{len(supervisors)} supervisors run")
    return [*problems, *_ports(home, supervised)]


def _ports(home: Path, supervised: list[int]) -> list[str]:
    """Leases and listeners that do not belong together."""
    leases = set(files.own_json(layout.ports(home)).values())
    kept = {int(path.stem) for path in port_lease.registry().glob("*.json") if _home_of(path) == str(home)}
    problems = [f"port {port} is kept without a lease" for port in sorted(kept - leases)]
    for port in sorted(leases):
        for listener in processes.listeners(port):
            if not set(listener.pids) & set(supervised):
                problems.append(f"port {port} is held by {listener.described()}")
    return problems


def _home_of(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["home"])
    except (OSError, ValueError, KeyError):
        return ""
