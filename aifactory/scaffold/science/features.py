"""Writes features.py: what the model sees of a row, group by group."""

from __future__ import annotations

from aifactory.scaffold.science import code
from aifactory.scaffold.science.brief import Brief


def source(brief: Brief) -> str:
    """Source of `features.py`."""
    columns = brief.proposal.used
    dates = [column.name for column in columns if column.role == "date"]
    texts = [column.name for column in columns if brief.as_texts(column)]
    known = {column.name: brief.known(column) for column in columns if brief.known(column)}
    time = next((column.name for column in columns if column.role == "time" and column.kind == "date"), None)
    shaped = {*dates, *texts, *known, *(column.name for column in columns if column.role == "time")}
    raw = [column.name for column in columns if column.name not in shaped]
    helpers = [
        name for name, needed in (("date_parts", dates or time), ("text_parts", texts), ("top_values", known)) if needed
    ]
    parts = [_HEAD]
    if helpers:
        parts.append(f"from aifactory_runtime.data.encode import {', '.join(helpers)}\n")
    parts.append("from numpy.typing import NDArray\n\nColumn = NDArray[Any]\n")
    body = []
    if raw:
        parts.append(_COMMENTS["raw"] + code.assign("RAW", code.strings(raw)))
        body.append("    seen: dict[str, Column] = {name: columns[name] for name in RAW}\n")
    else:
        body.append("    seen: dict[str, Column] = {}\n")
    if known:
        entries = [_named(code.text(name), code.strings(values)) for name, values in known.items()]
        parts.append(_COMMENTS["known"] + code.assign("KNOWN", code.Group("{", entries, "}")))
        body.append(_BODY["known"])
    if dates:
        parts.append(_COMMENTS["dates"] + code.assign("DATES", code.strings(dates)))
        body.append(_BODY["dates"])
    if texts:
        parts.append(_COMMENTS["texts"] + code.assign("TEXTS", code.strings(texts)))
        body.append(_BODY["texts"])
    if time:
        parts.append(_COMMENTS["time"] + code.assign("TIME", code.text(time)))
        body.append(_BODY["time"])
    return "".join([*parts, _FUNCTION, *body, "    return seen\n"])


def _named(key: str, group: code.Group) -> code.Group:
    return code.Group(f"{key}: {group.opening}", group.items, group.closing)


_HEAD = '''"""What the model sees of a row. Plain numpy, each row on its own: training and scoring run these lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

'''

_COMMENTS = {
    "raw": "\n# Taken as they are; of texts, each value becomes a column of zeros and ones.\n",
    "known": "\n# Texts that new ones may join: the frequent are kept apart, the rest is `other`.\n",
    "dates": "\n# Split into year, month, weekday, hour, and days since 1970.\n",
    "texts": "\n# Free texts: their length, and how often words occur.\n",
    "time": "\n# When the row came about. Its year would teach the past only, so it is left out.\n",
}

_FUNCTION = '''

def features(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Raw columns in, the model's columns out, by name; every column has one value a row."""
'''

_BODY = {
    "known": """    for name, values in KNOWN.items():
        seen[name] = top_values(columns[name], values)
""",
    "dates": """    for name in DATES:
        seen = {**date_parts(name, columns[name]), **seen}
""",
    "texts": """    for name in TEXTS:
        seen = {**text_parts(name, columns[name]), **seen}
""",
    "time": """    when = date_parts(TIME, columns[TIME])
    for part in ("month", "weekday", "hour"):
        seen[f"{TIME}_{part}"] = when[f"{TIME}_{part}"]
""",
}
