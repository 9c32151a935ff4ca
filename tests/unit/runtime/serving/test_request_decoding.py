"""Request bodies: what fits the input schema becomes columns, everything else is refused and not repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving.request_decoding import Refused, RowReader, Rows
from tests.unit.runtime.serving_parts import ROW, SCHEMA

READER = RowReader(SCHEMA, max_rows=3)
SECRET = "Zq9secret"


def _body(**changes: Any) -> bytes:
    return json.dumps({"rows": [{**ROW, **changes}]}).encode()


def _without(name: str) -> bytes:
    return json.dumps({"rows": [{key: value for key, value in ROW.items() if key != name}]}).encode()


def test_given_rows_that_fit_when_read_then_they_are_columns_in_order() -> None:
    body = json.dumps({"rows": [ROW, {**ROW, "age": 41, "mean income": None}]}).encode()

    rows = READER.predict(body)

    assert rows.columns == {
        "age": [40, 41],
        "mean income": [1000.5, None],
        "member": [True, True],
        "region": ["east", "east"],
    }


def test_given_the_same_row_in_each_form_when_read_then_the_columns_are_equal() -> None:
    split = {"dataframe_split": {"columns": list(ROW)[::-1], "data": [list(ROW.values())[::-1]]}}
    records = {"dataframe_records": [ROW]}

    expected = READER.predict(_body()).columns

    assert READER.invocations(json.dumps(split).encode()).columns == expected
    assert READER.invocations(json.dumps(records).encode()).columns == expected


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(_body().replace(b"1000.5", b"NaN"), "NaN and Infinity are not JSON", id="fault_32_NaN"),
        pytest.param(_body().replace(b"1000.5", b"-Infinity"), "Infinity are not JSON", id="fault_32_infinity"),
        pytest.param(_body().replace(b"1000.5", b"1e999"), "'mean income'", id="fault_33_beyond_float"),
        pytest.param(_body(**{"mean income": False}), "'mean income' must be a number", id="fault_34_false_for_number"),
        pytest.param(_body(**{"mean income": "1"}), "'mean income' must be a number", id="text_for_number"),
        pytest.param(_body(age=1.5), "'age' must be a whole number", id="fraction_for_integer"),
        pytest.param(_body(age=10**30), "'age'", id="huge_integer"),
        pytest.param(_body(age=17), "at least 18", id="below_minimum"),
        pytest.param(_body(age=111), "at most 110", id="above_maximum"),
        pytest.param(_body(age=None), "'age'", id="null_where_none_may_be"),
        pytest.param(_body(member=1), "'member' must be true or false", id="one_for_true"),
        pytest.param(_body(region=SECRET), "'east', 'west'", id="unknown_category"),
        pytest.param(_body(**{SECRET: 1}), "does not know", id="fault_35_extra_column"),
        pytest.param(_without("age"), "'age' is missing", id="missing_column"),
        pytest.param(b'{"rows": []}', "1 to 3 rows", id="no_row"),
        pytest.param(json.dumps({"rows": [ROW] * 4}).encode(), "1 to 3 rows", id="too_many_rows"),
        pytest.param(b'{"rows": {"age": 1}}', "rows", id="rows_no_list"),
        pytest.param(b'{"rows": [[1, 2]]}', "row 0", id="row_no_object"),
        pytest.param(json.dumps([ROW]).encode(), "rows", id="wrong_nesting"),
        pytest.param(b'{"rows": ' + b"[" * 100_000, "row", id="deep_nesting"),
        pytest.param(b"", "JSON", id="empty"),
        pytest.param(b"\xff\xfe", "JSON", id="no_text"),
        pytest.param(_body()[:-3], "JSON", id="cut_off"),
    ],
)
def test_given_a_bad_body_when_read_then_it_is_refused_without_repeating_it(body: bytes, says: str) -> None:
    with pytest.raises(Refused) as refused:
        READER.predict(body)

    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "given_split",
    [
        {"columns": list(ROW), "data": [[1]]},
        {"columns": [*ROW, "age"], "data": [[*ROW.values(), 40]]},
        {"columns": [*ROW, SECRET], "data": [[*ROW.values(), 40]]},
        {"columns": list(ROW), "data": []},
        {"columns": list(ROW), "data": [list(ROW.values())] * 4},
        {"columns": list(ROW), "data": [["40", *list(ROW.values())[1:]]]},
        {"columns": list(ROW)},
    ],
)
def test_given_a_bad_split_when_read_then_it_is_refused(given_split: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        READER.invocations(json.dumps({"dataframe_split": given_split}).encode())

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("body", [b"hello", b"", b"\xff", b'{"rows": '])
def test_given_a_body_that_is_no_json_at_all_when_read_then_nothing_is_said_of_nan(body: bytes) -> None:
    with pytest.raises(Refused, match=r"^the body is not valid JSON$"):
        READER.predict(body)


@pytest.mark.parametrize("body", [{"rows": [ROW]}, {"dataframe_records": {}}, {}, [ROW], None])
def test_given_the_wrong_form_when_sent_to_invocations_then_its_own_forms_are_named(body: Any) -> None:
    with pytest.raises(Refused, match=r"^/invocations takes either .*dataframe_split.* with 1 to 3 rows$"):
        READER.invocations(json.dumps(body).encode())


def test_given_both_forms_or_none_when_read_then_it_is_refused() -> None:
    split = {"columns": list(ROW), "data": [list(ROW.values())]}
    for body in ({"dataframe_records": [ROW], "dataframe_split": split}, {}):
        with pytest.raises(Refused):
            READER.invocations(json.dumps(body).encode())


KINDS = RowReader(
    InputSchema(
        target="y",
        columns=(
            Column("größe [m²].class", "text", nullable=True, maximum=5),
            Column("when", "date", nullable=True),
            Column("1", "category", categories=tuple(f"v{number:04d}" for number in range(1000))),
        ),
        features=("a",),
        classes=(),
    ),
    max_rows=3,
)
KIND_ROW: dict[str, Any] = {"größe [m²].class": "groß", "when": "2026-01-31", "1": "v0999"}


def _kind(**changes: Any) -> bytes:
    return json.dumps({"rows": [{**KIND_ROW, **changes}]}).encode()


def test_given_texts_dates_and_many_categories_when_read_then_they_come_as_the_model_takes_them() -> None:
    columns = KINDS.predict(_kind()).columns
    assert columns == {"größe [m²].class": ["groß"], "when": [datetime(2026, 1, 31)], "1": ["v0999"]}
    assert KINDS.predict(_kind(when=None)).columns["when"] == [None]
    assert KINDS.predict(_kind(when="2026-01-31T01:00:00+01:00")).columns["when"] == [datetime(2026, 1, 31)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"größe [m²].class": SECRET}, "at most 5 characters, or null"),
        ({"größe [m²].class": 5}, "a text of"),
        ({"when": SECRET}, "row 0: column 'when' must be a date in ISO 8601"),
        ({"when": 20260131}, "a date in ISO 8601"),
        ({"when": "2026-02-30"}, "a date in ISO 8601"),
        ({"when": "0001-01-01T00:00:00+10:00"}, "a date in ISO 8601"),
        ({"when": "1" * 1000}, "a date in ISO 8601"),
        ({"1": SECRET}, "the 1000 values that /docs lists"),
    ],
)
def test_given_a_value_that_is_none_of_its_kind_when_read_then_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        KINDS.predict(_kind(**changes))
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from([*ROW, "rows", "x"]), part, max_size=4),
    max_leaves=8,
)


def _is_read(call: str, body: Any) -> bool:
    try:
        getattr(READER, call)(json.dumps(body).encode())
    except Refused:
        return False
    return True


@pytest.mark.parametrize(("call", "key"), [("predict", "rows"), ("invocations", "dataframe_records")])
@given(value=ANY_JSON | st.lists(ANY_JSON | st.just(ROW), max_size=4))
@example(value=[ROW])
def test_given_any_json_when_read_then_it_is_read_or_refused_and_nothing_else(call: str, key: str, value: Any) -> None:
    fits = isinstance(value, list) and 1 <= len(value) <= 3 and all(row == ROW for row in value)
    assert _is_read(call, {key: value}) or not fits
    _is_read(call, value)


@given(row=st.fixed_dictionaries({name: ANY_JSON | st.just(value) for name, value in ROW.items()}))
def test_given_any_values_when_read_then_each_has_the_type_that_its_column_says(row: dict[str, Any]) -> None:
    try:
        rows = READER.predict(json.dumps({"rows": [row]}).encode())
    except Refused:
        return
    assert type(rows.columns["age"][0]) is int and 18 <= rows.columns["age"][0] <= 110
    assert type(rows.columns["mean income"][0]) in (float, type(None))
    assert type(rows.columns["member"][0]) is bool
    assert rows.columns["region"][0] in ("east", "west")


WITH_ID = RowReader(replace(SCHEMA, ignored=("customer id", 'odd "name"')), max_rows=3)


@pytest.mark.parametrize("whole", [b"40.0", b"4e1", b"400.0E-1"])
def test_given_a_whole_number_with_decimals_when_read_then_it_is_that_number(whole: bytes) -> None:
    body = _body().replace(b'"age": 40', b'"age": ' + whole)

    rows = READER.predict(body)

    assert rows.columns["age"] == [40] and type(rows.columns["age"][0]) is int
    assert msgspec.json.encode(rows.records[0]) == msgspec.json.encode(READER.predict(_body()).records[0])


@pytest.mark.parametrize("other", [b"40.5", b"17.0", b"1e300", b'"40"', b"true"])
def test_given_no_whole_number_when_read_then_it_is_refused(other: bytes) -> None:
    with pytest.raises(Refused, match="'age' must be a whole number"):
        READER.predict(_body().replace(b'"age": 40', b'"age": ' + other))


def test_given_a_whole_number_beyond_what_a_float_tells_apart_when_written_with_decimals_then_it_is_refused() -> None:
    reader = RowReader(InputSchema("y", (Column("n", "integer"),), ("n",), ()), max_rows=1)

    assert reader.predict(b'{"rows": [{"n": 9007199254740991.0}]}').columns == {"n": [2**53 - 1]}
    with pytest.raises(Refused, match="a whole number"):
        reader.predict(b'{"rows": [{"n": 9007199254740993.0}]}')


@pytest.mark.parametrize("value", [None, 7, SECRET, {"any": [1]}])
@pytest.mark.parametrize("name", ["customer id", 'odd "name"', "churned"])
def test_given_a_column_that_no_model_sees_when_sent_then_it_is_taken_not_used_and_not_recorded(
    name: str, value: Any
) -> None:
    bare = WITH_ID.predict(_body())

    for rows in (
        WITH_ID.predict(_body(**{name: value})),
        WITH_ID.invocations(json.dumps({"dataframe_records": [{**ROW, name: value}, ROW]}).encode()),
        WITH_ID.invocations(
            json.dumps({"inputs": {**{key: [one] for key, one in ROW.items()}, name: [value]}}).encode()
        ),
    ):
        assert {key: values[:1] for key, values in rows.columns.items()} == bare.columns
        assert msgspec.json.encode(rows.records[0]) == msgspec.json.encode(bare.records[0])


@pytest.mark.parametrize("name", ["customer", "Customer id", SECRET])
def test_given_a_column_that_the_table_does_not_have_when_sent_beside_an_ignored_one_then_it_is_refused(
    name: str,
) -> None:
    with pytest.raises(Refused, match="does not know") as refused:
        WITH_ID.predict(_body(**{"customer id": 7, name: 1}))
    assert name not in str(refused.value)


def test_given_limits_with_fractions_or_beyond_64_bits_when_read_then_whole_numbers_within_them_are_taken() -> None:
    columns = (Column("n", "integer", minimum=0.5, maximum=2.5), Column("m", "integer", minimum=-1e300, maximum=1e300))
    reader = RowReader(InputSchema("y", columns, ("n",), ()), max_rows=1)

    assert reader.predict(b'{"rows": [{"n": 1, "m": 5}]}').columns == {"n": [1], "m": [5]}
    for wrong in (b'{"rows": [{"n": 0, "m": 5}]}', b'{"rows": [{"n": 3, "m": 5}]}'):
        with pytest.raises(Refused):
            reader.predict(wrong)


@pytest.mark.parametrize("ends", [(None, None), (-1e19, 1e19)])
def test_given_whole_numbers_that_a_table_can_hold_when_read_then_they_are_taken_and_larger_ones_refused(
    ends: tuple[float | None, float | None],
) -> None:
    reader = RowReader(InputSchema("y", (Column("n", "integer", False, *ends),), ("n",), ()), max_rows=1)
    for value in (-(2**63), -(2**53) - 1, 2**53 + 1, 2**63 - 1):
        assert reader.predict(json.dumps({"rows": [{"n": value}]}).encode()).columns == {"n": [value]}
    for value in (-(2**63) - 1, 2**63):
        with pytest.raises(Refused, match="'n' must be a whole number"):
            reader.predict(json.dumps({"rows": [{"n": value}]}).encode())


@pytest.mark.parametrize(
    ("read", "body", "says"),
    [
        (READER.predict, b'{"rows": [ROW, {"age": 2, MORE, "age" : 3}]}', "column 'age'"),
        (READER.predict, b'{"rows": [ROW], "rows": [ROW]}', "a key"),
        (READER.predict, b'{"rows": [{"age": 12.0, MORE, "age": 12.0}]}', "column 'age'"),
        (READER.invocations, b'{"dataframe_records": [{"age": 2, MORE, "a\\u0067e": 3}]}', "column 'age'"),
        (READER.invocations, b'{"inputs": [{"age": 2, MORE, "member": true}]}', "column 'member'"),
        (READER.invocations, b'{"dataframe_split": {"columns": [], "data": [], "data": []}}', "a key"),
    ],
)
def test_given_a_key_twice_in_one_object_when_read_then_it_is_refused_and_no_value_is_chosen_in_silence(
    read: Callable[[bytes], Rows], body: bytes, says: str
) -> None:
    row = json.dumps(ROW).encode()
    more = json.dumps({name: value for name, value in ROW.items() if name != "age"}).encode()[1:-1]
    with pytest.raises(Refused, match=f"{says} stands twice in one object of the body: send it once"):
        read(body.replace(b"ROW", row).replace(b"MORE", more))


def test_given_texts_with_colons_when_read_then_they_are_no_keys() -> None:
    schema = InputSchema("y", (Column("note", "text"), Column("when", "date")), (), (0, 1))
    row = {"note": 'he said "no": twice, "no": so', "when": "2026-01-31T12:00:00"}
    for rows in ([row], [row, row]):
        found = RowReader(schema, max_rows=3).predict(json.dumps({"rows": rows}).encode())
        assert found.columns["note"] == [row["note"]] * len(rows)


NOTES = InputSchema("y", (Column("a:note", "text"), Column("when", "date"), Column("age", "number")), (), (0, 1))
NOTE = st.fixed_dictionaries(
    {
        "a:note": st.text(st.sampled_from('ab:"\\ü\n{},'), max_size=12),
        "when": st.sampled_from(["2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+01:00"]),
        "age": st.integers(0, 99),
    }
)
NOTE_NAMES = {column.name for column in NOTES.columns}


@given(rows=st.lists(NOTE, min_size=1, max_size=3), ascii_only=st.booleans(), data=st.data())
def test_given_any_texts_when_a_key_stands_twice_then_it_is_refused_and_else_every_row_is_read(
    rows: list[dict[str, Any]], ascii_only: bool, data: st.DataObject
) -> None:
    reader = RowReader(NOTES, max_rows=3)
    written = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    assert reader.predict(f'{{"rows": [{", ".join(written)}]}}'.encode()).columns["a:note"] == [
        row["a:note"] for row in rows
    ]

    number, name = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(sorted(NOTE_NAMES)))
    again = json.dumps({name: data.draw(NOTE)[name]}, ensure_ascii=ascii_only)
    written[number] = f"{again[:-1]}, {written[number][1:]}"
    with pytest.raises(Refused, match="stands twice"):
        reader.predict(f'{{"rows": [{", ".join(written)}]}}'.encode())


def test_given_times_and_names_with_colons_when_read_then_the_body_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aifactory_runtime.serving.repeated_keys.json.loads", lambda *_, **__: pytest.fail("again"))
    row = {"a:note": "at 12:30, as said: no", "when": "2026-01-31T12:00:00+01:00", "age": 4}

    found = RowReader(NOTES, max_rows=3).predict(msgspec.json.encode({"rows": [row, row]}))

    assert found.columns["age"] == [4, 4]


@pytest.mark.parametrize("read", [READER.predict, READER.invocations])
def test_given_csv_where_json_is_taken_when_read_then_it_is_said_where_it_belongs(
    read: Callable[[bytes], Rows],
) -> None:
    with pytest.raises(Refused, match=r"CSV belongs to /invocations, with Content-Type: text/csv"):
        read(b"age,member\n1,true\n")
