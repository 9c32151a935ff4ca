"""Whose change a candidate is: what its tag says, and what the audit log said when it was registered."""

from __future__ import annotations

from pathlib import Path

from aifactory_runtime.audit import log
from aifactory_runtime.registry import authors
from aifactory_runtime.registry.authors import Authors
from aifactory_runtime.release import registered
from aifactory_runtime.release.candidate import Candidate


def of(chosen: Candidate) -> Authors:
    """Everybody that either of the two names: in dev people may change tags, and a line of the log is chained."""
    found = authors.of_tags(chosen.version.tags) or frozenset()
    for facts in registered.facts_of(log.read(Path(chosen.source.contract.audit_uri)), chosen.version.number):
        found |= authors.of_tags(facts) or frozenset()
    return found or None
