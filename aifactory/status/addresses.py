"""Where the pages of MLflow, Dagster, dashboard and services are, which login they ask for, and how to show them."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
import urllib.request
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aifactory.home import Home
from aifactory.provision import applied
from aifactory.provision.plan import Place
from aifactory.status import clusters as clusters_of
from aifactory_runtime import files
from aifactory_runtime.config import credentials
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

_SECONDS = 5.0
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


@dataclass(frozen=True)
class Address:
    """One page: what it is, where, and how to log in; never a password, only the file that holds it."""

    page: str
    url: str
    login: str


def every(place: Place) -> list[Address]:
    """All pages that can be opened from here."""
    platform = _platform(place.home)
    own = place.manifest
    cases = [one for one in applied.use_cases(place.home) if own is None or one[0] == own.use_case]
    pages = [_tracking(place, platform, None), _orchestrator(platform)]
    if "dashboard_url" in platform:
        pages.append(_dashboard(place, platform, None))
    contracts = [(case, where, _contract(place.home, case, where)) for case, where in cases]
    pages += [_docs(case, where, found) for case, where, found in contracts if found.get("endpoint_url")]
    clusters = ((f"{case}.{where}", clusters_of.dashboard(found)) for case, where, found in contracts)
    return pages + [Address(f"cluster {name}", url, "no login; while a run has it") for name, url in clusters if url]


def of(place: Place, page: str, where: str | None) -> Address:
    """The page meant by `page` and, for docs, `where`: an environment in a repo, `use-case.environment` elsewhere."""
    platform = _platform(place.home)
    if page == "mlflow":
        return _tracking(place, platform, where)
    if page == "dagster":
        return _orchestrator(platform)
    if page == "dashboard":
        return _dashboard(place, platform, where)
    case, environment = _named(place, where, page)
    contract = _contract(place.home, case, environment)
    if page == "cluster":
        return _cluster(case, environment, contract)
    if not contract.get("endpoint_url"):
        raise FactoryError(f"{case} has no scoring service in {environment}: factory status shows what it has")
    return _docs(case, environment, contract)


def has_browser(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether a page can be shown: a display, or a browser that BROWSER names."""
    return any(variables.get(name) for name in _DISPLAYS)


def show(address: Address) -> bool:
    """Open the page in the browser; False when that did not work."""
    try:
        return webbrowser.open(address.url)
    except webbrowser.Error:
        return False


def _platform(home: Home) -> dict[str, str]:
    try:
        found = files.read_json(home.root / "shared" / "platform.json")
        there = ("dashboard_url",) if "dashboard_url" in found else ()  # none in a home from before there was one
        return {key: str(found[key]) for key in ("tracking_uri", "dagster_url", *there)}
    except FileNotFoundError:
        raise FactoryError(f"nothing is provisioned in {home.root}: factory up") from None
    except (ValueError, LookupError):
        raise FactoryError(f"{home.root}/shared/platform.json is damaged: factory up shared writes it again") from None


def _tracking(place: Place, platform: Mapping[str, str], environment: str | None) -> Address:
    """MLflow's page; in a repo that of the use case's runs in one environment, by the owner's login."""
    folder, url = place.home.root / "credentials", platform["tracking_uri"]
    if place.manifest is None:
        return Address("mlflow", url, f"login and password: a file under {folder}")
    where = environment or names.ENVIRONMENTS[0]
    _check_environment(where)
    owner = folder / where / place.manifest.use_case / f"{place.manifest.owner}.json"
    experiment = _experiment(url, owner, names.experiment(place.manifest.use_case, where))
    runs = f"/#/experiments/{experiment}/runs" if experiment else ""
    return Address("mlflow", url + runs, f"login and password for {where}: {owner}")


def _experiment(url: str, login: Path, name: str) -> str | None:
    """Id of the experiment at the tracking server; None when it does not say, as when it is stopped."""
    try:
        known = credentials.read(login)
        header = base64.b64encode(f"{known.login}:{known.password}".encode()).decode()
        query = urllib.parse.urlencode({"experiment_name": name})
        request = urllib.request.Request(  # noqa: S310
            f"{url}/api/2.0/mlflow/experiments/get-by-name?{query}", headers={"Authorization": f"Basic {header}"}
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["experiment"]["experiment_id"])
    except (FactoryError, OSError, ValueError, LookupError):
        return None


def own_runs(place: Place, page: str | None, where: str | None) -> bool:
    """Whether MLflow's page can only be that of the runs that the repo recorded by itself, or is asked to be."""
    if page != "mlflow" or place.manifest is None:
        return False
    provisioned = any(case == place.manifest.use_case for case, _ in applied.use_cases(place.home))
    return where == names.EMBEDDED or (where is None and not provisioned)


def _orchestrator(platform: Mapping[str, str]) -> Address:
    return Address("dagster", platform["dagster_url"], "no login; read-only")


def _dashboard(place: Place, platform: Mapping[str, str], where: str | None) -> Address:
    """The dashboard's list, or its page of the use case: in a repo that of the last environment, if none is named."""
    if "dashboard_url" not in platform:
        raise FactoryError("this home was provisioned before there was a dashboard: factory up shared brings it")
    folder, url = place.home.root / "credentials", platform["dashboard_url"]
    own = place.manifest
    if where is None and own is not None:
        there = {environment for case, environment in applied.use_cases(place.home) if case == own.use_case}
        where = next((name for name in reversed(names.ENVIRONMENTS) if name in there), None)
    if where is None:
        return Address("dashboard", f"{url}/", f"login and password: a file under {folder}")
    case, environment = _named(place, where)
    _contract(place.home, case, environment)
    logins = folder / environment / case
    login = str(logins / f"{own.owner}.json") if own is not None else f"a file under {logins}"
    return Address("dashboard", f"{url}/{case}/{environment}/", f"login and password: {login}")


def _docs(case: str, environment: str, contract: Mapping[str, str]) -> Address:
    token = contract.get("endpoint_token_file")
    login = f"token for requests: {token}" if token else "no token"
    return Address(f"docs {case}.{environment}", f"{contract['endpoint_url']}/docs", login)


def _cluster(case: str, environment: str, contract: Mapping[str, str]) -> Address:
    url = clusters_of.dashboard(contract)
    if url is None:
        what = "runs now: it is there while a run has it" if contract.get("cluster_socket") else "is there"
        raise FactoryError(f"no cluster of {case} in {environment} {what}; factory status shows what is")
    return Address(f"cluster {case}.{environment}", url, "no login; while a run has it")


def _named(place: Place, where: str | None, page: str = "docs") -> tuple[str, str]:
    if where is None:
        example = "prod" if place.manifest else "churn.prod"
        raise UsageProblem(f"whose {page}? Say factory open {page} {example}")
    case, _, environment = where.rpartition(".")
    case = case or (place.manifest.use_case if place.manifest else "")
    if not case:
        raise UsageProblem(f"of which use case? Say factory open PAGE churn.{environment}")
    _check_environment(environment)
    return case, environment


def _check_environment(name: str) -> None:
    if name not in names.ENVIRONMENTS:
        raise UsageProblem(f"{name!r} is not an environment; use one of {', '.join(names.ENVIRONMENTS)}")


def _contract(home: Home, case: str, environment: str) -> dict[str, str]:
    path: Path = home.applied(case, environment)
    if not path.is_file():
        raise FactoryError(f"{case} is not provisioned in {environment}: factory up {environment}")
    return applied.outputs(home, case, environment)
