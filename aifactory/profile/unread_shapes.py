"""Texts that a person may take for dates or numbers: what they look like, and how to write them to be read."""

from __future__ import annotations

import re

from aifactory_runtime.data.cell_reading import MINUS, SPACES

_WORD = r"[^\W\d_]{1,9}\.?"
_NAME = r"[^\W\d_]{3,9}"
_CLOCK = r"[09]{1,2}:[09]{2}(:[09]{2}(\.[09]+)?)?( ?[AaPp][Mm])?"
_DAY = rf"([09]{{1,4}}[-./ ]([09]{{1,2}}|{_NAME})[-./ ][09]{{2,4}}|{_NAME}\.? [09]{{1,2}},? [09]{{4}})"
_OPEN, _CLOSE = (rf"['\"`{typographic}*]" for typographic in ("\u2018\u201c\\[{<", "\u2019\u201d\\]}>"))
_LENGTH = rf"[09]+ ?{_WORD}"

KINDS = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (_CLOCK, "times of day: write hours or minutes as a number"),
        (
            rf"{_LENGTH}(,? {_LENGTH})+|-?[09]+ days?,? [-+]?[09]{{1,2}}:[09:.]+|P[09DWMYTHS.]+",
            "lengths of time, or other amounts, in several units: write one number",
        ),
        (rf"[^\W\d_]{{2,9}}[.,]{{0,2}} {_DAY}(,? {_CLOCK})?", "days with the name of a weekday: write 2025-02-03"),
        (
            rf"(?=(.*[09]){{6}}).*([09]{{1,2}}:[09]{{2}}|([09]{{2}}\.){{2}}.*[AaPp]\.?[Mm]).*"
            rf"|[09]{{8}}[T ]?[09]{{4,6}}Z?"
            rf"|.*[09]{{1,2}}(st|nd|rd|th)\b.*[09]{{4}}|.*{_NAME}\.? [09]{{1,2}}(st|nd|rd|th),? [09]{{4}}"
            rf"|([09]{{4}}|[^\W\d_]{{2}}[09元]{{1,2}})年[09]{{1,2}}月[09]{{1,2}}日.*",
            "days, or days with a time, in a form that is not read: write 2025-02-03 or 2025-02-03 10:15:00",
        ),
        (
            rf"[09]{{4}}[-/. ]?[QWKH][09]{{1,2}}|[QWKH][09]{{1,2}}[-/. ][09]{{2,4}}|[09]{{4}}[-/.][09]{{2}}"
            rf"|[09]{{4}}-?W[09]{{2}}-?[09]|KW ?[09]{{1,2}}.*|[09]{{1,2}}[-/.][09]{{4}}"
            rf"|{_NAME}[-. ]{{1,2}}[09]{{4}}|[^\W\d_]{{3,4}}[-. ]{{1,2}}[09]{{2}}",
            "weeks, months or quarters: write the first day of each, as 2025-02-01, to have dates",
        ),
        (r"[09.,]+ ?[-\u2013/:] ?[09.,]+", "two numbers with a mark between them: write two columns"),
        (
            r"[<>~\u00b1\u2264\u2265\u2248]=? ?[09.,]+",
            "numbers with a mark for more, less or about: write the number alone",
        ),
        (
            rf"{_OPEN}+ ?[{MINUS}+]?[09]+([.,]?[09]+)* ?{_CLOSE}+",
            "numbers in quotes or brackets that are part of the cell: write the number alone",
        ),
        (
            rf"[^\w]{{0,2}}[09]+([.,'\u2019_{SPACES}][09]+)+[^\w]{{0,2}}",
            "digits with marks between them that are not those of decimals and thousands, as in 1.2.3",
        ),
        (
            r"(?=.*[^\x00-\x7f])[-+]?[\d.,\u066b\u066c\uff0c\uff0e]+",
            "numbers in digits of another script: write 0 to 9",
        ),
    )
)
"""By the shape of a whole cell, in which each digit is a 9, and a 0 that begins the first number stays one."""
