"""Renders the template as it lies in this checkout, from a git repo of its own: a dirty checkout does not matter."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime.config import layout
from tests.fixtures.usecase_repo import commit, git

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = ("copier.yml", "questions", "template", "runtime", "requirements/uv.txt")
ANSWERS = {"use_case": "tumour-triage", "owner": "ana.lopez"}
PACKAGE = "tumour_triage"
COPY = f"{layout.VENDOR}/"
"""Where a rendered repo has the runtime."""

# The owner's files of a rendered repo; everything else is the factory's.
YOURS = frozenset(
    {
        "CODEOWNERS",
        "README.md",
        "conf/base.yaml",
        "conf/consumer.yaml",
        "data/request.json",
        "data/sample.csv",
        "docs/data-card.md",
        "docs/model-card.md",
        "factory.yaml",
        "notebooks/explore.ipynb",
        "pyproject.toml",
        "requirements/science.in",
        "requirements/science.txt",
        f"src/{PACKAGE}/__init__.py",
        f"src/{PACKAGE}/__main__.py",
        f"src/{PACKAGE}/features.py",
        f"src/{PACKAGE}/model.py",
        f"src/{PACKAGE}/schema.py",
        "tests/test_data.py",
        "tests/test_features.py",
        "tests/test_model.py",
    }
)
# What differs by the answer `forge`, all of it the factory's.
VENDORS = {
    "github": frozenset({".github/workflows/ci.yml", ".github/workflows/release.yml", "docs/delivery.md"}),
    "azure-devops": frozenset({"azure-pipelines.yml", "docs/delivery.md"}),
    "gitlab": frozenset({".gitlab-ci.yml", "docs/delivery.md"}),
}
FACTORYS = VENDORS["github"] | frozenset(
    {
        ".copier-answers.yml",
        ".dockerignore",
        ".gitattributes",
        ".gitignore",
        ".pre-commit-config.yaml",
        "Dockerfile",
        "Makefile",
        "docs/extending.md",
        "requirements/factory-dask.txt",
        "requirements/factory-dev.txt",
        "requirements/factory.txt",
        "requirements/uv.txt",
        "tests/conftest.py",
        "tests/factory/conftest.py",
        "tests/factory/test_pipeline.py",
        "tests/factory/test_service.py",
    }
)


def make_template(folder: Path, message: str = "Template") -> Path:
    """A git repo with what rendering reads of this checkout, committed; `folder` may be one already."""
    for part in PARTS:
        source, target = CHECKOUT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, message)
    return folder


def render(
    template: Path,
    target: Path,
    answers: Mapping[str, str] | None = None,
    ref: str = "HEAD",
    run_copy: Callable[..., Any] | None = None,
) -> Any:
    """`template` rendered to `target` as the command does it, or by `run_copy`: no trust; returns copier's worker."""
    from aifactory.scaffold import copier_worker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (run_copy or copier_worker.run_copy)(
            str(template), target, data=dict(ANSWERS | dict(answers or {})), defaults=True, quiet=True, vcs_ref=ref
        )


def files(folder: Path) -> set[str]:
    """Relative paths of all files in `folder`, git's own and caches left out."""
    skipped = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".factory"}
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {path.as_posix() for path in found if not skipped & set(path.parts)}


def read_by_people(folder: Path) -> set[str]:
    """`files` without the runtime's copy."""
    return {name for name in files(folder) if not name.startswith(COPY)}
