"""Three versions of a text: lines of both sides, or a conflict that shows both."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory.update import tree
from aifactory.update.rules import Outcome, Step
from aifactory.update.text_merge import Merged, merge, three_way
from aifactory.update.tree import EXECUTABLE, FILE, LINK, SUBMODULE, Entry
from tests.fixtures.usecase_repo import git

LABELS = ("yours", "factory 0.1.0", "factory 0.2.0")
BASE = b"".join(b"line %d\n" % number for number in range(9))


@given(st.integers(0, 3), st.integers(5, 8))
@settings(max_examples=10)
def test_given_edits_of_other_lines_then_both_are_kept(mine: int, its: int) -> None:
    ours = BASE.replace(b"line %d\n" % mine, b"line %d\nmine\n" % mine)
    theirs = BASE.replace(b"line %d\n" % its, b"factory's\n")
    merged, conflict = three_way(ours, BASE, theirs, LABELS)
    assert not conflict
    assert merged is not None
    assert b"mine\n" in merged
    assert b"factory's\n" in merged
    assert b"line %d\n" % its not in merged


def test_given_edits_of_one_line_then_both_stand_between_markers_with_their_names() -> None:
    merged, conflict = three_way(b"mine\n", b"old\n", b"new\n", LABELS)
    assert conflict
    assert merged is not None
    assert merged.decode().splitlines() == [
        "<<<<<<< yours",
        "mine",
        "||||||| factory 0.1.0",
        "old",
        "=======",
        "new",
        ">>>>>>> factory 0.2.0",
    ]


def test_given_a_file_saved_with_other_line_ends_then_it_is_not_an_edit_and_keeps_them() -> None:
    crlf = BASE.replace(b"\n", b"\r\n")
    changed = BASE.replace(b"line 3", b"new 3")
    assert three_way(crlf, BASE, changed, LABELS) == (changed.replace(b"\n", b"\r\n"), False)
    edited = crlf.replace(b"line 7", b"my 7")
    merged, conflict = three_way(edited, BASE, changed, LABELS)
    assert not conflict
    assert merged == changed.replace(b"line 7", b"my 7").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("letters", [b"caf\xe9\n", b"\x83e\x83X\x83g\n"])
def test_given_letters_that_are_no_utf_8_then_they_stay_as_they_are(letters: bytes) -> None:
    merged, conflict = three_way(BASE + letters, BASE, b"first\n" + BASE, LABELS)
    assert (merged, conflict) == (b"first\n" + BASE + letters, False)


def test_given_a_binary_file_on_both_sides_then_it_is_a_conflict_without_markers() -> None:
    assert three_way(b"\x00mine", b"\x00old", b"\x00new", LABELS) == (None, True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def merged(repo: Path, *sides: tuple[str, bytes]) -> tuple[Merged, list[Entry]]:
    base, ours, theirs = (Entry(mode, tree.store(repo, content)) for mode, content in sides)
    return merge(repo, Step("a", Outcome.MERGE, base, ours, theirs), LABELS), [base, ours, theirs]


@pytest.mark.parametrize(
    "sides",
    [
        [(FILE, b"\x00old"), (FILE, b"\x00mine"), (FILE, b"\x00new")],
        [(FILE, b"old"), (LINK, b"elsewhere"), (FILE, b"new")],
        [(FILE, b"old"), (FILE, b"mine"), (LINK, b"elsewhere")],
    ],
)
def test_given_what_no_markers_can_be_written_into_then_the_owners_version_stays(
    repo: Path, sides: list[tuple[str, bytes]]
) -> None:
    found, entries = merged(repo, *sides)
    assert found == Merged(entries[1], conflict=True)


def test_given_a_submodule_of_the_owners_then_it_is_left_to_git(repo: Path) -> None:
    found, _entries = merged(repo, (FILE, b"old"), (SUBMODULE, b"any"), (FILE, b"new"))
    assert found == Merged(None, conflict=True)


@pytest.mark.parametrize(
    ("sides", "mode", "content"),
    [
        ([(FILE, b"old\n"), (EXECUTABLE, b"old\n"), (FILE, b"new\n")], EXECUTABLE, b"new\n"),
        ([(FILE, b"old\n"), (FILE, b"mine\n"), (EXECUTABLE, b"old\n")], EXECUTABLE, b"mine\n"),
        ([(FILE, b"old\n"), (FILE, b"new\n"), (EXECUTABLE, b"new\n")], EXECUTABLE, b"new\n"),
    ],
)
def test_given_a_mode_that_one_side_changed_then_it_is_kept(
    repo: Path, sides: list[tuple[str, bytes]], mode: str, content: bytes
) -> None:
    found, _entries = merged(repo, *sides)
    assert found == Merged(Entry(mode, tree.store(repo, content)), conflict=False)
