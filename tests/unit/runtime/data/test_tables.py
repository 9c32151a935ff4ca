"""Delta tables in chunks: the same rows, in the same order, whole or not at all, whatever the size of a chunk."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import CommitProperties, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.util import hash_pandas_object

from aifactory_runtime.data import arrow_frames, parts, row_hash, sample, table_writing, tables
from aifactory_runtime.errors import FactoryError


def table(size: int, seed: int = 3) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": draw.normal(size=size),
            "c": draw.choice(["x", "z"], size=size),
            "y": draw.integers(0, 2, size=size),
            "split": draw.choice(["train", "test"], size=size),
        }
    )


def test_given_equal_content_when_written_again_then_there_is_no_new_version(tmp_path: Path) -> None:
    first = table_writing.write(tmp_path, "raw", [table(10)], "one")
    assert table_writing.write(tmp_path, "raw", [table(10)], "one") == first
    assert table_writing.write(tmp_path, "raw", [table(11)], "two").version == 1
    assert len(tables.read(tmp_path, "raw", 0)) == tables.count(tmp_path, "raw", 0) == 10
    assert len(tables.read(tmp_path, "raw")) == tables.count(tmp_path, "raw") == 11


def test_given_equal_content_when_written_again_then_its_rows_are_not_even_read(tmp_path: Path) -> None:
    def fails() -> Iterator[pd.DataFrame]:
        raise AssertionError
        yield

    table_writing.write(tmp_path, "raw", [table(10)], "one")
    table_writing.write(tmp_path, "raw", fails(), "one")


def test_given_types_and_gaps_when_written_and_read_then_the_frame_is_equal(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, np.inf],
            "whole": [1, 2, 3],
            "flag": [True, False, True],
            "text": ["a", None, "ü"],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "count": pd.array([1, None, 2], dtype="Int64"),
            "when": pd.array(["2024-01-31T10:00", None, "1969-12-31"], dtype="datetime64[us]"),
            "a b.[c](d),;=": [1.0, 2.0, 3.0],
            "class": ["x", "y", "z"],
        }
    )
    table_writing.write(tmp_path, "raw", [frame], "one")
    pd.testing.assert_frame_equal(tables.read(tmp_path, "raw"), frame)


def test_given_other_columns_when_written_again_then_the_new_version_has_them_and_the_old_one_its_own(
    tmp_path: Path,
) -> None:
    table_writing.write(tmp_path, "raw", [pd.DataFrame({"a": [1, 2]})], "one")
    table_writing.write(
        tmp_path, "raw", [pd.DataFrame({"when": pd.array(["2024-01-31"], dtype="datetime64[us]")})], "two"
    )
    assert tables.columns(tmp_path, "raw").names == ["when"]
    assert tables.read(tmp_path, "raw", 0)["a"].tolist() == [1, 2]


@pytest.mark.heavy
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=5), step=st.integers(1, 500))
def test_given_chunks_of_any_size_when_read_in_batches_then_order_and_values_are_kept(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], step: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    frames = [table(size, seed) for seed, size in enumerate(sizes)]
    table_writing.write(folder, "raw", frames, "one")
    whole = pd.concat(frames, ignore_index=True)
    found = list(tables.batches(folder, "raw", 0, rows=step))
    assert all(len(chunk) <= step for chunk in found)
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), whole)
    pd.testing.assert_frame_equal(tables.read(folder, "raw"), whole)


def test_given_a_table_of_other_writers_when_read_then_it_is_in_the_order_of_its_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": np.random.default_rng(1).permutation(300_000)})
    mixed = frame.assign(**{parts.ORDER: np.arange(len(frame))}).sample(frac=1.0, random_state=1)
    properties = CommitProperties(custom_metadata={"sha256": "one"})
    write_deltalake(str(tmp_path / "raw"), mixed, commit_properties=properties)
    assert np.array_equal(tables.read(tmp_path, "raw")["n"], frame["n"])


@pytest.mark.parametrize("by", [None, "split"])
def test_given_columns_and_a_condition_when_read_in_batches_then_only_those(tmp_path: Path, by: str | None) -> None:
    frame = table(1_000)
    sides = dict(iter(frame.groupby("split", sort=False)))
    starts = {"train": 0, "test": len(sides["train"])}
    table_writing.write(
        tmp_path, "prepared", sides.values() if by else [frame], "one", by=by, starts=starts if by else None
    )
    found = list(tables.batches(tmp_path, "prepared", columns=["a"], where=("split", "test"), rows=100))
    assert all(list(chunk.columns) == ["a"] for chunk in found)
    assert np.array_equal(np.concatenate([chunk["a"] for chunk in found]), sides["test"]["a"])
    assert tables.count(tmp_path, "prepared", where=("split", "test")) == len(sides["test"])
    together = tables.read(tmp_path, "prepared")["a"]
    assert np.array_equal(together, pd.concat([sides["train"], sides["test"]])["a"] if by else frame["a"])


@pytest.mark.parametrize("reading", [tables.read, tables.count, tables.columns, lambda *a: list(tables.batches(*a))])
def test_given_a_table_that_is_not_there_when_read_then_one_line(tmp_path: Path, reading: object) -> None:
    with pytest.raises(FactoryError, match="table raw is not there"):
        reading(tmp_path, "raw")  # type: ignore[operator]


def test_given_equal_facts_when_appended_again_then_nothing_is_added(tmp_path: Path) -> None:
    one = {"input_sha256": "a", "model_version": "1"}
    assert table_writing.append(tmp_path, "scored", [table(5)], one) == table_writing.Appended(5, new=True)
    assert table_writing.append(tmp_path, "scored", iter(()), one) == table_writing.Appended(5, new=False)
    assert table_writing.append(tmp_path, "scored", [table(4), table(2)], {**one, "model_version": "2"}).rows == 6
    assert tables.latest(tmp_path, "scored").version == 1  # type: ignore[union-attr]
    pd.testing.assert_frame_equal(
        tables.read(tmp_path, "scored"), pd.concat([table(5), table(4), table(2)], ignore_index=True)
    )


def test_given_new_columns_when_appended_then_they_are_null_in_the_rows_before(tmp_path: Path) -> None:
    table_writing.append(tmp_path, "scored", [pd.DataFrame({"a": [1.0]})], {"n": "1"})
    table_writing.append(tmp_path, "scored", [pd.DataFrame({"b": ["x"], "a": [2.0]})], {"n": "2"})
    found = tables.read(tmp_path, "scored")
    assert found["a"].tolist() == [1.0, 2.0]
    assert found["b"].isna().tolist() == [True, False]


def test_given_names_that_differ_only_in_case_when_written_or_appended_then_both_are_named(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="table raw: columns probability_a and probability_A differ only in case"):
        table_writing.write(tmp_path, "raw", [pd.DataFrame({"probability_a": [0.5], "probability_A": [0.5]})], "one")
    table_writing.append(tmp_path, "scored", [pd.DataFrame({"ID": [1]})], {"batch": "1"})
    with pytest.raises(FactoryError, match="table scored: columns ID and id differ only in case"):
        table_writing.append(tmp_path, "scored", [pd.DataFrame({"id": [2]})], {"batch": "2"})
    assert list(tables.read(tmp_path, "scored")["ID"]) == [1]


def test_given_a_column_of_another_type_when_appended_then_one_line_and_the_table_stays(tmp_path: Path) -> None:
    table_writing.append(tmp_path, "scored", [pd.DataFrame({"a": [1.0]})], {"n": "1"})
    with pytest.raises(FactoryError, match="a holds"):
        table_writing.append(tmp_path, "scored", [pd.DataFrame({"a": ["x"]})], {"n": "2"})
    assert len(list((tmp_path / "scored").glob("*.parquet"))) == tables.count(tmp_path, "scored") == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _scribble(path: Path) -> None:
    """The pages are no pages any more, the end of the file is as it was."""
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*.parquet", _cut),
        ("*.parquet", _scribble),
        ("*.parquet", Path.unlink),
        ("_delta_log/*.json", lambda path: path.write_bytes(b"")),
        ("_delta_log/*.json", lambda path: path.write_bytes(b"\xff{")),
    ],
    ids=["part cut off", "part overwritten", "part gone", "log empty", "log no JSON"],
)
def test_fault_19_given_a_damaged_table_when_read_then_the_line_says_what_mends_it_and_that_mends_it(
    tmp_path: Path, pattern: str, damage: Callable[[Path], object]
) -> None:
    table_writing.write(tmp_path, "raw", [table(1000)], "one")
    damage(next((tmp_path / "raw").glob(pattern)))

    for reading in (tables.read, lambda *at: list(tables.batches(*at))):
        with pytest.raises(FactoryError, match=r"table raw is damaged .* move it away to begin anew") as caught:
            reading(tmp_path, "raw")
        assert str(tmp_path / "raw") in str(caught.value)
        assert "\n" not in str(caught.value)

    (tmp_path / "raw").rename(tmp_path / "away")
    table_writing.write(tmp_path, "raw", [table(1000)], "one")
    assert len(tables.read(tmp_path, "raw")) == 1000


def test_fault_25_given_a_folder_that_cannot_be_written_when_written_then_one_line(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file where the table should be")
    with pytest.raises(FactoryError, match="table raw"):
        table_writing.write(tmp_path, "raw", [table(5)], "one")


@pytest.mark.heavy
def test_fault_25_given_a_disk_that_fills_up_when_written_then_one_line_no_file_more_and_the_old_version_stays(
    tmp_path: Path,
) -> None:
    table_writing.write(tmp_path, "raw", [table(10)], "one")
    before = sorted(path.name for path in (tmp_path / "raw").rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(FactoryError, match=r"table raw: .*; check the disk's space") as caught:
            table_writing.write(tmp_path, "raw", (table(400_000, seed) for seed in range(3)), "two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in (tmp_path / "raw").rglob("*")) == before
    assert len(tables.read(tmp_path, "raw")) == 10


def test_fault_25_given_a_commit_that_cannot_be_written_when_written_then_its_files_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deltalake.transaction.create_table_with_add_actions", full)
    with pytest.raises(FactoryError, match="No space left"):
        table_writing.write(tmp_path, "raw", [table(10)], "one")
    assert list(tmp_path.rglob("*.parquet")) == []


def test_fault_25_given_an_error_behind_the_commit_when_written_then_the_committed_files_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltalake import transaction

    commit = transaction.create_table_with_add_actions

    def late(*arguments: object, **named: object) -> None:
        commit(*arguments, **named)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transaction, "create_table_with_add_actions", late)
    with pytest.raises(FactoryError, match="No space left"):
        table_writing.write(tmp_path, "raw", [table(10)], "one")
    assert len(tables.read(tmp_path, "raw")) == 10


def test_fault_28_given_clocks_that_ran_backwards_when_the_newest_version_is_asked_for_then_its_number_decides(
    tmp_path: Path,
) -> None:
    for number in range(3):
        table_writing.write(tmp_path, "raw", [table(10 + number)], f"content {number}")
        table_writing.append(tmp_path, "scored", [table(1, number)], {"n": str(number)})
    for name in ("raw", "scored"):
        for number in range(3):
            log = tmp_path / name / "_delta_log" / f"{number:020d}.json"
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            for line in lines:
                if "commitInfo" in line:
                    line["commitInfo"]["timestamp"] = 1_000_000_000_000 * (3 - number)
            log.write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert tables.latest(tmp_path, "raw") == tables.TableVersion(2, "content 2")
    assert len(tables.read(tmp_path, "raw")) == 12
    expected = pd.concat([table(1, number) for number in range(3)], ignore_index=True)
    pd.testing.assert_frame_equal(tables.read(tmp_path, "scored"), expected)


def test_given_whole_numbers_that_become_decimals_when_hashed_then_rows_keep_their_hash() -> None:
    whole = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": ["x", "z"], "d": [0.0, 1.0]})
    decimal = whole.astype({"a": float, "b": float}).assign(d=[-0.0, 1.0])
    assert np.array_equal(row_hash.hashes(whole), row_hash.hashes(decimal[["d", "c", "b", "a"]]))
    masked = whole.astype({"a": "Int64", "b": "boolean"})
    assert np.array_equal(row_hash.hashes(whole), row_hash.hashes(masked))


def test_given_rows_when_hashed_then_as_pandas_hashes_them_so_that_no_row_changes_sides_with_a_new_version() -> None:
    frame = table(100)
    plain = frame[sorted(frame.columns)].astype({"y": float})
    expected = hash_pandas_object(plain, index=False, categorize=False).to_numpy()
    assert np.array_equal(row_hash.hashes(frame), expected)
    without = hash_pandas_object(plain.drop(columns="y"), index=False, categorize=False).to_numpy()
    assert np.array_equal(row_hash.hashes_without(frame, (), {"y"})[1], without)


def test_given_a_sample_when_drawn_in_other_batches_then_it_is_the_same_and_in_order() -> None:
    import pyarrow as pa

    whole = pa.RecordBatch.from_pydict({"n": list(range(1_000))})

    def drawn(size: int, seed: int = 3, step: int = 100) -> list[int]:
        batches = [whole.slice(start, step) for start in range(0, 1_000, step)]
        return [value for batch in sample.draw(batches, size, seed) for value in batch.column("n").to_pylist()]

    assert drawn(10) == drawn(10, step=7) == sorted(drawn(10))
    assert len(set(drawn(10))) == 10
    assert drawn(10) != drawn(10, seed=4)
    assert drawn(0) == drawn(5_000) == list(range(1_000))


def test_fault_26_given_what_a_killed_writer_left_when_written_again_then_it_is_gone(tmp_path: Path) -> None:
    writer = parts.Writer(tmp_path / "raw", {"": 0})
    for seed in range(2):
        writer.add(arrow_frames.to_arrow(table(300_000, seed)))
    assert list((tmp_path / "raw").rglob("*.parquet"))
    table_writing.write(tmp_path, "raw", [table(10)], "one")
    assert [path.parent.name for path in (tmp_path / "raw").rglob("*.parquet")] == ["raw"]
