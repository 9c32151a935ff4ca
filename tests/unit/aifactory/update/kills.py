"""A process that dies before a chosen write of an update."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aifactory.git import git as run_git
from aifactory.update import record


class Killed(BaseException):
    """Stands for kill -9: nothing that catches errors sees it."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Everything that writes counts; the write number `step` is the one before which the process dies."""
    count = [0]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] >= step:
                raise Killed  # again and again: nothing tidies up after kill -9
            return real(*arguments, **named)

        return called

    with monkeypatch.context() as patch:
        for module in ("conflicts", "placing", "index", "tree", "untouched"):
            patch.setattr(f"aifactory.update.{module}.git", counting(run_git))
        patch.setattr(record, "note", counting(record.note))
        patch.setattr(record, "forget", counting(record.forget))
        patch.setattr(os, "link", counting(os.link))
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, counting(getattr(Path, name)))
        yield count
