"""The rules of the split stay: rows that were split by a release of before lie where they did."""

from __future__ import annotations

import hashlib

import pytest

from tests.unit.runtime.data.splitting import random_tables

pytestmark = pytest.mark.heavy
BEFORE = "00c90fcb70a072793eb329fba534e9e94f3eb8981b5b6af0a800b0368ee983f0"
"""Of sides and reports that the rules gave when they took a table as a whole."""


def test_given_tables_that_were_split_by_a_release_of_before_when_split_then_no_row_has_moved() -> None:
    told = hashlib.sha256()
    for seed in range(30):
        one = random_tables.case(seed)
        found = random_tables.at_once(one)
        told.update(repr(found).encode())
        if not isinstance(found, str):
            told.update(repr(random_tables.at_once(random_tables.grown(one, found[0], seed))).encode())
    assert told.hexdigest() == BEFORE
