"""What is proposed for a table of a test, and what training reads of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from aifactory.profile import Proposal, Table, Wishes, propose, take_in
from aifactory_runtime.data import source

CASES = Path(__file__).parents[3] / "fixtures" / "cases"


def looked_at(place: str, target: str = "state", encoding: str | None = None) -> tuple[Table, Proposal]:
    found = take_in(place, CASES, encoding)
    return found.table, propose(found.table, found.source, target, Wishes())


def said_of(proposal: Proposal, column: str) -> str:
    return "\n".join(note for note in proposal.notes if note.startswith(f"{column}: "))


def trained_on(place: str, table: Table, proposal: Proposal) -> dict[str, list[Any]]:
    """What training reads: the same file by what conf says, as the kinds that schema.py declares."""
    kinds = {column.name: column.kind for column in proposal.columns} | {proposal.target.name: proposal.problem.kind}
    found = pa.Table.from_batches(source.batches(source.locate(CASES, place), table.read, kinds))
    read: dict[str, list[Any]] = found.to_pydict()
    return read


NUMBERS = [f"{number * 7 % 61}.{number * 3 % 10}{number % 9 + 1}" for number in range(60)]


DAYS = [f"2025-0{number % 9 + 1}-{number % 28 + 1:02d}" for number in range(60)]


def written(folder: Path, cells: Sequence[str], name: str = "kw", separator: str = ",") -> str:
    """A table with a column of these cells, and a target."""
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow([name, "city", "state"])
        writer.writerows([cell, f"c{number % 3}", "ok" if number % 2 else "fail"] for number, cell in enumerate(cells))
    return str(folder / "t.csv")
