"""JSON lines: records as rows, no digit lost, a line or a column that does not fit is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError

CASE = Path(__file__).resolve().parents[3] / "fixtures" / "cases" / "json-lines" / "pumps.jsonl"


def read(place: Path, kinds: dict[str, str] | None = None, **other: Any) -> dict[str, list[Any]]:
    located = source.locate(place.parent, place.name)
    found = pa.Table.from_batches(source.batches(located, source.detect(located), kinds, **other))
    return {name: found[name].to_pylist() for name in found.column_names}


def put(folder: Path, text: str) -> Path:
    (folder / "t.jsonl").write_text(text, encoding="utf-8")
    return folder / "t.jsonl"


def test_given_the_case_when_read_then_each_field_is_a_column() -> None:
    found = read(CASE, {"kw": "number", "age": "integer", "state": "category"})
    assert set(found["state"]) == {"ok", "fail"}
    assert all(isinstance(value, float) for value in found["kw"])


def test_given_values_of_all_kinds_then_their_texts_are_those_of_the_file(tmp_path: Path) -> None:
    place = put(tmp_path, '{"a": 9007199254740993, "b": "007", "c": true}\n\n{"c": null, "d": 1.50, "b": "ü\\n"}\r\n')
    assert read(place) == {
        "a": ["9007199254740993", None],
        "b": ["007", "ü"],
        "c": ["true", None],
        "d": [None, "1.50"],
    }
    kinds = {"a": "integer", "c": "boolean", "d": "number"}
    assert read(place, kinds, rows=1, without={"b"}) == {"a": [2**53 + 1, None], "c": [True, None], "d": [None, 1.5]}


def test_given_names_and_texts_with_any_signs_then_they_are_those_of_the_file(tmp_path: Path) -> None:
    place = put(tmp_path, '{"": 1, "a b c": "\\u00fc\\n{", "[d": "null", "e": "x\\\\", "\\u00e4": -1e3}\n')
    assert read(place) == {"unnamed_1": ["1"], "a b c": ["ü\n{"], "[d": ["null"], "e": ["x\\"], "ä": ["-1e3"]}


def test_given_texts_that_look_like_fields_or_like_no_json_then_they_are_texts(tmp_path: Path) -> None:
    place = put(tmp_path, '{"a": "\\"a\\": 1, \\"a\\": NaN", "b": "NaN"}\n')
    assert read(place) == {"a": ['"a": 1, "a": NaN'], "b": ["NaN"]}


def test_given_a_field_that_comes_late_then_it_is_a_column_of_all_rows(tmp_path: Path) -> None:
    place = put(tmp_path, '{"a": 1}\n' * 5 + '{"a": 1, "late": "x"}\n')
    assert read(place, rows=2)["late"] == [None] * 5 + ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n{"a": "secret\n', "line 2 is no JSON record (see character 14)"),
        ('{"a": 1}\n[1]\n', "line 2 is no JSON record, as in"),
        ('{"a": 1}\n{"b": 2, "a": NaN}\n', "line 2 has NaN in column a, which is no JSON: write null"),
        ('{"a": -Infinity}\n{"a": 1}\n', "line 1 has -Infinity in column a, which is no JSON"),
        ('{"a": 1}\n{"a": "secret", "b": "NaN", "a" : "secret"}\n', "line 2 has column a twice: keep one"),
        ('{"a": "secret", "\\u0061": 3}\n', "line 1 has column a twice"),
        ('{"a": 1}\n{"a": {"b": "secret"}}\n', "column a holds lists or records, first in line 2"),
        ('{"a": ["secret"]}\n', "column a holds lists or records, first in line 1"),
        ('{"n": "secret"}\n', "column n holds values that are no whole numbers"),
        ('{"a": 1, "A": 2}\n', "columns a and A differ only in case"),
        ("{}\n{}\n", "has no"),
        ('{"a": 1}\n{"se\\"cret": 1}\n', "line 2 has a field whose name holds a quote"),
    ],
)
def test_given_lines_that_are_no_table_then_line_or_column_is_named_without_a_value(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(FactoryError) as caught:
        read(put(tmp_path, text), {"n": "integer"})
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
