"""The table of monitors stays small: old windows are packed, readers find the same, and days go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aifactory_runtime.data import parts, table_place, tables
from aifactory_runtime.monitoring import packing, store
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.monitoring.store import CLOCK, LABELS, TRAFFIC, Place

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHA256 = "a" * 64


@pytest.fixture(autouse=True)
def _two_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "APART", 2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Windows of five days: each day two of traffic and one by the clock, and one of labels at the beginning."""
    write(tmp_path, LABELS, 1, START)
    for day in range(5):
        for part in (1, 2):
            write(tmp_path, TRAFFIC, 100 * (2 * day + part), START + timedelta(days=day, hours=part))
        write(tmp_path, CLOCK, day + 1, START + timedelta(days=day, hours=3))
    return tmp_path


def write(data: Path, source: str, number: int, now: datetime) -> None:
    place = Place(source, number, now.isoformat(), now.isoformat(), 100, number - 99, "3", SHA256)
    results = [Result("data", monitor, "age", float(number), 1.0, "ok", "", {"rows": 1}) for monitor in ("a", "kpi")]
    assert store.write(data, place, results, now)


def files(data: Path) -> int:
    table = table_place.opened(data, tables.MONITORS)
    assert table is not None
    return len(parts.stored(table))


def test_given_many_windows_when_packed_then_a_file_a_day_is_left_and_readers_find_the_same(data: Path) -> None:
    rows = tables.read(data, tables.MONITORS)
    newest = store.newest(data, TRAFFIC, 2)
    assert packing.waiting(data) == 8 + 3 and files(data) == 16 and packing.days(data) == frozenset()

    assert packing.pack(data) == 11

    assert packing.waiting(data) == 0 and files(data) == 4 + 5
    packed = tables.read(data, tables.MONITORS)
    by = ["window", "monitor"]
    assert packed.sort_values(by, ignore_index=True).equals(rows.sort_values(by, ignore_index=True))
    assert store.newest(data, TRAFFIC, 2) == newest and [one.name for one in newest] == ["traffic 900", "traffic 1000"]
    assert [store.position(data, source) for source in (TRAFFIC, CLOCK, LABELS)] == [1000, 5, 1]
    assert [row["facts"] for row in store.window(data, TRAFFIC, 1000)] == [{"rows": 1}] * 2
    assert store.firsts(data, TRAFFIC, SHA256, 60) == [801, 901]
    assert [row["value"] for row in store.of_model(data, SHA256, "kpi", "age")][-3:] == [900, 1000, 5]
    assert [row["value"] for row in store.of_model(data, SHA256, "kpi", "age")][:2] == [1, 100]
    assert packing.days(data) == {START.date() + timedelta(days=day) for day in range(4)}


def test_given_packed_windows_when_more_come_then_they_go_on_behind_them_and_old_files_leave_the_disk(
    data: Path,
) -> None:
    packing.pack(data)
    place = data / tables.MONITORS
    assert len(list(place.glob("*.parquet"))) == 16 + 4, "who reads them may go on"
    write(data, TRAFFIC, 1100, START + timedelta(days=5))
    assert [one.name for one in store.newest(data, TRAFFIC, 5)] == ["traffic 900", "traffic 1000", "traffic 1100"]
    assert packing.pack(data) == 1 and len(list(place.glob("*.parquet"))) == 10 + 1
    assert packing.pack(data) == 0 and len(list(place.glob("*.parquet"))) == 10
    assert len(list((place / "_delta_log").glob("*.checkpoint.parquet"))) == 2
    assert len(tables.read(data, tables.MONITORS)) == 2 * 17


def test_given_days_when_removed_then_their_packed_windows_are_gone_and_the_last_ones_stay(data: Path) -> None:
    packing.pack(data)
    days = [str(START.date() + timedelta(days=day)) for day in (0, 1, 4)]
    packing.remove(data, days)
    left = tables.read(data, tables.MONITORS)
    assert {date.fromisoformat(one[:10]) for one in left["looked"]} == {
        START.date() + timedelta(days=day) for day in (0, 2, 3, 4)
    }
    assert left[left["looked"].str.startswith(days[0])]["window"].tolist() == ["labels 1"] * 2, "the last of its kind"
    assert store.position(data, TRAFFIC) == 1000


def test_given_no_table_when_packed_then_nothing_happens(tmp_path: Path) -> None:
    assert packing.waiting(tmp_path) == packing.pack(tmp_path) == 0 and packing.days(tmp_path) == frozenset()
    assert not (tmp_path / tables.MONITORS).exists()
