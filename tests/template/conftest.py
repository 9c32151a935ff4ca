"""One template repo and one rendered repo for all tests that only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.template.support import make_template, render


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of this checkout in a git repo of its own, one commit; read only."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def type_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it knows of the packages: learned anew that is half a minute of a repo's checks."""
    return tmp_path_factory.mktemp("types")


@pytest.fixture(scope="session")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo rendered with default answers; read only."""
    target = tmp_path_factory.mktemp("rendered") / "tumour-triage"
    render(template, target)
    return target
