"""Tables in JSON lines: a record a line, each value as the text that stands there, so that no digit is lost."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.data import column_names
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

Opener = Callable[[], IO[bytes]]
_TEXT, _NESTED, _NULL = b'"', (b"{", b"["), b"null"


def columns(name: str, opener: Opener) -> dict[str, str]:
    """Fields of all records, in the order in which they first stand there, and the column that each becomes."""
    found: dict[str, None] = {}
    for _, record in _records(name, opener):
        if record.keys() - found.keys():
            found.update(dict.fromkeys(record))
    return dict(zip(found, column_names.unique(name, list(found)), strict=True))


def batches(
    name: str, opener: Opener, kinds: Mapping[str, str], rows: int, without: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of `rows` records, a field that a record lacks as null: columns in `kinds` as that kind, others as texts.

    FactoryError names the line, or the column, that is no record, holds lists or records, or does not fit a kind.
    """
    wanted = {field: column for field, column in columns(name, opener).items() if column not in without}
    records = _records(name, opener)
    while some := list(itertools.islice(records, rows)):
        found = {
            column: [_text(name, line, column, record.get(field)) for line, record in some]
            for field, column in wanted.items()
        }
        yield _batch(name, found, kinds)


def _records(name: str, opener: Opener) -> Iterator[tuple[int, dict[str, msgspec.Raw]]]:
    """Each record and its line, the first is 1; blank lines are no records."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    with opener() as stream:
        for number, line in enumerate(stream, start=1):
            plain = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not plain.strip():
                continue
            try:
                yield number, decoder.decode(plain)
            except (msgspec.MsgspecError, ValueError):
                raise FactoryError(f"{name}: line {number} is no JSON record: mend it, then run again") from None


def _text(name: str, line: int, column: str, value: msgspec.Raw | None) -> str | None:
    """What stands there as text, without the quotes of a text; None for null and for an empty text."""
    token = b"" if value is None else bytes(value)
    if not token or token == _NULL:
        return None
    if token.startswith(_NESTED):
        raise FactoryError(
            f"{name}: column {column} holds lists or records (line {line}): make columns of numbers, texts or dates "
            "of it"
        )
    if not token.startswith(_TEXT):
        return token.decode()
    text: str = msgspec.json.decode(token, type=str)
    return text.strip() or None


def _batch(name: str, found: Mapping[str, list[str | None]], kinds: Mapping[str, str]) -> pa.RecordBatch:
    import pyarrow as pa

    made: dict[str, Any] = {}
    for column, values in found.items():
        texts = pa.array(values, pa.string())
        try:
            made[column] = kinds_of.to_kind(texts, kinds[column]) if column in kinds else texts
        except kinds_of.Unfit as problem:
            raise FactoryError(f"{name}: column {column} {problem}; mend it, or change schema.py") from None
    return pa.RecordBatch.from_pydict(made)
