"""Compares an audit log with the heads of it that are kept where its writers cannot write. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory_runtime.registry.port import Head

RESTORED = "restored"
"""Action of the line that `factory restore` writes: `backup` is when that was made, `anchored` the newest head then."""


@dataclass(frozen=True)
class Comparison:
    """The newest anchored line that the log has as it was (0 for none), what is explained, and what is not."""

    line: int
    notes: tuple[str, ...] = ()
    problem: str | None = None
    restores: tuple[str, ...] = ()
    """Digests of the lines of restores that took lines away, in the order of the notes, for a person to close."""


@dataclass(frozen=True)
class _Gap:
    """Lines of before that a restore took away: those that were anchored when it wrote its line."""

    lines: range
    until: datetime
    sha256: str
    note: str

    def explains(self, head: Head) -> bool:
        return head.sequence in self.lines and (head.at is None or head.at <= self.until)


def compare(entries: Sequence[Mapping[str, Any]], heads: Sequence[Head]) -> Comparison:
    """Whether the log has each anchored line as it was; `entries` hold as a chain, `heads` come in any order.

    A head that a restore took away is explained by the line of that restore, which says so in a note; one that was
    anchored after that line is not. Whoever can write the log can write such a line: see `restores`.
    """
    gone = list(_taken_by_restore(entries))
    kept, notes, restores = 0, tuple(one.note for one in gone), tuple(one.sha256 for one in gone)
    for head in sorted(heads, key=lambda one: one.sequence):
        if head.sequence <= len(entries) and entries[head.sequence - 1]["sha256"] == head.sha256:
            kept = head.sequence
        elif not any(one.explains(head) for one in gone):
            return Comparison(kept, notes, _problem(entries, head, kept), restores)
    return Comparison(kept, notes, None, restores)


def _taken_by_restore(entries: Sequence[Mapping[str, Any]]) -> Iterator[_Gap]:
    """What each restore took away."""
    for entry in entries:
        anchored = entry["facts"].get("anchored") if entry["action"] == RESTORED else None
        first = entry["sequence"]
        if anchored and anchored["sequence"] >= first:
            last = anchored["sequence"]
            yield _Gap(
                range(first, last + 1),
                datetime.fromisoformat(entry["time"]),
                entry["sha256"],
                f"{_lines(first, last)} of before went with a restore: line {first} says that {entry['who']} took the "
                f"backup of {entry['facts'].get('backup', 'an unknown time')} on {entry['time'][:16]}",
            )


def _problem(entries: Sequence[Mapping[str, Any]], head: Head, kept: int) -> str:
    if head.sequence > len(entries):
        first, last = len(entries) + 1, head.sequence
        return f"{_lines(first, last)} {'were' if first < last else 'was'} cut off: line {last} is anchored"
    where = f"between line {kept + 1} and it" if kept + 1 < head.sequence else "there"
    return (
        f"line {head.sequence} is anchored with sha256 {head.sha256[:12]}, but has "
        f"{entries[head.sequence - 1]['sha256'][:12]}: the log was rewritten {where}"
    )


def _lines(first: int, last: int) -> str:
    return f"lines {first} to {last}" if first < last else f"line {first}"
