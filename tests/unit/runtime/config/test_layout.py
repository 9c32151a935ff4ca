"""Where the runtime lies in a tree: the copy that Python finds there, whenever the tree was made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from infra.services import launcher, ticking

BEFORE, NOW = (f"{folder}/aifactory_runtime" for folder in layout.CODE)


def _copy(root: Path, place: str) -> None:
    (root / place).mkdir(parents=True)
    (root / place / "__init__.py").write_text("")


def _found(root: Path, path: str) -> Path:
    """The runtime that a process imports with this path."""
    code = "import aifactory_runtime; print(aifactory_runtime.__path__[0])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], check=True, env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    return Path(done.stdout.strip()).resolve().relative_to(root)


@pytest.mark.parametrize(
    ("copies", "left", "expected"),
    [
        ((BEFORE,), (), BEFORE),
        ((NOW,), (), NOW),
        ((NOW,), (f"{BEFORE}/__pycache__",), NOW),
        ((BEFORE, NOW), (), BEFORE),
    ],
)
def test_given_copies_in_a_tree_when_asked_then_it_is_the_one_that_python_imports(
    tmp_path: Path, copies: tuple[str, ...], left: tuple[str, ...], expected: str
) -> None:
    for place in copies:
        _copy(tmp_path, place)
    for folder in left:
        (tmp_path / folder).mkdir(parents=True)

    assert layout.runtime_folder(tmp_path) == tmp_path / expected
    assert _found(tmp_path, layout.python_path(tmp_path)) == Path(expected)


def test_given_a_snapshot_when_linked_then_who_knows_only_src_finds_the_runtime_and_it_is_still_where_it_was(
    tmp_path: Path,
) -> None:
    _copy(tmp_path, NOW)
    (tmp_path / "src").mkdir()

    for _ in range(2):
        layout.link_old_place(tmp_path)

    assert _found(tmp_path, str(tmp_path / "src")) == Path(NOW)
    assert layout.runtime_folder(tmp_path) == tmp_path / NOW
    assert not (tmp_path / BEFORE).readlink().is_absolute(), "a backup is restored in another place"


def test_given_a_snapshot_made_before_the_runtime_moved_when_linked_then_it_stays_as_it_is(tmp_path: Path) -> None:
    _copy(tmp_path, BEFORE)

    layout.link_old_place(tmp_path)

    assert not (tmp_path / BEFORE).is_symlink() and not (tmp_path / "vendor").exists()


def test_given_the_services_of_infra_then_they_look_where_the_runtime_says() -> None:
    assert launcher.CODE == ticking.CODE == layout.CODE
