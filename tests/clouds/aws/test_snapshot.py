"""The code of a commit as an image by digest: pushed once, written down once, with what git archives of it."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from aifactory_runtime.aws import snapshot
from aifactory_runtime.aws.session import Session
from aifactory_runtime.errors import FactoryError
from tests.clouds.fixtures import account
from tests.fixtures.usecase_repo import commit, git

REPOSITORY = f"{account.NUMBER}.dkr.ecr.{account.REGION}.amazonaws.com/aifactory-images"
ENGINE = """#!/usr/bin/env python3
import json, os, sys, boto3
open(os.environ["SAID"], "a").write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "login":
    assert sys.stdin.read(), "no password"
if sys.argv[1] == "push":
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                           "config": {"digest": "sha256:" + "0" * 64}, "layers": []})
    tag = sys.argv[2].rpartition(":")[2]
    boto3.client("ecr").put_image(repositoryName="aifactory-images", imageManifest=manifest, imageTag=tag)
"""
"""What stands in for a container engine, which is not had here: a push puts an image's manifest."""


@pytest.fixture
def session(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    """A bucket, a repository of images, and an engine that comes first on the PATH."""
    s3: Any = boto3.client("s3", endpoint_url=aws)
    s3.create_bucket(Bucket=account.BUCKET, CreateBucketConfiguration={"LocationConstraint": account.REGION})
    ecr: Any = boto3.client("ecr")
    ecr.create_repository(repositoryName="aifactory-images", imageTagMutability="IMMUTABLE")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(ENGINE)
    (tmp_path / "bin" / "docker").chmod(0o755)
    python = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{python}:{os.environ['PATH']}")
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    yield Session(account.contract(image_uri=REPOSITORY))
    for one in s3.list_objects_v2(Bucket=account.BUCKET).get("Contents", []):
        s3.delete_object(Bucket=account.BUCKET, Key=one["Key"])
    s3.delete_bucket(Bucket=account.BUCKET)
    ecr.delete_repository(repositoryName="aifactory-images", force=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo whose `make image` builds nothing."""
    made = tmp_path / "churn"
    made.mkdir()
    (made / "Makefile").write_text("image:\n\t@echo built\n")
    git(made, "init", "--quiet", "--initial-branch=main")
    commit(made, "Start")
    return made


def test_given_a_commit_when_published_twice_then_it_is_built_once_and_named_by_digest(
    session: Session, repo: Path, tmp_path: Path
) -> None:
    head = git(repo, "rev-parse", "HEAD")
    assert snapshot.read(session, head) is None

    made = snapshot.publish(repo, session)

    assert made.commit == head
    assert made.image.startswith(f"{REPOSITORY}@sha256:")
    assert snapshot.publish(repo, session) == made == snapshot.read(session, head)
    said = (tmp_path / "said").read_text().splitlines()
    assert [line.split()[0] for line in said] == ["login", "tag", "push"]
    assert said[2] == f"push {REPOSITORY}:churn-{head}"
    archive = session.client("s3").get_object(Bucket=account.BUCKET, Key=f"snapshots/{head}.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as found:
        assert found.getnames() == ["Makefile"]


def test_given_a_job_that_was_killed_after_the_push_when_published_again_then_nothing_is_built_again(
    session: Session, repo: Path, tmp_path: Path
) -> None:
    made = snapshot.publish(repo, session)
    session.client("s3").delete_object(Bucket=account.BUCKET, Key=f"snapshots/{made.commit}.json")

    again = snapshot.publish(repo, session)

    assert again.image == made.image
    assert len((tmp_path / "said").read_text().splitlines()) == 3


def test_given_what_cannot_be_published_then_one_line_says_why(
    session: Session, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "Makefile").write_text("image:\n\t@false\n")
    with pytest.raises(FactoryError, match="files are not committed"):
        snapshot.publish(repo, session)
    commit(repo, "It does not build")
    with pytest.raises(FactoryError, match=r"make --no-print-directory failed|make .*failed"):
        snapshot.publish(repo, session)
    git_only = Path(subprocess.check_output(["which", "git"], text=True).strip()).parent
    monkeypatch.setenv("PATH", str(git_only))
    with pytest.raises(FactoryError, match="docker or podman is needed"):
        snapshot.publish(repo, session)
    bucket = {"Bucket": account.BUCKET, "Key": f"snapshots/{git(repo, 'rev-parse', 'HEAD')}.json"}
    session.client("s3").put_object(**bucket, Body=json.dumps({"commit": "x"}).encode())
    with pytest.raises(FactoryError, match="is damaged"):
        snapshot.publish(repo, session)
