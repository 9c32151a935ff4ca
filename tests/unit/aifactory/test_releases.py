"""releases.toml and CHANGELOG.md: what is written is what is read."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory import releases
from aifactory.releases import Release
from aifactory_runtime import __version__
from aifactory_runtime.errors import FactoryError

CHECKOUT = Path(__file__).resolve().parents[3]
DAY = datetime.date(2026, 11, 26)
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n- Soon.\n\n## 0.2.0 (2026-12-01)\n\n- Two.\n\n## 0.1.0 (2026-11-26)\n\n- One.\n"
)

numbers = st.integers(0, 99)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)


@given(st.lists(st.builds(Release, versions, st.from_regex(r"[0-9a-f]{40}", fullmatch=True), st.dates()), max_size=5))
def test_given_releases_when_written_then_the_same_are_read(known: list[Release]) -> None:
    assert list(releases.read(releases.write(known))) == known


def test_given_what_several_places_know_then_all_are_named_oldest_first_and_the_first_place_counts() -> None:
    listed, tagged, own = (
        Release(version, by, DAY) for version, by in (("0.2.0", "a"), ("0.2.0", "b"), ("0.10.0", "c"))
    )
    assert releases.united([], [own], [listed], [tagged]) == (listed, own)


@pytest.mark.parametrize("text", ["[[release]", '[[release]]\nversion = "0.1.0"\n', "release = 3\n"])
def test_given_a_broken_list_then_it_is_named(text: str) -> None:
    with pytest.raises(FactoryError, match=r"releases\.toml cannot be read"):
        releases.read(text)


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "01.2.3", "1.2.3.dev0", "1.2.3rc1", "", "1.2.3\n"])
def test_given_what_is_no_release_then_it_has_no_number(version: str) -> None:
    assert not releases.is_release(version)
    with pytest.raises(FactoryError, match="three whole numbers"):
        releases.number(version)


@given(versions, versions)
def test_given_two_versions_then_their_numbers_order_them(one: str, other: str) -> None:
    assert (releases.number(one) == releases.number(other)) == (one == other)
    assert releases.is_release(one)


def test_given_a_changelog_then_what_lies_between_two_versions_is_found_newest_first() -> None:
    assert list(releases.sections(CHANGELOG)) == ["Unreleased", "0.2.0", "0.1.0"]
    assert releases.between(CHANGELOG, "0.1.0", "0.2.0") == "## 0.2.0\n\n- Two."
    assert releases.between(CHANGELOG, "0.0.9", "0.2.0") == "## 0.2.0\n\n- Two.\n\n## 0.1.0\n\n- One."
    assert releases.between(CHANGELOG, "0.2.0", "0.2.0") == ""


def test_given_a_changelog_when_its_section_is_closed_then_a_new_one_is_open_and_empty() -> None:
    closed = releases.sections(releases.close_section(CHANGELOG, "0.3.0", DAY))
    assert list(closed) == ["Unreleased", "0.3.0", "0.2.0", "0.1.0"]
    assert (closed["Unreleased"], closed["0.3.0"]) == ("", "- Soon.")


def test_given_this_checkout_then_each_release_is_an_ancestor_and_its_tag_where_there_is_one_names_it() -> None:
    known = releases.read((CHECKOUT / releases.FILE).read_text(encoding="utf-8"))
    said = releases.sections((CHECKOUT / releases.CHANGELOG).read_text(encoding="utf-8"))
    listed = {releases.UNRELEASED, *(one.version for one in known)}
    assert listed <= set(said) <= listed | {__version__}, "a release being made is not listed yet"
    for one in known:
        assert _git("merge-base", "--is-ancestor", one.commit, "HEAD").returncode == 0, one
        assert _git("rev-parse", f"{one.tag}^{{commit}}").stdout.strip() in {one.commit, f"{one.tag}^{{commit}}"}
    if known and not releases.is_release(__version__):
        assert releases.number(__version__.removesuffix(".dev0")) > releases.number(known[-1].version)


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(CHECKOUT), *arguments], capture_output=True, text=True, check=False)


def test_given_this_checkout_then_what_the_changelog_said_of_a_release_is_still_what_it_says() -> None:
    now = releases.sections((CHECKOUT / releases.CHANGELOG).read_text(encoding="utf-8"))
    for one in releases.read((CHECKOUT / releases.FILE).read_text(encoding="utf-8")):
        shown = _git("show", f"{one.commit}:{releases.CHANGELOG}").stdout
        assert releases.sections(shown)[one.version] == now[one.version], "what is new goes under Unreleased"
