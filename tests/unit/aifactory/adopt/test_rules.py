"""The rules of an adoption, over trees that are made up: what is the owner's is never lost, and nothing runs astray."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.adopt import rules, texts
from aifactory.adopt.rules import ASIDE, LINTER, Rules
from aifactory.update.rules import parents
from aifactory.update.tree import FILE, SUBMODULE, Entry, Tree
from aifactory_runtime.errors import UsageProblem

OWN, FACTORYS, SAME, MODULE = (Entry(FILE, letter * 40) for letter in "abcd")
RENDERED = {
    ".gitignore": FACTORYS,
    "CODEOWNERS": FACTORYS,
    "Makefile": FACTORYS,
    "README.md": FACTORYS,
    "conf/base.yaml": FACTORYS,
    "data/sample.csv": FACTORYS,
    "notebooks/explore.ipynb": FACTORYS,
    "pyproject.toml": FACTORYS,
    "src/churn/model.py": FACTORYS,
    "tests/factory/test_service.py": SAME,
    "tests/test_model.py": FACTORYS,
    "vendor/runtime/code.py": FACTORYS,
}


def planned(*paths: str, table: str | None = None) -> Rules:
    return rules.plan(dict.fromkeys(paths, OWN), RENDERED, table)


def afterwards(ours: Tree, ruled: Rules) -> dict[str, Entry]:
    """The tree that the rules lead to."""
    linter = {LINTER: MODULE}
    staying = {path: entry for path, entry in ours.items() if path not in ruled.aside}
    aside = {f"{ASIDE}/{path}": ours[path] for path in ruled.aside}
    return {**staying, **aside, **{path: {**RENDERED, **linter}[path] for path in ruled.added}}


own_paths = st.sampled_from(
    [*RENDERED, "train.py", "src", "data", "tests/rows.csv", "tests", "docs/CODEOWNERS", "Makefile/x", "conftest.py",
     "ruff.toml", "conf/dev.yaml", "src/ruff.toml", "lib/pyproject.toml", "lib/a.py", "yaml.py", "Readme.rst"]
)  # fmt: skip
own_trees = st.dictionaries(own_paths, st.sampled_from([OWN, SAME, FACTORYS])).filter(
    lambda tree: not any(parent in tree for path in tree for parent in parents(path))
)


@given(own_trees)
def test_given_any_repo_when_planned_then_each_of_its_files_is_in_place_or_aside_and_ours_is_whole(ours: Tree) -> None:
    ruled = rules.plan(ours, RENDERED, None)
    after = afterwards(ours, ruled)

    for path, entry in ours.items():
        assert after.get(f"{ASIDE}/{path}") == entry if path in ruled.aside else after[path] == entry
    for path, entry in RENDERED.items():
        assert path in ruled.left_out or after[path] == entry
    assert not [path for path in after for parent in parents(path) if parent in after]
    assert not [path for path in after if path.startswith("tests/") and path not in RENDERED]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("Makefile", "the factory has files there"),
        ("conf", "the factory has files there"),
        ("pyproject.toml/inside.txt", "the factory has files there"),
        ("tests/test_train.py", "they would run under the factory's settings"),
        ("tests/data/rows.csv", "they would run under the factory's settings"),
        ("conftest.py", "pytest reads them"),
        ("mypy.ini", "mypy reads them"),
        (".ruff.toml", "ruff reads them"),
        ("src/pyproject.toml", "ruff reads them"),
        ("GNUmakefile", "make reads them"),
        ("image/extra.sh", "make reads them"),
        ("conf/staging.yaml", "the pipeline reads them"),
        ("mlflow/__init__.py", "it hides the package mlflow, which the pipeline imports"),
        ("yaml.py", "it hides the package yaml, which the pipeline imports"),
    ],
)
def test_given_a_file_that_would_be_replaced_or_read_when_planned_then_it_is_set_aside(path: str, why: str) -> None:
    assert planned(path, "train.py").aside == {path: why}


@pytest.mark.parametrize(
    "path",
    ["train.py", "src/helpers.py", "test/test_old.py", "docs/notes.md", "conf/model/dev.yaml", "mlflow/notes.txt",
     "setup.cfg", "lib/conftest.py", "image/logo.png", "docs/own/page.md",
     "tests/factory/test_service.py", "local/Makefile"],
)  # fmt: skip
def test_given_any_other_file_when_planned_then_it_stays(path: str) -> None:
    entry = RENDERED.get(path, OWN)
    assert rules.plan({path: entry}, RENDERED, None).aside == {}


def test_given_a_readme_and_reviewers_wherever_they_lie_when_planned_then_they_stay_and_ours_are_left_out() -> None:
    ruled = planned("readme.rst", ".github/CODEOWNERS", "docs/README.md", "readme_maker.py")

    assert ruled.left_out == {"README.md": "readme.rst", "CODEOWNERS": ".github/CODEOWNERS"}
    assert ruled.aside == {}
    assert not {"README.md", "CODEOWNERS"} & set(ruled.added)


def test_given_python_of_the_owner_when_planned_then_ruff_leaves_it_alone_file_by_file() -> None:
    ruled = planned(
        "train.py", "lib/a.py", "lib/b.txt", "look.ipynb", "own/pyproject.toml", "own/deep/c.py", "Makefile"
    )
    written = tomllib.loads(texts.linter(ruled.unlinted))

    assert ruled.unlinted == (ASIDE, "lib/a.py", "look.ipynb", "own", "train.py")
    assert LINTER in ruled.added
    assert written["extend"] == "pyproject.toml"
    assert written["extend-exclude"] == ["before-factory", "lib/a.py", "./look.ipynb", "./own", "./train.py"]


def test_given_nothing_of_the_owners_to_lint_when_planned_then_no_file_for_ruff_is_written() -> None:
    assert LINTER not in planned("notes.md").added


@pytest.mark.parametrize("name", ['a"b.py', "a[1].py", "a*.py", "{a}.py", "a\\b.py", "\udce9.py", "\u4f60.py"])
def test_given_a_name_that_means_something_in_a_pattern_then_the_file_for_ruff_can_be_read(name: str) -> None:
    (pattern,) = tomllib.loads(texts.linter([name]).encode().decode())["extend-exclude"]
    assert len(pattern) == len(f"./{name}")


def test_given_a_list_of_ignored_files_then_the_owners_lines_come_first_and_none_runs_into_another() -> None:
    assert texts.joined(b"*.pkl", b"# The factory's\n!/vendor/\n").splitlines() == [
        b"# Yours, from before the factory.", b"*.pkl", b"", b"# The factory's", b"!/vendor/"
    ]  # fmt: skip
    assert planned(".gitignore").joined == (".gitignore",)


@pytest.mark.parametrize("table", ["data/sample.csv", "tests/data", "tests/data/rows.csv"])
def test_given_a_table_that_would_be_set_aside_when_planned_then_it_is_named(table: str) -> None:
    path = table if table.endswith(".csv") else f"{table}/part.parquet"
    with pytest.raises(UsageProblem, match=f"the table cannot stay at {path}"):
        planned(path, table=table)


def test_given_a_submodule_in_the_way_when_planned_then_it_is_named() -> None:
    with pytest.raises(UsageProblem, match="the submodule vendor cannot stay"):
        rules.plan({"vendor": Entry(SUBMODULE, "a" * 40)}, RENDERED, None)


def refusal(*paths: str) -> str:
    """Why a repo cannot be adopted as churn; empty when it can."""
    try:
        rules.refuse(paths, "churn")
    except UsageProblem as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (".copier-answers.yml", "follows a template already"),
        ("before-factory/Makefile", "before-factory/Makefile is there, where files are set aside"),
        ("src/churn/load.py", "src/churn/load.py is yours"),
        ("churn/__init__.py", "adopt the repo under another one, such as factory adopt churn-model"),
        ("churn.py", "adopt the repo under another one"),
    ],
)
def test_given_a_repo_that_cannot_be_adopted_then_it_is_said_why(path: str, sentence: str) -> None:
    assert sentence in refusal(path, "README.md")


@pytest.mark.parametrize("path", ["churn/raw.csv", "src/other/model.py", "lib/churn/__init__.py", "churning.py"])
def test_given_a_name_that_no_module_of_the_owner_has_then_the_repo_may_be_adopted(path: str) -> None:
    assert refusal(path) == ""
