"""The files of a run: in a folder on disk, or behind a tracking server's artefact proxy with a login of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlparse

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

_ENDPOINT = "/api/2.0/mlflow-artifacts/artifacts"
_OK = 200


class Files(Protocol):
    """Puts and gets the files below an artefact address."""

    def today(self, address: str) -> str:
        """Where the files of a run lie that were once written to `address`."""

    def put(self, address: str, content: bytes) -> None:
        """Write one file, whole."""

    def get_folder(self, address: str, folder: Path) -> None:
        """Copy what lies below `address` to `folder`."""


class DiskFiles:
    """Files of the embedded default, below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def today(self, address: str) -> str:
        """`<experiment>/<run>/artifacts` below today's folder: a repo may be moved, its database holds old paths."""
        return str(self._root.joinpath(*address.split("/")[-3:]))

    def put(self, address: str, content: bytes) -> None:
        """Write by rename, so that a killed writer leaves no torn file."""
        files.write(_path(address), content)

    def get_folder(self, address: str, folder: Path) -> None:
        """Copy a folder; links are copied as links, which the digest refuses."""
        source = _path(address)
        if not source.is_dir():
            raise FactoryError(f"{source} is missing: the registry names it; restore it or register the model again")
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)


class ProxyFiles:
    """Files behind the proxy of a tracking server, which checks the login against the experiment."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def today(self, address: str) -> str:
        """The server resolves its addresses itself."""
        return address

    def put(self, address: str, content: bytes) -> None:
        """Upload one file."""
        self._call("PUT", f"{_ENDPOINT}/{quote(_inside(address))}", data=content)

    def get_folder(self, address: str, folder: Path) -> None:
        """Download folder by folder."""
        folder.mkdir(parents=True, exist_ok=True)
        answer = self._call("GET", _ENDPOINT, params={"path": _inside(address)}).json()
        found = answer.get("files", [])
        if not found:
            raise FactoryError(f"{address} holds no files: restore it or register the model again")
        for entry in found:
            name = PurePosixPath(entry["path"]).name
            if name in {"", "..", "."}:
                raise FactoryError(f"{address} lists a file that is no name: do not trust this server")
            if entry.get("is_dir"):
                self.get_folder(f"{address}/{name}", folder / name)
            else:
                content = self._call("GET", f"{_ENDPOINT}/{quote(_inside(address))}/{quote(name)}").content
                (folder / name).write_bytes(content)

    def _call(self, method: str, endpoint: str, **arguments: Any) -> Any:
        from mlflow.utils.rest_utils import http_request

        answer = http_request(self._host, endpoint, method, **arguments)
        if answer.status_code != _OK:
            raise FactoryError(
                f"the artefact proxy answers {answer.status_code} to {method}: check the login with factory status"
            )
        return answer


def _inside(address: str) -> str:
    """Path below the proxy's root of an `mlflow-artifacts:` address."""
    return urlparse(address).path.lstrip("/")


def _path(address: str) -> Path:
    if address.startswith("/"):
        return Path(address)
    parsed = urlparse(address)
    if parsed.scheme != "file":
        raise FactoryError(f"{address} is no folder on this machine: set tracking_uri to the server that holds it")
    return Path(unquote(parsed.path))
