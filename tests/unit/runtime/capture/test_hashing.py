"""A value is found again by who has the key, and by nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.capture import hashing
from aifactory_runtime.capture.hashing import Keys
from aifactory_runtime.errors import UsageProblem
from tests.unit.runtime.release.parts import contract

OLD, NEW = b"a" * 32, b"b" * 32
KEYS = Keys({1: OLD, 2: NEW})


def write(path: Path, *versions: tuple[int, bytes]) -> Path:
    path.write_text(json.dumps({"keys": [{"version": number, "key": key.hex()} for number, key in versions]}))
    path.chmod(0o600)
    return path


def test_given_a_value_when_hashed_then_it_is_hmac_sha256_by_the_newest_key_whose_version_stands_in_it() -> None:
    digest = hmac.new(NEW, b"ana@example.com", hashlib.sha256).hexdigest()
    assert KEYS.hash("ana@example.com") == f"hmac-sha256:2:{digest}"
    assert KEYS.hashes("ana@example.com") == {KEYS.hash("ana@example.com"), Keys({1: OLD}).hash("ana@example.com")}


@pytest.mark.parametrize(
    "same",
    [
        (41, 41.0, "41", np.int64(41), np.float64(41.0)),
        (True, np.True_, "true"),
        (0.1, np.float64(0.1), "0.1"),
        (datetime(2026, 1, 31), date(2026, 1, 31), pd.Timestamp("2026-01-31"), "2026-01-31T00:00:00"),
    ],
)
def test_given_one_value_in_several_types_when_hashed_then_it_is_one_hash(same: tuple[Any, ...]) -> None:
    assert len({KEYS.hash(value) for value in same}) == 1


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT])
def test_given_a_missing_value_when_hashed_then_it_stays_missing(missing: Any) -> None:
    assert KEYS.hash(missing) is None and KEYS.hashes(missing) == frozenset()


def test_given_other_values_when_hashed_then_hashes_differ() -> None:
    values: list[Any] = [41, 41.5, "41 ", "", 0, False, "A", "a", datetime(2026, 1, 31, tzinfo=UTC)]
    assert len({KEYS.hash(value) for value in values}) == len(values)


def test_given_keys_when_shown_then_they_are_not() -> None:
    assert OLD.decode() not in repr(KEYS)


def test_given_a_file_when_read_then_its_keys_are_there_and_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "keys.json", (1, OLD), (2, NEW))
    assert hashing.read(path) == KEYS
    for text in ("{}", '{"keys": []}', '{"keys": [{"version": 1, "key": "aa"}]}', '{"keys": [1]}', "x"):
        path.write_text(text)
        with pytest.raises(UsageProblem, match="holds no keys"):
            hashing.read(path)
    write(path, (1, OLD)).chmod(0o640)
    with pytest.raises(UsageProblem, match="can be read by others"):
        hashing.read(path)
    path.unlink()
    with pytest.raises(UsageProblem, match="is missing: factory up"):
        hashing.read(path)


def test_given_nothing_provisioned_when_a_key_is_needed_then_it_is_made_once_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "capture-key.json"
    embedded = contract("embedded", capture_key_file=str(path))
    first = hashing.of(embedded)
    assert first is not None and hashing.of(embedded) == first
    assert path.stat().st_mode & 0o777 == 0o600 and [*path.parent.iterdir()] == [path]
    with pytest.raises(UsageProblem, match="factory up"):
        hashing.of(contract("prod", capture_key_file=str(tmp_path / "absent.json")))
    assert hashing.of(contract("prod")) is None
