"""What the tool itself runs with on this machine, and where each value came from; no secret among them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from aifactory import home, scaffold
from aifactory.provision import engine, servers, stacks, uv
from aifactory.scaffold import origin
from aifactory_runtime import __version__
from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError

_NETWORK = (
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
"""Variables that change how the network is reached; shown when they are set, logins in addresses masked."""


@dataclass(frozen=True)
class Value:
    """One value in use."""

    key: str
    value: str
    origin: str


def values(variables: Mapping[str, str] = os.environ) -> list[Value]:
    """Every value that the tool runs with, in the order in which people ask for them."""
    return [
        Value("version", __version__, "installed package"),
        _home(variables),
        _cache(variables),
        _state(variables),
        _passphrase(variables),
        _template(variables),
        _engine(),
        Value("engine version", engine.version(), "Pulumi's Python package"),
        _servers(),
        _uv(),
        *_network(variables),
    ]


def _home(variables: Mapping[str, str]) -> Value:
    return Value("home", str(home.Home.current().root), _from(variables, "FACTORY_HOME"))


def _cache(variables: Mapping[str, str]) -> Value:
    return Value("cache", str(home.cache()), _from(variables, "FACTORY_CACHE", "XDG_CACHE_HOME"))


def _state(variables: Mapping[str, str]) -> Value:
    if stacks.shared_backend():
        return Value("state", network.without_logins(variables["PULUMI_BACKEND_URL"]), "PULUMI_BACKEND_URL")
    return Value("state", f"file://{home.Home.current().state}", "home")


def _passphrase(variables: Mapping[str, str]) -> Value:
    if variables.get("PULUMI_CONFIG_PASSPHRASE"):
        return Value("passphrase", "(not shown)", "PULUMI_CONFIG_PASSPHRASE")
    path = home.Home.current().passphrase
    return Value("passphrase", f"in {path}" if path.exists() else "none yet: factory up makes it", "home")


def _template(variables: Mapping[str, str]) -> Value:
    try:
        found = scaffold.locate(None, None, variables, allow_dirty=True)
    except FactoryError as problem:
        return Value("template", f"none: {problem}", "nowhere")
    if found.address == str(origin.checkout()):
        source = "the checkout this command runs from"
    elif found.address == variables.get(origin.VARIABLE):
        source = origin.VARIABLE
    else:
        source = "the installed tool"
    return Value("template", found.shown, source)


def _engine() -> Value:
    found = engine.find()
    if found is None:
        return Value("engine", "missing: factory doctor --mend", "nowhere")
    return Value("engine", str(found), "cache" if found.is_relative_to(home.cache()) else "PATH")


def _servers() -> Value:
    found = servers.find()
    return Value("servers", str(found) if found else "missing: factory doctor --mend", "cache" if found else "nowhere")


def _uv() -> Value:
    try:
        found = uv.executable()
    except FactoryError as problem:
        return Value("uv", str(problem), "nowhere")
    return Value("uv", found, "PATH" if found == shutil.which("uv") else "installed with the tool")


def _network(variables: Mapping[str, str]) -> list[Value]:
    set_ones = [(name, variables.get(name) or variables.get(name.lower(), "")) for name in _NETWORK]
    return [Value(name, network.without_logins(value), "environment") for name, value in set_ones if value]


def _from(variables: Mapping[str, str], *names: str) -> str:
    return next((name for name in names if variables.get(name)), "default")
