"""Brings a model's files from where a release names them: a folder, or the tracking server's artefact proxy."""

from __future__ import annotations

import base64
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.errors import FactoryError

_API = "/api/2.0/mlflow-artifacts/artifacts"
_SCHEME = "mlflow-artifacts"
_TIMEOUT_SECONDS = 30.0
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.2
_MAX_FILES = 200
_MAX_BYTES = 4 * 2**30


class Unreachable(FactoryError):
    """The files are not there, or nobody answers who has them."""


@dataclass(frozen=True)
class Source:
    """Where addresses without a host lead, and where the login is read, at each request: it may be rotated."""

    tracking_uri: str
    credentials: Callable[[], Credentials | None]

    def fetch(self, uri: str, target: Path) -> None:
        """Copy every file under `uri` into the empty folder `target`. Links are not followed, they are refused."""
        if uri.startswith(f"{_SCHEME}:"):
            self._download(urllib.parse.urlsplit(uri).path.strip("/"), target)
        elif uri.startswith("/"):
            _copy(Path(uri), target)
        elif uri.startswith("file://"):
            _copy(Path(urllib.parse.unquote(uri.removeprefix("file://"))), target)
        else:
            raise Unreachable(f"{uri.split(':', maxsplit=1)[0]}: is not an address that the service reads models from")

    def _download(self, root: str, target: Path) -> None:
        """Walk the folder `root` of the proxy; at most `_MAX_FILES` files and `_MAX_BYTES` bytes."""
        folders, files, left = [""], 0, _MAX_BYTES
        while folders:
            folder = folders.pop()
            for name, is_folder in self._list("/".join(part for part in (root, folder) if part)):
                path = f"{folder}/{name}".strip("/")
                if is_folder:
                    folders.append(path)
                    continue
                files += 1
                if files > _MAX_FILES:
                    raise Unreachable(f"{root} holds more than {_MAX_FILES} files: this is not a model")
                left -= self._get(f"{root}/{path}", target / path, left)
        if not files:
            raise Unreachable(f"{_SCHEME}:/{root} holds no model: it was deleted, or never copied")

    def _list(self, folder: str) -> list[tuple[str, bool]]:
        query = urllib.parse.urlencode({"path": folder})
        with self._open(f"{_API}?{query}") as answer:
            listed = json.load(answer).get("files", [])
        found = [(str(entry["path"]), bool(entry.get("is_dir"))) for entry in listed]
        for name, _ in found:
            if "/" in name or name in {"", ".", ".."} or "\\" in name:
                raise Unreachable("the tracking server lists a file with a path for a name: refused")
        return found

    def _get(self, path: str, target: Path, limit: int) -> int:
        """Download one file; its size in bytes."""
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with self._open(f"{_API}/{urllib.parse.quote(path)}") as answer, target.open("wb") as file:
            while part := answer.read(1 << 20):
                size += len(part)
                if size > limit:
                    raise Unreachable(f"the model is larger than {_MAX_BYTES >> 30} GiB: refused")
                file.write(part)
        return size

    def _open(self, path: str):  # type: ignore[no-untyped-def]  # urllib names no public type for what it returns
        """The answer; asked again for a while when the server fails, or refuses a login that may be being rotated."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            request = self._request(path)
            try:
                return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310
            except urllib.error.HTTPError as error:
                passing = error.code == HTTPStatus.UNAUTHORIZED or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
                if not passing or time.monotonic() > until:
                    raise Unreachable(f"the model cannot be fetched: {_reason(error.code)}") from None
                time.sleep(_PAUSE_SECONDS)
            except OSError as error:
                why = getattr(error, "reason", None) or error
                raise Unreachable(f"the model cannot be fetched: the tracking server does not answer ({why})") from None

    def _request(self, path: str) -> urllib.request.Request:
        request = urllib.request.Request(self.tracking_uri.rstrip("/") + path)  # noqa: S310 - the contract's address
        credentials = self.credentials()
        if credentials is not None:
            login = f"{credentials.login}:{credentials.password}".encode()
            request.add_header("Authorization", "Basic " + base64.b64encode(login).decode())
        return request


def _reason(code: int) -> str:
    said = {401: "the login is refused", 403: "the login may not read it", 404: "it is not there"}
    return said.get(code, f"the tracking server answers {code}")


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise Unreachable(f"{source} holds no model: it was deleted, or never written")
    for path in sorted(source.rglob("*")):
        if path.is_symlink():
            raise Unreachable(f"{path.name} in {source} is a link: a model folder holds plain files only")
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
