"""Fault 48: whatever is wrong in factory.yaml is named with file, line and key; for every key there is."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import UsageProblem
from tests.unit.runtime.contract.test_manifest import VALID

FACTORY = str(Path(sys.executable).with_name("factory"))
COMPLETE: dict[str, Any] = Manifest.model_validate(VALID).model_dump(mode="json", by_alias=True)
"""A manifest with every key that there is."""

Key = tuple[str | int, ...]


def leaves(node: Any, above: Key = ()) -> Iterator[Key]:
    """Path of every value."""
    pairs = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else ()
    found = False
    for key, value in pairs:
        found = True
        yield from leaves(value, (*above, key))
    if not found:
        yield above


def mappings(node: Any, above: Key = ()) -> Iterator[Key]:
    """Path of every mapping with keys of ours."""
    if isinstance(node, dict):
        yield above
        for key, value in node.items():
            if key not in {"people", "capture_columns"}:
                yield from mappings(value, (*above, key))
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from mappings(value, (*above, number))


def put(path: Key, value: Any) -> dict[str, Any]:
    """A complete manifest with one value changed."""
    values = copy.deepcopy(COMPLETE)
    node: Any = values
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return values


def refusal(tmp_path: Path, text: str) -> str:
    """What is said of a manifest."""
    path = tmp_path / "factory.yaml"
    path.write_text(text)
    with pytest.raises(UsageProblem) as refused:
        yaml_model.load(path, Manifest)
    return str(refused.value)


@pytest.mark.heavy
def test_fault_48_given_a_wrong_value_for_each_key_when_read_then_its_file_line_and_key_are_named(
    tmp_path: Path,
) -> None:
    paths = [path for path in leaves(COMPLETE) if not isinstance(path[-1], int)]
    assert len(paths) > 40
    for path in paths:
        text = yaml.safe_dump(put(path, {"no_such_thing": "here"}), sort_keys=False)
        line = text.splitlines().index(next(line for line in text.splitlines() if "no_such_thing" in line))
        # A mapping starts one line above its first key; where one may stand, the key in it is what is wrong.
        said = refusal(tmp_path, text)
        assert said.startswith((f"{tmp_path}/factory.yaml:{line}:", f"{tmp_path}/factory.yaml:{line + 1}:")), said
        assert str(path[-1]) in said, said
        assert "\n" not in said


def test_fault_48_given_an_unknown_key_in_each_place_when_read_then_its_line_is_named(tmp_path: Path) -> None:
    for path in mappings(COMPLETE):
        text = yaml.safe_dump(put((*path, "surprise"), "boo"), sort_keys=False)
        line = next(number for number, text in enumerate(text.splitlines(), start=1) if "surprise" in text)
        said = refusal(tmp_path, text)
        assert said.startswith(f"{tmp_path}/factory.yaml:{line}: "), said
        assert "surprise: unknown key" in said
        assert "boo" not in said


def test_fault_48_given_each_required_key_missing_when_read_then_the_key_is_named(tmp_path: Path) -> None:
    for key in ("use_case", "title", "owner", "team", "problem", "scoring", "models", "risk", "environments"):
        values = {name: value for name, value in COMPLETE.items() if name != key}
        said = refusal(tmp_path, yaml.safe_dump(values, sort_keys=False))
        assert f"factory.yaml:1: {key}: " in said


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("text", "line"),
    [("use_case: churn\nowner: [\n", 3), ("use_case: churn\n\towner: x\n", 2), ("a: 1\n b: 2\n", 2), ("a: *b\n", 1)],
)
def test_fault_48_given_text_that_is_no_yaml_when_a_command_runs_then_file_and_line_are_named(
    tmp_path: Path, text: str, line: int
) -> None:
    (tmp_path / "factory.yaml").write_text(text)

    done = subprocess.run(
        [FACTORY, "up", "dev"],
        cwd=tmp_path,
        env={**os.environ, "FACTORY_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert f"factory.yaml:{line}: not valid YAML" in done.stderr
    assert not (tmp_path / "home").exists()
