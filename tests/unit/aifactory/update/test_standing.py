"""What is kept of renderings beside git's own files: the newest few."""

from __future__ import annotations

import os
from pathlib import Path

from aifactory.source import Source
from aifactory.update import record, standing
from aifactory.update.answers import AnswersFile
from aifactory.update.versions import Way
from tests.fixtures.usecase_repo import git


def test_given_many_renderings_when_one_more_is_kept_then_the_oldest_are_gone(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    folder = record.folder(tmp_path)
    folder.mkdir()
    for number in range(9):
        (folder / f"rendered-{number}.json").write_text("{}")
        os.utime(folder / f"rendered-{number}.json", (number, number))
    (folder / "lock").write_text("")
    answers = AnswersFile("x", "v0.1.0", {}, "")

    standing.keep(tmp_path, Way(Source(tmp_path, "x"), answers, answers, "x", "old", "new"), {}, {}, {})

    left = {path.name for path in folder.glob("rendered-*.json")}
    assert {"rendered-6.json", "rendered-7.json", "rendered-8.json"} < left
    assert len(left) == 4
    assert (folder / "lock").exists()
