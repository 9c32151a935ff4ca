"""Whether the gate let a version pass, by what its registration wrote down."""

from __future__ import annotations

from collections.abc import Callable

from aifactory_runtime.registry.port import GATE, GATE_PASSED, REPORT_SHA256
from aifactory_runtime.release.candidate import Candidate


def refusal(chosen: Candidate, say: Callable[[str], None]) -> str | None:
    """Why the gate's verdict keeps the candidate back, None when it passed.

    Versions from before the verdict was a tag have the report's digest alone; that it is taken for one is said.
    """
    found = chosen.version.tags
    if GATE not in found and found.get(REPORT_SHA256):
        name = f"version {chosen.version.number} of {chosen.source.name}"
        say(f"{name} names no verdict: its gate report is taken for one, as only what passed was registered then")
        return None
    if found.get(GATE) == GATE_PASSED:
        return None
    return "the gate did not let it pass: see the report of its run, and train again"
