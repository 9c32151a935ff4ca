"""What a file is by its first bytes: text, JSON lines or Parquet, which are read, or another format by its name."""

from __future__ import annotations

import codecs
import json
import re
from typing import Literal

from aifactory_runtime.errors import FactoryError

Format = Literal["csv", "jsonl", "parquet"]

HEAD_BYTES = 1 << 20
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_STARTS = {
    b"PARE": "an encrypted Parquet file",
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"ARROW1": "an Arrow (Feather) file",
    b"FEA1": "an old Feather file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF": "a PDF file",
    b"7z\xbc\xaf": "a 7-Zip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
}
_ELSEWHERE = ((257, b"ustar", "a tar archive"),)
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body|table|meta|script)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<(\?xml\b|!--|[A-Za-z][\w:.-]*(\s[^<>]*)?>\s*<)")
_ARRAY = re.compile(rb"\s*\[\s*([\[{]|$)")
_OBJECT = re.compile(rb'\s*\{\s*("|\}|$)')


def find(name: str, head: bytes) -> Format:
    """The format of a file that begins with `head`, its first HEAD_BYTES or all of it, unpacked.

    FactoryError names the file by `name`, and the format when it is one that is not read.
    """
    if head.startswith(PARQUET):
        return "parquet"
    other = next((other for start, other in _STARTS.items() if head.startswith(start)), None)
    other = other or next((other for at, mark, other in _ELSEWHERE if head[at:].startswith(mark)), None)
    if other:
        raise FactoryError(f"{name} is {other}: save the table as CSV or Parquet")
    text = head.removeprefix(codecs.BOM_UTF8)
    if _HTML.match(text):
        raise FactoryError(f"{name} is a web page (HTML): save the table as CSV or Parquet")
    if _XML.match(text):
        raise FactoryError(f"{name} is XML: save the table as CSV or Parquet")
    return _json(name, text) or "csv"


def _json(name: str, head: bytes) -> Format | None:
    """JSON lines when the first line is a record; FactoryError for other JSON; None for no JSON."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if _OBJECT.match(head.decode("utf-16", errors="ignore").encode()):
            raise FactoryError(f"{name} is JSON in UTF-16: save it in UTF-8, a record a line")
        return None
    if _ARRAY.match(head):
        raise FactoryError(f"{name} is a JSON array: save it as JSON lines (a record a line), CSV or Parquet")
    if not _OBJECT.match(head):
        return None
    try:
        json.loads(head.lstrip().partition(b"\n")[0])  # takes NaN, too: the reader says in which column that stands
    except (ValueError, RecursionError):
        raise FactoryError(
            f"{name} is JSON, but its first line is no whole record: save it as JSON lines (a record a line)"
        ) from None
    return "jsonl"
