"""Following the template: what the owner has stays, what the factory has becomes what a new repo would get."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.fixtures import earlier_release
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import COPY, FACTORYS, PACKAGE, PARTS, YOURS, files, make_template, render


def update(repo: Path) -> None:
    """Plain `copier update`, no trust, no questions."""
    from copier import run_update

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_update(repo, defaults=True, overwrite=True, quiet=True, vcs_ref="HEAD")


def next_version(template: Path) -> None:
    """A second commit: factory's files changed, added and removed, and every one of the owner's changed."""
    source = template / "template"
    for name in ("Makefile.jinja", "docs/extending.md.jinja", ".gitignore", "requirements/factory.txt"):
        path = source / name
        path.write_text(path.read_text() + "# a newer line\n")
    (source / "tests/factory/test_more.py").write_text('"""A test the factory added."""\n')
    (source / ".dockerignore").unlink()
    runtime = template / "runtime/src/aifactory_runtime"
    (runtime / "newer.py").write_text('"""A module the factory added."""\n')
    (runtime / "errors.py").write_text((runtime / "errors.py").read_text() + "\n# newer\n")
    for path in source.rglob("*"):
        name = path.relative_to(source).as_posix().removesuffix(".jinja").replace("{{ package }}", PACKAGE)
        if name in YOURS:
            path.write_text(path.read_text() + "\n# seeds of a later version\n")
    commit(template, "Next version")


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, Path]:
    """A template of one commit and a committed repo made from it."""
    template = make_template(tmp_path / "template")
    repo = tmp_path / "repo"
    render(template, repo)
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    return template, repo


def conflicts(repo: Path) -> list[str]:
    """Everything that a clean update leaves none of."""
    marked = [name for name in files(repo) if b"<<<<<<< " in (repo / name).read_bytes()]
    unmerged = git(repo, "ls-files", "--unmerged").splitlines()
    return [*marked, *unmerged, *(name for name in files(repo) if name.endswith(".rej"))]


@pytest.mark.slow
def test_given_a_newer_template_when_updated_then_factory_files_are_those_of_a_new_repo_and_yours_are_as_they_were(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    template, repo = world
    before = {name: (repo / name).read_bytes() for name in YOURS}
    next_version(template)
    update(repo)
    fresh = tmp_path / "fresh"
    render(template, fresh)
    assert files(repo) == files(fresh)
    for name in files(fresh) - YOURS - {".copier-answers.yml"}:
        assert (repo / name).read_bytes() == (fresh / name).read_bytes(), name
    assert (repo / ".copier-answers.yml").read_text() == (fresh / ".copier-answers.yml").read_text()
    assert {name: (repo / name).read_bytes() for name in YOURS} == before
    assert conflicts(repo) == []


@pytest.mark.slow
def test_given_an_owner_who_changed_deleted_and_added_files_when_updated_then_all_of_it_stays_without_a_conflict(
    world: tuple[Path, Path],
) -> None:
    template, repo = world
    deleted = {"docs/model-card.md", "notebooks/explore.ipynb", "tests/test_model.py", f"src/{PACKAGE}/model.py"}
    for name in deleted:
        (repo / name).unlink()
    for name in YOURS - deleted:
        (repo / name).write_text("# rewritten from the first to the last line\n")
    added = {f"src/{PACKAGE}/trees.py", "tests/test_trees.py", "conf/prod.yaml", "data/customers.csv", "local.mk"}
    for name in added:
        (repo / name).write_text("# mine\n")
    (repo / "requirements/science.in").write_text("lightgbm>=4\n")
    commit(repo, "Mine")
    before = {name: (repo / name).read_bytes() for name in (YOURS - deleted) | added}
    next_version(template)
    update(repo)
    assert conflicts(repo) == []
    assert {name: (repo / name).read_bytes() for name in before} == before
    assert not any((repo / name).exists() for name in deleted)
    assert "# a newer line" in (repo / "Makefile").read_text()
    assert (repo / COPY / "src/aifactory_runtime/newer.py").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Makefile", f"{COPY}src/aifactory_runtime/errors.py"])
def test_given_an_owner_who_edited_a_factory_file_elsewhere_when_updated_then_the_edit_stays(
    world: tuple[Path, Path], name: str
) -> None:
    template, repo = world
    edited = repo / name
    edited.write_text("# mine, though it is the factory's\n" + edited.read_text())
    commit(repo, "Mine")
    next_version(template)
    update(repo)
    assert edited.read_text().startswith("# mine, though")
    assert edited.read_text().splitlines()[-1] in {"# a newer line", "# newer"}


@pytest.mark.slow
def test_given_a_repo_of_release_0_1_0_when_updated_then_the_runtime_has_moved_and_yours_is_as_it_was(
    tmp_path: Path,
) -> None:
    template, repo, fresh = (tmp_path / name for name in ("template", "repo", "fresh"))
    earlier_release.extract(template, *PARTS)
    git(template, "init", "--quiet", "--initial-branch=main")
    commit(template, "Release 0.1.0")
    render(template, repo)
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    before = {name: (repo / name).read_bytes() for name in YOURS & files(repo)}
    assert (repo / "src/aifactory_runtime/__init__.py").exists()
    for part in PARTS:
        git(template, "rm", "-r", "--quiet", part)
    make_template(template, "The runtime moves")

    update(repo)

    render(template, fresh)
    assert conflicts(repo) == []
    assert files(repo) - YOURS == files(fresh) - YOURS
    assert not (repo / "src/aifactory_runtime").exists()
    assert {name: (repo / name).read_bytes() for name in before} == before


@pytest.mark.slow
def test_given_an_existing_repo_when_copied_over_then_the_owners_files_stay(world: tuple[Path, Path]) -> None:
    from copier import run_copy

    template, repo = world
    (repo / "factory.yaml").write_text("mine: true\n")
    (repo / f"src/{PACKAGE}/features.py").write_text("# mine\n")
    (repo / "Makefile").write_text("# broken\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_copy(str(template), repo, defaults=True, overwrite=True, quiet=True, vcs_ref="HEAD")
    assert (repo / "factory.yaml").read_text() == "mine: true\n"
    assert (repo / f"src/{PACKAGE}/features.py").read_text() == "# mine\n"
    assert "What people, hooks and CI type" in (repo / "Makefile").read_text()


@pytest.mark.slow
def test_given_a_title_with_jinja_in_it_when_updated_then_it_stays_literal(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template")
    repo = tmp_path / "repo"
    render(template, repo, {"title": "{{ 7 * 7 }} {% if x %}"})
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "Start")
    next_version(template)
    update(repo)
    assert "{{ 7 * 7 }} {% if x %}" in (repo / ".copier-answers.yml").read_text()
    assert "# {{ 7 * 7 }} {% if x %}" in (repo / "README.md").read_text()


def test_given_the_factorys_files_then_each_says_so_where_its_format_has_comments(rendered: Path) -> None:
    silent = {name for name in FACTORYS if name.startswith("requirements/")}
    for name in FACTORYS - silent - {".copier-answers.yml"}:
        head = "\n".join((rendered / name).read_text(encoding="utf-8").splitlines()[:6]).lower()
        assert "the factory's" in head, name


def test_given_the_readme_then_its_table_names_every_file_of_the_owner(rendered: Path) -> None:
    readme = (rendered / "README.md").read_text(encoding="utf-8")
    for name in YOURS - {"README.md"}:
        folder, _, file = name.rpartition("/")
        assert any(
            part in readme
            for part in (f"`{name}`", f"`{folder}/`", f"`{file}`", "`docs/*-card.md`", "`tests/test_*.py`")
        ), name
