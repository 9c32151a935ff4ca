"""Objects of a bucket as a store, by obstore, which is imported when it is first used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import keys
from aifactory_runtime.storage.port import Changed, Entry, Exists, Missing, Object


@dataclass(frozen=True)
class ObjectStore:
    """Objects of one bucket (`s3`) or container (`az`) below `prefix`; a version is the store's ETag."""

    scheme: str
    bucket: str
    prefix: str
    client: Any

    def read(self, key: str) -> Object:
        """What is there; Missing when there is nothing."""
        import obstore

        with self._told(key):
            found = obstore.get(self.client, self._key(key))
            return Object(bytes(found.bytes()), str(found.meta["e_tag"]))

    def put(self, key: str, content: bytes) -> str:
        """Write whole, whatever was there; the new version."""
        return self._put(key, content, "overwrite")

    def create(self, key: str, content: bytes) -> str:
        """Write where nothing is; Exists when something is."""
        return self._put(key, content, "create")

    def replace(self, key: str, content: bytes, version: str) -> str:
        """Write where that version still is; Changed when it is another, or gone."""
        try:
            return self._put(key, content, {"e_tag": version})
        except Missing:
            raise self._changed(key) from None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """All objects whose key begins with these letters, sorted by key."""
        import obstore

        above = keys.joined(self.prefix, keys.folder(prefix.rpartition("/")[0]))
        begin = len(self.prefix) + 1 if self.prefix else 0
        with self._told(prefix):
            found = [one for page in obstore.list(self.client, prefix=above or None) for one in page]
        for one in sorted(found, key=lambda one: str(one["path"])):
            key = str(one["path"])[begin:]
            if key.startswith(prefix):
                yield Entry(key, int(one["size"]), one["last_modified"])

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        import obstore

        try:
            with self._told(key):
                obstore.delete(self.client, self._key(key))
        except Missing:
            return

    def download(self, prefix: str, folder: Path) -> None:
        """Write what lies below a prefix into a folder; Missing when nothing does."""
        below = self.below(prefix)
        entries = [entry.key for entry in below.list()]
        if not entries:
            raise Missing(f"{below.address('')} has no objects")
        for key in entries:
            files.write(folder / keys.checked(key), below.read(key).content)

    def upload(self, folder: Path, prefix: str) -> None:
        """Put all files of a folder below a prefix; large ones go in parts."""
        import obstore

        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = keys.joined(keys.folder(prefix), path.relative_to(folder).as_posix())
                with self._told(key):
                    obstore.put(self.client, self._key(key), path)

    def below(self, prefix: str) -> ObjectStore:
        """What lies below a prefix, as a store of its own."""
        return ObjectStore(self.scheme, self.bucket, keys.joined(self.prefix, keys.folder(prefix)), self.client)

    def address(self, key: str) -> str:
        """Where an object lies, as people read it."""
        return f"{self.scheme}://{keys.joined(self.bucket, keys.joined(self.prefix, key))}"

    def _key(self, key: str) -> str:
        return keys.joined(self.prefix, keys.checked(key))

    def _put(self, key: str, content: bytes, mode: Any) -> str:
        import obstore

        with self._told(key):
            # In one request: only that is whole or not at all under a condition.
            done = obstore.put(self.client, self._key(key), content, mode=mode, use_multipart=False)
            return str(done["e_tag"])

    def _changed(self, key: str) -> Changed:
        return Changed(f"{self.address(key)} was changed by somebody else: read it again")

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Errors of obstore in the block are ours, in one line."""
        from obstore import exceptions

        where = self.address(key)
        try:
            yield
        except (FileNotFoundError, exceptions.NotFoundError):
            raise Missing(f"{where} is not there") from None
        except exceptions.AlreadyExistsError:
            raise Exists(f"{where} exists already") from None
        except exceptions.PreconditionError:
            raise self._changed(key) from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
            raise FactoryError(
                f"this login may not do that at {where}: log in as who may, or have it given (docs/access.md)"
            ) from None
        except exceptions.BaseError as error:
            raise FactoryError(f"{where} cannot be reached: {_first_line(error)}") from None


def opened(scheme: str, bucket: str, prefix: str) -> ObjectStore:
    """The store at `scheme://bucket/prefix`; the identity comes from the surroundings."""
    try:
        from obstore.store import AzureStore, S3Store
    except ImportError:
        raise FactoryError(f"{scheme}://{bucket} needs the package obstore: pip install obstore") from None

    try:
        if scheme == "az":
            client: Any = AzureStore(bucket, client_options=_plain("AZURE_STORAGE_ENDPOINT"))
        else:
            client = S3Store(bucket, client_options=_plain("AWS_ENDPOINT_URL"), credential_provider=_identity())
    except Exception as error:  # each library below has its own kinds
        raise FactoryError(f"{scheme}://{bucket} cannot be opened: {_first_line(error)}") from None
    return ObjectStore(scheme, bucket, keys.folder(prefix.strip("/")), client)


def _plain(variable: str) -> Any:
    """Without TLS only where the surroundings name such an address, as for a server that stands in."""
    return {"allow_http": True} if os.environ.get(variable, "").startswith("http://") else None


def _identity() -> Any:
    """boto3's chain where the keys are in a profile, which obstore does not read; None where it finds them itself."""
    own = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    folder = Path(os.environ.get("AWS_CONFIG_FILE", Path.home() / ".aws" / "config"))
    if any(os.environ.get(name) for name in own) or not ("AWS_PROFILE" in os.environ or folder.exists()):
        return None
    from obstore.auth.boto3 import Boto3CredentialProvider

    return Boto3CredentialProvider()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
