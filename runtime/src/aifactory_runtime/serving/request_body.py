"""The body of a request: of a media type that is taken, unpacked, and never larger than the limit."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from fastapi import Request

JSON, CSV = "application/json", "text/csv"
FORM = "application/x-www-form-urlencoded"
"""What curl and urllib say of a body when nobody told them what it is."""
_GZIP = frozenset({"gzip", "x-gzip"})
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
_DAMAGED = "the body cannot be unpacked: it is no gzip, or it is cut off"
_GZIP_WINDOW = 31
"""zlib's word for: with the header and the check sum of gzip."""


class NotTaken(Exception):
    """A media type, charset or encoding that the address does not take; the message names those it does."""


class TooLarge(Exception):
    """More bytes than the limit, as sent or as unpacked."""


class Damaged(Exception):
    """A packed body that cannot be unpacked."""


def media_type(request: Request, taken: Sequence[str], unsaid: Sequence[str]) -> str:
    """Which of `taken` the body is; what is in `unsaid` (`""` is no header) says nothing, it stands for the first.

    NotTaken for another type, for another charset than UTF-8, for CSV that says it has no header, and for parameters
    that are none of ours.
    """
    said, *parameters = [part.strip().lower() for part in request.headers.get("content-type", "").split(";")]
    found = taken[0] if said in unsaid else said
    if found not in taken:
        where = f"; {CSV} belongs to /invocations" if found == CSV else ""
        raise NotTaken(f"send {' or '.join(taken)}{where}")
    for parameter in filter(None, parameters):
        name, _, value = (part.strip().strip('"') for part in parameter.partition("="))
        if found == CSV and (name, value) == ("header", "present"):
            continue
        if found == CSV and name == "header":
            raise NotTaken("send CSV with a header of column names, header=present")
        if name != "charset" or value not in _UTF_8:
            raise NotTaken(f"send {' or '.join(taken)} in UTF-8, without further parameters")
    return found


async def read(request: Request, limit: int) -> bytes:
    """The body, unpacked. TooLarge as soon as it is known to be larger than `limit` bytes, said, counted or unpacked.

    NotTaken for an encoding other than gzip, Damaged for what is none.
    """
    header = ",".join(request.headers.getlist("content-encoding")).lower()
    encodings = [one.strip() for one in header.split(",") if one.strip() not in {"", "identity"}]
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise TooLarge
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    if not encodings:
        return b"".join(parts)
    if len(encodings) > 1 or encodings[0] not in _GZIP:
        raise NotTaken("send the body as it is, or with Content-Encoding: gzip")
    return _unpacked(b"".join(parts), limit)


def _unpacked(packed: bytes, limit: int) -> bytes:
    """All members of a gzip file; never more than a byte above `limit` is unpacked."""
    made, rest = bytearray(), packed
    while rest:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            made += member.decompress(rest, limit + 1 - len(made))
        except zlib.error:
            raise Damaged(_DAMAGED) from None
        if len(made) > limit:
            raise TooLarge
        if not member.eof:
            raise Damaged(_DAMAGED)
        rest = member.unused_data
    return bytes(made)
