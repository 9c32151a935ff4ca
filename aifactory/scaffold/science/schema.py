"""Writes schema.py: every column of the table with its type and its limits."""

from __future__ import annotations

from aifactory.profile import Column
from aifactory.scaffold.science import code
from aifactory.scaffold.science.brief import Brief, limits

_TYPES = {
    "number": "float",
    "integer": "int",
    "boolean": "bool",
    "category": "str",
    "text": "str",
    "date": '"datetime64[us]"',
}
_GAPPED = {"integer": '"Int64"', "boolean": '"boolean"'}


def source(brief: Brief) -> str:
    """Source of `schema.py`."""
    proposal = brief.proposal
    head = _HEAD.replace("import pandera", "import pandas as pd\nimport pandera") if proposal.target.missing else _HEAD
    parts = [head, code.assign("TARGET", code.text(proposal.target.name))]
    if brief.labels and not brief.regression:
        parts.append(code.assign("CLASSES", code.Group("(", [code.literal(label) for label in brief.labels], ")")))
    ignored = [column.name for column in proposal.columns if not column.used or _only_orders(column)]
    if ignored:
        parts.append("\n# In the table, but no model sees them and no request needs them.\n")
        parts.append(code.assign("IGNORED", code.strings(ignored)))
    else:
        parts.append("\n# Columns of the table that no model sees and no request needs.\n")
        parts.append("IGNORED: tuple[str, ...] = ()\n")
    if proposal.time:
        parts.append("\n# Orders the rows in time: the newest of them test the model.\n")
        parts.append(code.assign("TIME", code.text(proposal.time)))
    if proposal.target.missing:
        parts.append(_UNLABELLED)
    parts.append("\n# Limits lie ten times beyond what the table held: narrow them where you know better.\n")
    parts.append(code.assign("SCHEMA", _schema(brief)))
    return "".join(parts)


def _schema(brief: Brief) -> code.Group:
    columns = [_entry(brief, code.text(column.name), column) for column in brief.proposal.columns]
    columns.append(_target(brief))
    settings = ["strict=True"]
    if brief.proposal.target.missing:
        settings.insert(0, "parsers=pa.Parser(_labelled)")
    return code.Group("pa.DataFrameSchema(", [code.Group("{", columns, "}"), *settings], ")")


def _entry(brief: Brief, key: str, column: Column) -> code.Node:
    nullable = bool(column.missing or column.infinite)
    kind, arguments = _type(column, nullable)
    parts: list[code.Node] = [kind]
    found = limits(column) if column.used and kind in {"float", "int"} else None
    if found:
        low, high = (int(end) for end in found) if kind == "int" else found
        parts.append(f"pa.Check.in_range({low!r}, {high!r})".replace("e+", "e"))  # as the formatter has it
    elif column.used and brief.closed(column):
        parts.append(code.Group("pa.Check.isin(", [code.strings(sorted(column.values))], ")"))
    return code.Group(f"{key}: pa.Column(", [*parts, *arguments], ")")


def _type(column: Column, nullable: bool) -> tuple[str, list[str]]:
    """The type as pandera has it; a whole number that may be missing is held as a float."""
    if not nullable:
        return _TYPES[column.kind], []
    if column.kind == "boolean":
        return '"boolean"', ["nullable=True", "coerce=True"]
    return "float" if column.kind == "integer" else _TYPES[column.kind], ["nullable=True"]


def _target(brief: Brief) -> code.Node:
    """The target; where rows lack it, held as a type that knows missing values until they are left out."""
    kind = brief.proposal.problem.kind
    check = ["pa.Check.isin(CLASSES)"] if brief.labels and not brief.regression else []
    if brief.proposal.target.missing and kind in _GAPPED:
        return code.Group("TARGET: pa.Column(", [_GAPPED[kind], *check, "coerce=True"], ")")
    return code.Group("TARGET: pa.Column(", [_TYPES[kind], *check], ")")


def _only_orders(column: Column) -> bool:
    """A time that is a plain number says nothing about a row but its place."""
    return column.role == "time" and column.kind != "date"


_HEAD = '''"""What a row of the raw table looks like: its columns, and the one that is predicted."""

from __future__ import annotations

import pandera.pandas as pa

'''

_UNLABELLED = '''

def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose target is known; nothing is learned from the others."""
    return table.dropna(subset=[TARGET]) if TARGET in table.columns else table

'''
