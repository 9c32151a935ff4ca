"""Changes to the files of a small repo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def edit(repo: Path, name: str, old: str, new: str) -> None:
    path = repo / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def data_of(repo: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = repo / "data" / "customers.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
