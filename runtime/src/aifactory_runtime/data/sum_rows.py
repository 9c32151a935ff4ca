"""Rows that sum up the rows above them, told by a word such as Total in the last row: they are no rows of a table."""

from __future__ import annotations

_SUMS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sub-total", "total general", "total général", "overall total"}
    | {"sum", "grand sum", "summe", "gesamt", "gesamtsumme", "gesamtergebnis", "insgesamt", "zwischensumme"}
    | {"totale", "somme", "suma", "soma", "totaal", "razem", "итого", "合計", "総計", "总计"}
)
_MAYBE = frozenset(
    {"average", "avg", "mean", "median", "min", "max", "count"}
    | {"mittelwert", "durchschnitt", "moyenne", "promedio", "media"}
)
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
    return cell.strip().rstrip(":").rstrip().casefold()


def sentence(found: str) -> str:
    """What is wrong with a last row that holds the word `found`, and what to do."""
    return (
        f"the last row holds the word {found}, which no other row has in that column: it sums up the others, take it "
        "out (if it is a row, write another word)"
    )
