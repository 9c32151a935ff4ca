"""A repo whose owner uses each place that docs/extending.md names, and what shows that each of them is in effect."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.template import dockerfile
from tests.template.support import CHECKOUT, FACTORYS, PACKAGE

WRITTEN = {
    "requirements/science.in": "partd==1.4.2\n",
    "data/.gitignore": "*.parquet\n",
    "ruff.toml": 'extend = "pyproject.toml"\nline-length = 100\n\n[lint]\nextend-select = ["PLR2004"]\n',
    f"src/{PACKAGE}/limits.py": '"""Mine."""\n\nfrom typing import Any\n\nHIGH: Any = 1\nABOVE = HIGH > 0.9\n',
    "tests/own/conftest.py": '"""Mine."""\n\nimport pytest\n\n\n@pytest.fixture\ndef seven() -> int:\n    return 7\n',
    "tests/own/test_seven.py": (
        '"""Mine."""\n\nimport pytest\n\n\n@pytest.mark.mine\ndef test_it(seven: int) -> None:\n    assert seven == 7\n'
    ),
    "local.mk": "check-own: setup\n\t@echo own check\nci-own:\n\t@echo own step\nhello: ## Greet.\n\t@echo hello\n",
    "image/extra.sh": 'cp "$(dirname "$0")/motd" motd\n',
    "image/motd": "ours\n",
    "docs/own/on-call.md": "# Who is called at night\n",
    ".github/workflows/own-labels.yml": "name: labels\non: [pull_request]\npermissions: {}\njobs: {}\n",
}
"""Files that the owner writes, by path."""
EDITED = {
    "pyproject.toml": (
        ("disable_error_code = [", "disallow_any_explicit = true\ndisable_error_code = ["),
        ("markers = [", 'markers = ["mine: a test of ours", '),
    ),
    "CODEOWNERS": (("/conf/ ", "/image/ @ana.lopez\n/conf/ "),),
    "conf/base.yaml": (("  seed: 7\n", "  seed: 8\n"),),
}
"""Edits of files that are written once: what is there, and what takes its place."""
_PROGRAMS = {"UV": str(Path(sys.executable).with_name("uv")), "PYTHON": sys.executable}


def run(repo: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in the repo, as a person types it there."""
    kept = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        command, cwd=repo, env={**kept, **variables}, capture_output=True, text=True, check=False
    )  # fmt: skip


def make(repo: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`make ...` with the interpreter and the uv of this checkout."""
    given = (f"{key}={value}" for key, value in _PROGRAMS.items())
    return run(repo, "make", "--no-print-directory", *given, *arguments, **variables)


def tool(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m ...` in the repo."""
    return run(repo, sys.executable, "-m", *arguments)


def use(repo: Path) -> dict[str, bytes]:
    """Use every place; returns what the owner's files now hold, by path."""
    for path, text in WRITTEN.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text, encoding="utf-8")
    for path, edits in EDITED.items():
        text = (repo / path).read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, (path, old)
            text = text.replace(old, new, 1)
        (repo / path).write_text(text, encoding="utf-8")
    locked = make(repo, "lock")
    assert locked.returncode == 0, locked.stderr
    return {path: (repo / path).read_bytes() for path in (*WRITTEN, *EDITED, "requirements/science.txt")}


def _ignore(repo: Path) -> bool:
    return run(repo, "git", "check-ignore", "data/big.parquet", "src/.venv/x").stdout.split() == [
        "data/big.parquet",
        "src/.venv/x",
    ]


def _lint(repo: Path) -> bool:
    found = tool(repo, "ruff", "check", "--no-cache", "--output-format", "concise").stdout
    formed = tool(repo, "ruff", "format", "--check", "--no-cache").stdout
    named = [path for path in FACTORYS if path in found + formed]
    return f"src/{PACKAGE}/limits.py:6:16: PLR2004" in found and f"src/{PACKAGE}/features.py" in formed and not named


def _types(repo: Path) -> bool:
    found = tool(repo, "mypy", f"src/{PACKAGE}/limits.py", "tests/factory/conftest.py").stdout
    return f"src/{PACKAGE}/limits.py:5: error: Explicit" in found and "tests/" not in found


def _pytest(repo: Path) -> bool:
    return "a test of ours" in tool(repo, "pytest", "--markers").stdout


def _fixture(repo: Path) -> bool:
    return "1 passed" in tool(repo, "pytest", "tests/own", "-m", "mine").stdout


def _check(repo: Path) -> bool:
    hook = (repo / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    return "entry: make check\n" in hook and "echo own check" in make(repo, "--dry-run", "check").stdout


def _target(repo: Path) -> bool:
    return make(repo, "hello").stdout == "hello\n" and "Greet." in make(repo, "help").stdout


def _ci(repo: Path) -> bool:
    calls = (repo / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    return "run: make ci-own\n" in calls and make(repo, "ci-own").stdout == "own check\nown step\n"


def _image(repo: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        image = dockerfile.Image(Path(folder), Path(folder), workdir="/app")
        image.inside(".").mkdir()
        for line in (text for name, text in dockerfile.steps(repo / "Dockerfile") if "type=bind" in text):
            dockerfile.run(repo, image, line, os.environ)
        return image.inside("motd").exists()


def _holds(path: str, text: str) -> Callable[[Path], bool]:
    """That the file holds it; what it does, others decide."""
    return lambda repo: (repo / path).exists() and text in (repo / path).read_text(encoding="utf-8")


IN_EFFECT: Mapping[str, Callable[[Path], bool]] = {
    "a dependency": _holds("requirements/science.txt", "partd==1.4.2"),
    "a git ignore": _ignore,
    "a lint rule, or another form": _lint,
    "a type-check rule": _types,
    "a pytest option": _pytest,
    "a fixture, a test": _fixture,
    "a pre-commit hook, a step of `make check`": _check,
    "a target for make": _target,
    "a step in CI": _ci,
    "a layer of the image": _image,
    "a page of docs": _holds("docs/own/on-call.md", "at night"),
    "who reviews what": _holds("CODEOWNERS", "/image/ @ana.lopez"),
    "settings, what the use case is": _holds("conf/base.yaml", "seed: 8"),
}
"""What shows that a place is in effect, by the words of the table in docs/extending.md."""


def table() -> list[str]:
    """The first column of that table."""
    text = (CHECKOUT / "template/docs/extending.md.jinja").read_text(encoding="utf-8")
    rows = text.partition("| what you want |")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip() for row in rows]
