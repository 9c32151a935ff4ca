"""Tables in pieces: each read on its own, in another process too, they are the table, its order and its notes."""

from __future__ import annotations

import logging
import pickle
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyarrow import parquet

from aifactory_runtime.data import parts, pieces, source
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Piece, Split
from aifactory_runtime.errors import FactoryError
from tests.fixtures import delta_tables

TABLE = pa.table({"a": range(500), "b": [f"text {number % 7}" for number in range(500)]})


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece has 40 rows at least."""
    monkeypatch.setattr(parts, "chunk_rows", lambda _: 10)


def split(place: Path, **kinds: str) -> Split:
    located = source.locate(place.parent, place.name)
    return source.split(located, source.detect(located), kinds)


def whole(place: Path, **kinds: str) -> pa.Table:
    located = source.locate(place.parent, place.name)
    return pa.Table.from_batches(source.batches(located, source.detect(located), kinds))


def elsewhere(found: Split, piece: Piece) -> pa.Table:
    """A piece as another process reads it."""
    reader, sent = pickle.loads(pickle.dumps((found.reader, piece)))  # noqa: S301 - our own
    return pa.Table.from_batches(reader.batches(sent, Notes()))


def parquet_file(folder: Path) -> Path:
    parquet.write_table(TABLE, folder / "one.parquet", row_group_size=15)
    return folder / "one.parquet"


def parquet_folder(folder: Path) -> Path:
    for number in range(3):
        place = folder / "many" / f"day={number}"
        place.mkdir(parents=True)
        parquet.write_table(TABLE.slice(number * 100, 90), place / "x.parquet", row_group_size=25)
    return folder / "many"


def delta(folder: Path) -> Path:
    for number in range(3):
        part = TABLE.slice(number * 100, 90).append_column("p", pa.array(["x", "y z"] * 45))
        write_deltalake(folder / "delta", part, partition_by=["p"], mode="append")
    return folder / "delta"


def text_folder(folder: Path) -> Path:
    (folder / "texts").mkdir()
    for number in range(3):
        lines = [f"{row['a']};{row['b']}" for row in TABLE.slice(number * 100, 90 + number).to_pylist()]
        (folder / "texts" / f"{number}.csv").write_text("\n".join(["a;b", *lines, ""]))
    return folder / "texts"


def lines_folder(folder: Path) -> Path:
    (folder / "lines").mkdir()
    for number in range(3):
        lines = [f'{{"a": {row["a"]}, "b": "{row["b"]}"}}\n\n' for row in TABLE.slice(number, 5 + number).to_pylist()]
        (folder / "lines" / f"{number}.jsonl").write_text("".join(lines))
    return folder / "lines"


@pytest.mark.parametrize(
    ("make", "least"), [(parquet_file, 11), (parquet_folder, 6), (delta, 6), (text_folder, 3), (lines_folder, 3)]
)
def test_given_a_table_when_its_pieces_are_read_elsewhere_then_they_are_its_rows_in_order(
    make: object, least: int, tmp_path: Path
) -> None:
    place = make(tmp_path)  # type: ignore[operator]

    found = split(place, a="integer")

    assert len(found.pieces) >= least
    tables = [elsewhere(found, piece) for piece in found.pieces]
    assert pa.concat_tables(tables).equals(whole(place, a="integer"))
    assert [found.reader.count(piece) for piece in found.pieces] == [len(table) for table in tables]
    assert all(piece.rows in {None, len(table)} for piece, table in zip(found.pieces, tables, strict=True))
    assert not found.whole
    assert len(pickle.dumps(found.reader)) < 5_000, "it is sent with each task"


def test_given_small_pieces_when_shared_then_those_beside_each_other_are_one_task_and_none_is_lost() -> None:
    made = tuple(Piece(place, rows) for place, rows in enumerate([10, 20, 10, 30, 90, 5, None, 5]))

    tasks = pieces.shared(Split(None, made, 1))  # type: ignore[arg-type]

    assert [[piece.rows for piece in some] for some in tasks] == [[10, 20, 10], [30], [90], [5], [None], [5]]
    assert tuple(piece for some in tasks for piece in some) == made


def test_given_one_text_file_or_deleted_rows_when_split_then_it_says_why_it_is_one_piece(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("a,b\n1,x\n")
    assert "text file" in split(tmp_path / "one.csv").whole
    delta_tables.write(tmp_path / "delta", TABLE, ["deletionVectors"])
    delta_tables.delete(tmp_path / "delta", [0, 3])
    found = split(tmp_path / "delta")
    assert "deleted rows" in found.whole
    assert elsewhere(found, found.pieces[0])["a"].to_pylist() == [1, 2, *range(4, 500)]
    assert found.reader.count(found.pieces[0]) == 498


def test_given_digits_that_are_lost_in_several_pieces_when_read_then_one_line_counts_all_and_names_the_first_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = [Decimal("0.5")] * 200
    values[130] = values[70] = values[60] = Decimal("1234567890.1234567891")
    table = pa.table({"a": pa.array(values, pa.decimal128(30, 10))})
    parquet.write_table(table, tmp_path / "one.parquet", row_group_size=40)
    found, notes = split(tmp_path / "one.parquet", a="number"), Notes()
    assert len(found.pieces) == 5
    for piece in reversed(found.pieces):
        own = Notes()
        list(found.reader.batches(piece, own))
        notes.add(pickle.loads(pickle.dumps(own)))  # noqa: S301 - our own
    with caplog.at_level(logging.WARNING):
        notes.say()
    said = "note: one.parquet: decimals of a with more digits than a model holds are rounded: 3, the first in row 61"
    assert caplog.messages == [said]
    caplog.clear()
    whole(tmp_path / "one.parquet", a="number")
    assert caplog.messages == [said]


def test_given_a_bad_cell_in_a_piece_when_it_is_counted_or_read_then_file_row_and_column_are_named(
    tmp_path: Path,
) -> None:
    place = text_folder(tmp_path)
    lines = (place / "2.csv").read_text().splitlines()
    lines[51] = "no number;x"
    (place / "2.csv").write_text("\n".join([*lines, ""]))
    found = split(place, a="integer")
    assert found.reader.count(found.pieces[2]) == 92
    with pytest.raises(FactoryError, match=r"texts/2\.csv: column a holds values that are no integer, .* row 51 "):
        elsewhere(found, found.pieces[2])
    (place / "2.csv").write_text("\n".join([*lines, "1;x;too many", ""]))
    with pytest.raises(FactoryError, match=r"texts/2\.csv is not a CSV table: a row .* has 3 values"):
        found.reader.count(found.pieces[2])
