"""What stands and runs in a home: services, and what each use case serves against what its registry says."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory import machine
from aifactory.home import Home
from aifactory.provision import applied
from aifactory_runtime import files
from aifactory_runtime.config import credentials
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import older_rules
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import MODEL_SHA256, Version

_SECONDS = 5.0
_START_SECONDS = 180.0
_PAUSE = 0.2
IN_BATCHES = "in batches"
"""What stands for a served version where no service answers."""


@dataclass(frozen=True)
class ServiceState:
    """One program under supervision."""

    name: str
    state: str
    address: str


@dataclass(frozen=True)
class Serving:
    """One use case in one environment: what should be served, what is, and what the registry's champion is."""

    use_case: str
    environment: str
    released: str
    served: str
    registry: str
    address: str
    remark: str
    note: str
    """What the owner has to know of the champion; empty when there is nothing."""


def services(home: Home) -> list[ServiceState]:
    """Every service of the home, with its state; `stopped` for all of them after `factory stop`."""
    supervision = machine.supervision(home)
    addresses = machine.addresses(home)
    asleep = "stopped" if machine.stopped(home) else "not running"
    alive = supervision.running()
    found = []
    for path in sorted((home.services / "conf.d").glob("*.conf")):
        program = supervision.program(path.stem) if alive else None
        state = program.state.lower() if program else asleep
        found.append(ServiceState(path.stem, state, addresses.get(path.stem, "")))
    return found


def unasked(home: Home, only: str | None) -> list[str]:
    """A note for each environment, as applied, that names approvers whom nobody asks."""
    found = []
    for use_case, environment in applied.use_cases(home):
        if only in {None, use_case}:
            contract = EnvironmentContract.model_validate(applied.outputs(home, use_case, environment))
            found += [contract.unasked] if contract.unasked else []
    return found


def await_services(home: Home, say: Callable[[str], None], without: frozenset[str] = frozenset()) -> None:
    """Wait until every service but `without` runs and answers on its port; FactoryError names those that do not."""
    deadline = time.monotonic() + _START_SECONDS
    said: set[str] = set()
    while waiting := [one.name for one in services(home) if one.name not in without and not _answers(one)]:
        for name in waiting:
            if name not in said:
                say(f"  {name} is starting")
                said.add(name)
        if time.monotonic() > deadline:
            raise FactoryError(f"{', '.join(waiting)} did not start: see {home.services / 'logs'}")
        time.sleep(_PAUSE)


def _answers(service: ServiceState) -> bool:
    if service.state != "running":
        return False
    if not service.address:
        return True
    host, _, port = service.address.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except OSError:
        return False
    return True


def serving(home: Home, use_case: str | None = None) -> list[Serving]:
    """What each applied use case (or only `use_case`) serves."""
    rows, awake = [], machine.supervision(home).running()
    for name, environment in applied.use_cases(home):
        if use_case in (None, name):
            rows.append(_serving(home, applied.contract(home, name, environment), awake=awake))
    return rows


def _serving(home: Home, contract: EnvironmentContract, *, awake: bool) -> Serving:
    folder = Path(contract.release_uri)
    released = _version(_json(folder / "serving.json"))
    registry, champion = _champion(contract)
    served, remark = _answers_of(folder, released) if contract.serves else (IN_BATCHES, "")
    if remark and not awake:
        remark = "the services do not run: factory start"
    if not remark and registry not in (released, "unknown"):
        remark = "registry and release differ: factory release again"
    return Serving(
        contract.use_case,
        contract.environment,
        released or "nothing yet",
        served,
        registry or "none",
        contract.endpoint_url or "",
        remark,
        _note(home, contract, champion) if champion else "",
    )


def _note(home: Home, contract: EnvironmentContract, champion: Version) -> str:
    """That the champion learned by rules which are wrong today, as its run's report says where it was trained."""
    trained_in, run = champion.trained(contract.environment)
    if not home.applied(contract.use_case, trained_in).is_file():
        return ""
    artifacts = applied.contract(home, contract.use_case, trained_in).artifact_uri
    name = f"{contract.use_case}.{contract.environment}: version {champion.number}"
    return older_rules.note(name, Path(artifacts), run) or ""


def _answers_of(folder: Path, released: str) -> tuple[str, str]:
    """The versions that workers answer with, and what is wrong with that."""
    own = str(folder.parent / "environment.json")
    reports = [report for report in map(_json, (folder / "status").glob("*.json")) if _alive(report, own)]
    served = {_version(report) for report in reports if report.get("ready")}
    shown = ", ".join(sorted(served)) or "nothing"
    if not released or served == {released}:
        return shown, ""
    reasons = [str(report["reason"]) for report in reports if report.get("reason")]
    return shown, next(iter(reasons), "the service does not serve what was released: factory release again")


def _alive(report: dict[str, Any], environment_file: str) -> bool:
    """Whether the worker that reported still runs; after a reboot its number may belong to something else."""
    pid = report.get("pid")
    return isinstance(pid, int) and machine.environment_of(pid).get("AIFACTORY_ENV_FILE") == environment_file


def _version(said: dict[str, Any]) -> str:
    champion = said.get("champion")
    return str(champion.get("version", "")) if isinstance(champion, dict) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return {}


class _Registry:
    """What the look-up of a champion needs, over HTTP: importing MLflow's client takes longer than all of this."""

    def __init__(self, contract: EnvironmentContract) -> None:
        import httpx

        login = credentials.of(contract, names.SERVICE)
        self._name = contract.model_name
        self._ask = httpx.Client(
            base_url=f"{contract.registry_uri}/api/2.0/mlflow",
            auth=httpx.BasicAuth(login.login, login.password) if login else None,
            timeout=_SECONDS,
        )

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""
        found = self._get("model-versions/get", {"version": str(number)})
        if found is None:
            raise FactoryError(f"{self._name} has no version {number}")
        return found

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""
        return self._get("registered-models/alias", {"alias": alias})

    def _get(self, path: str, asked: dict[str, str]) -> Version | None:
        import httpx

        answer = self._ask.get(f"/{path}", params={"name": self._name, **asked})
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
            return None
        found = answer.raise_for_status().json()["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return Version(int(found["version"]), tags.get(MODEL_SHA256, ""), found.get("run_id", ""), tags)


def _champion(contract: EnvironmentContract) -> tuple[str, Version | None]:
    """The version that the registry calls champion, and its number: empty without one, `unknown` without an answer."""
    import httpx

    try:
        found = champions.champion(_Registry(contract))
    except (httpx.HTTPError, FactoryError):
        return "unknown", None
    return "" if found is None else str(found.number), found
