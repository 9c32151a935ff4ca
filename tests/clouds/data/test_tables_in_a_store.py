"""Delta tables at an address in an object store: the same rows, versions and refusals as in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import boto3
import pandas as pd
import pyarrow as pa
import pytest

from aifactory_runtime.data import (
    erasing,
    partitions,
    parts,
    removals,
    spans,
    table_place,
    table_writing,
    tables,
    upkeep,
)
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import place
from aifactory_runtime.storage.place import Place


@pytest.fixture
def stored(bucket: str) -> Place:
    """Where tables lie in the store."""
    return place.at(f"s3://{bucket}/tables")


def rows(size: int, start: int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a": [number / 3 for number in range(start, start + size)],
            "text": [f"row {number}" for number in range(start, start + size)],
            "day": ["2026-01-01" if number % 2 else "2026-01-02" for number in range(start, start + size)],
        }
    )


def keys(bucket: str) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return sorted(one["Key"] for one in found)


def stream(size: int, start: int = 0) -> Iterator[pa.RecordBatch]:
    frame = rows(size, start)
    for _, part in frame.groupby("day"):
        yield pa.RecordBatch.from_pandas(part, preserve_index=False)


def everything(folder: Place) -> tuple[object, ...]:
    """What readers find, of one table that was written, one that grew and one that is a stream."""
    first = table_writing.write(folder, "raw", [rows(10)], "one")
    again = table_writing.write(folder, "raw", [rows(10)], "one")
    by_day = [part for _, part in rows(8).groupby("day", sort=True)]
    parted = table_writing.write(folder, "raw", by_day, "two", by="day", starts={"2026-01-01": 0, "2026-01-02": 4})
    grown = [table_writing.append(folder, "scored", [rows(3, at)], {"at": str(at)}) for at in (0, 3, 3)]
    moved = [
        table_writing.append_stream(folder, "captured", ("captured", upto), by="day", chunks=partial(stream, 6, at))
        for at, upto in ((0, 6), (6, 12), (6, 12))
    ]
    reader, found = spans.of(folder, "raw", 0)
    shared = spans.shared(found, reader.block, alone=True)
    cut = partitions.of(folder, "scored", rows=3)
    return (
        (first, again, parted, tables.latest(folder, "raw"), tables.latest(folder, "nothing")),
        (grown, moved, tables.position(folder, "captured", "captured"), tables.starts(folder, "scored")),
        tables.read(folder, "raw", 0).to_dict("list"),
        tables.read(folder, "raw").to_dict("list"),
        [frame.to_dict("list") for frame in tables.batches(folder, "raw", where=("day", "2026-01-02"))],
        [frame.to_dict("list") for frame in tables.batches(folder, "scored", columns=["text"], rows=2)],
        list(tables.having(folder, "captured", ("text", "row 7"), ("day", bool))),
        tables.count(folder, "raw", where=("day", "2026-01-01")),
        tables.columns(folder, "captured").names,
        [frame.to_dict("list") for part in shared for frame in reader.frames(part)],
        [(one.first, one.rows) for one in cut],
        [frame.to_dict("list") for one in cut for frame in tables.batches(folder, "scored", files=one.files)],
    )


def test_given_tables_in_a_store_when_written_and_read_then_all_is_as_in_a_folder(
    stored: Place, bucket: str, tmp_path: Path
) -> None:
    assert everything(stored) == everything(tmp_path)
    assert not any("_writing" in key for key in keys(bucket))


def test_given_eight_writers_at_once_when_they_append_then_no_row_is_lost(stored: Place) -> None:
    table_writing.append(stored, "scored", [rows(1)], {"at": "first"})

    def add(number: int) -> bool:
        return table_writing.append(stored, "scored", [rows(5, 10 * number)], {"at": str(number)}).new

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(add, range(1, 9))) == [True] * 8

    expected = {"row 0", *(text for number in range(1, 9) for text in rows(5, 10 * number)["text"])}
    assert set(tables.read(stored, "scored")["text"]) == expected


def test_given_an_error_midway_when_a_table_is_written_then_no_object_stays(stored: Place, bucket: str) -> None:
    def broken() -> Iterator[pd.DataFrame]:
        yield rows(10)
        raise OSError("gone")

    with pytest.raises(FactoryError, match="table raw"):
        table_writing.write(stored, "raw", broken(), "one")

    assert keys(bucket) == []
    assert tables.latest(stored, "raw") is None


def test_given_old_versions_when_vacuumed_then_their_objects_go_and_the_log_says_when(
    stored: Place, bucket: str
) -> None:
    for number in range(3):
        table_writing.write(stored, "raw", [rows(10 + number)], str(number))
    before = [key for key in keys(bucket) if key.endswith(".parquet")]
    removals.note(stored, [Removal("raw", ("0",), "older than 90 days")], "tidy")

    assert upkeep.vacuum(stored, "raw", [1]) > 0

    assert len(before) == 3
    assert len([key for key in keys(bucket) if key.endswith(".parquet")]) == 2
    assert len(tables.read(stored, "raw")) == 12
    assert len(tables.read(stored, "raw", 1)) == 11
    assert tables.latest(stored, "raw") == tables.TableVersion(2, "2")
    with pytest.raises(FactoryError, match=r"version 0 of table raw was removed on .* by tidy: older than 90 days"):
        tables.read(stored, "raw", 0)


def test_given_rows_of_a_person_when_erased_then_no_object_holds_them(stored: Place, bucket: str) -> None:
    for at, upto in ((0, 6), (6, 12)):
        chunks = partial(stream, 6, at)
        table_writing.append_stream(stored, "captured", ("captured", upto), by="day", chunks=chunks)

    def hers(chunk: pa.Table) -> list[bool]:
        return [text == "row 7" for text in chunk.column("text").to_pylist()]

    assert erasing.erase(stored, "captured", hers, "day") == 1

    left = {f"row {number}" for number in range(12)} - {"row 7"}
    assert set(tables.read(stored, "captured")["text"]) == left
    files = [key for key in keys(bucket) if key.endswith(".parquet")]
    assert len(files) == 4
    for key in files:
        with table_place.parquet_file(place.at(f"s3://{bucket}/{key}")) as file:
            assert "row 7" not in file.read().column("text").to_pylist()


def test_given_files_of_a_day_when_packed_then_one_object_has_their_rows_in_order(stored: Place) -> None:
    for at, upto in ((0, 6), (6, 12)):
        chunks = partial(stream, 6, at)
        table_writing.append_stream(stored, "captured", ("captured", upto), by="day", chunks=chunks)
    before = tables.read(stored, "captured")
    table = table_place.opened(stored, "captured")
    assert table is not None
    upkeep.pack(stored, "captured", [parts.stored(table)])
    upkeep.vacuum(stored, "captured", ())

    after = tables.read(stored, "captured")
    assert after["text"].tolist() == before["text"].tolist()
    assert [file.rows for file in parts.stored(table_place.opened(stored, "captured") or table)] == [12]
