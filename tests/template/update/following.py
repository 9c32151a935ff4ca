"""What tests of `factory update` do to a repo: edit it, update it, look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import update
from aifactory.update import tree
from aifactory.update.plan import Plan
from aifactory.update.standing import Standing, standing
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest


def quiet(_line: str) -> None:
    """Takes progress, and says nothing."""


def follow(repo: Path, to: str | None = "0.2.0", *, address: str | None = None, dry_run: bool = False) -> Plan:
    return update.update(repo, to, address, {}, quiet, dry_run=dry_run)


def edit(repo: Path, path: str, old: str, new: str) -> None:
    text = (repo / path).read_text(encoding="utf-8")
    assert old in text
    (repo / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def everything(repo: Path) -> dict[str, bytes]:
    return {path: (repo / path).read_bytes() for path in tree.files_of(repo) if not path.startswith(".factory/")}


def stands(repo: Path, to: str, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """Where the repo stands for a tool of that version."""
    monkeypatch.setattr("aifactory.update.versions.__version__", to)
    manifest = yaml_model.load(repo / "factory.yaml", Manifest).model_dump(mode="json")
    return standing(repo, manifest, {})


def executable(folder: Path, script: str) -> Path:
    path = folder / "10-ours"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
