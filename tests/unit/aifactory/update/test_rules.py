"""The rules of an update, over trees that are made up: what is the owner's is never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.update import rules
from aifactory.update.rules import Outcome
from aifactory.update.tree import EXECUTABLE, FILE, Entry, Tree

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
        ({"old.md": A, "new.md": B}, {"old.md": Outcome.REMOVE}),
        ({"old.md": A, "new.md": C}, {"old.md": Outcome.REMOVE, "new.md": Outcome.CLASH}),
        ({"old.md": C}, {"old.md": Outcome.REMOVE, "new.md": Outcome.MERGE}),
        ({"old.md": C, "new.md": B}, {"old.md": Outcome.KEEP_EDITED}),
        ({"old.md": C, "new.md": C}, {"old.md": Outcome.KEEP_EDITED, "new.md": Outcome.CLASH}),
        ({}, {"new.md": Outcome.ADD}),
        ({"new.md": B}, {}),
        ({"new.md": C}, {"new.md": Outcome.CLASH}),
    ],
)
def test_given_a_file_that_the_factory_moved_and_changed_then_only_an_edit_goes_along(
    ours: Tree, expected: dict[str, Outcome]
) -> None:
    assert outcomes({"old.md": A}, ours, {"new.md": B}, {"old.md": "new.md"}) == expected


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ({}, {"new.md": Outcome.KEEP_DELETED}),
        ({"new.md": A}, {}),
        ({"new.md": C}, {"new.md": Outcome.CLASH}),
        ({"old.md": C}, {"old.md": Outcome.REMOVE, "new.md": Outcome.MERGE}),
    ],
)
def test_given_a_file_that_the_factory_only_moved_then_what_was_deleted_does_not_come_back(
    ours: Tree, expected: dict[str, Outcome]
) -> None:
    executable = {"new.md": Entry(EXECUTABLE, A.blob)}
    assert outcomes({"old.md": A}, ours, {"new.md": A}, {"old.md": "new.md"}) == expected
    if not ours:
        assert outcomes({"old.md": A}, ours, executable, {"old.md": "new.md"}) == expected


def test_given_an_edit_that_goes_along_then_its_step_holds_all_three_versions_and_where_it_was() -> None:
    gone, step = rules.plan({"old.md": A}, {"old.md": C}, {"new.md": B}, {"old.md": "new.md"})
    assert (gone.path, gone.base, gone.ours, gone.theirs) == ("old.md", A, C, None)
    assert (step.path, step.base, step.ours, step.theirs, step.moved_from) == ("new.md", A, C, B, "old.md")
    (kept,) = rules.plan({"old.md": A}, {}, {"new.md": A}, {"old.md": "new.md"})
    assert (kept.path, kept.ours, kept.moved_from) == ("new.md", None, "old.md")


@st.composite
def with_moves(draw: st.DrawFn) -> tuple[Tree, Tree, Tree, dict[str, str]]:
    """Three trees, and pairs of what left the first and came with the last."""
    base, ours, theirs = draw(trees), draw(trees), draw(trees)
    gone, come = sorted(base.keys() - theirs.keys()), sorted(theirs.keys() - base.keys())
    pairs = zip(draw(st.permutations(gone)), draw(st.permutations(come)), strict=False)
    return base, ours, theirs, {old: new for old, new in pairs if draw(st.booleans())}


@given(with_moves())
def test_given_any_moves_then_every_edit_of_the_owner_stays_or_is_part_of_a_merge(
    case: tuple[Tree, Tree, Tree, dict[str, str]],
) -> None:
    base, ours, theirs, moved = case
    steps = rules.plan(base, ours, theirs, moved)
    merged = {step.moved_from or step.path for step in steps if step.outcome in {Outcome.MERGE, Outcome.CLASH}}
    written = {step.path for step in steps if step.outcome in {Outcome.ADD, Outcome.CHANGE, Outcome.REMOVE}}
    for path, entry in ours.items():
        if entry != base.get(path) and path in written:
            assert path in merged
    for step in steps:
        if step.outcome is Outcome.MERGE:
            assert step.ours == ours[step.moved_from or step.path]
    assert len({step.path for step in steps}) == len(steps), "two steps for one path"


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
        ({"docs": A}, "docs/own/a.md", "docs"),
        ({"docs/a.md": A}, "docs/a.md", None),
    ],
)
def test_given_a_file_where_a_folder_is_needed_or_the_reverse_then_it_is_named(
    ours: Tree, written: str, other: str | None
) -> None:
    steps = rules.plan({}, ours, {written: B}, {})
    assert list(rules.in_the_way(steps, ours)) == ([(written, other)] if other else [])


def test_given_an_edit_that_would_go_along_to_a_folder_where_a_file_of_the_owners_is_then_it_is_named() -> None:
    ours = {"old.md": C, "new": A}
    steps = rules.plan({"old.md": A}, ours, {"new/a.md": B}, {"old.md": "new/a.md"})
    assert list(rules.in_the_way(steps, ours)) == [("new/a.md", "new")]


@pytest.mark.parametrize(
    ("base", "theirs", "found"),
    [
        ({"docs": A}, {"docs/a.md": B}, []),
        ({"docs/a.md": A}, {"docs": B}, []),
        ({"docs": B}, {"docs/a.md": B}, [("docs/a.md", "docs")]),
    ],
)
def test_given_a_file_of_the_factorys_that_gives_way_then_it_is_in_the_way_only_where_the_owner_edited_it(
    base: Tree, theirs: Tree, found: list[tuple[str, str]]
) -> None:
    ours = dict.fromkeys(base, A)
    assert list(rules.in_the_way(rules.plan(base, ours, theirs, {}), ours)) == found
