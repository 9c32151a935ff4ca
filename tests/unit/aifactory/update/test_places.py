"""Edits in the owner's places alone: whatever both sides write, no file is merged and none clashes."""

from __future__ import annotations

from pathlib import Path

import pathspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory.scaffold import ownership
from aifactory.update import rules
from aifactory.update.rules import Outcome
from aifactory.update.text_merge import three_way
from aifactory.update.tree import FILE, Entry, Tree

CHECKOUT = Path(__file__).resolve().parents[4]
EXAMPLES = 200 if settings.get_current_profile_name() == "thorough" else 30
LABELS = ("yours", "factory 0.1.0", "factory 0.2.0")
FACTORYS = ("Makefile", "Dockerfile", ".gitignore", "docs/extending.md", "tests/conftest.py", "vendor/runtime/x.py")
NAMES = st.text("abc-", min_size=1, max_size=4)
NAMED = """
    factory.yaml README.md pyproject.toml CODEOWNERS .github/CODEOWNERS local.mk ruff.toml mypy.ini pytest.ini
    image/extra.sh requirements/science.in requirements/science.txt data/.gitignore src/.gitignore src/uc/.gitignore
    docs/model-card.md
"""
FOLDERS = (
    "conf/{}.yaml", "data/{}.csv", "src/uc/{}.py", "notebooks/{}.ipynb", "tests/test_{}.py", "tests/own/{}.py",
    "docs/own/{}.md", "image/{}", ".github/workflows/own-{}.yml",
)  # fmt: skip
PLACES = st.one_of(st.builds(str.format, st.sampled_from(FOLDERS), NAMES), st.sampled_from(NAMED.split()))
LINES = st.lists(st.sampled_from([b"one\n", b"two\n", b"three\r\n", b"\xff\n"]), max_size=5).map(b"".join)
Texts = dict[str, bytes]


def owners() -> pathspec.GitIgnoreSpec:
    """What the template says is the owner's."""
    stated = yaml.safe_load((CHECKOUT / "questions/ownership.yml").read_text(encoding="utf-8"))["_skip_if_exists"]
    return pathspec.GitIgnoreSpec.from_lines(ownership.patterns(stated, {"package": "uc"}))


OWNERS = owners()


def tree(texts: Texts) -> Tree:
    """A tree whose ids are the contents."""
    return {path: Entry(FILE, text.hex()) for path, text in texts.items()}


def rendered(factorys: Texts, seeds: Texts) -> Tree:
    """What an update sees of a rendering: the factory's files."""
    return tree({path: text for path, text in {**seeds, **factorys}.items() if not OWNERS.match_file(path)})


def three_sides(paths: list[str]) -> st.SearchStrategy[tuple[Texts, Texts, Texts]]:
    """What the old release seeds at these paths, what the new one does, and what the owner has there."""
    side = st.dictionaries(st.sampled_from(paths), LINES)
    return st.tuples(side, side, side)


factorys = st.dictionaries(st.sampled_from(FACTORYS), LINES)
places = st.lists(PLACES, min_size=1, max_size=9, unique=True).flatmap(three_sides)


@settings(max_examples=EXAMPLES)
@given(factorys, factorys, places)
def test_given_edits_in_the_owners_places_only_then_nothing_is_merged_and_nothing_clashes(
    old: Texts, new: Texts, sides: tuple[Texts, Texts, Texts]
) -> None:
    old_seeds, new_seeds, own = sides
    ours = tree({**old, **own})
    steps = rules.plan(rendered(old, old_seeds), ours, rendered(new, new_seeds), {})
    assert {step.outcome for step in steps} <= {Outcome.ADD, Outcome.CHANGE, Outcome.REMOVE}
    assert not {step.path for step in steps} & {*own, *old_seeds, *new_seeds}
    assert list(rules.in_the_way(steps, ours)) == []
    for path in old.keys() & new.keys():
        assert three_way(old[path], old[path], new[path], LABELS) == (new[path], False)


@pytest.mark.parametrize("place", [*NAMED.split(), *FOLDERS])
def test_given_a_place_then_the_template_says_that_it_is_the_owners(place: str) -> None:
    assert OWNERS.match_file(place.format("a"))


def test_given_the_factorys_files_then_none_of_them_lies_in_a_place_of_the_owners() -> None:
    assert [path for path in FACTORYS if OWNERS.match_file(path)] == []
