"""Tables in JSON lines: a record a line, each value as the text that stands there, so that no digit is lost."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.data import column_names
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

Opener = Callable[[], IO[bytes]]
_AT_ONCE = 8_192
"""Records that are held at once."""
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f]')
_NAMES = re.compile(rb'"\s*:')
"""Ends the name of a field; a text may hold it, too."""
_ANY = msgspec.json.Decoder(dict[str, msgspec.Raw])


def columns(name: str, opener: Opener) -> dict[str, str]:
    """Fields of all records, in the order in which they first stand there, and the column that each becomes.

    FactoryError names the line that is no record, or that has a field twice.
    """
    found: dict[str, None] = {}
    for line, text in _lines(opener):
        record = _decoded(name, line, text, _ANY)
        if len(_NAMES.findall(text)) > len(record):
            _check_once(name, line, text)
        if record.keys() <= found.keys():
            continue
        found.update(dict.fromkeys(record))
        if any(_NOT_IN_NAMES.search(field) for field in found):
            raise FactoryError(
                f"{name}: line {line} has a field whose name holds a quote, a backslash or a line break: rename it"
            )
    return dict(zip(found, column_names.unique(name, list(found)), strict=True))


def batches(
    name: str, opener: Opener, kinds: Mapping[str, str], rows: int, without: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows` records, a field that one lacks as null: columns in `kinds` as that kind, or as texts.

    FactoryError names the line, or the column, that is no record, holds lists or records, or does not fit a kind.
    """
    import pyarrow as pa

    wanted = {field: column for field, column in columns(name, opener).items() if column not in without}
    decoder = _record(wanted)
    lines = _lines(opener)
    while some := list(itertools.islice(lines, min(rows, _AT_ONCE))):
        records = [_decoded(name, line, text, decoder) for line, text in some]
        made: dict[str, Any] = {}
        for place, column in enumerate(wanted.values()):
            tokens = pa.array([bytes(getattr(record, f"f{place}")) for record in records], pa.binary()).cast(
                pa.string()
            )
            texts = _texts(tokens, name, column, [line for line, _ in some])
            made[column] = _of_kind(name, column, texts, kinds)
        yield pa.RecordBatch.from_pydict(made)


def count_rows(opener: Opener) -> int:
    """How many records `batches` has."""
    return sum(1 for _ in _lines(opener))


def _record(fields: Iterable[str]) -> msgspec.json.Decoder[Any]:
    """Decodes a record as its fields' text; what a record lacks is null."""
    names = list(fields)
    null = msgspec.Raw(b"null")
    made = msgspec.defstruct(
        "Record",
        [(f"f{place}", msgspec.Raw, null) for place in range(len(names))],
        rename={f"f{place}": field for place, field in enumerate(names)},
    )
    return msgspec.json.Decoder(made)


def _lines(opener: Opener) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, and its number; the first is 1."""
    with opener() as stream:
        for number, line in enumerate(stream, start=1):
            plain = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not plain.isspace():
                yield number, plain


def _decoded(name: str, line: int, text: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, ValueError):
        raise FactoryError(f"{name}: line {line} {_wrong(text)}") from None


def _wrong(text: bytes) -> str:
    """Why a line is no JSON record, as the end of a sentence. Programs write NaN and infinity, which are no JSON."""
    try:
        record = json.loads(text, parse_constant=_Word)
    except json.JSONDecodeError as error:
        return f"is no JSON record (see character {error.colno}): mend it, then run again"
    except (ValueError, RecursionError):
        return "is no JSON record: mend it, then run again"
    found = record if isinstance(record, dict) else {}
    wrong = next(((field, value) for field, value in found.items() if isinstance(value, _Word)), None)
    if wrong is None:
        return 'is no JSON record, as in {"a": 1, "b": "x"}: mend it, then run again'
    return f"has {wrong[1]} in column {wrong[0]}, which is no JSON: write null for a missing value, else a number"


class _Word(str):
    """NaN, Infinity or -Infinity: Python reads them as numbers."""

    __slots__ = ()


def _check_once(name: str, line: int, text: bytes) -> None:
    """FactoryError when a record has a field twice: each program would take another of the two values."""
    fields = [field for field, _ in json.loads(text, object_pairs_hook=list)]
    twice = next((field for place, field in enumerate(fields) if field in fields[:place]), None)
    if twice is not None:
        raise FactoryError(f"{name}: line {line} has column {twice} twice: keep one of the two")


def _texts(tokens: pa.Array, name: str, column: str, lines: Sequence[int]) -> pa.Array:
    """What stands there as text, without the quotes of a text; null for null and for an empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.match_substring_regex(tokens, r"^[{\[]").index(True).as_py()
    if place >= 0:
        raise FactoryError(
            f"{name}: column {column} holds lists or records, first in line {lines[place]}: make columns of numbers, "
            "texts or dates of it"
        )
    quoted = pc.starts_with(tokens, '"')
    if pc.any(pc.and_(quoted, pc.match_substring(tokens, "\\"))).as_py():
        found = [msgspec.json.decode(token) if token[0] == '"' else token for token in tokens.to_pylist()]
        texts = pa.array(found, pa.string())
    else:
        texts = pc.if_else(quoted, pc.utf8_slice_codeunits(tokens, 1, -1), tokens)
    trimmed = pc.utf8_trim_whitespace(texts)
    gone = pc.or_(pc.equal(trimmed, ""), pc.and_(pc.invert(quoted), pc.equal(tokens, "null")))
    return pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)


def _of_kind(name: str, column: str, texts: pa.Array, kinds: Mapping[str, str]) -> pa.Array:
    try:
        return kinds_of.to_kind(texts, kinds[column]) if column in kinds else texts
    except kinds_of.Unfit as problem:
        raise FactoryError(f"{name}: column {column} {problem}; mend it, or change schema.py") from None
