"""Quotes of CSV: where one closes in the middle of a cell, rows would be swallowed or cells cut without a word.

Within a quoted cell a quote is written twice. A quoted cell whose end was forgotten goes on, over line ends, to the
next quote of the file, and what follows there is no separator. Spark writes a backslash before a quote instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data.text_encoding import Opener
from aifactory_runtime.errors import FactoryError

_BLOCK_BYTES = 1 << 22
_MOST_HELD = 1 << 26
"""A quoted cell of more bytes is left to the reading, which refuses it."""
_QUOTE = ord('"')
_OPENS = b'(?:(?<=[%s])|\\A)"'
_REST = re.compile(rb'([^"]*+(?:""[^"]*+)*+")[ \t]*+')
"""What follows the quote that opens a cell, up to the quote that closes it, and blanks behind that."""
_BOM = b"\xef\xbb\xbf"


def check(name: str, opener: Opener, read: ReadSettings) -> None:
    """FactoryError names the line of the first quoted cell that does not end where a cell ends.

    UTF-16 and UTF-32 are not looked at.
    """
    if read.encoding.startswith(("utf-16", "utf-32")):
        return
    ends = b"\r\n" + read.separator.encode(read.encoding)
    if _plain(_blocks(opener), ends):
        return
    for line, cell in _broken(_blocks(opener), ends):
        raise FactoryError(f"{name}: {_said(line, cell)}")


def _said(line: int, cell: bytes) -> str:
    lines = cell.count(b"\n")
    if cell.endswith(b'\\"'):
        return (
            f'line {line + lines} has a backslash before a quote within a quoted cell: write such quotes twice, as "" '
            "(Spark: .option('escape', '\"'))"
        )
    return (
        f"the quote that opens a cell in line {line} is closed in the middle of a cell"
        + (f", {lines} line{'s' if lines > 1 else ''} below" if lines else "")
        + ': close it where its cell ends, or write quotes within a cell twice, as ""'
    )


def _blocks(opener: Opener) -> Iterator[bytes]:
    with opener() as stream:
        first = stream.read(_BLOCK_BYTES).removeprefix(_BOM)
        if first:
            yield first
        while block := stream.read(_BLOCK_BYTES):
            yield block


def _plain(blocks: Iterator[bytes], ends: bytes) -> bool:
    """Whether each quote opens or closes a cell, or stands beside its twin; counted, which is fast.

    False also for quotes within cells that are not quoted: those are decided cell by cell.
    """
    beside = np.zeros(256, dtype=bool)
    beside[[*ends, _QUOTE]] = True
    odd, before = 0, ends[:1]
    waits = False
    """Whether the last byte so far is a quote that may close a cell."""
    for block in blocks:
        if waits and not beside[block[0]]:
            return False
        values = np.frombuffer(block, dtype=np.uint8)
        places = np.flatnonzero(values == _QUOTE)
        closes = (np.arange(len(places)) + odd) % 2 == 1
        opening, closing = places[~closes], places[closes]
        if len(opening) and opening[0] == 0 and not beside[before[-1]]:
            return False
        if not beside[values[opening[opening > 0] - 1]].all():
            return False
        if not beside[values[closing[closing < len(values) - 1] + 1]].all():
            return False
        waits = bool(len(closing)) and closing[-1] == len(values) - 1
        odd, before = (odd + len(places)) % 2, block
    return True


def _broken(blocks: Iterator[bytes], ends: bytes) -> Iterator[tuple[int, bytes]]:
    """Line and bytes, from the opening to the closing quote, of each quoted cell that something else follows."""
    opens = re.compile(_OPENS % re.escape(ends))
    held, line, started = b"", 1, False
    for block in blocks:
        text, place = held + block, 1 if started else 0
        while found := opens.search(text, place):
            rest = _REST.match(text, found.end())
            if rest is None or rest.end() == len(text):
                break
            if text[rest.end()] not in ends:
                yield line + text.count(b"\n", 0, found.start()), text[found.start() : rest.end(1)]
            place = rest.end()
        kept = max(found.start() - 1, 0) if found else max(len(text) - 1, 0)
        if len(text) - kept > _MOST_HELD:
            return
        line += text.count(b"\n", 0, kept)
        held, started = text[kept:], kept > 0 or started
