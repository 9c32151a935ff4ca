"""Models that are missing, changed or strange are refused before they run, and the one that answers goes on."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from feature_engine.outliers import Winsorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.serving.document import Document, Served, ServingFolder, Status
from aifactory_runtime.serving.fetch import Source
from aifactory_runtime.serving.loader import Loader
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.service import Service
from aifactory_runtime.serving.watcher import Watcher
from tests.unit.runtime.serving_parts import CODE, ROW, features, make_model, write_model

WINSORIZER = "feature_engine.outliers.winsorizer.Winsorizer"

SCIENCE = "5" * 64


class Setting:
    """A worker's watcher without its thread: each step is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = ServingFolder(folder / "serving")
        self.service = Service(1000, Recorder(folder / "capture"))
        loader = Loader(
            self.folder.models, Source("", lambda: None), features, CODE, "commit", max_rows=5, science=(SCIENCE,)
        )
        self.watcher = Watcher(self.service, loader, self.folder, poll_seconds=0.0)
        self._sequence = 0

    def release(self, served: Served) -> Status:
        self._sequence += 1
        self.folder.write(Document(self._sequence, served))
        self.watcher.step()
        (status,) = self.folder.statuses()
        return status

    @property
    def version(self) -> str | None:
        return self.service.model.served.version if self.service.model else None


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    folder = tmp_path_factory.mktemp("models")
    made = {"1": make_model(folder / "one", 1), "2": make_model(folder / "two", 2)}
    return made | {"other code": make_model(folder / "other", 3, code_sha256="9" * 64)}


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def _copy(served: Served, place: Path) -> tuple[Served, Path]:
    shutil.copytree(served.uri, place)
    return msgspec.structs.replace(served, uri=str(place), version="9"), place


def _again_digested(served: Served, place: Path) -> Served:
    return msgspec.structs.replace(served, sha256=model_folder.digest(place))


def test_given_a_release_when_seen_then_it_is_served_and_said(setting: Setting, models: dict[str, Served]) -> None:
    status = setting.release(models["1"])

    assert status.ready and status.reason is None and status.commit == "commit"
    assert status.champion is not None and status.champion.sha256 == models["1"].sha256
    assert (status.pid, status.sequence) == (os.getpid(), 1)


@pytest.mark.heavy
def test_given_a_second_release_and_back_when_seen_then_each_is_swapped_in(
    setting: Setting, models: dict[str, Served]
) -> None:
    seen = []
    for name in ("1", "2", "1"):
        setting.release(models[name])
        seen.append(setting.version)

    assert seen == ["1", "2", "1"]


def _missing(place: Path) -> None:
    shutil.rmtree(place)


def _corrupt(place: Path) -> None:
    content = bytearray((place / model_folder.ESTIMATOR).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (place / model_folder.ESTIMATOR).write_bytes(bytes(content))


def _file_less(place: Path) -> None:
    (place / model_folder.ESTIMATOR).unlink()


def _link(place: Path) -> None:
    (place / model_folder.BELONGS).unlink()
    (place / model_folder.BELONGS).symlink_to("/etc/hostname")


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {os.environ['EVIL']}",)


def _pickle(place: Path) -> None:
    (place / "model.pkl").write_bytes(pickle.dumps(_Evil()))


def _pickle_as_estimator(place: Path) -> None:
    (place / model_folder.ESTIMATOR).write_bytes(pickle.dumps(_Evil()))


def _strange_type(place: Path) -> None:
    path = place / model_folder.ESTIMATOR
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    schema = contents["schema.json"].replace(b'"LogisticRegression"', b'"Popen"')
    contents["schema.json"] = schema.replace(b'"sklearn.linear_model._logistic"', b'"subprocess"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def _no_belongs(place: Path) -> None:
    (place / model_folder.BELONGS).write_text("{}")


def _wrong_schema(place: Path) -> None:
    schema = json.loads((place / model_folder.SCHEMA).read_text())
    schema["features"] = schema["features"][:-1]
    (place / model_folder.SCHEMA).write_text(json.dumps(schema))


@pytest.mark.parametrize("fault", [_missing, _corrupt, _file_less])
def test_fault_29_given_a_missing_or_corrupt_model_when_released_then_the_old_one_serves_and_the_reason_is_said(
    setting: Setting, models: dict[str, Served], tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    setting.release(models["1"])
    served, place = _copy(models["2"], tmp_path / "faulty")
    fault(place)

    status = setting.release(served)

    assert setting.version == "1"
    assert status.ready and status.reason and "\n" not in status.reason
    assert status.champion is not None and status.champion.sha256 == models["1"].sha256
    assert list(setting.folder.models.glob(f"*{served.sha256}*")) == []


@pytest.mark.parametrize("fault", [_missing, _corrupt, _file_less])
def test_fault_29_given_a_missing_or_corrupt_model_when_it_is_the_first_then_not_ready(
    setting: Setting, models: dict[str, Served], tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    served, place = _copy(models["2"], tmp_path / "faulty")
    fault(place)

    status = setting.release(served)

    assert not status.ready and status.champion is None and status.reason


@pytest.mark.heavy
@pytest.mark.parametrize("digested", [False, True])
@pytest.mark.parametrize("fault", [_link, _pickle, _pickle_as_estimator, _strange_type, _no_belongs, _wrong_schema])
def test_fault_30_given_a_tampered_model_when_released_then_it_is_refused_before_anything_of_it_runs(
    setting: Setting,
    models: dict[str, Served],
    tmp_path: Path,
    fault: Callable[[Path], None],
    digested: bool,
) -> None:
    os.environ["EVIL"] = str(tmp_path / "evil")
    setting.release(models["1"])
    served, place = _copy(models["2"], tmp_path / "faulty")
    fault(place)
    if digested and fault is not _link:
        served = _again_digested(served, place)

    status = setting.release(served)

    assert setting.version == "1" and status.ready and status.reason
    assert "types" in status.reason or fault is not _strange_type or not digested
    assert not (tmp_path / "evil").exists()


@pytest.mark.heavy
def test_fault_30_given_a_cached_copy_that_was_changed_when_loaded_again_then_it_is_fetched_again(
    setting: Setting, models: dict[str, Served]
) -> None:
    setting.release(models["1"])
    _corrupt(setting.folder.models / models["1"].sha256)
    setting.release(models["2"])

    status = setting.release(models["1"])

    assert status.reason is None and setting.version == "1"


def test_fault_30_given_a_digest_that_is_a_path_when_released_then_refused(
    setting: Setting, models: dict[str, Served]
) -> None:
    status = setting.release(msgspec.structs.replace(models["1"], sha256="../../" + "a" * 58))

    assert not status.ready and status.reason and "digest" in status.reason


@pytest.mark.heavy
def test_given_a_model_of_other_code_when_released_then_it_waits_for_that_code(
    setting: Setting, models: dict[str, Served]
) -> None:
    setting.release(models["1"])

    status = setting.release(models["other code"])

    assert setting.version == "1" and status.reason and "other science" in status.reason


@pytest.mark.heavy
def test_given_a_refused_model_when_it_is_mended_then_it_is_taken_without_another_release(
    setting: Setting, models: dict[str, Served], tmp_path: Path
) -> None:
    setting.release(models["1"])
    served, place = _copy(models["2"], tmp_path / "late")
    _missing(place)
    setting.release(served)
    shutil.copytree(models["2"].uri, place)

    setting.watcher.step()

    assert setting.version == "9" and setting.service.reason is None


def test_given_a_model_refused_for_days_when_the_next_is_released_then_it_is_taken(
    setting: Setting, models: dict[str, Served], tmp_path: Path
) -> None:
    served, place = _copy(models["2"], tmp_path / "faulty")
    _missing(place)
    setting.release(served)

    setting.watcher._failures = 2000  # past 2.0**1023, the last power that a float holds
    setting.watcher.step()

    assert setting.release(models["1"]).reason is None and setting.version == "1"


def test_given_a_broken_document_when_seen_then_the_old_model_serves(
    setting: Setting, models: dict[str, Served]
) -> None:
    setting.release(models["1"])
    setting.folder.path.write_text('{"schema": 2}')
    setting.watcher.step()

    assert setting.version == "1"
    assert setting.service.reason and "serving.json" in setting.service.reason


def test_given_reports_of_dead_workers_when_read_then_they_do_not_count(setting: Setting) -> None:
    setting.folder.report(Status(2**22 + 1, 1, None, True, None, None))

    assert setting.folder.statuses() == []
    setting.folder.forget_the_dead()
    assert list((setting.folder.root / "status").iterdir()) == []


def test_given_many_releases_when_pruned_then_only_the_last_few_copies_stay(tmp_path: Path) -> None:
    loader = Loader(tmp_path, Source("", lambda: None), features, CODE, None, max_rows=5)
    for number in range(9):
        (tmp_path / f"{number}").mkdir()
        os.utime(tmp_path / f"{number}", (number, number))

    loader.prune(Served("1", "0", "", "", ""))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "4", "5", "6", "7", "8"]


@pytest.mark.parametrize("uri", ["http://example.com/model", "s3://bucket/model", "models:/churn/1"])
def test_given_another_kind_of_address_when_fetched_then_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(FactoryError, match="not an address"):
        Source("", lambda: None).fetch(uri, tmp_path)


def test_given_a_model_when_loaded_twice_then_it_is_fetched_once(tmp_path: Path, models: dict[str, Served]) -> None:
    loader = Loader(tmp_path, Source("", lambda: None), features, CODE, None, max_rows=5)
    loader.load(models["1"])
    gone = dataclasses.replace(loader, source=Source("http://127.0.0.1:1", lambda: None))

    assert gone.load(msgspec.structs.replace(models["1"], uri="mlflow-artifacts:/gone")).schema.target == "churned"


@pytest.mark.heavy
@pytest.mark.parametrize("trusted", [(), (WINSORIZER,)], ids=["not trusted", "trusted"])
def test_fault_30_given_a_type_of_another_package_when_loaded_then_the_conf_of_the_code_decides(
    tmp_path: Path, trusted: tuple[str, ...]
) -> None:
    step = make_pipeline(SimpleImputer(), Winsorizer(variables=["x0", "x1"]), LogisticRegression())
    drawn = np.random.default_rng(1).random((50, 4))
    fitted = step.fit(drawn, np.where(drawn[:, 0] > drawn[:, 1], "yes", "no"))
    served = write_model(tmp_path / "model", fitted, "1", (WINSORIZER,))
    loader = Loader(tmp_path / "cache", Source("", lambda: None), features, CODE, None, max_rows=5, trusted=trusted)

    if trusted:
        assert loader.load(served).predict(loader.load(served).reader.predict(json.dumps({"rows": [ROW]}).encode()))
    else:
        with pytest.raises(FactoryError, match=rf"not allowed \({WINSORIZER}\)"):
            loader.load(served)


def test_given_a_first_release_when_it_is_being_loaded_then_the_service_says_which(
    setting: Setting, models: dict[str, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str | None] = []
    load = Loader.load

    def listen(loader: Loader, served: Served) -> ServedModel:
        said.append(setting.service.not_ready)
        return load(loader, served)

    monkeypatch.setattr(Loader, "load", listen)
    setting.release(models["1"])
    assert said == [f"loading version {models['1'].version}"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("in_model", "in_release", "fits"),
    [(SCIENCE, None, True), (None, SCIENCE, True), ("6" * 64, SCIENCE, False), (None, None, False)],
)
def test_given_a_model_of_other_code_when_its_science_is_that_of_here_then_it_is_served(
    setting: Setting, tmp_path: Path, in_model: str | None, in_release: str | None, fits: bool
) -> None:
    served = make_model(tmp_path / "model", 1, code_sha256="9" * 64, science_sha256=in_model)

    status = setting.release(msgspec.structs.replace(served, science_sha256=in_release))

    assert status.ready == fits and setting.version == ("1" if fits else None)
