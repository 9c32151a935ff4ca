"""Tables in parts, as tools write them: read whole and in one order, or the part that does not fit is named."""

from __future__ import annotations

import datetime
import gzip
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError

CASES = Path(__file__).resolve().parents[3] / "fixtures" / "cases"
TABLE = pa.table({"a": [1, 2, 3, 4], "b": ["x", "y", None, "z"], "p": ["u", "v", "u", None]})


def read(place: Path, kinds: dict[str, str] | None = None, **other: Any) -> dict[str, list[Any]]:
    located = source.locate(place.parent, place.name)
    found = pa.Table.from_batches(source.batches(located, source.detect(located), kinds, **other))
    return {name: found[name].to_pylist() for name in found.column_names}


def parts(folder: Path, **tables: pa.Table) -> Path:
    """A folder of Parquet files; `__` in a name stands for a folder."""
    for name, table in tables.items():
        place = folder / (name.replace("__", "/") + ".parquet")
        place.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, place)
    return folder


def refused(place: Path) -> str:
    with pytest.raises(FactoryError) as caught:
        read(place)
    said = str(caught.value)
    assert "\n" not in said
    assert "secret" not in said
    return said


def test_given_the_case_when_read_then_the_folders_name_is_a_column_of_three_texts() -> None:
    found = read(CASES / "partitioned-parquet")
    assert set(found["site"]) == {"harbour", "mill", "quarry"}
    assert len(found["kw"]) == len(found["site"]) == len(found["state"])


def test_given_partitions_that_arrow_wrote_then_values_are_whole_and_rows_in_the_order_of_paths(tmp_path: Path) -> None:
    odd = pa.table({"a": [1, 2, 3, 4], "p": ["ä/b c=%", None, "x:y", "ä/b c=%"], "day": ["2026-01-31"] * 4})
    arrow_dataset.write_dataset(
        odd, tmp_path / "t", format="parquet", partitioning=arrow_dataset.partitioning(
            pa.schema([("p", pa.string()), ("day", pa.string())]), flavor="hive"
        )
    )  # fmt: skip
    found = read(tmp_path / "t")
    assert dict(zip(found["a"], found["p"], strict=True)) == {1: "ä/b c=%", 2: None, 3: "x:y", 4: "ä/b c=%"}
    assert read(tmp_path / "t") == found
    assert set(read(tmp_path / "t", {"day": "date"})["day"]) == {datetime.datetime(2026, 1, 31)}


@pytest.mark.parametrize(("kind", "expected"), [("integer", [7, 8]), ("text", ["007", "8"]), (None, ["007", "8"])])
def test_given_a_number_in_a_folders_name_then_it_comes_as_the_declared_kind(
    tmp_path: Path, kind: str | None, expected: list[Any]
) -> None:
    one = pa.table({"a": [1]})
    place = parts(tmp_path / "t", **{"n=007__x": one, "n=8__x": one})
    assert read(place, {"n": kind} if kind else {})["n"] == expected


def test_given_a_folders_column_that_is_not_wanted_then_it_is_left_out(tmp_path: Path) -> None:
    place = parts(tmp_path / "t", **{"p=1__x": pa.table({"a": [1]}), "p=2__x": pa.table({"a": [2]})})
    assert read(place, {"p": "integer"}, without={"p"}) == {"a": [1, 2]}


def test_given_a_column_in_file_and_folder_then_it_is_read_if_both_agree_and_else_named(tmp_path: Path) -> None:
    agree = parts(tmp_path / "agree", **{"p=01__x": pa.table({"p": [1], "a": [5]})})
    assert read(agree) == {"p": [1], "a": [5]}
    other = parts(tmp_path / "other", **{"p=secret__x": pa.table({"p": [2], "a": [5]})})
    assert "column p has other values than the folder" in refused(other)


def test_given_parts_in_folders_of_other_columns_then_both_are_named(tmp_path: Path) -> None:
    one = pa.table({"a": [1]})
    said = refused(parts(tmp_path / "t", **{"p=1__x": one, "y": one}))
    assert "lies in" in said
    assert "y.parquet" in said


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (pa.array([1], pa.int32()), pa.array([0.5]), [1.0, 0.5]),
        (pa.array(["x"]), pa.array(["y"], pa.large_string()), ["x", "y"]),
        (pa.array(["x"]), pa.array(["y"]).dictionary_encode(), ["x", "y"]),
        (pa.array([7]), pa.nulls(1), [7, None]),
        (pa.nulls(1), pa.array([True]), [None, True]),
        (pa.array([1], pa.int8()), pa.array([2**40]), [1, 2**40]),
        (pa.array([2**62 + 1]), pa.array([2**64 - 1], pa.uint64()), [str(2**62 + 1), str(2**64 - 1)]),
        (pa.array([7]).cast(pa.decimal128(20, 0)), pa.array([8], pa.uint64()), ["7", "8"]),
        (pa.array([7], pa.uint64()), pa.array([0.5]), [7.0, 0.5]),
    ],
)
def test_given_parts_of_other_types_of_one_kind_then_they_are_one_column(
    tmp_path: Path, one: pa.Array, two: pa.Array, expected: list[Any]
) -> None:
    place = parts(tmp_path / "t", one=pa.table({"a": one, "b": ["p"]}), two=pa.table({"b": ["q"], "a": two}))
    assert read(place) == {"a": expected, "b": ["p", "q"]}


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (pa.array([1]), pa.array(["secret"]), "column a holds whole numbers in one.parquet, texts in two.parquet"),
        (pa.array([True]), pa.array([1.5]), "column a holds truth values in one.parquet, numbers in two.parquet"),
        (pa.array([2**60 + 1]), pa.array([0.5]), "beyond 2^53 in one.parquet"),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([0.5]), "beyond 2^53 in one.parquet"),
        (pa.array([1]), pa.array([[1]]), "two.parquet: column a holds values of type list<"),
    ],
)
def test_given_parts_of_other_kinds_then_column_and_parts_are_named(
    tmp_path: Path, one: pa.Array, two: pa.Array, said: str
) -> None:
    assert said in refused(parts(tmp_path / "t", one=pa.table({"a": one}), two=pa.table({"a": two})))


def test_given_parts_of_other_types_when_the_kind_is_declared_then_each_is_read_as_it(tmp_path: Path) -> None:
    place = parts(tmp_path / "t", one=pa.table({"a": [1]}), two=pa.table({"a": ["2"]}))
    assert read(place, {"a": "integer"}) == {"a": [1, 2]}
    assert read(place, {"a": "text"}) == {"a": ["1", "2"]}


def test_given_a_part_without_a_column_then_it_is_null_there_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = parts(tmp_path / "t", one=pa.table({"a": [1]}), two=pa.table({"b": ["x"], "a": [2]}))
    with caplog.at_level(logging.WARNING):
        assert read(place) == {"a": [1, 2], "b": [None, "x"]}
    assert caplog.messages == ["t/one.parquet lacks b, which two.parquet has: missing in its rows"]


def test_given_side_files_and_hidden_ones_then_they_are_no_parts_and_others_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = parts(tmp_path / "t", one=pa.table({"a": [1]}))
    for name in ("_SUCCESS", "_metadata", ".one.parquet.crc", "one.parquet.crc", "_committed_77", "_tmp/x.parquet"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(b"secret")
    assert read(place) == {"a": [1]}
    assert not caplog.messages
    (place / "README.md").write_bytes(b"secret")
    assert read(place) == {"a": [1]}
    assert caplog.messages == ["t: not read, as no part of a table: README.md"]


def test_given_files_without_an_ending_as_hive_writes_them_then_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "t" / "000000_0")
    assert read(tmp_path / "t") == {"a": [1]}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no file of a table"),
        ({"notes.txt": b"secret"}, "only notes.txt"),
        ({"x/_delta_log/0.json": b"", "x/a.parquet": b""}, "t holds a Delta table in a folder of it: name that folder"),
        ({"metadata/v1.metadata.json": b"", "data/a.parquet": b""}, "t holds an Iceberg table: save it as Parquet"),
        ({".hoodie/hoodie.properties": b"", "a.parquet": b""}, "t holds a Hudi table"),
        ({"a.csv": b"a\n1\n", "b.jsonl": b'{"a": 1}\n'}, "several formats, CSV (a.csv) and JSON lines (b.jsonl)"),
        ({"a.parquet": b"a\nsecret\n"}, "a.parquet is not of the format that its ending says"),
        ({"a.csv": b"PK\x03\x04"}, "a.csv is an Excel or zip file"),
        ({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\nsecret\n"}, "b.csv"),
        ({"a.csv": b"a,b\n1,2\n", "b.csv": b"a;b\n1;2\n"}, "t/b.csv separates its cells by ';', t/a.csv by ','"),
        (
            {"a.csv": b"a\tb\n" + b"1\t2\n" * 30, "b.csv": b"a,b\n" + b"1,2\n" * 40},
            "t/a.csv separates its cells by '\\t', t/b.csv",
        ),
        ({"a.csv": b"a,b\n1,2\n", "b.csv": b"3,4\n5,6\n"}, "t/b.csv has no column of t/a.csv: put its header above it"),
        ({"a.jsonl": b'{"a": 1}\n', "b.jsonl": b'{"b": 1}\n'}, "t/b.jsonl has no column of t/a.jsonl"),
        ({"a.csv": "ä\n1\n".encode(), "b.csv": "ä\n2\n".encode("cp1252")}, "a.csv is UTF-8, other files"),
    ],
)
def test_given_a_folder_that_is_no_table_then_it_is_named(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    (tmp_path / "t").mkdir()
    for name, content in files.items():
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_bytes(content)
    assert said in refused(tmp_path / "t")


def test_given_a_folder_of_text_files_then_columns_go_by_name_and_settings_are_of_all(tmp_path: Path) -> None:
    place = tmp_path / "t"
    place.mkdir()
    (place / "1.csv").write_bytes(b"\xef\xbb\xbfa;b\n1;x\n")
    (place / "2.csv.gz").write_bytes(gzip.compress(b'b;a\n"q;r";2,5\n'))
    (place / "3.csv").write_bytes(b"a;b\r\n3,5;z\r\n")
    assert read(place, {"a": "number"}) == {"a": [1.0, 2.5, 3.5], "b": ["x", "q;r", "z"]}
    assert read(place) == {"a": ["1", "2,5", "3,5"], "b": ["x", "q;r", "z"]}


@pytest.mark.parametrize("packed", [False, True])
def test_given_a_packed_file_then_it_is_read_as_it_is_unpacked(tmp_path: Path, packed: bool) -> None:
    content = "a;b\n1,5;Größe\n".encode("cp1252")
    (tmp_path / "t").write_bytes(gzip.compress(content) if packed else content)
    assert read(tmp_path / "t", {"a": "number"}) == {"a": [1.5], "b": ["Größe"]}


def test_given_a_packed_file_that_is_cut_off_then_it_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number**7}\n" for number in range(9000))
    (tmp_path / "t").write_bytes(gzip.compress(f"a,b\n{rows}".encode())[:-500])
    assert "t is corrupt" in refused(tmp_path / "t")


@pytest.mark.parametrize("said", ["csv", "delta", "jsonl"])
def test_given_a_format_in_conf_that_the_table_has_not_then_it_is_refused(tmp_path: Path, said: Any) -> None:
    located = source.locate(tmp_path, str(parts(tmp_path / "t", one=TABLE)))
    with pytest.raises(FactoryError, match=f"is parquet, not {said}"):
        list(source.batches(located, ReadSettings(format=said)))
    assert len(list(source.batches(located, ReadSettings(separator=";")))) == 1


def test_given_parts_then_the_digest_takes_in_their_folders(tmp_path: Path) -> None:
    one = parts(tmp_path / "one", **{"p=1__x": pa.table({"a": [1]})})
    two = parts(tmp_path / "two", **{"p=2__x": pa.table({"a": [1]})})
    assert source.digest(source.locate(tmp_path, str(one))) != source.digest(source.locate(tmp_path, str(two)))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "text": st.text("abzäß ,;\"'0123456789-.:%/=\\", min_size=1, max_size=6).map(str.strip).filter(bool),
    "date": st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)),
}
ARROW = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string(),
         "date": pa.timestamp("us")}  # fmt: skip


@st.composite
def made(draw: st.DrawFn) -> tuple[pa.Table, dict[str, str]]:
    """A table with a column of each of some kinds, gaps among the values, and a column `p` of few texts."""
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    rows = draw(st.integers(1, 12))
    columns = {
        f"c{place}": pa.array(
            draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows)), ARROW[kind]
        )
        for place, kind in enumerate(kinds)
    }  # fmt: skip
    few = st.sampled_from(["007", "a/b", "ü=%", None])
    columns["p"] = pa.array(draw(st.lists(few, min_size=rows, max_size=rows)), pa.string())
    return pa.table(columns), {**{f"c{place}": kind for place, kind in enumerate(kinds)}, "p": "text"}


def in_parts(table: pa.Table, folder: Path) -> Path:
    half = table.num_rows // 2
    turned = table.select(table.column_names[::-1])
    return parts(folder, a=table.slice(0, half), b=turned.slice(half))


def with_dictionaries(table: pa.Table, folder: Path) -> Path:
    coded = pa.table({name: table[name].combine_chunks().dictionary_encode() for name in table.column_names})
    return parts(folder, a=table.slice(0, 1), b=coded.slice(1))


def in_partitions(table: pa.Table, folder: Path) -> Path:
    arrow_dataset.write_dataset(
        table, folder, format="parquet", partitioning=["p"], partitioning_flavor="hive", existing_data_behavior="error"
    )
    return folder


def in_json_lines(table: pa.Table, folder: Path, pack: Callable[[bytes], bytes] = bytes) -> Path:
    lines = [json.dumps(row, default=datetime.datetime.isoformat) for row in table.to_pylist()]
    folder.write_bytes(pack("\n".join(lines).encode()))
    return folder


def in_packed_json_lines(table: pa.Table, folder: Path) -> Path:
    return in_json_lines(table, folder, gzip.compress)


def in_packed_text(table: pa.Table, folder: Path) -> Path:
    with gzip.open(folder, "wb") as stream:
        arrow_csv.write_csv(table, stream)
    return folder


@pytest.mark.heavy
@pytest.mark.parametrize(
    "store", [in_parts, with_dictionaries, in_partitions, in_json_lines, in_packed_json_lines, in_packed_text]
)
@given(made())
def test_given_any_table_when_stored_in_any_way_and_read_then_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    store: Callable[[pa.Table, Path], Path],
    one: tuple[pa.Table, dict[str, str]],
) -> None:
    table, kinds = one
    place = store(table, tmp_path_factory.mktemp("stored") / "t")
    found = read(place, kinds)
    rows = [{name: found[name][row] for name in kinds if name in found} for row in range(table.num_rows)]
    expected = [
        {name: value.strip() or None if isinstance(value, str) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    if store is in_partitions:  # the rows of a partition lie together
        rows, expected = (sorted(some, key=repr) for some in (rows, expected))
    assert rows == expected
