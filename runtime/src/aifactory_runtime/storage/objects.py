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
from aifactory_runtime.storage import answers, keys
from aifactory_runtime.storage.port import Changed, Denied, Entry, Exists, Missing, NoBucket, Object


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
        except (Missing, NoBucket):
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
        except (FileNotFoundError, exceptions.BaseError) as error:
            raise self._refusal(error, key, where) from None

    def _refusal(self, error: Exception, key: str, where: str) -> FactoryError:
        from obstore import exceptions

        if answers.code(str(error)) in answers.NO_BUCKET:
            return NoBucket(f"{where} cannot be had: the bucket {self.bucket} is not there, factory up makes it")
        if isinstance(error, (FileNotFoundError, exceptions.NotFoundError)):
            return Missing(f"{where} is not there")
        if isinstance(error, exceptions.AlreadyExistsError):
            return Exists(f"{where} exists already")
        if isinstance(error, exceptions.PreconditionError):
            return self._changed(key)
        return self._unserved(error, where)

    def _unserved(self, error: Exception, where: str) -> FactoryError:
        """What the store refuses for reasons that have nothing to do with the object's state."""
        from obstore import exceptions

        text = str(error)
        if isinstance(error, exceptions.InvalidPathError):
            return FactoryError(f"{where} has an object whose key leads out of it: do not trust this bucket")
        if self.scheme == "s3" and (known := answers.of_text(text, where)):
            return known
        if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)):
            return Denied(f"this login may not do that at {where}: {answers.ALLOWED}")
        return FactoryError(f"{where} cannot be reached: {answers.reason(text)}")


def opened(scheme: str, bucket: str, prefix: str, region: str | None = None) -> ObjectStore:
    """The store at `scheme://bucket/prefix`; the identity comes from the surroundings."""
    try:
        from obstore.store import AzureStore, S3Store
    except ImportError:
        raise FactoryError(f"{scheme}://{bucket} needs the package obstore: pip install obstore") from None

    try:
        if scheme == "az":
            client: Any = AzureStore(bucket, client_options=_plain("AZURE_STORAGE_ENDPOINT"))
        else:
            named: Any = {"region": region} if region else {}
            plain = _plain("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
            client = S3Store(bucket, client_options=plain, credential_provider=_identity(), **named)
    except Exception as error:  # each library below has its own kinds
        place = f"{scheme}://{bucket}"
        known = answers.of_text(str(error), place) if scheme == "s3" else None
        raise known or FactoryError(f"{place} cannot be opened: {answers.reason(str(error))}") from None
    return ObjectStore(scheme, bucket, keys.folder(prefix.strip("/")), client)


def _plain(*variables: str) -> Any:
    """Without TLS only where the first address that the surroundings name is so, as of a server that stands in."""
    address = next((found for name in variables if (found := os.environ.get(name))), "")
    return {"allow_http": True} if address.startswith("http://") else None


def _identity() -> Any:
    """boto3's chain where the keys are in a profile, which obstore does not read; None where it finds them itself."""
    own = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    folder = Path(os.environ.get("AWS_CONFIG_FILE", Path.home() / ".aws" / "config"))
    if any(os.environ.get(name) for name in own) or not ("AWS_PROFILE" in os.environ or folder.exists()):
        return None
    from obstore.auth.boto3 import Boto3CredentialProvider

    return Boto3CredentialProvider()
