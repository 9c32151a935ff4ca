"""Which store an address means, and what Delta needs to reach it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.storage.local import LocalStore
from aifactory_runtime.storage.port import Store

_OBJECTS = re.compile(r"(?P<scheme>s3|az)://(?P<bucket>[^/?#@:]+)(?:/(?P<prefix>[^?#]*))?")
_FILE = "file://"


def open_store(address: str, region: str | None = None) -> Store:
    """The store at a folder, `file://`, `s3://bucket/prefix` or `az://container/prefix`; UsageProblem for others.

    Nothing is asked of it yet, and a folder is made by what is first put there. `region` is the bucket's, where the
    surroundings do not say it.
    """
    found = _OBJECTS.fullmatch(address)
    if found:
        from aifactory_runtime.storage import objects

        return objects.opened(found["scheme"], found["bucket"], found["prefix"] or "", region)
    return LocalStore(_folder(address))


def delta_options(address: str) -> dict[str, str] | None:
    """What Delta needs beside the address of a table to reach it; None for a folder. UsageProblem as `open_store`."""
    found = _OBJECTS.fullmatch(address)
    if not found:
        _folder(address)
        return None
    if found["scheme"] == "az":
        plain = os.environ.get("AZURE_STORAGE_ENDPOINT", "").startswith("http://")
        return {"azure_allow_http": "true"} if plain else {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    named = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    plain = endpoint.startswith("http://")
    return {"aws_conditional_put": "etag", **named, **({"AWS_ALLOW_HTTP": "true"} if plain else {})}


def _folder(address: str) -> Path:
    from aifactory_runtime.contract import addresses  # with pydantic, which takes longer than all else here

    path = address.removeprefix(_FILE)
    try:
        addresses.check(address)
    except ValueError as error:
        raise UsageProblem(str(error)) from None
    if not path or "://" in path:
        raise UsageProblem(f"{address!r} is no place for files: give a folder, s3://bucket or az://container")
    return Path(path)
