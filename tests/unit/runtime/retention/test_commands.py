"""`tidy` says what there is to do, and does it when told so."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from aifactory_runtime.capture import log_file
from aifactory_runtime.capture.log_file import OLDER
from aifactory_runtime.config import options
from aifactory_runtime.retention import commands
from tests.unit.runtime.capture.lines import line, stored
from tests.unit.runtime.capture.test_compaction import log_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with ten predictions in its log."""
    log_of(tmp_path / "capture", range(10))
    contract = SimpleNamespace(
        environment="prod", capture_uri=str(tmp_path / "capture"), data_uri=str(tmp_path / "data")
    )
    monkeypatch.setattr(options, "contract_of", lambda _: contract)
    return tmp_path


def said(*arguments: str) -> str:
    done = CliRunner().invoke(commands.tidy, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_given_predictions_in_the_log_when_tidied_by_hand_then_it_is_said_first_and_nothing_is_touched(
    place: Path,
) -> None:
    assert said() == "10 predictions of prod would be moved from the log into the table captured\nsay --yes to do it\n"
    assert stored(place / "data") == [] and log_file.segments(place / "capture").closed() != []

    assert said("--yes") == "10 predictions of prod moved from the log into the table captured\n"
    assert len(stored(place / "data")) == 10
    assert said() == "0 predictions of prod would be moved from the log into the table captured\n"


def test_given_the_file_of_an_earlier_release_when_tidied_then_its_lines_are_counted_as_they_will_be_moved(
    place: Path,
) -> None:
    older = place / "capture" / OLDER
    older.write_bytes(b"".join(line(n, n) + b', "sequence": %d}\n' % n for n in range(20, 23)))
    assert said().startswith("10 predictions"), "somebody writes to it"
    os.utime(older, (0, time.time() - 100_000))

    assert said().startswith("13 predictions of prod would be moved")
    assert said("--yes").startswith("13 predictions of prod moved")


@pytest.mark.parametrize(("told", "done"), [((), False), (("--yes",), True)])
def test_given_json_when_tidied_then_it_is_one_object(place: Path, told: tuple[str, ...], done: bool) -> None:
    assert json.loads(said("--json", *told)) == {"environment": "prod", "predictions": 10, "done": done}
    assert len(stored(place / "data")) == (10 if done else 0)
