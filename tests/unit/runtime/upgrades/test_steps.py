"""Upgrade steps on an owner's files: found by looking, done once, every other byte kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.upgrades import codeowners, schema_address, steps

OLD = b"# yaml-language-server: $schema=src/aifactory_runtime/contract/manifest.v1.json"
NEW = b"# yaml-language-server: $schema=vendor/aifactory-runtime/src/aifactory_runtime/contract/manifest.v1.json"


def repo(folder: Path, **texts: bytes) -> Path:
    for name, text in texts.items():
        path = folder / {"manifest": "factory.yaml", "conf": "conf/base.yaml", "owners": "CODEOWNERS"}[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


@given(rest=st.binary(max_size=60).filter(lambda text: b"\r" not in text))
def test_given_a_first_line_of_before_then_it_alone_is_changed_and_once(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes
) -> None:
    root = repo(tmp_path_factory.mktemp("repo"), manifest=OLD + b"\n" + rest, conf=b"train: {}\n" + OLD + b"\n")
    assert steps.look(root).due == (
        "the line that tells editors the schema names the runtime's old place, in factory.yaml",
    )
    assert steps.apply(root) == steps.Upgrades(
        ("the line that tells editors the schema names the runtime's old place, in factory.yaml",), ()
    )
    assert (root / "factory.yaml").read_bytes() == NEW + b"\n" + rest
    assert steps.apply(root).due == ()
    assert (root / "conf/base.yaml").read_bytes() == b"train: {}\n" + OLD + b"\n"


@pytest.mark.parametrize("text", [NEW + b"\n", b"schema: 1\n", b"", b"\xff\xfe\n"])
def test_given_nothing_to_do_then_nothing_is_due_or_written(tmp_path: Path, text: bytes) -> None:
    root = repo(tmp_path, manifest=text)
    before = (root / "factory.yaml").stat().st_mtime_ns
    assert schema_address.due(root) is None
    assert steps.apply(root).due == ()
    assert (root / "factory.yaml").stat().st_mtime_ns == before


def test_given_a_schema_line_in_conf_then_its_place_is_changed_too(tmp_path: Path) -> None:
    root = repo(tmp_path, conf=b"# yaml-language-server: $schema=../src/aifactory_runtime/config/settings.json\n")
    steps.apply(root)
    assert (
        b"$schema=../vendor/aifactory-runtime/src/aifactory_runtime/config/" in (root / "conf/base.yaml").read_bytes()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"/factory.yaml @kim @bo\n", "CODEOWNERS asks nobody about changes of vendor/: {} @kim @bo"),
        (
            b"* @kim\n/factory.yaml @kim @bo # who decides\n",
            "CODEOWNERS asks @kim alone about changes of vendor/: {} @kim @bo",
        ),
        (b"* @kim @bo\n/factory.yaml @kim\n", None),
        (b"* @kim\n* @bo\n/factory.yaml @kim\n", "CODEOWNERS asks @bo alone about changes of vendor/: {} @kim"),
        (b"/factory.yaml @kim\n/vendor/ @kim\n", None),
        (b"* @kim\n", None),
        (b"", None),
    ],
)
def test_given_codeowners_then_the_line_to_add_is_named_and_the_file_left_alone(
    tmp_path: Path, text: bytes, said: str | None
) -> None:
    root = repo(tmp_path, owners=text)
    expected = said and said.format("add to CODEOWNERS the line  /vendor/")
    assert codeowners.due(root) == expected
    assert steps.apply(root).reminders == ((expected,) if expected else ())
    assert (root / "CODEOWNERS").read_bytes() == text
