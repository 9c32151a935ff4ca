"""No use case is called like a package that its repo installs; the list is that of the locks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.scaffold import answers
from aifactory_runtime.contract import installed, names
from aifactory_runtime.errors import UsageProblem

SCRIPT = Path(__file__).parents[2] / "requirements" / "import_names.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("import_names", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_given_the_locks_when_their_import_names_are_written_then_the_files_are_the_same() -> None:
    for path, text in script().texts().items():
        found = (SCRIPT.parents[1] / path).read_text(encoding="utf-8")
        assert found == text, "run .venv/bin/python requirements/import_names.py"


@pytest.mark.parametrize("name", ["packaging", "requests", "joblib", "scipy", "numpy", "pandas", "mlflow", "yaml"])
def test_given_the_name_of_an_installed_package_then_it_is_refused_with_one_that_fits(name: str) -> None:
    with pytest.raises(UsageProblem, match=f"use_case: {name} is the name of a package .*add a word: {name}-model$"):
        answers.check({"use_case": name})
    answers.check({"use_case": f"{name}-model"})


@given(st.sampled_from(sorted(installed.IMPORT_NAMES)))
def test_given_any_of_them_with_hyphens_then_it_is_refused_when_new_and_read_when_there(module: str) -> None:
    name = module.replace("_", "-")
    with pytest.raises(ValueError, match="package"):
        names.check_new_use_case(name)
    assert names.check_use_case(name) == name


@pytest.mark.parametrize("name", ["churn", "customer-churn", "packages", "request"])
def test_given_another_name_then_it_is_taken(name: str) -> None:
    assert names.check_new_use_case(name) == name
