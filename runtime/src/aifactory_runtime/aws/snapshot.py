"""Makes the code of a commit something that AWS can run: an image by digest, written down where releases look.

`python -m aifactory_runtime.aws.snapshot ENV` builds and pushes the image of the commit that is checked out, unless the
repository has it, puts what git archives of the commit into `snapshots/<commit>.tar.gz` and then, created once and
never changed, `snapshots/<commit>.json`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from aifactory_runtime.aws import errors
from aifactory_runtime.aws.session import Session
from aifactory_runtime.config import environment, yaml_model
from aifactory_runtime.config.project import MANIFEST, find_root
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.storage import Exists, Missing, Store

_GONE = "ImageNotFoundException"


@dataclass(frozen=True)
class Snapshot:
    """`snapshots/<commit>.json`."""

    commit: str
    image: str
    """Repository and digest: `<account>.dkr.ecr.<region>.amazonaws.com/<name>@sha256:...`."""
    archive: str
    """Name of the archive beside it."""
    archive_sha256: str
    made: str


def publish(repo: Path, session: Session) -> Snapshot:
    """The snapshot of the commit that is checked out, made where there is none yet.

    FactoryError when files are not committed, when no container engine is there, or when AWS refuses something.
    """
    contract = session.contract
    commit = _commit(repo)
    known = read(session, commit)
    if known is not None:
        return known
    if contract.image_uri is None:
        raise UsageProblem(f"{contract.environment} names no image_uri: factory up {contract.environment}")
    image = f"{contract.image_uri}@{_image(repo, session, commit, contract.image_uri)}"
    archive = gzip.compress(_git(repo, "archive", "--format=tar", commit), mtime=0)
    _put(session, f"{commit}.tar.gz", archive)
    made = Snapshot(
        commit,
        image,
        f"{commit}.tar.gz",
        hashlib.sha256(archive).hexdigest(),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    _put(session, f"{commit}.json", json.dumps(asdict(made), indent=1).encode())
    return read(session, commit) or made  # of two jobs that made it at once the first one's counts


def read(session: Session, commit: str) -> Snapshot | None:
    """The snapshot of a commit; None where CI has made none."""
    try:
        return Snapshot(**json.loads(_store(session).read(f"{commit}.json").content))
    except Missing:
        return None
    except (ValueError, TypeError):
        raise FactoryError(f"snapshots/{commit}.json is damaged: put an earlier version of the object back") from None


def _image(repo: Path, session: Session, commit: str, repository: str) -> str:
    """Digest of the commit's image at the repository; built and pushed when it is not there."""
    tag = f"{session.contract.use_case}-{commit}"
    digest = _pushed(session, repository, tag)
    if digest is None:
        engine = shutil.which("docker") or shutil.which("podman")
        if engine is None:
            raise FactoryError("docker or podman is needed to build the image: run this where one is, such as in CI")
        _login(session, engine, repository)
        _run(["make", "--no-print-directory", "image"], repo)
        _run([engine, "tag", session.contract.use_case, f"{repository}:{tag}"], repo)
        _run([engine, "push", f"{repository}:{tag}"], repo)
        digest = _pushed(session, repository, tag)
    if digest is None:
        raise FactoryError(f"{repository} has no {tag} though it was pushed: run this again")
    return digest


def _pushed(session: Session, repository: str, tag: str) -> str | None:
    name = urlsplit(f"//{repository}").path.strip("/")
    asked: dict[str, Any] = {"repositoryName": name, "imageIds": [{"imageTag": tag}]}
    if session.contract.account:
        asked["registryId"] = session.contract.account
    try:
        return str(session.client("ecr").describe_images(**asked)["imageDetails"][0]["imageDigest"])
    except ClientError as error:
        if error.response["Error"]["Code"] == _GONE:
            return None
        raise errors.of_answer(error.response, "DescribeImages", session.contract.environment) from None


def _login(session: Session, engine: str, repository: str) -> None:
    """Log the engine in at the repository; the password goes by its standard input."""
    with errors.one_line(session.contract.environment):
        said = session.client("ecr").get_authorization_token()["authorizationData"][0]
    login, _, password = base64.b64decode(said["authorizationToken"]).decode().partition(":")
    host = repository.partition("/")[0]
    _run([engine, "login", "--username", login, "--password-stdin", host], Path.cwd(), password.encode())


def _put(session: Session, name: str, content: bytes) -> None:
    """Put an object that is not there yet; one that is stays."""
    with suppress(Exists):
        _store(session).create(name, content)


def _store(session: Session) -> Store:
    contract = session.contract
    if not contract.snapshot_uri.startswith("s3://"):
        raise UsageProblem(f"{contract.environment} keeps code in {contract.snapshot_uri}, which is not on AWS")
    return session.store(contract.snapshot_uri)


def _commit(repo: Path) -> str:
    if _git(repo, "status", "--porcelain", "--untracked-files=no"):
        raise FactoryError("files are not committed, and an image is of a commit: commit them first")
    return _git(repo, "rev-parse", "HEAD").decode().strip()


def _git(repo: Path, *arguments: str) -> bytes:
    return _run(["git", *arguments], repo, quiet=True)


def _run(command: Sequence[str], folder: Path, given: bytes = b"", *, quiet: bool = False) -> bytes:
    done = subprocess.run(
        command, cwd=folder, input=given, stdout=subprocess.PIPE if quiet else sys.stderr.fileno(), check=False
    )
    if done.returncode:
        raise FactoryError(f"{Path(command[0]).name} {command[1]} failed (see above)")
    return done.stdout or b""


def main(arguments: list[str]) -> int:
    """Publish the commit that is checked out in the environment that is named; the exit code."""
    try:
        repo = find_root(Path.cwd())
        manifest = yaml_model.load(repo / MANIFEST, Manifest)
        found = environment.resolve(repo, manifest, os.environ, environment=arguments[0])
        print(json.dumps(asdict(publish(repo, Session(found.contract)))))  # noqa: T201 - a program of its own
    except FactoryError as error:
        print(f"factory: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
