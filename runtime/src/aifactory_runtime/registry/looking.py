"""One look at the registry without MLflow's client, whose import takes longer than such a command."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.registry import mlflow_anchors, mlflow_errors
from aifactory_runtime.registry.port import MODEL_SHA256, Head, Registry, Version

_SECONDS = 30.0
_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
_NO_ALIAS = (_NOT_THERE, "INVALID_PARAMETER_VALUE")
"""Of a model that nobody has registered yet, and of an alias that nothing has."""


class Looks(Protocol):
    """The part of `registry.port.Registry` that is asked once."""

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""

    def newest(self, most: int) -> Sequence[Version]:
        """The last `most` versions, oldest first."""

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""

    def anchored(self) -> Sequence[Head] | None:
        """Heads of this environment's audit log, oldest first; None where there is no place for any."""


def at(contract: EnvironmentContract, credentials: Credentials | None) -> Looks:
    """What answers for one environment under one identity; nothing is opened before it is asked."""
    with_password = contract.target == "local" and contract.tracking_uri.startswith("http")
    return (_Server if with_password else _Client)(contract, credentials)


class _Client:
    """The registry itself, where there is no server that takes passwords."""

    def __init__(self, contract: EnvironmentContract, credentials: Credentials | None) -> None:
        self._contract, self._credentials = contract, credentials

    def version(self, number: int) -> Version:
        return self._opened.version(number)

    def newest(self, most: int) -> Sequence[Version]:
        return self._opened.versions()[-most:]

    def by_alias(self, alias: str) -> Version | None:
        return self._opened.by_alias(alias)

    def anchored(self) -> Sequence[Head] | None:
        return self._opened.anchored()

    @cached_property
    def _opened(self) -> Registry:
        from aifactory_runtime.registry.connect import connect

        return connect(self._contract, self._credentials)


class _Refused(Exception):
    """What MLflow answers in place of what was asked for: its code for that, and a sentence."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class _Server:
    """A server that is asked with a password."""

    def __init__(self, contract: EnvironmentContract, credentials: Credentials | None) -> None:
        self._contract = contract
        self._headers = {"Content-Type": "application/json"}
        if credentials is not None:
            login = base64.b64encode(f"{credentials.login}:{credentials.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {login}"

    def version(self, number: int) -> Version:
        asked = {"name": self._contract.model_name, "version": str(number)}
        try:
            found = self._get(self._contract.registry_uri, "model-versions/get", asked)["model_version"]
        except _Refused as refused:
            raise mlflow_errors.said(self._contract.registry_uri, str(refused)) from None
        return _version(found)

    def newest(self, most: int) -> Sequence[Version]:
        asked = {
            "filter": f"name = '{self._contract.model_name}'",
            "max_results": str(most),
            "order_by": "version_number DESC",
        }
        try:
            found = self._get(self._contract.registry_uri, "model-versions/search", asked)
        except _Refused as refused:
            raise mlflow_errors.said(self._contract.registry_uri, str(refused)) from None
        return sorted(map(_version, found.get("model_versions", ())), key=lambda version: version.number)

    def by_alias(self, alias: str) -> Version | None:
        asked = {"name": self._contract.model_name, "alias": alias}
        try:
            return _version(self._get(self._contract.registry_uri, "registered-models/alias", asked)["model_version"])
        except _Refused as refused:
            if refused.code in _NO_ALIAS:
                return None
            raise mlflow_errors.said(self._contract.registry_uri, str(refused)) from None

    def anchored(self) -> Sequence[Head] | None:
        address = self._contract.tracking_uri
        try:
            found = self._get(address, "experiments/get-by-name", {"experiment_name": names.ANCHOR})["experiment"]
            return mlflow_anchors.heads(self._runs(found["experiment_id"]))
        except _Refused as refused:
            if refused.code == _NOT_THERE:
                return None
            raise mlflow_errors.said(address, str(refused)) from None

    def _runs(self, experiment: str) -> Iterator[Mapping[str, str]]:
        """Parameters of the runs with heads of this log; of deleted ones, too."""
        asked = {
            "experiment_ids": [experiment],
            "filter": mlflow_anchors.of_log(self._contract),
            "run_view_type": "ALL",
            "max_results": mlflow_anchors.PAGE,
            "order_by": [mlflow_anchors.ORDER],
        }
        while True:
            page = self._call(self._contract.tracking_uri, "runs/search", json.dumps(asked).encode())
            for run in page.get("runs", []):
                yield {one["key"]: one["value"] for one in run["data"].get("params", [])}
            if not page.get("next_page_token"):
                return
            asked["page_token"] = page["next_page_token"]

    def _get(self, address: str, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
        return self._call(address, f"{path}?{urllib.parse.urlencode(asked)}")

    def _call(self, address: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The answer; `_Refused` for an error of MLflow's, FactoryError when the login or the server is at fault."""
        place = f"{address.rstrip('/')}/api/2.0/mlflow/{path}"
        try:
            request = urllib.request.Request(place, body, self._headers)  # noqa: S310 - the contract's address
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except urllib.error.HTTPError as error:
            code, why = _said(error)
            if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise mlflow_errors.refused(address, why) from None
            raise _Refused(code, why) from None
        except (OSError, ValueError):
            raise mlflow_errors.no_answer(address) from None


def _version(found: Mapping[str, Any]) -> Version:
    """A version as MLflow's interface writes it."""
    tags = {tag["key"]: tag.get("value", "") for tag in found.get("tags", [])}
    return Version(int(found["version"]), tags.get(MODEL_SHA256, ""), found.get("run_id", ""), tags)


def _said(error: urllib.error.HTTPError) -> tuple[str, str]:
    """MLflow's code and the first line of what it says."""
    text = error.read().decode(errors="replace")
    try:
        answer = json.loads(text)
        code, why = str(answer.get("error_code", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        code, why = "", text
    return code, why.strip().partition("\n")[0][:300] or f"status {error.code}"
