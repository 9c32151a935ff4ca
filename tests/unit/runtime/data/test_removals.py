"""What was removed is written down first, and who misses it hears when it went and by which rule."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable

from aifactory_runtime.data import removals, table_writing, tables, upkeep
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.data.tables import TableVersion
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.data.small_table import table

DAY = datetime(2026, 11, 27, tzinfo=UTC)
RAW = Removal("raw", ("0", "2"), "no run or model names it")


def vacuum(folder: Path, name: str, *keep: int) -> None:
    DeltaTable(str(folder / name)).vacuum(
        retention_hours=0, dry_run=False, enforce_retention_duration=False, keep_versions=list(keep)
    )


def test_given_removals_when_asked_then_the_last_one_that_took_the_name_is_told_and_nothing_of_others(
    tmp_path: Path,
) -> None:
    assert removals.find(tmp_path, "raw", "0") is None, "nothing was removed yet"
    removals.note(tmp_path, [RAW, Removal("run", ("a", "b"), "old")], "kim", DAY)
    removals.note(tmp_path, [Removal("run", ("c",), "older")], "kim", DAY)

    found = removals.find(tmp_path, "run", "x", "c")
    assert found is not None and found.when == "was removed on 2026-11-27 by kim: older"
    assert removals.find(tmp_path, "raw", "1") is None and removals.find(tmp_path, "prepared", "0") is None


def test_given_a_record_when_its_end_is_torn_or_a_line_damaged_then_that_is_cut_off_or_named(tmp_path: Path) -> None:
    removals.note(tmp_path, [RAW], "kim", DAY)
    path = tmp_path / removals.FILE
    path.write_bytes(path.read_bytes() + b'{"time": "20')
    removals.note(tmp_path, [Removal("run", ("a",), "old")], "kim", DAY)
    assert [one.kind for one in removals.read(tmp_path)] == ["raw", "run"]

    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(FactoryError, match=r"removals\.jsonl: line 1 is damaged"):
        removals.find(tmp_path, "run", "a")


def test_given_a_version_that_was_removed_when_read_then_one_line_says_so_and_damage_is_still_damage(
    tmp_path: Path,
) -> None:
    for number in range(4):
        table_writing.write(tmp_path, "raw", [table(number + 1)], f"digest {number}")
    removals.note(tmp_path, [RAW], "kim", DAY)
    assert len(tables.read(tmp_path, "raw", 0)) == 1, "noted, and not removed: whoever did it was killed"
    vacuum(tmp_path, "raw", 1)

    with pytest.raises(
        FactoryError, match=r"^version 2 of table raw was removed on 2026-11-27 by kim: no run or model"
    ):
        tables.read(tmp_path, "raw", 2)
    assert [len(tables.read(tmp_path, "raw", number)) for number in (1, 3)] == [2, 4]
    for file in (tmp_path / "raw").glob("*.parquet"):
        file.unlink()
    with pytest.raises(FactoryError, match="table raw is damaged"):
        tables.read(tmp_path, "raw", 1)


def test_given_a_vacuumed_table_when_asked_for_the_newest_version_then_it_is_the_last_one_with_a_digest(
    tmp_path: Path,
) -> None:
    for number in range(3):
        table_writing.write(tmp_path, "raw", [table(number + 1)], f"digest {number}")
    vacuum(tmp_path, "raw")

    assert tables.latest(tmp_path, "raw") == TableVersion(2, "digest 2")
    assert table_writing.write(tmp_path, "raw", [table(3)], "digest 2") == TableVersion(2, "digest 2"), "it is there"
    assert table_writing.write(tmp_path, "raw", [table(9)], "digest 3") == TableVersion(5, "digest 3")
    assert len(tables.read(tmp_path, "raw", 5)) == 9


def test_given_commits_of_long_ago_when_delta_makes_a_checkpoint_then_no_version_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_fifth = {"delta.checkpointInterval": "5"}  # Delta's own is each hundredth
    monkeypatch.setattr(tables, "KEPT_LOG", tables.KEPT_LOG | every_fifth)
    for number in range(7):
        table_writing.write(tmp_path, "raw", [table(1)], f"digest {number}")
    for commit in (tmp_path / "raw" / "_delta_log").iterdir():
        os.utime(commit, (0, 0))
    table_writing.write(tmp_path, "raw", [table(2)], "the next")

    assert list((tmp_path / "raw" / "_delta_log").glob("*.checkpoint.parquet"))
    assert len(tables.read(tmp_path, "raw", 3)) == 1


def test_given_files_that_no_commit_names_when_vacuumed_then_old_ones_go_and_young_ones_are_being_written(
    tmp_path: Path,
) -> None:
    for number in range(3):
        table_writing.write(tmp_path, "raw", [table(number + 1)], f"digest {number}")
    old, young = (tmp_path / "raw" / f"{name}.parquet" for name in ("old", "young"))
    for file in (old, young):
        file.write_bytes(b"x")
    os.utime(old, (0, 0))

    freed = upkeep.vacuum(tmp_path, "raw", {0})

    assert freed > 1 and young.exists() and not old.exists()
    assert [len(tables.read(tmp_path, "raw", number)) for number in (0, 2)] == [1, 3]
    commits = list((tmp_path / "raw" / "_delta_log").iterdir())
    assert upkeep.vacuum(tmp_path, "raw", {0}) == 0 and list((tmp_path / "raw" / "_delta_log").iterdir()) == commits
    assert upkeep.vacuum(tmp_path, "nowhere", ()) == 0
