"""What a folder runs its science with is told apart from the science."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from aifactory_runtime.pipeline.reproduction import operations
from aifactory_runtime.pipeline.reproduction.operations import Operations


def tree(root: Path, place: str = layout.CODE[1]) -> Path:
    """A repo's tree with a runtime at `place`, a lock of the factory and a science."""
    for name, text in {
        f"{place}/aifactory_runtime/__init__.py": '"""It."""\n\n__version__ = "1.2.3"\n',
        f"{place}/aifactory_runtime/errors.py": "A = 1\n",
        "requirements/factory.txt": "numpy==2.4.6\n",
        "requirements/science.txt": "partd==1.4.2\n",
        "src/demo_case/model.py": "B = 1\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("place", layout.CODE)
def test_given_the_runtime_in_either_place_then_its_version_and_digest_are_the_same(tmp_path: Path, place: str) -> None:
    found = operations.of_folder(tree(tmp_path / "one", place))
    assert found.runtime == "1.2.3" and len(found.runtime_sha256) == len(found.lock_sha256) == 64
    assert found == operations.of_folder(tree(tmp_path / "other"))


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (f"{layout.CODE[1]}/aifactory_runtime/errors.py", "runtime_sha256"),
        ("requirements/factory.txt", "lock_sha256"),
        ("requirements/science.txt", None),
        ("src/demo_case/model.py", None),
        ("README.md", None),
    ],
)
def test_given_a_change_then_only_the_part_that_it_belongs_to_is_another(
    tmp_path: Path, path: str, changes: str | None
) -> None:
    before = operations.of_folder(tree(tmp_path))
    (tmp_path / path).write_text("changed\n")
    after = operations.of_folder(tmp_path)
    if changes is None:
        assert after == before
    else:
        assert getattr(after, changes) != getattr(before, changes)
        assert replace(after, **{changes: getattr(before, changes)}) == before


def test_given_a_folder_with_neither_runtime_nor_lock_then_nothing_is_said_of_them(tmp_path: Path) -> None:
    assert operations.of_folder(tmp_path) == Operations("", "", "")
