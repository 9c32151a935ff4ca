"""What is recorded of one person, by a real service, from the request to the erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.capture import hashing
from tests.fixtures import prediction_log
from tests.unit.runtime.environments import ROW, Environments

pytestmark = pytest.mark.slow

RULES = {"income": "hash", "region": "drop"}


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Environments]:
    keys = tmp_path / "capture-key.json"
    keys.write_text(json.dumps({"keys": [{"version": 7, "key": "ab" * 32}]}))
    keys.chmod(0o600)
    made = Environments(tmp_path / "factory", capture_columns=RULES, capture_key_file=str(keys))
    made.start("staging")
    try:
        yield made
    finally:
        made.stop()


def test_given_columns_hashed_and_dropped_when_a_service_answers_then_it_is_traced_tidied_and_erased_by_the_value(
    places: Environments,
) -> None:
    places.train()
    places.release("staging")
    status, answer = places.predict("staging")
    assert status == 200
    (identity,) = answer["prediction_ids"]
    keys = hashing.read(Path(places.asked["capture_key_file"]))
    lines = prediction_log.text(places.home / "staging" / "demo-case" / "capture").splitlines()
    recorded = json.loads(next(line for line in lines if identity in line))
    assert recorded["redacted"] == RULES
    assert recorded["inputs"] == {"age": 30, "income": keys.hash(ROW["income"]), "member": True}

    in_log = places.run("trace", identity, "--env", "staging", "--json")
    assert places.run("tidy", "--yes", "--env", "staging").returncode == 0
    in_table = places.run("trace", identity, "--env", "staging", "--json")
    for traced in (in_log, in_table):
        assert traced.returncode == 0, traced.stderr
        found = json.loads(traced.stdout)
        assert (found["inputs"], found["redacted"]) == (recorded["inputs"], RULES)

    erased = places.run("erase", "--where", "income=1000", "--env", "staging", "--yes", "--reason", "request 12")

    assert erased.returncode == 0 and "0 in the log, 1 in the table captured" in erased.stdout, erased.stderr
    assert "request 12" in places.run("trace", identity, "--env", "staging").stderr
    assert places.run("audit", "--env", "staging").returncode == 0
    assert places.predict("staging")[0] == 200
