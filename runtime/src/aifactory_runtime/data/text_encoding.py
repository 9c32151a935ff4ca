"""How the letters of a text file are written: found out from its bytes, or refused with what can be said."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import IO

from aifactory_runtime.errors import FactoryError, UsageProblem

Opener = Callable[[], IO[bytes]]

HEAD_BYTES = 1 << 18
_SCAN_BYTES = 1 << 22
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
"""Asked for before those of UTF-16, with whose mark one of them begins."""
_CONTROLS = re.compile(rb"\xc2[\x80-\x9f]")
"""U+0080 to U+009F in UTF-8: control letters that no text has; a text that was read wrong and saved again does."""
_HIGH = re.compile(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?")
_LATIN = bytes(range(ord("A"), ord("Z") + 1)) + bytes(range(ord("a"), ord("z") + 1))
WEST = "cp1252"
_SIGNS = bytes.fromhex("80 82 84 85 91 92 93 94 95 96 97 a0 a3 a7 a9 ab ae b0 b4 b7 bb")
"""In Windows-1252 currencies, quotes, dashes and the like: they may stand alone or side by side."""
_IN_WORDS = re.compile(rb"[\xa2\xa4\xa5\xa6\xa8\xaa\xac\xaf\xb2\xb3\xb6\xb8-\xba\xbc-\xbe][A-Za-z]")
"""Signs that stand before no letter in the West; first halves of letters elsewhere."""
_RUN, _ALONE = 3, 2
_FEW = 0.2
_EAST = ("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
_ALPHABETS = ("cp1251", "koi8-r", "cp1253")


def find(name: str, opener: Opener) -> str:
    """The encoding by its mark or its zeros, else UTF-8 if all of the file is, else what Windows writes in the West.

    FactoryError when the file is empty, or written in letters that no rule tells.
    """
    with opener() as stream:
        head = stream.read(HEAD_BYTES)
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if marked or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return marked or "utf-16"
    if not head.strip():
        raise FactoryError(f"{name} is empty: put the data there, then run again")
    if zeros := head.count(0):
        return _wide(name, head, zeros)
    if decodes(opener, "utf-8"):
        if any(_CONTROLS.search(part) for part in _parts(opener)):
            raise FactoryError(f"{name} holds control letters (U+0080 to U+009F) that no text has: {_ask()}")
        return "utf-8"
    if not decodes(opener, WEST) or not _is_western(head, opener):
        raise FactoryError(f"{name} is written neither in UTF-8 nor as Windows writes in the West: {_ask(opener)}")
    return WEST


def check(name: str, opener: Opener, encoding: str) -> None:
    """UsageProblem when the encoding that a person names is none, or not that of the file."""
    try:
        "".encode(encoding)
    except LookupError:
        raise UsageProblem(
            f"{encoding} is no encoding that Python knows: name one such as shift_jis or koi8-r"
        ) from None
    if not decodes(opener, encoding):
        raise UsageProblem(f"{name} is not written in {encoding}: name another encoding, or save it as UTF-8")


def decodes(opener: Opener, encoding: str) -> bool:
    """Whether all of the file is text in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with opener() as stream:
        try:
            while part := stream.read(_SCAN_BYTES):
                if not part.isascii() or decoder.getstate()[0]:  # a letter may be cut in two between parts
                    decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def head(opener: Opener, encoding: str) -> str:
    """The first lines as text, without the mark; a line that is cut off is left out."""
    with opener() as stream:
        raw = stream.read(HEAD_BYTES)
        more = bool(stream.read(1))
    text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="ignore")
    return text.rpartition("\n")[0] if more and "\n" in text else text


def _wide(name: str, head: bytes, zeros: int) -> str:
    """UTF-16 or UTF-32 without a mark, by where the zeros stand."""
    quarters = [head[place::4].count(0) for place in range(4)]
    if zeros >= len(head) * 5 // 8:
        return "utf-32-le" if quarters[3] >= quarters[0] else "utf-32-be"
    halves = {"utf-16-le": quarters[1] + quarters[3], "utf-16-be": quarters[0] + quarters[2]}
    likely = max(halves, key=lambda encoding: halves[encoding])
    if halves[likely] < zeros or zeros < len(head) // 4:
        raise FactoryError(f"{name} is not a CSV table: it holds bytes that no text has; is it another format?")
    return likely


def _parts(opener: Opener) -> Iterator[bytes]:
    """The bytes of the file in parts that each begin with the last byte of the one before; plain ones are left out."""
    last = b""
    with opener() as stream:
        while part := stream.read(_SCAN_BYTES):
            if not part.isascii():
                yield last + part
            last = part[-1:]


def _is_western(head: bytes, opener: Opener) -> bool:
    """Whether the letters beyond ASCII stand as they do in Western languages: between others, seldom side by side."""
    text = next(_parts(opener), head)
    runs = _HIGH.findall(text)
    strange = sum(_is_strange(run) for run in runs)
    return strange <= _FEW * len(runs)


def _is_strange(run: bytes) -> bool:
    """Three letters side by side, or two that stand alone, or a sign within a word."""
    if _IN_WORDS.search(run):
        return True
    letters = run.translate(None, _LATIN + _SIGNS)
    return len(letters) >= (_ALONE if run.strip(_LATIN) == run else _RUN)


def _ask(opener: Opener | None = None) -> str:
    fit = [] if opener is None else [one for one in _EAST if decodes(opener, one)] or list(_ALPHABETS)
    likely = f" ({', '.join(fit)} would fit)" if fit else ""
    return f"how are the letters written?{likely} Save it as UTF-8, or say --encoding (in a repo: data.read.encoding)"
