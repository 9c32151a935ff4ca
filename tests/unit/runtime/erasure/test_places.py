"""One person's predictions are gone from everywhere, all others stay as they were, wherever an erasure is killed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from deltalake import DeltaTable

from aifactory_runtime.audit import log
from aifactory_runtime.capture import compaction, find, log_file, moving
from aifactory_runtime.capture.hashing import Keys
from aifactory_runtime.capture.log_file import OLDER, LogFile
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.config import options
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import erasing, parts, table_writing, tables
from aifactory_runtime.erasure import commands, person, places
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from aifactory_runtime.labels import compaction as label_compaction
from aifactory_runtime.labels import stored as stored_labels
from aifactory_runtime.registry import looking
from aifactory_runtime.release import trace
from aifactory_runtime.serving.trial import scores_log
from aifactory_runtime.serving.trial.scores_log import OtherScore
from tests.unit.runtime.capture.lines import line, stored
from tests.unit.runtime.labels.parts import label, send
from tests.unit.runtime.release.parts import contract

ANA, BO = "ana@example.com", "bo@example.com"
KEYS = Keys({1: b"a" * 32, 2: b"b" * 32})
OLD = Keys({1: b"a" * 32})


def made(number: int, email: str | None) -> bytes:
    """The line of a prediction made so many seconds after one minute before midnight."""
    values = json.loads(line(number, number) + b"}")
    values["inputs"] = {"age": number, "email": email}
    return json.dumps(values).encode()[:-1]


def identity(number: int) -> str:
    return str(json.loads(made(number, None) + b"}")["id"])


RECORDS = {
    0: BO,
    1: ANA,
    2: OLD.hash(ANA),
    3: KEYS.hash(BO),
    50: None,
    70: KEYS.hash(ANA),  # the day after
    71: BO,
    90: ANA,  # not moved into the table yet
    91: KEYS.hash(BO),
}
HERS = [1, 2, 70, 90]
HER = person.of((), "email", ANA, KEYS, "email")


@pytest.fixture
def environment(tmp_path: Path) -> EnvironmentContract:
    """Predictions in the table and in the log, and a batch that was scored."""
    folders = {f"{place}_uri": str(tmp_path / place) for place in ("capture", "data", "artifact", "audit")}
    capture, data = tmp_path / "capture", tmp_path / "data"
    writer = LogFile(capture)
    for number, email in RECORDS.items():
        if number == 90:
            compaction.compact(capture, data)
        writer.append([made(number, email)])
    writer.close()
    batch = {"prediction_id": ["s0", "s1", "s2"], "email": [BO, ANA, ANA], "age": [1, 2, 3]}
    hashed = {"prediction_id": ["t0", "t1"], "email_hashed": [KEYS.hash(BO), KEYS.hash(ANA)], "age": [1, 2]}
    for number, rows in enumerate((batch, hashed)):
        table_writing.append(data, tables.SCORED, [pa.RecordBatch.from_pydict(rows)], {"batch": str(number)})
    send(
        tmp_path,
        label("by-id", 1, 5, prediction_id=identity(1)),
        label("other", 1, 6, prediction_id=identity(71)),
        label("by-key", 1, 7, key=ANA),
        label("key-of-bo", 1, 8, key=KEYS.hash(BO)),
    )
    label_compaction.compact(capture, data)
    send(tmp_path, label("by-hash", 0, 9, key=KEYS.hash(ANA)), label("of-batch", 0, 10, prediction_id="s1"))
    return contract("prod", **folders)


def files(data: Path, table: str) -> set[str]:
    return {path.name for path in (data / table).rglob("*.parquet") if "_delta_log" not in path.parts}


def left(found: EnvironmentContract) -> dict[str, list[str]]:
    """Ids that are still there, by place."""
    capture, data = Path(found.capture_uri), Path(found.data_uri)
    logged = [json.loads(one)["id"] for path in log_file.segments(capture).all() for one in path.open()]
    captured = [row["prediction_id"] for row in stored(data)]
    return {
        **{"kept": captured + logged, "scored": list(tables.read(data, tables.SCORED)["prediction_id"])},
        "labels": [one.id for one in stored_labels.lines(found)],
    }


@pytest.mark.heavy
def test_given_a_person_when_erased_by_value_then_it_is_found_plain_and_hashed_and_nobody_else_s_records_change(
    environment: EnvironmentContract,
) -> None:
    data, capture = Path(environment.data_uri), Path(environment.capture_uri)
    others_say = [OtherScore(identity(number), "test-1", "2", {"prediction": 0}) for number in (0, 1, 90)]
    scores_log.ScoresLog(capture).append(others_say)
    before = {row["prediction_id"]: row for row in stored(data)}
    found = places.find(environment, HER)
    assert found.counts == {"logged": 1, "captured": 3, "scored": 3, "labels": 4}
    assert left(environment)["kept"] == [identity(number) for number in RECORDS], "to look erases nothing"

    done = places.erase(environment, HER, "kim", "request 12")

    assert set(done.ids) == set(found.ids) == {*map(identity, HERS), "s1", "s2", "t1"}
    others = [identity(number) for number in RECORDS if number not in HERS]
    assert left(environment) == {"kept": others, "scored": ["s0", "t0"], "labels": ["other", "key-of-bo"]}
    after = {row["prediction_id"]: row for row in stored(data)}
    assert all(after[one] == before[one] for one in before if one in after)
    for table in (tables.CAPTURED, tables.SCORED, tables.LABELS):
        named = {file.path for file in parts.stored(DeltaTable(str(data / table)))}
        assert files(data, table) == named, "no file of a version before is left"
    for number in RECORDS:
        assert (find.find(Path(environment.capture_uri), data, identity(number)) is None) == (number in HERS)
    assert list(scores_log.read(capture, "test-1")) == others_say[:1], "nor what another model said of her"
    assert places.find(environment, HER).ids == ()


def test_given_an_erasure_when_it_is_over_then_audit_and_trace_say_so_without_naming_the_person(
    environment: EnvironmentContract,
) -> None:
    places.erase(environment, person.of([identity(1)], "email", ANA, KEYS, "email"), "kim", "request 12")

    lines = log.read(Path(environment.audit_uri))
    assert [(one["action"], one["who"]) for one in lines] == [("erasure begun", "kim"), ("erased", "kim")]
    assert lines[1]["facts"] == {
        **{"by": "email", "reason": "request 12"},
        **{"logged": 0, "captured": 4, "scored": 3, "labels": 4},
    }
    written = [path for path in Path(environment.data_uri).parent.rglob("*") if path.is_file()]
    assert not [path for path in written if ANA.encode() in path.read_bytes()]
    project = cast("Project", SimpleNamespace(environment=SimpleNamespace(contract=environment)))
    with pytest.raises(FactoryError, match=r"was removed on .* by kim: a person's records were erased \(request 12\)"):
        trace.trace(project, looking.at(environment, None), identity(1))


def test_given_ids_when_erased_then_these_only_and_the_log_goes_on_where_it_was(
    environment: EnvironmentContract,
) -> None:
    capture, data = Path(environment.capture_uri), Path(environment.data_uri)
    wanted = [identity(0), "s0", "nobody-s"]
    assert set(places.erase(environment, person.of(wanted, None, None, None), "kim", "r").ids) == {identity(0), "s0"}

    writer = LogFile(capture)
    writer.append([made(95, BO)])
    writer.close()
    compaction.compact(capture, data)

    rows = stored(data)
    assert [row["sequence"] for row in rows] == [*range(2, len(RECORDS) + 2)]
    assert [row["prediction_id"] for row in rows] == [identity(number) for number in [*list(RECORDS)[1:], 95]]
    assert left(environment)["scored"] == ["s1", "s2", "t0", "t1"]
    assert left(environment)["labels"] == ["by-id", "other", "by-key", "key-of-bo", "by-hash", "of-batch"]


class Killed(BaseException):
    """Stands for kill -9: nothing that catches errors sees it."""


def die(*_: Any, **__: Any) -> NoReturn:
    raise Killed


KILLS = [
    *((log, "append", number) for number in (1, 2)),
    *((parts.Writer, "close", number) for number in (1, 2, 3)),
    *((DeltaTable, "create_write_transaction", number) for number in (1, 2, 3)),
    *((DeltaTable, "vacuum", number) for number in (1, 2, 3)),
]


@pytest.mark.heavy
@pytest.mark.parametrize(("place", "name", "number"), KILLS)
def test_given_an_erasure_that_is_killed_when_it_runs_again_then_it_is_finished(
    environment: EnvironmentContract, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, number: int
) -> None:
    real, calls = getattr(place, name), iter(range(1, 100))
    with monkeypatch.context() as patched:
        patched.setattr(place, name, lambda *a, **k: die() if next(calls) == number else real(*a, **k))
        with pytest.raises(Killed):
            places.erase(environment, HER, "kim", "r")

    places.erase(environment, HER, "kim", "r")

    others = [identity(number) for number in RECORDS if number not in HERS]
    assert left(environment) == {"kept": others, "scored": ["s0", "t0"], "labels": ["other", "key-of-bo"]}
    for table in (tables.CAPTURED, tables.SCORED, tables.LABELS):
        named = {file.path for file in parts.stored(DeltaTable(str(Path(environment.data_uri) / table)))}
        assert files(Path(environment.data_uri), table) == named


@pytest.mark.heavy
def test_given_who_writes_elsewhere_when_erased_then_nothing_is_touched_and_it_is_said(
    environment: EnvironmentContract,
) -> None:
    with (
        moving.locked(Path(environment.capture_uri), compaction.PREDICTIONS),
        pytest.raises(FactoryError, match="compacts"),
    ):
        places.erase(environment, HER, "kim", "r")
    assert len(places.find(environment, HER).ids) == 7

    older = Path(environment.capture_uri) / OLDER
    older.write_bytes(made(97, ANA) + b',"sequence":1}\n' + made(98, BO) + b',"sequence":2}\n')
    with pytest.raises(NeedsPerson, match=r"1 predictions are left in .*predictions\.jsonl"):
        places.erase(environment, HER, "kim", "r")
    assert places.find(environment, HER).ids == (identity(97),)
    os.utime(older, (0, time.time() - 100_000))
    places.erase(environment, HER, "kim", "r")
    assert places.find(environment, HER).ids == () and left(environment)["kept"][-1] == identity(98)


def test_given_a_disk_that_is_full_when_erased_then_the_table_is_as_before(
    environment: EnvironmentContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    data = Path(environment.data_uri)
    before = files(data, tables.CAPTURED)
    monkeypatch.setattr(parts.Writer, "add", full)
    with pytest.raises(FactoryError, match="table captured: nothing was erased"):
        erasing.erase(data, tables.CAPTURED, lambda chunk: [True, *[False] * (len(chunk) - 1)], DAY)
    assert files(data, tables.CAPTURED) == before and len(stored(data)) == 7


def test_given_old_files_that_cannot_be_removed_when_erased_then_it_is_said_that_the_rows_are_out_of_the_table(
    environment: EnvironmentContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise OSError(30, "Read-only file system")

    data = Path(environment.data_uri)

    def first(chunk: pa.Table) -> list[bool]:
        return [one == identity(0) for one in chunk.column("prediction_id").to_pylist()]

    with monkeypatch.context() as patched:
        patched.setattr(DeltaTable, "vacuum", refused)
        with pytest.raises(FactoryError, match="the rows are out of it, but files of before are still on the disk"):
            erasing.erase(data, tables.CAPTURED, first, DAY)
    assert len(stored(data)) == 6

    erasing.erase(data, tables.CAPTURED, first, DAY)

    named = {file.path for file in parts.stored(DeltaTable(str(data / tables.CAPTURED)))}
    assert files(data, tables.CAPTURED) == named


@pytest.fixture
def said(environment: EnvironmentContract, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    project = SimpleNamespace(
        environment=SimpleNamespace(contract=environment),
        manifest=SimpleNamespace(labels=SimpleNamespace(key="email")),
    )
    monkeypatch.setattr(options, "project_of", lambda _: project)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(commands.erase, arguments)

    run.project = project  # type: ignore[attr-defined]
    yield run


def test_given_the_command_when_used_then_it_says_first_and_erases_only_with_yes_and_a_reason(
    environment: EnvironmentContract, said: Any
) -> None:
    looked = said("--where", f"email={BO}")
    counted = "0 in the log, 2 in the table captured, 1 in scored batches; labels: 1"
    assert looked.exit_code == 0 and counted in looked.output, "as they came: there is no key"
    assert "say --yes and --reason to do it" in looked.output
    for wrong in ((), ("--yes", "x"), ("--where", "email"), ("--where", "=x"), ("--where", "email=")):
        assert said(*wrong).exit_code == 2
    assert len(left(environment)["kept"]) == len(RECORDS)

    done = said(identity(1), "--yes", "--reason", "request 12", "--json")

    assert json.loads(done.output) == {
        "environment": "prod",
        **{"logged": 0, "captured": 1, "scored": 0, "labels": 1},
        "ids": [identity(1)],
        "done": True,
    }


def test_given_an_invented_name_when_erasing_then_it_is_refused_and_the_login_of_a_known_one_is_written_down(
    environment: EnvironmentContract, said: Any, tmp_path: Path
) -> None:
    said.project.environment.contract = environment.model_copy(
        update={"credentials_file": str(tmp_path / "credentials" / "release.json")}
    )
    for who in ("release", "kim.meyer"):
        file = tmp_path / "credentials" / f"{who}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"identity": who, "login": f"{who}.churn.prod", "password": "x"}))
        file.chmod(0o600)
    asked = (identity(1), "--yes", "--reason", "request 12")

    refused = said(*asked, "--as", "the board")
    assert isinstance(refused.exception, UsageProblem) and "the board.json is missing" in str(refused.exception)
    assert log.read(Path(environment.audit_uri)) == []

    assert said(*asked, "--as", "kim.meyer").exit_code == 0
    assert {one["who"] for one in log.read(Path(environment.audit_uri))} == {"kim.meyer.churn.prod"}
