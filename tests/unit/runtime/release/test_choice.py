"""Which version a release takes when it is not named, with which code, and what is said of those it does not take."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import science
from aifactory_runtime.registry.port import CHAMPION, GATE, Version
from aifactory_runtime.release import choice, tags
from aifactory_runtime.release.side import Side
from tests.fixtures.usecase_repo import PACKAGE, commit, git, make_repo
from tests.unit.runtime.release.parts import Known

GOOD = {GATE: "passed", tags.DIRTY: "false"}
REFUSED = {**GOOD, GATE: "refused"}
DIRTY = {**GOOD, tags.DIRTY: "true"}
OTHER = {**GOOD, tags.SCIENCE: "9" * 64}
PACKAGES = {**GOOD, tags.NUMERIC: "numpy==1.0.0"}
AGREED = {**PACKAGES, tags.SAME_ANSWERS: f"{'1' * 64} {hashlib.sha256(b'').hexdigest()}"}
"""The repo's own lock names no numeric package."""


class Source:
    """A registry of versions, oldest first, beside a repo that has gone on since they were trained."""

    def __init__(self, folder: Path, *versions: dict[str, str], embedded: bool = False, **more: str) -> None:
        self.repo = make_repo(folder / "repo", rows=1)
        self.trained_from = git(self.repo, "rev-parse", "HEAD")
        of_here = science.of_folder(self.repo, PACKAGE)
        here = {tags.COMMIT: self.trained_from, tags.SCIENCE: of_here.sha256, tags.NUMERIC: of_here.numeric}
        (self.repo / "README.md").write_text("Later.\n")
        self.head = commit(self.repo, "Readme")
        registry = Known({}, None)
        for number, found in enumerate(versions, start=1):
            registry._versions[number] = Version(number, f"{number:064x}", "run", here | found)
        self.registry = registry
        self.project = SimpleNamespace(root=self.repo, manifest=SimpleNamespace(package=PACKAGE))
        self.embedded, self.name = embedded, more.get("name", "embedded" if embedded else "dev")
        self.said: list[str] = []

    def choose(self, environment: str = "staging", number: int | None = None) -> tuple[int, str]:
        found = choice.choose(cast("Side", self), environment, number, self.said.append)
        return found.version.number, found.commit


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("versions", "takes", "skips"),
    [
        ((GOOD, GOOD), 2, []),
        ((GOOD, REFUSED), 1, ["version 2 of dev: the gate did not let it pass"]),
        ((GOOD, DIRTY), 1, ["version 2 of dev: it was trained from files that are not committed"]),
        ((GOOD, OTHER), 1, ["version 2 of dev: it was trained with other science"]),
        ((GOOD, PACKAGES), 1, ["version 2 of dev: numpy 1.0.0 is gone now: run the pipeline, which compares"]),
        ((GOOD, AGREED), 2, []),
        ((GOOD, OTHER, REFUSED), 1, ["version 3 of dev: the gate", "version 2 of dev: it was trained with other"]),
    ],
)
def test_given_versions_that_may_not_go_when_none_is_named_then_the_newest_that_may_goes_with_this_code(
    tmp_path: Path, versions: tuple[dict[str, str], ...], takes: int, skips: list[str]
) -> None:
    source = Source(tmp_path, *versions)

    assert source.choose() == (takes, source.head)
    assert len(source.said) == len(skips)
    assert all(said.startswith(f"skipped: {skip}") for said, skip in zip(source.said, skips, strict=True))


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        ((OTHER, OTHER), "version 2 of dev: it was trained with other science"),
        ((OTHER, DIRTY), "version 2 of dev: it was trained from files that are not committed"),
        ((OTHER, REFUSED), "version 2 of dev: the gate did not let it pass"),
    ],
)
def test_given_none_that_may_go_with_this_code_when_none_is_named_then_the_one_that_may_go_with_its_own_is_named(
    tmp_path: Path, versions: tuple[dict[str, str], ...], says: str
) -> None:
    source = Source(tmp_path, *versions)

    with pytest.raises(FactoryError) as refused:
        source.choose()

    assert says in str(refused.value) and f"AIFACTORY_ENV=dev python -m {PACKAGE} run trains one" in str(refused.value)
    may = 2 if versions[1] == OTHER else 1
    assert str(refused.value).endswith(f"or release --version {may}, with the code of its own commit")
    assert source.choose(number=may) == (may, source.trained_from)


def test_given_none_that_may_go_at_all_when_none_is_named_then_no_version_is_offered(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"run trains one$"):
        Source(tmp_path, REFUSED, DIRTY).choose()


def test_given_a_version_from_before_the_digest_when_its_commit_is_gone_then_it_goes_with_its_own_code(
    tmp_path: Path,
) -> None:
    source = Source(tmp_path, {**GOOD, tags.COMMIT: "0" * 40})
    del cast("dict[str, Any]", source.registry.version(1).tags)[tags.SCIENCE]

    assert source.choose() == (1, "0" * 40)


def test_given_a_version_from_before_the_digest_when_git_has_its_commit_then_it_goes_with_this_code(
    tmp_path: Path,
) -> None:
    source = Source(tmp_path, GOOD)
    del cast("dict[str, Any]", source.registry.version(1).tags)[tags.SCIENCE]

    assert source.choose() == (1, source.head)


def test_given_files_that_are_not_committed_when_released_then_the_commit_goes_and_it_is_said(tmp_path: Path) -> None:
    source = Source(tmp_path, GOOD)
    (source.repo / "src" / PACKAGE / "features.py").write_text("# not committed\n")

    assert source.choose() == (1, source.head)
    assert source.said == [f"note: files here are not committed; what goes is the code of commit {source.head[:12]}"]


def test_given_nothing_provisioned_when_the_folder_is_of_other_science_then_refused(tmp_path: Path) -> None:
    source = Source(tmp_path, GOOD, embedded=True)
    (source.repo / "src" / PACKAGE / "features.py").write_text("# not committed\n")

    with pytest.raises(FactoryError, match="than is in this folder"):
        source.choose("embedded")


def test_given_what_staging_serves_when_released_to_prod_then_with_the_code_that_staging_tested(tmp_path: Path) -> None:
    tested = "a" * 40
    source = Source(tmp_path, {**OTHER, tags.RELEASED_WITH: f"{'b' * 40} {tested}"}, name="staging")
    with pytest.raises(FactoryError, match="run release --to staging first"):
        source.choose("prod")
    source.registry.aliases = {CHAMPION: 1}

    assert source.choose("prod") == (1, tested)
