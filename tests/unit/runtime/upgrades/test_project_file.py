"""pyproject.toml of 0.1.0 becomes the owner's: the runtime's old place is replaced, the owner's rules stay."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from aifactory_runtime.upgrades import project_file, steps

EARLIER = """\
# The factory's file: updates bring new versions of it. Dependencies are in requirements/, not here.
[tool.hatch.build.targets.wheel]
packages = ["src/uc", "src/aifactory_runtime"]

[tool.ruff]
line-length = 120
extend-exclude = ["src/aifactory_runtime"]

[tool.mypy]
mypy_path = "src:."

[[tool.mypy.overrides]]
module = "aifactory_runtime.*"
follow_imports = "silent"

[tool.pytest.ini_options]
pythonpath = ["src"]
"""
COPY = "vendor/aifactory-runtime/src"


def upgraded(folder: Path, text: str) -> str:
    path = folder / "pyproject.toml"
    path.write_bytes(text.encode())
    assert project_file.due(folder) == "pyproject.toml is yours now, and names the runtime's old place"
    steps.apply(folder)
    assert project_file.due(folder) is None
    return path.read_bytes().decode()


def test_given_the_file_of_0_1_0_then_it_names_the_new_place_and_leaves_out_the_factorys_tests(tmp_path: Path) -> None:
    text = upgraded(tmp_path, EARLIER)
    tool = tomllib.loads(text)["tool"]
    wheel = tool["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["src/uc", f"{COPY}/aifactory_runtime"], "dev-mode-dirs": ["src", COPY]}
    assert tool["ruff"]["extend-exclude"] == ["vendor", "tests/factory", "tests/conftest.py"]
    assert tool["mypy"]["mypy_path"] == f"src:{COPY}:."
    (override,) = tool["mypy"]["overrides"]
    assert override["module"] == ["aifactory_runtime.*", "tests.conftest", "tests.factory.*"]
    assert override["ignore_errors"] is True
    assert tool["pytest"]["ini_options"]["pythonpath"] == ["src", COPY]
    assert text.startswith("# Yours: written once")


def test_given_rules_and_folders_of_the_owners_then_they_stay(tmp_path: Path) -> None:
    own = EARLIER.replace("line-length = 120", "line-length = 99  # ours")
    own = own.replace('["src/aifactory_runtime"]', '["src/aifactory_runtime", "old"]')
    own = own.replace('["src/uc", "src/aifactory_runtime"]', '[\n  "src/uc",\n  "src/aifactory_runtime",\n]')
    text = upgraded(tmp_path, own.replace("\n", "\r\n"))
    tool = tomllib.loads(text)["tool"]
    assert "line-length = 99  # ours\r\n" in text
    assert tool["ruff"]["extend-exclude"] == ["vendor", "tests/factory", "tests/conftest.py", "old"]
    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/uc", f"{COPY}/aifactory_runtime"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[project]\nname = 'mine'\n",
        '[tool.pytest.ini_options]\npythonpath = ["."]\n',
        '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
        '[tool.mypy]\nmypy_path = "src:."\n',
    ],
)
def test_given_no_file_or_one_of_the_owners_own_then_nothing_is_due(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    assert project_file.due(tmp_path) is None
    assert steps.apply(tmp_path).due == ()
