"""Figures in a report have six digits, so that the order of sums makes no other report."""

from __future__ import annotations

from aifactory_runtime.gate.evidence import rounded


def test_given_figures_when_rounded_then_only_what_sums_leave_behind_is_gone() -> None:
    given = {"error": 0.1 + 0.2, "groups": {"F": (123456.789, 120)}, "notes": ["0.123456789"], "p": None, "few": True}
    assert rounded(given) == {
        "error": 0.3,
        "groups": {"F": [123457.0, 120]},
        "notes": ["0.123456789"],
        "p": None,
        "few": True,
    }
    assert rounded(1e-12) == 1e-12 and rounded(0.1) == 0.1
