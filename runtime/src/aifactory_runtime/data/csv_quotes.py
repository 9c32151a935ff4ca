"""Quotes within quoted cells are written twice; where a backslash stands before them instead, cells would be cut."""

from __future__ import annotations

import re

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data.text_encoding import Opener
from aifactory_runtime.errors import FactoryError

_BLOCK_BYTES = 1 << 22
_SIGN = b'\\"'


def check(name: str, opener: Opener, read: ReadSettings) -> None:
    """FactoryError names the line of the first quoted cell that holds a backslash before a quote, as Spark writes it.

    A backslash at the end of a cell, as a folder's name has it, is one.
    """
    if read.encoding.startswith(("utf-16", "utf-32")):
        return
    ends = rf"\r\n{re.escape(read.separator)}"
    found = re.compile(rf'(?:^|[{ends}])"[^"]*\\"[^"{ends}]'.encode(read.encoding))
    before, rest = 0, b""
    with opener() as stream:
        while block := stream.read(_BLOCK_BYTES):
            whole, end, left = (rest + block).rpartition(b"\n")
            part = whole + end
            if _SIGN in part and (place := found.search(part)):
                raise _refusal(name, before + part.count(b"\n", 0, place.end()) + 1)
            before, rest = before + part.count(b"\n"), left
    if _SIGN in rest and found.search(rest):
        raise _refusal(name, before + 1)


def _refusal(name: str, line: int) -> FactoryError:
    return FactoryError(
        f'{name}: line {line} has a backslash before a quote within a quoted cell: write such quotes twice, as "" '
        "(Spark: .option('escape', '\"'))"
    )
