"""The factory's file: the whole pipeline on a part of the table, with nothing provisioned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Repo

pytestmark = pytest.mark.slow


def test_given_the_sample_when_the_pipeline_ran_then_a_model_that_beats_the_baseline_is_registered(
    trained: Repo,
) -> None:
    found = trained.handoff()
    assert found["version"]
    assert found["gate"]["passed"]
    assert len(found["model_sha256"]) == len(found["lock_sha256"]) == 64


def test_given_the_same_data_when_run_again_then_the_model_is_the_same_to_the_byte(trained: Repo) -> None:
    before = trained.handoff()
    done = trained.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    after = trained.handoff()
    assert after["id"] != before["id"]
    assert (after["model_sha256"], after["version"]) == (before["model_sha256"], before["version"])


def test_given_a_table_outside_the_schema_when_run_then_it_stops_before_training(untrained: Repo) -> None:
    schema = untrained.root / "src" / untrained.manifest.package / "schema.py"
    demanding = '\nSCHEMA = SCHEMA.add_columns({"not_in_the_table": SCHEMA.columns[TARGET]})\n'
    schema.write_text(schema.read_text(encoding="utf-8") + demanding, encoding="utf-8")
    done = untrained.run("run")
    assert done.returncode != 0
    assert "not_in_the_table" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((untrained.root / ".factory").rglob("*.skops"))
