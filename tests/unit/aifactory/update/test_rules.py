"""The rules of an update, over trees that are made up: what is the owner's is never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.update import rules
from aifactory.update.rules import Outcome
from aifactory.update.tree import FILE, Entry, Tree

A, B, C = (Entry(FILE, letter * 40) for letter in "abc")
contents = st.sampled_from([A, B, C])
paths = st.sampled_from(["Makefile", "docs/a.md", "docs/b.md", "src/x.py", "vendor/x.py", "ruff.toml"])
trees = st.dictionaries(paths, contents)


def outcomes(base: Tree, ours: Tree, theirs: Tree, moved: dict[str, str] | None = None) -> dict[str, Outcome]:
    return {step.path: step.outcome for step in rules.plan(base, ours, theirs, moved or {})}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "outcome"),
    [
        (A, A, B, Outcome.CHANGE),
        (A, A, None, Outcome.REMOVE),
        (None, None, A, Outcome.ADD),
        (A, B, C, Outcome.MERGE),
        (A, B, None, Outcome.KEEP_EDITED),
        (A, None, B, Outcome.KEEP_DELETED),
        (None, A, B, Outcome.CLASH),
        (A, B, A, None),
        (A, B, B, None),
        (A, None, A, None),
        (A, None, None, None),
        (None, A, A, None),
    ],
)
def test_given_three_versions_of_a_file_then_its_outcome(
    base: Entry | None, ours: Entry | None, theirs: Entry | None, outcome: Outcome | None
) -> None:
    made = [{"Makefile": one} if one else {} for one in (base, ours, theirs)]
    assert outcomes(made[0], made[1], made[2]) == ({"Makefile": outcome} if outcome else {})


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ({"old.md": A}, {"old.md": Outcome.REMOVE, "new.md": Outcome.ADD}),
        ({"old.md": C}, {"old.md": Outcome.REMOVE, "new.md": Outcome.MERGE}),
        ({}, {"new.md": Outcome.KEEP_DELETED}),
        ({"old.md": C, "new.md": C}, {"new.md": Outcome.CLASH}),
        ({"new.md": B}, {}),
    ],
)
def test_given_a_file_that_the_factory_moved_then_an_edit_goes_along_and_a_deletion_stays(
    ours: Tree, expected: dict[str, Outcome]
) -> None:
    assert outcomes({"old.md": A}, ours, {"new.md": B}, {"old.md": "new.md"}) == expected


@given(trees, trees, trees)
def test_given_any_trees_then_only_what_the_owner_left_alone_is_written_over_or_removed(
    base: Tree, ours: Tree, theirs: Tree
) -> None:
    for path, outcome in outcomes(base, ours, theirs).items():
        if outcome in {Outcome.CHANGE, Outcome.REMOVE}:
            assert ours[path] == base[path]
        if outcome is Outcome.ADD:
            assert path not in ours


@given(trees, trees)
def test_given_an_owner_who_changed_nothing_then_the_repo_is_as_the_new_version_renders_it(
    base: Tree, theirs: Tree
) -> None:
    found = dict(base)
    for step in rules.plan(base, base, theirs, {}):
        found.pop(step.path, None)
        if step.theirs:
            found[step.path] = step.theirs
    assert found == theirs


@given(trees, trees)
def test_given_a_template_that_did_not_change_then_nothing_is_done(base: Tree, ours: Tree) -> None:
    assert outcomes(base, ours, base) == {}


@pytest.mark.parametrize(
    ("ours", "written", "other"),
    [
        ({"docs": A}, "docs/a.md", "docs"),
        ({"docs/a.md/mine.txt": A}, "docs/a.md", "docs/a.md/mine.txt"),
        ({"docs/b.md": A}, "docs/a.md", None),
    ],
)
def test_given_a_file_where_a_folder_is_needed_or_the_reverse_then_it_is_named(
    ours: Tree, written: str, other: str | None
) -> None:
    steps = rules.plan({}, ours, {written: B}, {})
    assert list(rules.in_the_way(steps, ours)) == ([(written, other)] if other else [])
