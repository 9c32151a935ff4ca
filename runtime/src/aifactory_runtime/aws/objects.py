"""Objects below an address in S3: written whole, created once, replaced only while nobody else has replaced them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from aifactory_runtime.aws import errors
from aifactory_runtime.aws.session import Session
from aifactory_runtime.errors import FactoryError, UsageProblem

_SCHEME = "s3://"
_NO_KEY, _NO_BUCKET = {"NoSuchKey", "404"}, "NoSuchBucket"
_TAKEN, _BUSY = "PreconditionFailed", "ConditionalRequestConflict"
_ATTEMPTS = 5


class Missing(FactoryError):
    """There is no object of this key."""


class Taken(FactoryError):
    """Somebody else wrote the object: it is there already, or is no longer as it was read."""


@dataclass(frozen=True)
class Object:
    """Content of an object, and what S3 calls this state of it."""

    content: bytes
    version: str


@dataclass(frozen=True)
class Entry:
    """An object as it is listed; the time is by S3's clock."""

    key: str
    size: int
    modified: datetime


class Objects:
    """What lies below one address; keys are relative to it, with "/" between their parts."""

    def __init__(self, session: Session, address: str) -> None:
        """UsageProblem when the address is none of S3's."""
        if not address.startswith(_SCHEME):
            raise UsageProblem(f"{address} is no address in S3: factory outputs {session.contract.environment} --write")
        self._session, self._address = session, address.rstrip("/")
        self._bucket, _, self._prefix = self._address.removeprefix(_SCHEME).partition("/")

    def read(self, key: str) -> Object:
        """The object; `Missing` when there is none."""
        with self._told(key):
            found = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            return Object(found["Body"].read(), str(found["ETag"]))

    def put(self, key: str, content: bytes) -> str:
        """Write an object, whole or not at all; its version."""
        return self._put(key, content)

    def create(self, key: str, content: bytes) -> str:
        """Write an object that is not there; `Taken` when it is."""
        return self._put(key, content, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, version: str) -> str:
        """Write an object in place of this version; `Taken` when it is no longer that one."""
        return self._put(key, content, IfMatch=version)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Objects whose key begins with `prefix`, sorted by key."""
        own = len(self._key(""))
        with self._told(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._key(prefix)):
                for one in page.get("Contents", ()):
                    yield Entry(one["Key"][own:], one["Size"], one["LastModified"])

    def delete(self, key: str) -> None:
        """Remove an object; no error when it is gone."""
        with self._told(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def upload(self, folder: Path, prefix: str) -> None:
        """Write each file of a folder below `prefix`."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def download(self, prefix: str, folder: Path) -> None:
        """Copy all objects below `prefix` to a folder; FactoryError for a key that leads out of it."""
        place = f"{prefix}/" if prefix else ""
        for entry in self.list(place):
            name = PurePosixPath(entry.key.removeprefix(place))
            if name.is_absolute() or ".." in name.parts:
                raise FactoryError(f"{self._address}/{entry.key} leads out of its folder: do not trust this bucket")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(entry.key).content)

    def _put(self, key: str, content: bytes, **only: str) -> str:
        for attempt in range(_ATTEMPTS):
            try:
                with self._told(key):
                    done = self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=content, **only)
                    return str(done["ETag"])
            except errors.Refused as refused:
                if (
                    refused.code != _BUSY or attempt == _ATTEMPTS - 1
                ):  # else two wrote at once, and S3 asks for another try
                    raise
        raise AssertionError("every attempt returns or raises")

    @property
    def _client(self) -> Any:
        return self._session.client("s3")

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Errors of S3 become one line that names the object."""
        environment, place = self._session.contract.environment, f"{self._address}/{key}"
        with errors.one_line(environment):
            try:
                yield
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                if code in _NO_KEY:
                    raise Missing(f"{place} is missing") from None
                if code == _TAKEN:
                    raise Taken(f"{place} was written by somebody else meanwhile: do this again") from None
                if code == _NO_BUCKET:
                    raise FactoryError(
                        f"the bucket {self._bucket} is not there: factory up {environment} makes it"
                    ) from None
                operation = f"{error.operation_name} on {place}"
                raise errors.of_answer(error.response, operation, environment) from None
