"""Reads, writes and lists single objects below an address: a folder, or a bucket in S3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError


def read(where: str, key: str) -> bytes | None:
    """The object's content; None when it is not there. FactoryError says what is wrong in one line."""
    if "://" not in where:
        path = Path(where) / key
        return path.read_bytes() if path.is_file() else None
    try:
        return bytes(_bucket(where).get(key).bytes())
    except FileNotFoundError:
        return None
    except Exception as error:
        raise FactoryError(f"{where}/{key} cannot be read: {_said(error)}") from None


def is_there(where: str, key: str) -> bool:
    """Whether there is such an object; no when there is no such bucket. FactoryError as `read`."""
    try:
        return read(where, key) is not None
    except FactoryError as error:
        if "NoSuchBucket" in str(error):
            return False
        raise


def write(where: str, key: str, content: bytes) -> None:
    """Write an object whole, over the one that is there; FactoryError as `read`."""
    if "://" not in where:
        path = Path(where) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, content.decode())
        return
    try:
        _bucket(where).put(key, content)
    except Exception as error:
        raise FactoryError(f"{where}/{key} cannot be written: {_said(error)}") from None


def remove(where: str, key: str) -> None:
    """Remove an object, no matter whether it is there; FactoryError as `read`."""
    if "://" not in where:
        (Path(where) / key).unlink(missing_ok=True)
        return
    try:
        _bucket(where).delete(key)
    except FileNotFoundError:
        return
    except Exception as error:
        raise FactoryError(f"{where}/{key} cannot be removed: {_said(error)}") from None


def keys(where: str, first: str) -> list[str]:
    """Keys of all objects that begin with `first`; FactoryError as `read`."""
    if "://" not in where:
        return [path.relative_to(where).as_posix() for path in (Path(where) / first).glob("*") if path.is_file()]
    try:
        return [one["path"] for page in _bucket(where).list(prefix=first) for one in page]
    except Exception as error:
        raise FactoryError(f"{where}/{first} cannot be listed: {_said(error)}") from None


def _bucket(where: str) -> Any:
    try:
        from obstore.store import from_url
    except ImportError:
        raise FactoryError("what speaks to AWS is not installed: pip install 'aifactory[aws]'") from None
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return from_url(where, client_options={"allow_http": urlsplit(endpoint).scheme == "http"})


def _said(error: Exception) -> str:
    """The first line of what a library says, without the report of its requests."""
    return str(error).strip().partition("\n")[0][:200]
