"""Parts of a release without services: what belongs together, whose verdict counts, what a failed model leaves."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import training_rights
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Belongs
from aifactory_runtime.registry.port import CHAMPION, Registry, Version
from aifactory_runtime.release import activation, approvals, candidate, commands, put_back, rollback, run, tags, trace
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side, source_of
from aifactory_runtime.release.snapshot import Snapshots
from aifactory_runtime.release.staging_test import integration_test
from aifactory_runtime.serving import capture
from tests.fixtures.usecase_repo import git, make_repo
from tests.unit.runtime.contract.test_manifest import changed
from tests.unit.runtime.serving_parts import SCHEMA

BELONGS = Belongs("d" * 40, "c" * 64, "e" * 64, "f" * 64, "classification")
TAGS = {
    tags.COMMIT: BELONGS.commit,
    tags.CODE: BELONGS.code_sha256,
    tags.LOCK: BELONGS.lock_sha256,
    tags.SCHEMA: BELONGS.schema_sha256,
}


def chosen(root: Path, **more: str) -> Candidate:
    """A version of dev; `more` are tags, dots written as double underscores."""
    source = SimpleNamespace(embedded=True, name="dev", project=SimpleNamespace(root=root))
    found = {**TAGS, **{f"aifactory.{key}": value for key, value in more.items()}}
    return Candidate(cast("Side", source), Version(3, "a" * 64, "run", found))


def folder_of(place: Path, belongs: Belongs = BELONGS, **schema: Any) -> Path:
    """What a release reads of a model folder."""
    place.mkdir(exist_ok=True)
    (place / model_folder.BELONGS).write_text(json.dumps(asdict(belongs)))
    (place / model_folder.SCHEMA).write_text(json.dumps(asdict(replace(SCHEMA, **schema))))
    return place


def repo_of(place: Path, problem: str = "classification") -> Path:
    (place / "factory.yaml").write_text(yaml.safe_dump(changed("problem", problem)))
    return place


def test_given_files_that_belong_together_when_compared_then_nothing_is_said(tmp_path: Path) -> None:
    assert candidate.unlike(chosen(repo_of(tmp_path)), folder_of(tmp_path / "model")) is None


def test_given_a_regression_when_its_repo_says_so_then_nothing_is_said(tmp_path: Path) -> None:
    belongs = replace(BELONGS, problem="regression")

    found = candidate.unlike(chosen(repo_of(tmp_path, "regression")), folder_of(tmp_path / "m", belongs, classes=()))

    assert found is None


@pytest.mark.parametrize(
    ("belongs", "schema", "says"),
    [
        ({"commit": "0" * 40}, {}, "another commit"),
        ({"code_sha256": "0" * 64}, {}, "another code_sha256"),
        ({"lock_sha256": "0" * 64}, {}, "another lock_sha256"),
        ({"schema_sha256": "0" * 64}, {}, "another schema_sha256"),
        ({"problem": "regression"}, {}, "it is a regression, but factory.yaml of its commit says problem"),
        ({}, {"classes": ()}, "names 0 classes"),
    ],
)
def test_given_files_that_do_not_belong_when_compared_then_the_first_difference_is_said(
    tmp_path: Path, belongs: dict[str, str], schema: dict[str, Any], says: str
) -> None:
    model = folder_of(tmp_path / "model", replace(BELONGS, **belongs), **schema)

    assert says in str(candidate.unlike(chosen(repo_of(tmp_path)), model))


@pytest.mark.parametrize(
    ("found", "refused", "said"),
    [
        ({"gate": "passed", "gate_sha256": "1"}, False, 0),
        ({"gate": "refused", "gate_sha256": "1"}, True, 0),
        ({"gate_sha256": "1"}, False, 1),
        ({}, True, 0),
    ],
)
def test_given_what_registration_wrote_when_asked_for_the_verdict_then_the_tag_counts(
    tmp_path: Path, found: dict[str, str], refused: bool, said: int
) -> None:
    heard: list[str] = []

    reason = candidate.gate_refusal(chosen(tmp_path, **found), heard.append)

    assert (reason is not None, len(heard)) == (refused, said)


class Known:
    """A registry's memory: versions with a stage and the number before them, and the champion alias."""

    def __init__(self, versions: dict[int, tuple[bool, int | None]], alias: int | None) -> None:
        self._versions = {
            number: Version(
                number,
                f"{number:064x}",
                "run",
                {tags.STAGE: tags.FAILED if did_fail else tags.TESTED}
                | ({tags.PREVIOUS: str(before)} if before else {}),
            )
            for number, (did_fail, before) in versions.items()
        }
        self.aliases = {} if alias is None else {CHAMPION: alias}

    def version(self, number: int) -> Version:
        return self._versions[number]

    def by_alias(self, alias: str) -> Version | None:
        return self._versions[self.aliases[alias]] if alias in self.aliases else None

    def versions(self) -> list[Version]:
        return [self._versions[number] for number in sorted(self._versions)]


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Any history, those included that go in circles, as rollbacks and releases by number make them."""
    count = draw(st.integers(1, 6))
    before = st.none() | st.integers(1, count)
    versions = {number: (draw(st.booleans()), draw(before)) for number in range(1, count + 1)}
    return cast("Registry", Known(versions, draw(before)))


@given(registry=registries())
def test_given_any_history_when_asked_for_the_champion_then_it_is_none_that_failed(registry: Registry) -> None:
    found, holder = put_back.champion(registry), registry.by_alias(CHAMPION)

    assert not put_back.did_fail(found)
    if holder is not None and not put_back.did_fail(holder):
        assert found == holder


class Served(Known):
    """A registry of versions that became champion in order, each in the place of the one before."""

    def __init__(self, count: int) -> None:
        super().__init__({number: (False, number - 1 or None) for number in range(1, count + 1)}, count)
        for number in range(1, count):
            self.set_tag(number, tags.STAGE, tags.RETIRED)

    def set_tag(self, number: int, key: str, value: str) -> None:
        version = self._versions[number]
        self._versions[number] = replace(version, tags={tags.COMMIT: "d" * 40, **version.tags, key: value})

    def set_alias(self, alias: str, number: int) -> None:
        self.aliases[alias] = number


@pytest.mark.parametrize(
    ("champions", "asked", "ends_at"),
    [
        (3, [None, None], [2, 1]),
        (3, [None, None, 3, None], [2, 1, 3, 1]),
        (4, [None, 1, 4, None], [3, 1, 4, 1]),
        (2, [None, None], [1, None]),
        (3, [1, None], [1, None]),
        (3, [None, 3, None], [2, 3, 2]),
    ],
)
def test_given_rollbacks_when_the_next_names_no_version_then_none_that_was_rolled_back_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, champions: int, asked: list[int | None], ends_at: list[int | None]
) -> None:
    monkeypatch.setattr(activation, "is_active", lambda *_: True)
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    nothing = SimpleNamespace(known=lambda: None)
    prod = contract("prod", release_uri=str(tmp_path))
    side = SimpleNamespace(name="prod", registry=Served(champions), serving=nothing, contract=prod, embedded=True)
    side.audit = side.refuse_retired = lambda *_: None

    for number, expected in zip(asked, ends_at, strict=True):
        if expected is None:
            with pytest.raises(FactoryError, match="name one with --to"):
                rollback.rollback(cast("Side", side), number)
        else:
            assert rollback.rollback(cast("Side", side), number).version == expected


class Killed(BaseException):
    """What kill -9 leaves is what was written before."""


class Mortal(Served):
    """Dies at the write of that number, once."""

    def __init__(self, count: int, dies_at: int) -> None:
        super().__init__(count)
        self._left: float = dies_at

    def _write(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._left = math.inf
            raise Killed

    def set_tag(self, number: int, key: str, value: str) -> None:
        if hasattr(self, "_left"):
            self._write()
        super().set_tag(number, key, value)

    def set_alias(self, alias: str, number: int) -> None:
        self._write()
        super().set_alias(alias, number)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_given_a_rollback_killed_at_any_write_when_called_again_then_the_registry_is_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    registry = Mortal(3, dies_at)
    served = [registry.version(3).model_sha256]
    monkeypatch.setattr(activation, "is_active", lambda _, version: served[-1] == version.model_sha256)
    monkeypatch.setattr(activation, "activate", lambda _, version: served.append(version.model_sha256))
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    document = SimpleNamespace(champion=SimpleNamespace(sha256=served[0], version="3"))
    serving = SimpleNamespace(known=lambda: document)
    prod = contract("prod", release_uri=str(tmp_path))
    side = SimpleNamespace(name="prod", registry=registry, serving=serving, contract=prod, embedded=True)
    side.audit = side.refuse_retired = lambda *_: None

    with pytest.raises(Killed):
        rollback.rollback(cast("Side", side), None)
    done = rollback.rollback(cast("Side", side), None)

    stages = [registry.version(number).tags.get(tags.STAGE) for number in (1, 2, 3)]
    champion = registry.by_alias(CHAMPION)
    assert (done.version, champion and champion.number, served[-1]) == (2, 2, registry.version(2).model_sha256)
    assert stages == [tags.RETIRED, CHAMPION, tags.WITHDRAWN]


def release_of_3(registry: Mortal, served: list[str], target: str, monkeypatch: pytest.MonkeyPatch) -> run.Release:
    """Version 3 on its way to the place of version 2; what is served stands last in `served`."""
    monkeypatch.setattr(activation, "is_active", lambda _, version: served[-1] == version.model_sha256)
    monkeypatch.setattr(activation, "activate", lambda _, version: served.append(version.model_sha256))
    monkeypatch.setattr(activation, "wait_until_served", lambda *_: None)
    monkeypatch.setattr(candidate, "misfit", lambda _: None)
    monkeypatch.setattr(candidate, "gate_refusal", lambda *_: None)
    monkeypatch.setattr(approvals, "approver", lambda *_: "kim.meyer")
    asked = {"train_in": "prod", "approval": "required" if target == "prod" else "none", "approvers": ("kim.meyer",)}
    serving = SimpleNamespace(known=lambda: SimpleNamespace(champion=SimpleNamespace(sha256=served[-1])))
    side = SimpleNamespace(name=target, registry=registry, serving=serving, contract=contract(target, **asked))
    side.embedded, side.audit = True, lambda *_: None
    version = replace(registry.version(3), tags={tags.COMMIT: "d" * 40, tags.INTEGRATION: "1" * 64})
    return run.Release(
        Candidate(cast("Side", SimpleNamespace(name="source")), version), cast("Side", side), False, print
    )


@pytest.mark.parametrize(
    ("target", "passed", "dies_at"),
    [
        (target, passed, dies_at)
        for target, passed, writes in (("prod", True, 7), ("staging", True, 7), ("staging", False, 8))
        for dies_at in (*range(1, writes + 1), None)
    ],
)
def test_given_a_release_killed_at_any_write_when_called_again_then_the_registry_is_as_if_it_had_not_been(
    monkeypatch: pytest.MonkeyPatch, target: str, passed: bool, dies_at: int | None
) -> None:
    report = {"passed": passed, "checks": [{"name": "a check", "found": "nothing", "passed": passed}]}
    monkeypatch.setattr(integration_test, "integration_test", lambda *_: (report, "2" * 64))
    registry = Mortal(3, dies_at or -1)
    registry.aliases, served = {CHAMPION: 2}, [registry.version(2).model_sha256]
    for number, stage in ((2, CHAMPION if target == "prod" else tags.TESTED), (3, "candidate")):
        registry._versions[number] = replace(registry.version(number), tags={tags.COMMIT: "d" * 40, tags.STAGE: stage})

    if dies_at is not None:
        with pytest.raises(Killed):
            release_of_3(registry, served, target, monkeypatch).run()
    with nullcontext() if passed else pytest.raises(FactoryError, match="integration test"):
        release_of_3(registry, served, target, monkeypatch).run()

    stages = [registry.version(number).tags[tags.STAGE] for number in (1, 2, 3)]
    assert (
        stages
        == {
            ("prod", True): [tags.RETIRED, tags.RETIRED, CHAMPION],
            ("staging", True): [tags.RETIRED, tags.RETIRED, tags.TESTED],
            ("staging", False): [tags.RETIRED, tags.TESTED, tags.FAILED],
        }[target, passed]
    )
    found, champion = registry.version(3).tags, registry.by_alias(CHAMPION)
    assert champion is not None and champion.number == (3 if passed else 2)
    assert served[-1] == champion.model_sha256
    assert found[tags.PREVIOUS] == "2"
    assert found.get(tags.APPROVED_BY) == ("kim.meyer" if target == "prod" else None)
    assert found.get(tags.INTEGRATION) == ("1" * 64 if target == "prod" else "2" * 64 if passed else None)


@pytest.mark.parametrize(
    "go_back", [lambda side: rollback.rollback(side, None), put_back.put_back], ids=["rollback", "put"]
)
def test_given_code_that_cannot_be_had_when_going_back_then_the_registry_still_names_what_is_served(
    tmp_path: Path, go_back: Callable[[Side], object]
) -> None:
    repo = make_repo(tmp_path / "repo", rows=3)  # its lock has no hashes: no environment can be made from it
    registry = Served(2)
    registry.set_tag(1, tags.LOCK, "e" * 64)
    registry.set_tag(1, tags.COMMIT, git(repo, "rev-parse", "HEAD"))
    if go_back is put_back.put_back:
        registry.set_tag(2, tags.STAGE, tags.FAILED)
    before = [registry.version(number) for number in (1, 2)]
    said: list[str] = []
    side = SimpleNamespace(name="prod", registry=registry, embedded=False, refuse_retired=lambda: None)
    side.contract, side.project = contract("prod", release_uri=str(tmp_path)), SimpleNamespace(root=repo)
    side.snapshots, side.serving = Snapshots(tmp_path / "snapshots", "churn"), SimpleNamespace(known=lambda: None)
    side.audit = lambda action, _: said.append(action)

    with pytest.raises(FactoryError, match="the environment of the release cannot be built"):
        go_back(cast("Side", side))

    champion = registry.by_alias(CHAMPION)
    assert (champion and champion.number, [registry.version(number) for number in (1, 2)]) == (2, before)
    assert said == []


@pytest.mark.parametrize("command", ["release", "rollback"])
def test_given_a_release_that_runs_when_another_or_a_rollback_begins_then_it_leaves_until_that_one_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    prod = contract("prod", release_uri=str(tmp_path))
    registry = SimpleNamespace(by_alias=lambda _: None)
    side = SimpleNamespace(name="prod", contract=prod, registry=registry, embedded=False, refuse_retired=lambda: None)
    monkeypatch.setattr(run, "open_side", lambda *_: side)

    def begin() -> object:
        if command == "release":
            return run.release(tmp_path, "prod", None, lambda _: None)
        return rollback.rollback(cast("Side", side), None)

    hold = (
        "import sys\nfrom types import SimpleNamespace\nfrom aifactory_runtime.release import lock\n"
        "with lock.held(SimpleNamespace(environment='prod', release_uri=sys.argv[1])):\n"
        "    print('held', flush=True)\n    sys.stdin.read()"
    )
    command_line = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(FactoryError) as refused:
            begin()
        other.kill()

    assert str(refused.value) == f"another release or rollback runs in prod (process {other.pid}): wait until it ends"
    with pytest.raises(
        FactoryError,
        match="there is no model in prod yet" if command == "release" else "nothing is released in prod yet",
    ):
        begin()


def contract(environment: str, **more: Any) -> EnvironmentContract:
    places = ("data", "artifact", "capture", "release", "snapshot", "audit", "events", "logs")
    names: dict[str, Any] = {f"{place}_uri": "/nowhere" for place in places}
    for key in ("identity", "tracking_uri", "registry_uri", "experiment", "model_name", "data_source"):
        names[key] = "x"
    return EnvironmentContract(use_case="churn", environment=environment, **{**names, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", [None, "9" * 64])
def test_given_a_model_from_elsewhere_when_traced_then_the_folder_it_came_from_is_named(
    tmp_path: Path, folder: str | None
) -> None:
    line = {"id": "a", "time": "t", "model_version": "3", "model_sha256": "a" * 64, "inputs": {}, "output": {}}
    (tmp_path / capture.FILE).write_text(json.dumps(line) + "\n")
    version = chosen(tmp_path, **({"imported": folder} if folder else {})).version
    registry = SimpleNamespace(version=lambda _: version)
    side = SimpleNamespace(name="prod", registry=registry, contract=contract("prod", capture_uri=str(tmp_path)))

    found = trace.trace(cast("Side", side), "a")

    assert found.values()["imported"] == folder
    told = dict(commands._told(found))
    assert told.get("imported") == (f"the folder with sha256 {folder}" if folder else None)


@pytest.mark.parametrize(
    ("environment", "said"),
    [("embedded", "say with --env dev, staging or prod where it was made"), ("prod", "check id and --env")],
)
def test_given_an_id_that_nothing_was_recorded_under_when_traced_then_env_is_named(
    tmp_path: Path, environment: str, said: str
) -> None:
    places = contract(environment, capture_uri=str(tmp_path), data_uri=str(tmp_path))
    side = SimpleNamespace(name=environment, contract=places, embedded=environment == "embedded")

    with pytest.raises(FactoryError, match=f"{environment} has recorded no prediction 'a': {said}"):
        trace.trace(cast("Side", side), "a")


@pytest.mark.parametrize(
    ("environment", "train_in", "source"),
    [
        ("embedded", "dev", "embedded"),
        ("dev", "dev", "dev"),
        ("dev", "prod", "dev"),
        ("staging", "dev", "dev"),
        ("staging", "prod", "prod"),
        ("prod", "dev", "staging"),
        ("prod", "prod", "staging"),
    ],
)
def test_given_where_training_happens_when_released_then_staging_takes_from_there(
    environment: str, train_in: str, source: str
) -> None:
    target = SimpleNamespace(name=environment, contract=contract(environment, train_in=train_in))

    assert source_of(cast("Side", target)) == source


@pytest.mark.parametrize(
    ("environment", "train_in", "identity", "says"),
    [
        ("embedded", "prod", "local", None),
        ("dev", "dev", "ana", None),
        ("dev", "prod", "ana", None),
        ("prod", "prod", "release", None),
        ("prod", "prod", "ana", "factory release --train --env prod"),
        ("prod", "prod", "service", "only its release identity"),
        ("prod", "dev", "release", "train in dev"),
        ("staging", "prod", "release", "train in prod"),
        ("staging", "dev", "release", "nothing is trained in staging"),
    ],
)
def test_given_an_identity_when_it_trains_then_only_where_it_may(
    environment: str, train_in: str, identity: str, says: str | None
) -> None:
    asked = contract(environment, train_in=train_in, identity=identity)
    if says is None:
        training_rights.check(asked)
        return
    with pytest.raises(UsageProblem, match=says):
        training_rights.check(asked)


@pytest.mark.parametrize("number", ["0", str(2**31), "9" * 30, "x"])
@pytest.mark.parametrize("command", [["release", "--to", "staging"], ["approve", "--env", "prod", "--as", "kim"]])
def test_given_a_version_that_no_registry_has_when_asked_for_then_it_is_refused_before_anything_is_asked(
    command: list[str], number: str
) -> None:
    with pytest.raises(click.BadParameter, match=number):
        getattr(commands, command[0]).main([*command[1:], "--version", number], standalone_mode=False)
