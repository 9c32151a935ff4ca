"""Delta tables that others wrote: read as their log has them, or the feature is named; never called damaged."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError
from tests.fixtures import delta_tables

CASE = Path(__file__).resolve().parents[3] / "fixtures" / "cases" / "delta-with-deletion-vectors"
TABLE = pa.table({"a": list(range(10)), "b": list("abcdefghij")})


def read(place: Path) -> dict[str, list[object]]:
    located = source.locate(place.parent, place.name)
    found: dict[str, list[object]] = pa.Table.from_batches(
        source.batches(located, source.detect(located))
    ).to_pydict()  # fmt: skip
    return found


def digest(place: Path) -> str:
    return source.digest(source.locate(place.parent, place.name))


def test_given_the_case_when_read_then_it_is_whole() -> None:
    found = read(CASE)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(("kw", "age", "site", "state"), 60)


def test_given_deleted_rows_when_read_then_they_are_gone_and_the_digest_says_so(tmp_path: Path) -> None:
    place = tmp_path / "t"
    delta_tables.write(place, TABLE, ["deletionVectors"])
    before = digest(place)
    assert read(place)["a"] == list(range(10))
    delta_tables.delete(place, [0, 3, 9])
    assert read(place) == {"a": [1, 2, 4, 5, 6, 7, 8], "b": list("bcefghi")}
    after = digest(place)
    assert before != after == digest(place)
    delta_tables.delete(place, [0, 4, 9])
    assert read(place)["a"] == [1, 2, 3, 5, 6, 7, 8]
    assert digest(place) not in {before, after}


@pytest.mark.parametrize("reader", [2, 3])
def test_given_renamed_columns_when_read_then_they_have_their_names(tmp_path: Path, reader: int) -> None:
    place = tmp_path / "t"
    delta_tables.write(place, TABLE, ["columnMapping"])
    if reader == 2:  # before features had names

        def older(actions: list[delta_tables.Action]) -> None:
            for action in actions:
                if "protocol" in action:
                    action["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}

        delta_tables.change(place, older)
    delta_tables.rename(place, "a", "power (kW)")
    assert list(read(place)) == ["power (kW)", "b"]
    before = digest(place)
    delta_tables.change(place, lambda _: None)
    assert digest(place) == before


@pytest.mark.parametrize("feature", ["typeWidening", "madeUpTomorrow"])
def test_given_a_feature_that_is_not_read_then_it_is_named_with_what_to_do(tmp_path: Path, feature: str) -> None:
    place = tmp_path / "t"
    delta_tables.write(place, TABLE, [feature])
    with pytest.raises(FactoryError, match=f"(?i)t uses the Delta feature {feature}, .* new table") as caught:
        read(place)
    assert "damaged" not in str(caught.value)


def test_given_partitions_and_a_column_that_older_parts_lack_then_both_are_columns(tmp_path: Path) -> None:
    place = str(tmp_path / "t")
    older = pa.table({"a": [1, 2], "site": ["mill", None]})
    write_deltalake(place, older, partition_by=["site"])
    newer = pa.table({"a": [3], "site": ["a/b"], "b": [0.5]})
    write_deltalake(place, newer, mode="append", schema_mode="merge")
    found = read(tmp_path / "t")
    rows = sorted(zip(found["a"], found["site"], found["b"], strict=True), key=str)
    assert rows == [(1, "mill", None), (2, None, None), (3, "a/b", 0.5)]


def test_given_a_checkpoint_then_neither_order_nor_digest_change(tmp_path: Path) -> None:
    place = tmp_path / "t"
    for start in range(0, 40, 10):
        write_deltalake(str(place), pa.table({"a": list(range(start, start + 10))}), mode="append")
    before = read(place), digest(place)
    DeltaTable(str(place)).create_checkpoint()
    assert (read(place), digest(place)) == before


def test_given_many_rows_in_several_parts_when_read_by_the_engine_then_no_parts_mix(tmp_path: Path) -> None:
    place, rows = tmp_path / "t", 200_000
    for part in range(4):
        write_deltalake(str(place), pa.table({"a": pa.repeat(pa.scalar(part), rows)}), mode="append")
    delta_tables.change(place, lambda actions: delta_tables.with_features(actions, ["deletionVectors"]))
    located = source.locate(tmp_path, "t")
    found = [batch["a"].unique().to_pylist() for batch in source.batches(located, source.detect(located))]
    assert all(len(one) == 1 for one in found)
    assert [part for part, _ in itertools.groupby(found)] == [[part] for part in (3, 2, 1, 0)]
