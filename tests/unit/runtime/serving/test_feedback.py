"""Labels that callers send are recorded before they are acknowledged, with who sent them; what does not fit is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from aifactory_runtime.labels import line
from aifactory_runtime.registry.model_folder import InputSchema, Label
from aifactory_runtime.serving.app import create_app
from aifactory_runtime.serving.callers import Caller, Callers
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.feedback import Feedback, LabelReader
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.serving.service import Service
from infra.providers.local import admission
from tests.unit.runtime.serving_parts import SCHEMA, features

ROLES = {"app": "consumer", "eva": "domain-expert", "otto": "operator"}
OF = {"prediction_id": "0199f3a2-0000-7000-8000-000000000000"}


class Setting:
    """A service that takes labels of one model, and callers of three roles."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "capture"
        for login, role in ROLES.items():
            path = folder / "callers" / f"{login}.json"
            path.parent.mkdir(exist_ok=True)
            admission.write(path, login, [role], admission.entries(f"token-{login}", None, []))
        served = Served(version="1", sha256="a" * 64, uri="", commit="b" * 40, code_sha256="c" * 64)
        model = ServedModel.make(served, SCHEMA, None, features, max_rows=5)
        self.service = Service(2_000, Recorder(self.log), Callers(folder / "callers"), model, None)
        self.service.feedback = Feedback(Recorder(self.log, log=line.log, what="labels"), most=3)
        self.client = TestClient(create_app(self.service, "Churn"))

    def send(self, *labels: Any, login: str = "app") -> Any:
        headers = {"Authorization": f"Bearer token-{login}"}
        return self.client.post("/feedback", json={"labels": list(labels)}, headers=headers)

    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(one) for path in line.segments(self.log).all() for one in path.read_text().splitlines()]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    with made.client:
        yield made


def test_given_labels_when_sent_then_they_are_on_disk_with_who_sent_them_and_their_ids_come_back(
    setting: Setting,
) -> None:
    full = {**OF, "label": "no", "time": "2026-11-24T11:15:00+01:00", "kpi": 12.5, "replaces": "x"}

    answers = [setting.send({**OF, "label": "yes"}, full), setting.send({**OF, "label": "no"}, login="eva")]

    assert [answer.status_code for answer in answers] == [200, 200]
    found = setting.recorded()
    assert [one["id"] for one in found] == [name for answer in answers for name in answer.json()["label_ids"]]
    assert [(one["by"], one["label"], one["sequence"]) for one in found] == [
        ("app", "yes", 1),
        ("app", "no", 2),
        ("eva", "no", 3),
    ]
    assert (found[1]["at"], found[1]["kpi"], found[1]["replaces"]) == ("2026-11-24T10:15:00.000+00:00", 12.5, "x")


def test_given_a_role_that_may_not_when_labels_are_sent_then_403_in_one_line_and_nothing_is_recorded(
    setting: Setting,
) -> None:
    answer = setting.send({**OF, "label": "yes"}, login="otto")

    assert answer.status_code == 403
    assert answer.json() == {"detail": "labels are taken from consumer and domain-expert; otto is neither"}
    assert setting.send({**OF, "label": "yes"}, login="nobody").status_code == 401
    assert setting.recorded() == []


def test_given_a_disk_that_is_full_when_labels_are_sent_then_503_and_none_is_acknowledged(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("aifactory_runtime.files.append", full)
        answer = setting.send({**OF, "label": "yes"})

    assert (answer.status_code, answer.json()["detail"]) == (503, "the labels could not be recorded: send them again")
    assert setting.send({**OF, "label": "yes"}).status_code == 200 and len(setting.recorded()) == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"label": "perhaps", **OF}, "label 0: label must be one of 'no', 'yes'"),
        ({"label": 1, **OF}, "label 0: label must be one of 'no', 'yes'"),
        (OF, "label 0: label must be one of 'no', 'yes'"),
        ({"label": "no"}, "label 0: prediction_id is missing; labels.key of factory.yaml names no column"),
        ({"label": "no", "key": 17}, "label 0: takes label, prediction_id, time, kpi, replaces"),
        ({"label": "no", **OF, "time": "soon"}, "label 0: time must be a date in ISO 8601"),
        ({"label": "no", **OF, "kpi": "much"}, "label 0: kpi must be a number"),
        ("no", "label 0: takes label, prediction_id"),
    ],
)
def test_given_a_label_that_does_not_fit_when_sent_then_422_says_which_and_nothing_is_recorded(
    setting: Setting, sent: Any, said: str
) -> None:
    for labels in ([sent], [sent, {"label": "no", **OF}]):
        answer = setting.send(*labels)
        assert answer.status_code == 422 and answer.json()["detail"].startswith(said)
        assert "perhaps" not in answer.text and "soon" not in answer.text
    many = setting.send(*[{"label": "no", **OF}] * 4)
    assert many.status_code == 422 and many.json()["detail"].startswith("/feedback takes")
    assert setting.recorded() == []


def test_given_a_kpi_that_the_manifest_names_when_labels_are_sent_then_it_is_taken_by_that_name_alone() -> None:
    named = LabelReader(SCHEMA, None, 5, "profit")
    (item,) = named.read(json.dumps({"labels": [{**OF, "label": "no", "profit": 12.5}]}).encode())
    assert item.kpi == 12.5
    for name, said in (("kpi", "takes label, prediction_id, time, profit"), ("profit", "profit must be a number")):
        with pytest.raises(Refused, match=said):
            named.read(json.dumps({"labels": [{**OF, "label": "no", name: "much"}]}).encode())


def reader(classes: tuple[Label, ...], key: str | None = None) -> LabelReader:
    return LabelReader(replace(SCHEMA, classes=classes), key, 5)


@pytest.mark.parametrize(
    ("classes", "taken", "refused"),
    [
        ((0, 1), [0, 1, 1.0], [2, "1", True, None, 0.5]),
        ((False, True), [True], [1, "true"]),
        ((0.5, 1.5), [0.5], [1, "0.5"]),
        (("a", "b"), ["a"], ["A", 1]),
        ((), [1, -2.5], ["1", None, True]),
    ],
)
def test_given_a_target_when_labels_are_read_then_its_type_decides(
    classes: tuple[Label, ...], taken: list[Any], refused: list[Any]
) -> None:
    made = reader(classes)
    for label in taken:
        (item,) = made.read(json.dumps({"labels": [{"label": label, **OF}]}).encode())
        assert item.label == label and (not classes or type(item.label) is type(classes[0]))
    for label in refused:
        with pytest.raises(Refused):
            made.read(json.dumps({"labels": [{"label": label, **OF}]}).encode())


def test_given_a_key_column_when_labels_name_it_then_they_are_recorded_by_it_and_never_by_both(tmp_path: Path) -> None:
    made = reader(("no", "yes"), "customer")
    feedback = Feedback(Recorder(tmp_path, log=line.log), "customer")
    body = json.dumps({"labels": [{"label": "no", "key": 17}, {"label": "no", "key": "A-3"}]}).encode()

    asyncio.run(feedback.record(made, body, Caller("app", frozenset({"consumer"}))))

    (path,) = line.segments(tmp_path).all()
    assert [json.loads(one)["key"] for one in path.read_text().splitlines()] == ["17", "A-3"]
    feedback.hashed = lambda keys: [(f"hash of {key}", f"older-{key}") for key in keys]
    asyncio.run(feedback.record(made, body, None))
    assert [json.loads(one)["key"] for one in path.read_text().splitlines()][2:] == ["hash of 17", "hash of A-3"]
    assert [json.loads(one)["older_keys"] for one in path.read_text().splitlines()[2:]] == ["older-17", "older-A-3"]
    for wrong in ({"label": "no", "key": 17, **OF}, {"label": "no"}):
        with pytest.raises(Refused, match="either prediction_id or key, the value of customer"):
            made.read(json.dumps({"labels": [wrong]}).encode())


def test_given_a_model_of_other_classes_when_it_is_served_then_labels_are_read_by_its_own(tmp_path: Path) -> None:
    feedback = Feedback(Recorder(tmp_path, log=line.log))
    other: InputSchema = replace(SCHEMA, classes=("a", "b"))
    first = feedback.reader("1" * 64, SCHEMA)
    assert feedback.reader("1" * 64, SCHEMA) is first
    assert feedback.reader("2" * 64, other).read(json.dumps({"labels": [{"label": "a", **OF}]}).encode())
