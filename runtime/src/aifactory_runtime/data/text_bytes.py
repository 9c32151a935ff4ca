"""Looks at the first and last letters of Arrow's texts where they lie in memory: quicker than asking text by text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

_NO_SPACE = (ord("!"), ord("~"))
"""Between these two no letter is space; beyond ASCII some are."""
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def trimmed(texts: pa.Array) -> pa.Array:
    """Texts without surrounding space, and none where nothing is written."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _has_space(texts):
        return texts
    cells = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def any_code(texts: pa.Array) -> bool:
    """Whether a text begins with a zero and another digit."""
    starts, ends, letters = _places(texts)
    starts = starts[ends - starts > 1]
    second = letters[starts + 1]
    return bool(((letters[starts] == ord("0")) & (second >= ord("0")) & (second <= ord("9"))).any())


def _has_space(texts: pa.Array) -> bool:
    """Whether a text may begin or end with space, or hold nothing."""
    starts, ends, letters = _places(texts)
    if (starts == ends).any():
        return True
    low, high = _NO_SPACE
    outer = np.concatenate([letters[starts], letters[ends - 1]])
    return bool(((outer < low) | (outer > high)).any())


def _places(texts: pa.Array) -> tuple[Any, Any, Bytes]:
    """Where in the letters each text that is there begins and ends."""
    if not len(texts):
        none = np.empty(0, dtype=np.int32)
        return none, none, none.view(np.uint8)
    _, offsets, letters = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = ends[:-1], ends[1:]
    if texts.null_count:
        there = texts.is_valid().to_numpy(zero_copy_only=False)
        starts, ends = starts[there], ends[there]
    return starts, ends, np.frombuffer(letters or b"", dtype=np.uint8)


def zoned(texts: pa.Array) -> int:
    """How many texts end as times with a zone do: Z, UTC, +02:00, -0500."""
    import pyarrow.compute as pc

    return int(pc.sum(pc.match_substring_regex(texts, r":\d\d(\.\d+)?(Z| UTC|[+-]\d\d(:?\d\d)?)\s*$")).as_py() or 0)
