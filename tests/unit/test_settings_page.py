"""docs/settings.md and the published schema of conf/ are what the settings' models say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aifactory_runtime.config import settings

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "write_settings.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_settings", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITER = script()


@pytest.mark.parametrize("path", list(WRITER.texts()))
def test_given_the_models_then_page_and_schema_are_current(path: str) -> None:
    found = (ROOT / path).read_text(encoding="utf-8")
    assert found == WRITER.texts()[path], "run .venv/bin/python docs/write_settings.py"


def test_given_every_setting_then_the_page_says_what_it_does() -> None:
    undocumented = [line for line in WRITER.page().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    known = ("`data`", "`train`", "`gate`", "`serving`")
    assert [line for line in undocumented if not line.startswith(tuple(f"| {one}" for one in known))] == []
    for key in ("group", "max_leakage_share", "max_rows", "poll_seconds"):
        assert f"| `{key}` |" in WRITER.page()


def _objects(part: Any) -> list[dict[str, Any]]:
    """Every object of the schema that says which keys it has."""
    if not isinstance(part, dict):
        return []
    own = [part] if "properties" in part else []
    return own + [found for value in part.values() for found in _objects(value)]


def test_given_the_schema_then_a_key_that_the_models_refuse_is_refused_by_it_too() -> None:
    schema = json.loads(Path(settings.__file__).with_name("settings.json").read_text(encoding="utf-8"))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert len(_objects(schema)) > 5
    assert all(part["additionalProperties"] is False for part in _objects(schema))
