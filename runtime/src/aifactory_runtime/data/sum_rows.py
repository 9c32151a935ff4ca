"""Rows that sum up the rows above them, told by a word such as Total in the last row: they are no rows of a table."""

from __future__ import annotations

import re

_SUMS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sub-total", "total general", "total général", "overall total"}
    | {"sum", "grand sum", "summe", "gesamt", "gesamtsumme", "gesamtergebnis", "insgesamt", "zwischensumme"}
    | {"totale", "somme", "suma", "soma", "totaal", "razem", "итого", "合計", "総計", "总计"}
)
_MAYBE = frozenset(
    {"average", "avg", "mean", "median", "min", "max", "count"}
    | {"mittelwert", "durchschnitt", "moyenne", "promedio", "media"}
)
_BEHIND = re.compile(r"[\s:]*(\([0-9]+\))?[\s:]*$")
"""What may stand behind the word: a colon, how many rows there are."""
LAST = 5
"""Rows at the end among which a sum is looked for: sources and blank rows may stand below it."""
LEAST_ABOVE = 3
"""Rows above the last one; below fewer a word may be a value like any other."""


def is_sum(cell: str) -> bool:
    """Whether a cell says that its row adds up others."""
    return word(cell) in _SUMS


def may_be_sum(cell: str) -> bool:
    """Whether a cell may say so, or be a name or a grade as well: max, average."""
    return is_sum(cell) or word(cell) in _MAYBE


def word(cell: str) -> str:
    """What a cell says, however it is written."""
    return _BEHIND.sub("", cell).strip().casefold()


def sentence(found: str, below: int) -> str:
    """What is wrong with a row that holds the word `found` and has so many rows below it, and what to do."""
    row = "the last row" if not below else f"the row before the last {'one' if below == 1 else below}"
    return (
        f"{row} holds the word {found}, which no other row has in that column: it sums up the others, take it "
        "out (if it is a row, write another word)"
    )
