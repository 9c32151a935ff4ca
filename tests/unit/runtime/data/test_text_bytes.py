"""Texts looked at by their bytes: the same answers as asking Arrow text by text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from aifactory_runtime.data import text_bytes

COLUMNS = {
    "plain": ["north", "south"],
    "space around": [" north", "south\t"],
    "space in the middle": ["two words", "x"],
    "space beyond ASCII": ["\u00a0north", "s\u00fcd\u3000"],
    "letters beyond ASCII": ["\u00e9t\u00e9", "\u6771"],
    "nothing in one": ["north", ""],
    "nothing in all": ["", ""],
    "space only": ["  ", "north"],
    "a null": [None, "north"],
    "nulls only": [None, None],
    "a code": ["17", "007"],
    "a zero": ["0", "0.5"],
    "a code below a null": [None, "01"],
    "a zero before a letter": ["0x", "-01"],
    "empty": [],
}


@pytest.mark.parametrize("texts", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("sliced", [False, True], ids=["whole", "sliced"])
def test_given_any_texts_when_looked_at_by_their_bytes_then_arrow_says_the_same(
    texts: list[str | None], sliced: bool
) -> None:
    column = pa.array(["  ", "01", *texts, ""], pa.string())[2:-1] if sliced else pa.array(texts, pa.string())
    cells = pc.utf8_trim_whitespace(column)
    expected = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
    assert text_bytes.trimmed(column).equals(expected)
    assert text_bytes.any_code(column) == bool(pc.any(pc.match_substring_regex(column, r"^0\d")).as_py())
