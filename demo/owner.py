"""What the owner of the demo's repo writes: one edit in each place that the repo's docs/extending.md calls theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """Lines that an owner adds to a file, below a line of it or else at its end; a file that is not there is made."""

    place: str
    """The place, in the words of the first column of docs/extending.md."""
    path: str
    lines: str
    below: str = ""

    def make(self, repo: Path) -> None:
        """Write it. ValueError when the line below which it goes is not there."""
        path = repo / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        head, line, tail = before.partition(f"{self.below}\n") if self.below else (before, "", "")
        if self.below and not line:
            raise ValueError(f"{self.path} has no line {self.below!r}")
        path.write_text(head + line + self.lines + tail, encoding="utf-8")

    def kept(self, repo: Path) -> bool:
        """Whether the file still has the lines."""
        path = repo / self.path
        return path.is_file() and self.lines in path.read_text(encoding="utf-8")


EDITS = (
    Edit("a dependency", "requirements/science.in", "partd==1.4.2\n"),
    Edit("a git ignore", "data/.gitignore", "*.parquet\n"),
    Edit("a lint rule, or another form", "ruff.toml", 'extend = "pyproject.toml"\n\n[lint]\nextend-select = ["PIE"]\n'),
    Edit("a type-check rule", "pyproject.toml", "warn_unreachable = true\n", below="strict = true"),
    Edit("a pytest option", "pyproject.toml", "xfail_strict = true\n", below="[tool.pytest.ini_options]"),
    Edit("a fixture, a test", "tests/own/conftest.py", '"""Fixtures of the owner\'s tests."""\n'),
    Edit(
        "a fixture, a test",
        "tests/own/test_settings.py",
        '"""The owner\'s settings."""\n\nfrom pathlib import Path\n\n\n'
        "def test_given_the_settings_then_the_gap_is_bounded() -> None:\n"
        '    assert "max_gap: 0.5" in Path("conf/base.yaml").read_text(encoding="utf-8")\n',
    ),
    Edit("a pre-commit hook, a step of `make check`", "local.mk", "check-own: setup\n\t@echo own check\n"),
    Edit("a step in CI", "local.mk", "ci-own:\n\t@echo own step\n"),
    Edit("a target for make", "local.mk", "hello: ## A target of the owner.\n\t@echo hello\n"),
    Edit("a layer of the image", "image/extra.sh", "echo built >built\n"),
    Edit("a page of docs", "docs/own/on-call.md", "# Who is called at night\n"),
    Edit("who reviews what", "CODEOWNERS", "/image/ @ana\n"),
    Edit("settings, what the use case is", "conf/base.yaml", "  max_gap: 0.5\n", below="train:"),
)
