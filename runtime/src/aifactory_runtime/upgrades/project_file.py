"""pyproject.toml, the owner's since 0.2.0: where the runtime's copy is, and that the factory's tests are not judged."""

from __future__ import annotations

import re
from pathlib import Path

from aifactory_runtime import files

_NAME = "pyproject.toml"
_OLD = rb'"src/aifactory_runtime"'
_NEW = rb'"vendor/aifactory-runtime/src/aifactory_runtime"'
_REPLACED: tuple[tuple[re.Pattern[bytes], bytes], ...] = (
    (
        re.compile(rb"^# The factory's file: updates bring new versions of it\.", re.MULTILINE),
        b"# Yours: written once, so rules of lint, form, types and tests never change under you.",
    ),
    (
        re.compile(rb"^(extend-exclude = \[)" + _OLD, re.MULTILINE),
        rb'\1"vendor", "tests/factory", "tests/conftest.py"',
    ),
    (
        re.compile(rb"^(packages = \[[^\]\n]*)" + _OLD + rb"([^\]\n]*\])", re.MULTILINE),
        rb"\1" + _NEW + rb'\2\ndev-mode-dirs = ["src", "vendor/aifactory-runtime/src"]',
    ),
    (re.compile(_OLD), _NEW),
    (re.compile(rb'^(mypy_path = "src):\."', re.MULTILINE), rb'\1:vendor/aifactory-runtime/src:."'),
    (
        re.compile(rb'^module = "aifactory_runtime\.\*"(\r?\n)follow_imports = "silent"', re.MULTILINE),
        rb'module = ["aifactory_runtime.*", "tests.conftest", "tests.factory.*"]\1follow_imports = "silent"'
        rb"\1ignore_errors = true",
    ),
    (
        re.compile(rb'^pythonpath = \["src"\]', re.MULTILINE),
        rb'pythonpath = ["src", "vendor/aifactory-runtime/src"]',
    ),
)
"""Lines as 0.1.0 wrote them, where the file names the runtime's old place; what the owner wrote otherwise stays."""


def due(repo: Path) -> str | None:
    """Whether the runtime's old place is named; the other lines that 0.1.0 wrote may as well be the owner's own."""
    text = _text(repo)
    return f"{_NAME} is yours now, and names the runtime's old place" if _upgraded(text) != text else None


def apply(repo: Path) -> None:
    """Replace those lines; your rules stay as they are."""
    files.write(repo / _NAME, _upgraded(_text(repo)))


def _text(repo: Path) -> bytes:
    path = repo / _NAME
    return path.read_bytes() if path.is_file() else b""


def _upgraded(text: bytes) -> bytes:
    if _OLD not in text:
        return text
    for old, new in _REPLACED:
        text = old.sub(new, text)
    return text
