"""The owner's places: each is used and survives an update, and new rules of the factory turn no owner's file red."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from copier import run_update

from aifactory import releases, update
from tests.fixtures import earlier_release
from tests.fixtures.usecase_repo import commit, git
from tests.template import places
from tests.template.released import ReleasedTemplate, copied, make_repo
from tests.template.support import CHECKOUT, COPY, FACTORYS, PACKAGE, PARTS, make_template
from tests.template.test_ownership import conflicts

pytestmark = pytest.mark.slow
Follow = Callable[[Path], None]


def by_factory(repo: Path) -> None:
    assert not update.update(repo, "0.2.0", None, {}, lambda _line: None).change_set.conflicts


def by_copier(repo: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_update(repo, defaults=True, overwrite=True, quiet=True, vcs_ref="v0.2.0")


@pytest.fixture(params=[by_factory, by_copier])
def follow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Follow:
    """Each way to follow the factory."""
    monkeypatch.setenv("FACTORY_CACHE", str(tmp_path / "cache"))
    found: Follow = request.param
    return found


def first_release(folder: Path) -> ReleasedTemplate:
    """What `folder` holds, as 0.1.0."""
    made = ReleasedTemplate(folder)
    made.write(releases.FILE, releases.write([]))
    made.write(releases.CHANGELOG, "# Changelog\n\n## Unreleased\n")
    made.release("0.1.0", "- The first.")
    return made


def change_everything(template: Path) -> None:
    """A line more in each of the factory's files that has comments, and a seed in each place that was empty."""
    for path in (*(template / "template").rglob("*"), *(template / "runtime").rglob("*.py")):
        if path.is_file() and path.suffix not in {".csv", ".json", ".ipynb"} and not path.name.startswith("{{ _"):
            said = "\nNewer.\n" if ".md" in path.suffixes else "# newer\n"
            path.write_text(path.read_text(encoding="utf-8") + said, encoding="utf-8")
    for name in places.WRITTEN:
        seed = template / "template" / name.replace(PACKAGE, "{{ package }}")
        if not seed.exists():
            seed.parent.mkdir(parents=True, exist_ok=True)
            seed.write_text("# the factory's\n", encoding="utf-8")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    """0.1.0 as this checkout has it, and a made-up 0.2.0 that changes every file."""
    folder = tmp_path_factory.mktemp("places") / "factory"
    folder.mkdir()
    made = first_release(make_template(folder))
    change_everything(folder)
    made.release("0.2.0", "- A line more everywhere. Nothing to do.")
    return made


@pytest.fixture(scope="module")
def used(released: ReleasedTemplate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A repo of 0.1.0 whose owner uses every place, and what the owner's files hold; read only."""
    repo = make_repo(released, tmp_path_factory.mktemp("used") / "repo")
    before = places.use(repo)
    commit(repo, "Use every place")
    return repo, before


def test_given_every_place_in_use_when_every_file_of_the_factorys_changes_then_all_of_it_stays_and_works(
    used: tuple[Path, dict[str, bytes]],
    follow: Follow,
    type_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MYPY_CACHE_DIR", str(type_cache))
    repo = copied(used[0], tmp_path / "repo")

    follow(repo)

    assert conflicts(repo) == []
    assert {path: (repo / path).read_bytes() for path in used[1]} == used[1]
    changed = set(git(repo, "diff", "HEAD", "--name-only").splitlines())
    assert changed >= FACTORYS
    assert f"{COPY}src/aifactory_runtime/errors.py" in changed
    assert [place for place, shown in places.IN_EFFECT.items() if not shown(repo)] == []


def test_given_the_table_of_places_then_each_is_used_here_and_nothing_of_it_is_in_effect_before(
    released: ReleasedTemplate, tmp_path: Path
) -> None:
    assert places.table() == list(places.IN_EFFECT)
    repo = make_repo(released, tmp_path / "repo")
    assert [place for place, shown in places.IN_EFFECT.items() if shown(repo)] == []


def test_given_no_steps_of_the_owners_then_checks_and_ci_pass_over_them(
    released: ReleasedTemplate, tmp_path: Path
) -> None:
    repo = make_repo(released, tmp_path / "repo")
    for target in ("check-own", "ci-own"):
        done = places.make(repo, target)
        assert (done.returncode, done.stderr) == (0, "")


NEW_RULES = (
    ("line-length = 120", "line-length = 60"),
    ('"RUF", "T20"]', '"RUF", "T20", "PLR2004"]'),
    ("strict = true\n", "strict = true\ndisallow_any_explicit = true\n"),
)
OWNERS = '''"""How much is much."""

from typing import Any

SHARES: dict[str, Any] = {"a share that is named at length": 0.5, "and another one": 0.25}
print(SHARES["and another one"] > 0.2)
'''


@pytest.fixture(scope="module")
def stricter(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    """0.1.0 as it was released, and a made-up 0.2.0 of this checkout with stricter rules."""
    folder = tmp_path_factory.mktemp("stricter") / "factory"
    earlier_release.extract(folder, *PARTS)
    git(folder, "init", "--quiet", "--initial-branch=main")
    made = first_release(folder)
    for part in PARTS:
        git(folder, "rm", "-r", "--quiet", part)
    make_template(folder, "As it is now")
    for old, new in NEW_RULES:
        made.replace("template/pyproject.toml.jinja", old, new)
    made.release("0.2.0", "- Stricter rules in new repos. Nothing to do.")
    return made


def test_given_a_repo_of_0_1_0_whose_code_new_rules_would_turn_red_when_updated_then_it_is_as_green_as_before(
    stricter: ReleasedTemplate, follow: Follow, type_cache: Path, tmp_path: Path
) -> None:
    repo = make_repo(stricter, tmp_path / "repo")
    (repo / f"src/{PACKAGE}/shares.py").write_text(OWNERS, encoding="utf-8")
    rules = (repo / "pyproject.toml").read_text(encoding="utf-8")
    (repo / "pyproject.toml").write_text(rules.replace(', "T20"]', "]", 1), encoding="utf-8")
    commit(repo, "Code that prints, which is allowed here")

    follow(repo)

    assert conflicts(repo) == []
    if follow is by_copier:
        assert "an upgrade is due" in places.make(repo, "lint").stderr
        done = places.run(repo, "make", "upgrade", UV=str(Path(sys.executable).with_name("uv")))
        assert done.returncode == 0, done.stderr  # in an environment of its own, made with the file of 0.1.0
    lint = places.make(repo, "lint", MYPY_CACHE_DIR=str(type_cache))
    assert lint.returncode == 0, lint.stdout + lint.stderr
    new = make_repo(stricter, tmp_path / "new", "v0.2.0")
    (repo / "pyproject.toml").write_text((new / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert "PLR2004" in places.tool(repo, "ruff", "check", "--no-cache").stdout, "the new rule would have found it"
    assert "shares.py" in places.tool(repo, "ruff", "format", "--check", "--no-cache").stdout


def series(text: str, package: str) -> str:
    """The first two numbers of the version that a lock pins."""
    found = re.search(rf"^{package}==(\d+\.\d+)", text, re.MULTILINE)
    assert found, package
    return found[1]


@pytest.mark.parametrize("package", ["ruff", "mypy"])
def test_given_what_forms_and_judges_an_owners_files_then_its_series_is_that_of_the_last_release(
    tmp_path: Path, package: str
) -> None:
    lock = "template/requirements/factory-dev.txt"
    *_, last = releases.read((CHECKOUT / releases.FILE).read_text(encoding="utf-8"))
    earlier_release.extract(tmp_path / "last", lock, version=last.version)
    before, now = (
        series((folder / lock).read_text(encoding="utf-8"), package) for folder in (tmp_path / "last", CHECKOUT)
    )
    assert now == before, "see docs/decisions/0019-owners-places.md before an owner's files turn red"
