"""Reading any table: how it is written is found out, kinds hold, and what cannot be read is said in one line."""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import kinds, source, text_encoding
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError, UsageProblem

KINDS = {"a": "number", "b": "text", "day": "date", "n": "integer", "yes": "boolean"}
FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "a": [1.5, 2.25, -3.0],
        "b": ["007", "x, y; z", "Größe"],
        "yes": [True, False, True],
        "day": pd.to_datetime(["2024-01-31", "2024-02-01 10:30", "2025-12-24"], format="ISO8601").astype(
            "datetime64[us]"
        ),
    }
)


def put(folder: Path, content: bytes, name: str = "data.csv") -> Located:
    (folder / name).write_bytes(content)
    return source.locate(folder, name)


def rows(located: Located, declared: dict[str, str] | None = None) -> dict[str, list[object]]:
    found = source.batches(located, source.detect(located), declared)
    read: dict[str, list[object]] = pa.Table.from_batches(found).to_pydict()
    return read


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_given_a_separator_and_an_encoding_when_read_then_they_are_found_out(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    text = separator.join(["Größe", "note"]) + "\n" + separator.join(["1.5", '"a, b; c|d\te"']) + "\n" * 3
    located = put(tmp_path, text.encode(encoding))
    assert source.detect(located).separator == separator
    assert rows(located, {"Größe": "number"}) == {"Größe": [1.5], "note": ["a, b; c|d\te"]}


def test_given_a_letter_outside_utf8_far_down_then_the_file_is_read_as_windows_wrote_it(tmp_path: Path) -> None:
    located = put(tmp_path, b"a,b\n" + b"1,x\n" * 300_000 + b"1,\x80\n")
    assert source.detect(located).encoding == "cp1252"
    assert rows(located)["b"][-1] == "€"


def test_given_a_decimal_comma_then_numbers_are_numbers(tmp_path: Path) -> None:
    located = put(tmp_path, b"a;n;b\n1,5;1;x\n-2,25;2;1,5 m\n;;\n")
    assert source.detect(located).decimal == ","
    assert rows(located, KINDS) == {"a": [1.5, -2.25, None], "n": [1, 2, None], "b": ["x", "1,5 m", None]}


def test_given_points_or_commas_that_separate_then_the_decimal_stays_a_point(tmp_path: Path) -> None:
    assert source.detect(put(tmp_path, b"a;b\n1.5;2,5\n2.5;x\n")).decimal == "."
    assert source.detect(put(tmp_path, b"a,b\n1,5\n2,5\n")).decimal == "."


def test_given_quoted_line_breaks_quotes_and_separators_then_cells_stay_whole(tmp_path: Path) -> None:
    located = put(tmp_path, b'a,b\r\n1,"two\r\nlines, ""quoted"""\r\n2,x\r\n')
    assert rows(located, KINDS) == {"a": [1.0, 2.0], "b": ['two\r\nlines, "quoted"', "x"]}


def test_given_kinds_then_texts_keep_zeros_and_gaps_are_gaps(tmp_path: Path) -> None:
    located = put(tmp_path, b"b,n,a,yes,day\n007,1,NA,true,2024-01-31\nNA, 2 ,?,no,\n,null,.5,,2024-02-01T10:00:00Z\n")
    found = rows(located, KINDS)
    assert found["b"] == ["007", "NA", None]
    assert found["n"] == [1, 2, None]
    assert found["a"] == [None, None, 0.5]
    assert found["yes"] == [True, False, None]
    assert [str(day) for day in found["day"]] == ["2024-01-31 00:00:00", "None", "2024-02-01 10:00:00"]


def test_given_no_kinds_then_every_column_of_a_text_file_is_text(tmp_path: Path) -> None:
    assert rows(put(tmp_path, b"a,b\n01,x\n")) == {"a": ["01"], "b": ["x"]}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["31.01.2024", "1.2.2024 10:30"], ["2024-01-31 00:00:00", "2024-02-01 10:30:00"]),
        (["31/01/2024", "01/02/2024"], ["2024-01-31 00:00:00", "2024-02-01 00:00:00"]),
        (["01/31/2024", "02/01/2024"], ["2024-01-31 00:00:00", "2024-02-01 00:00:00"]),
        (["2024-01-31T23:00:00-02:00"], ["2024-02-01 01:00:00"]),
        (["2024-01-31 10:00:00.5"], ["2024-01-31 10:00:00.500000"]),
    ],
)
def test_given_dates_as_people_write_them_then_they_are_found(
    tmp_path: Path, cells: list[str], expected: list[str]
) -> None:
    located = put(tmp_path, "\n".join(["day", *cells, ""]).encode())
    assert [str(day) for day in rows(located, KINDS)["day"]] == expected


def test_given_names_twice_blank_or_odd_then_each_column_has_a_name_of_its_own(tmp_path: Path) -> None:
    located = put(tmp_path, b'a,a, b c ,,"x\n""y""",class\n1,2,3,4,5,6\n')
    assert rows(located) == {
        name: [str(place)] for place, name in enumerate(["a", "a.1", "b c", "unnamed_4", "x y", "class"], start=1)
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [(["ID", "x", "id"], "columns ID and id differ only in case"), (["x", "_Row"], "column _Row .*: rename it")],
)
@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_given_names_that_no_table_of_ours_can_hold_when_read_then_they_are_named(
    tmp_path: Path, names: list[str], said: str, kind: str
) -> None:
    located = put(tmp_path, f"{','.join(names)}\n{','.join('1' * len(names))}\n".encode())
    if kind == "parquet":
        parquet.write_table(pa.table({name: [1] for name in names}), tmp_path / "data.csv")
    with pytest.raises(FactoryError, match=said):
        rows(located)


@pytest.mark.parametrize("kind", ["file", "folder", "delta", "uri"])
def test_given_a_stored_table_when_read_then_it_is_the_frame(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "table"
    if kind == "delta":
        write_deltalake(str(place), pa.Table.from_pandas(FRAME))
    elif kind == "folder":
        place.mkdir()
        for number in range(3):
            FRAME.iloc[[number]].to_parquet(place / f"part-{number}.parquet")
    else:
        FRAME.to_parquet(place)
    located = source.locate(tmp_path, place.as_uri() if kind == "uri" else "table")
    pd.testing.assert_frame_equal(source.read(located), FRAME)
    assert len(source.digest(located)) == 64
    assert source.read(located, None, {"n": "text"})["n"].tolist() == ["1", "2", "3"]


@pytest.mark.parametrize("kind", ["file", "folder", "delta"])
def test_given_a_frame_stored_with_its_index_when_read_then_only_an_index_with_a_name_is_a_column(
    tmp_path: Path, kind: str
) -> None:
    for name, frame in (("none", pd.concat([FRAME, FRAME])), ("named", FRAME.set_index("b"))):
        if kind == "delta":
            write_deltalake(str(tmp_path / name), pa.Table.from_pandas(frame))
        else:
            (tmp_path / name).mkdir()
            frame.to_parquet(tmp_path / name / "part.parquet")
    below = "part.parquet" if kind == "file" else ""
    nameless, named = (source.locate(tmp_path, str(Path(name, below))) for name in ("none", "named"))

    assert set(rows(nameless, KINDS)) == set(rows(named, KINDS)) == set(FRAME.columns)
    assert set(rows(nameless, {"__index_level_0__": "integer"})) == {*FRAME.columns, "__index_level_0__"}


def test_given_a_table_in_memory_when_read_by_address_then_it_is_there() -> None:
    place = f"memory://{uuid.uuid4().hex}"
    for name, content in (("one.csv", b"a\n1\n"), ("two.csv", b"a\n2\n")):
        with fsspec.open(f"{place}/{name}", "wb") as stream:
            stream.write(content)
    one, two = (source.locate(Path(), f"{place}/{name}.csv") for name in ("one", "two"))
    assert rows(one, KINDS) == {"a": [1.0]}
    assert source.digest(one) != source.digest(two)


def test_given_types_that_only_stored_tables_have_then_they_come_as_plain_kinds(tmp_path: Path) -> None:
    table = pa.table(
        {
            "small": pa.array([1, None], pa.int8()),
            "cents": pa.array([1, 2], pa.decimal128(5, 2)),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "day": pa.array([0, 1], pa.date32()),
            "zoned": pa.array([0, 1], pa.timestamp("ns", "Europe/Madrid")),
            "none": pa.nulls(2),
            "half": pa.array([0.5, 1.5], pa.float32()),
        }
    )
    parquet.write_table(table, tmp_path / "t")
    located = source.locate(tmp_path, "t")
    found = pa.Table.from_batches(source.batches(located, source.detect(located)))
    assert [str(field.type) for field in found.schema] == [
        "int64", "double", "string", "timestamp[us]", "timestamp[us]", "string", "double",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["n", "b", "yes"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_given_a_column_that_is_not_wanted_then_it_is_left_out_whatever_it_holds(
    tmp_path: Path, kind: str, name: str
) -> None:
    table = FRAME.assign(**{name: ["?!", "no such", "kind"]})
    getattr(table, f"to_{kind}")(tmp_path / "t", index=False)
    located = source.locate(tmp_path, "t")

    found = source.batches(located, source.detect(located), KINDS, without={name})

    assert set(pa.Table.from_batches(found).column_names) == set(FRAME.columns) - {name}


def test_given_an_open_quote_in_the_last_column_when_it_is_not_wanted_then_no_row_is_lost_silently(
    tmp_path: Path,
) -> None:
    located = put(tmp_path, b'a,y\n1,0\n2,"1\n3,0\n4,1\n')

    with pytest.raises(FactoryError, match="a quote is never closed"):
        list(source.batches(located, source.detect(located), {"a": "number"}, without={"y"}))


def test_given_lists_in_a_column_then_it_is_named(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"embedding": [[1.0], [2.0]]}), tmp_path / "t")
    located = source.locate(tmp_path, "t")
    with pytest.raises(FactoryError, match="column embedding holds values of type list<"):
        source.read(located)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n1,secret,3,4\n", r"a row \(line 3\) has 4 values where the header has 2"),
        (b"a,b\n1,2\nsecret\n", r"a row \(line 3\) has 1 values where the header has 2"),
        (b'a,b\n1,"secret\n2,x\n', "a quote is never closed"),
        (b"a,b\nsecret,2\n", "column a holds values that are no number"),
        (b"day,b\nsecret,2\n", "column day holds values that are no date"),
        (b"a,b\n1,\x00\x01\x02\n", "bytes that no text has"),
        (b"PK\x03\x04secret", "an Excel or zip file"),
        (b"PAR1secretPAR1", "corrupt"),
        (b"\x1f\x8bsecret", "corrupt"),
    ],
)
def test_fault_19_given_bad_data_when_read_then_one_line_names_the_file_and_no_value(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(FactoryError, match=said) as caught:
        rows(source.locate(tmp_path, "data.csv"), KINDS)
    assert "data.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_fault_19_given_a_cut_off_parquet_file_then_it_is_named(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "whole")
    located = put(tmp_path, (tmp_path / "whole").read_bytes()[:-40])
    with pytest.raises(FactoryError, match=r"data\.csv is corrupt|cannot be read"):
        source.read(located)


def test_fault_19_given_an_empty_folder_or_a_delta_table_without_its_files_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FactoryError, match="holds no file of a table"):
        source.detect(source.locate(tmp_path, "empty"))
    write_deltalake(str(tmp_path / "delta"), pa.Table.from_pandas(FRAME))
    for file in (tmp_path / "delta").glob("*.parquet"):
        file.unlink()
    with pytest.raises(FactoryError, match="delta"):
        source.read(source.locate(tmp_path, "delta"))


@pytest.mark.parametrize("log", [None, b"", b"\xff{", b'{"protocol": 1}'])
def test_fault_19_given_a_delta_table_whose_log_is_damaged_when_read_then_it_is_named(
    tmp_path: Path, log: bytes | None
) -> None:
    write_deltalake(str(tmp_path / "delta"), pa.Table.from_pandas(FRAME))
    for file in (tmp_path / "delta" / "_delta_log").iterdir():
        file.unlink()
    if log is not None:
        (tmp_path / "delta" / "_delta_log" / f"{0:020d}.json").write_bytes(log)

    located = source.locate(tmp_path, "delta")
    for reading in (source.read, source.digest):
        with pytest.raises(FactoryError, match="delta is a damaged Delta table"):
            reading(located)


def test_fault_19_given_a_pipe_or_no_name_when_located_then_it_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FactoryError, match=r"pipe\.csv is neither a file nor a folder"):
        source.locate(tmp_path, "pipe.csv")
    with pytest.raises(FactoryError, match="is missing"):
        source.locate(tmp_path, "")


@pytest.mark.parametrize(
    ("address", "said"),
    [("s3://bucket/data.csv", "s3fs"), ("nowhere://x/y.csv", "nowhere:// is no address"), ("memory://gone", "missing")],
)
def test_given_an_address_that_cannot_be_read_then_one_line_says_why(address: str, said: str) -> None:
    with pytest.raises(FactoryError, match=said):
        source.locate(Path(), address)


def test_given_a_password_in_an_address_then_it_is_not_repeated() -> None:
    with pytest.raises(UsageProblem) as caught:
        source.locate(Path(), "s3://me:hunter2@bucket/data.csv")
    assert "hunter2" not in str(caught.value)


def test_given_batches_then_none_has_more_rows_than_asked_and_together_they_are_the_table(tmp_path: Path) -> None:
    located = put(tmp_path, b"n\n" + b"".join(b"%d\n" % number for number in range(1000)))
    found = list(source.batches(located, source.detect(located), KINDS, rows=64))
    assert max(batch.num_rows for batch in found) <= 64
    assert [n for batch in found for n in batch["n"].to_pylist()] == list(range(1000))


def test_given_a_change_of_content_then_the_digest_changes_and_else_it_stays(tmp_path: Path) -> None:
    one = source.digest(put(tmp_path, b"a\n1\n"))
    assert source.digest(put(tmp_path, b"a\n1\n")) == one
    assert source.digest(put(tmp_path, b"a\n2\n")) != one
    write_deltalake(str(tmp_path / "delta"), pa.table({"a": [1]}))
    before = source.digest(source.locate(tmp_path, "delta"))
    write_deltalake(str(tmp_path / "delta"), pa.table({"a": [2]}), mode="append")
    assert source.digest(source.locate(tmp_path, "delta")) != before


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=8)


@given(
    st.lists(st.tuples(CELLS, st.floats(allow_nan=False, allow_infinity=False)), min_size=2, max_size=20),
    st.sampled_from([";", "\t", ","]),
)
def test_given_any_texts_and_numbers_when_written_and_read_then_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, float]], separator: str
) -> None:
    place = tmp_path_factory.mktemp("csv") / "t.csv"
    frame = pd.DataFrame(made, columns=["b", "a"])
    frame.to_csv(place, index=False, sep=separator)
    read = ReadSettings(separator=separator)
    found = source.read(source.locate(place.parent, "t.csv"), read, KINDS)
    assert found["b"].tolist() == frame["b"].tolist()
    np.testing.assert_allclose(found["a"], frame["a"], rtol=1e-15)


def test_given_texts_of_a_kind_when_converted_then_unfit_says_so_without_a_value() -> None:
    with pytest.raises(kinds.Unfit, match="whole numbers") as caught:
        kinds.to_kind(pa.array(["1", "secret"]), "integer")
    assert "secret" not in str(caught.value)
    assert kinds.to_kind(pa.array(["1,5", None]), "number", decimal=",").to_pylist() == [1.5, None]


@example([b"a", b"\xc3", b"a", b"a", b"\xa9"])
@given(st.lists(st.sampled_from([b"a", b"\n", b"\xc3", b"\xa9", b"\xe2\x82", b"\xac", b"\xff"])))
def test_given_letters_cut_in_two_anywhere_when_looked_at_in_parts_then_it_is_utf8_only_if_all_of_it_is(
    given_bytes: list[bytes],
) -> None:
    content = b"".join(given_bytes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_encoding, "_SCAN_BYTES", 2)
        found = text_encoding.decodes(lambda: io.BytesIO(content), "utf-8")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        assert not found
    else:
        assert found
