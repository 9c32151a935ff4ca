"""The table of kinds is the one in docs/events.md, and whoever has to act is somebody."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from aifactory_runtime.contract import names
from aifactory_runtime.events import kinds

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
RUNTIME = ROOT / "runtime" / "src" / "aifactory_runtime"


def test_given_the_table_when_the_page_is_read_then_it_has_the_same_rows() -> None:
    rows = [
        f"| `{kind.name}` | {kind.severity} | {kind.owner} | {kind.what_to_do} | {kind.closed_by} |"
        for kind in kinds.KINDS.values()
    ]
    told = [line for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert told == rows


def test_given_the_table_when_read_then_each_owner_is_a_persona_and_each_kind_says_what_to_do() -> None:
    for name, kind in kinds.KINDS.items():
        assert kind.name == name
        assert kind.owner in names.PERSONAS
        assert kind.severity in get_args(kinds.Severity)
        assert kind.what_to_do and kind.closed_by and "|" not in kind.what_to_do + kind.closed_by


def test_given_a_kind_of_a_newer_runtime_when_looked_up_then_it_is_told_as_one() -> None:
    found = kinds.of("sensor_silent")
    assert (found.name, found.severity) == ("sensor_silent", "warning")
    assert "newer version" in found.what_to_do
    assert kinds.of(kinds.QUOTA_USED_UP) is kinds.KINDS[kinds.QUOTA_USED_UP]


def test_given_the_package_when_its_imports_are_read_then_it_takes_the_foundations_alone() -> None:
    taken = {
        node.module
        for path in (RUNTIME / "events").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("aifactory_runtime.")
    }
    foundations = ("contract", "config", "errors", "events", "files", "segments")
    assert {name for name in taken if name.split(".")[1] not in foundations} == set()
