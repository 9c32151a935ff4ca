"""Tables in JSON lines: a record a line, each value as the text that stands there, so that no digit is lost."""

from __future__ import annotations

import codecs
import itertools
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
_ANY = msgspec.json.Decoder(dict[str, msgspec.Raw])


def columns(name: str, opener: Opener) -> dict[str, str]:
    """Fields of all records, in the order in which they first stand there, and the column that each becomes."""
    found: dict[str, None] = {}
    decoder = msgspec.json.Decoder(_record(found, strict=True))
    for line, text in _lines(opener):
        try:
            decoder.decode(text)
        except (msgspec.MsgspecError, ValueError):  # no record, or one with another field
            found.update(dict.fromkeys(_decoded(name, line, text, _ANY)))
            if any(_NOT_IN_NAMES.search(field) for field in found):
                raise FactoryError(
                    f"{name}: line {line} has a field whose name holds a quote, a backslash or a line break: rename it"
                ) from None
            decoder = msgspec.json.Decoder(_record(found, strict=True))
    return dict(zip(found, column_names.unique(name, list(found)), strict=True))


def batches(
    name: str, opener: Opener, kinds: Mapping[str, str], rows: int, without: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows` records, a field that one lacks as null: columns in `kinds` as that kind, or as texts.

    FactoryError names the line, or the column, that is no record, holds lists or records, or does not fit a kind.
    """
    import pyarrow as pa

    wanted = {field: column for field, column in columns(name, opener).items() if column not in without}
    decoder = msgspec.json.Decoder(_record(wanted))
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


def _record(fields: Iterable[str], *, strict: bool = False) -> Any:
    """A record as its fields' text; one that is `strict` has no others."""
    names = list(fields)
    null = msgspec.Raw(b"null")
    return msgspec.defstruct(
        "Record",
        [(f"f{place}", msgspec.Raw, null) for place in range(len(names))],
        rename={f"f{place}": field for place, field in enumerate(names)},
        forbid_unknown_fields=strict,
    )


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
        raise FactoryError(f"{name}: line {line} is no JSON record: mend it, then run again") from None


def _texts(tokens: pa.Array, name: str, column: str, lines: Sequence[int]) -> pa.Array:
    """What stands there as text, without the quotes of a text; null for null and for an empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.match_substring_regex(tokens, r"^[{\[]").index(True).as_py()
    if place >= 0:
        raise FactoryError(
            f"{name}: column {column} holds lists or records (line {lines[place]}): make columns of numbers, texts or "
            "dates of it"
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
