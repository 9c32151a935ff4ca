"""docs/architecture.md names every package and no path that is not there; imports go in one direction."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = {
    path.rstrip("/") for path in re.findall(r"`((?:runtime|aifactory|infra|template|questions|tests)/[\w./]*)`", PAGE)
}
MOST_LINES = 500
PARENTS_SAY_IT = {"infra/components", "infra/providers", "runtime/src/aifactory_runtime", "aifactory", "infra"}
"""Packages that hold only packages: what is in them is named."""


def packages() -> set[str]:
    """Folders with Python of ours, from the checkout's root."""
    found = [path for part in ("aifactory", "infra", "runtime/src") for path in (ROOT / part).rglob("*.py")]
    return {path.parent.relative_to(ROOT).as_posix() for path in found}


def test_given_the_page_when_read_then_every_path_in_it_is_there() -> None:
    assert [path for path in sorted(NAMED) if not (ROOT / path).exists()] == []


def test_given_the_tree_when_walked_then_every_package_is_on_the_page() -> None:
    assert sorted(packages() - NAMED - PARENTS_SAY_IT) == []


@pytest.mark.parametrize(
    ("part", "may_not"),
    [
        ("runtime/src/aifactory_runtime", {"aifactory", "infra"}),
        ("infra", {"aifactory"}),
        ("aifactory/provision", {"aifactory.cli", "aifactory.status", "aifactory.local"}),
        ("aifactory/people", {"aifactory.cli", "aifactory.provision", "aifactory.status", "aifactory.local"}),
        ("aifactory/status", {"aifactory.cli", "aifactory.local"}),
        ("aifactory/local", {"aifactory.cli"}),
        ("aifactory/profile", {"aifactory.cli", "aifactory.provision", "aifactory.scaffold"}),
        ("runtime/src/aifactory_runtime/data", {"aifactory_runtime.pipeline", "aifactory_runtime.release"}),
        ("runtime/src/aifactory_runtime/gate", {"aifactory_runtime.pipeline", "aifactory_runtime.release"}),
        ("runtime/src/aifactory_runtime/pipeline", {"aifactory_runtime.release", "aifactory_runtime.serving"}),
    ],
)
def test_given_a_part_when_its_imports_are_read_then_none_goes_against_the_direction(
    part: str, may_not: set[str]
) -> None:
    against = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / part).rglob("*.py")
        for name in imported(path)
        if any(name == other or name.startswith(f"{other}.") for other in may_not)
    }

    assert against == set()


def test_given_infra_when_its_imports_are_read_then_it_takes_the_contract_alone_of_the_runtime() -> None:
    taken = {
        name for path in (ROOT / "infra").rglob("*.py") for name in imported(path) if name.startswith("aifactory_")
    }

    assert {name for name in taken if not name.startswith("aifactory_runtime.contract")} == set()


@cache
def imported(path: Path) -> set[str]:
    """Modules that a file imports, at any depth of it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{one.name}" for one in node.names}
    return found


def test_given_the_docs_when_they_name_a_test_then_it_is_there() -> None:
    pages = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "adopt.md"}  # names its reader's
    named = {
        name for page in pages for name in re.findall(r"\btests/[a-z_/]+(?:\.py|/)", page.read_text(encoding="utf-8"))
    }

    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_given_the_decisions_then_each_page_is_in_the_list_once_and_in_order() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\[\d{4}\]\((.+?)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_given_our_code_then_no_file_is_too_long_to_be_read_at_once() -> None:
    parts = ("aifactory", "benchmarks", "demo", "infra", "runtime/src", "tests")
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines())
        for part in parts
        for path in (ROOT / part).rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
