"""The model folder: equal models give equal digests, nothing but a model is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry import model_folder, skops_file
from aifactory_runtime.registry.model_folder import Belongs, Column, InputSchema

SCHEMA = InputSchema(
    "y",
    (Column("a", "number", minimum=0.0), Column("b", "category", True, categories=("x", "z"))),
    ("a", "b=x", "b=z"),
    (0, 1),
)
BELONGS = Belongs("c" * 40, "code", "lock", "schema", "classification")
VALUES = np.random.default_rng(0).normal(size=(200, 3))
LABELS = (VALUES[:, 0] > 0).astype(int)


def fitted(seed: int = 1) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=5, random_state=seed).fit(VALUES, LABELS)


def write(folder: Path, estimator: object | None = None) -> str:
    return model_folder.write(folder, estimator or fitted(), SCHEMA, BELONGS)


@pytest.mark.heavy
def test_given_equal_trainings_when_written_at_other_times_then_the_digest_is_equal(tmp_path: Path) -> None:
    first = write(tmp_path / "one")
    time.sleep(1.1)
    assert write(tmp_path / "two") == first


@pytest.mark.slow
def test_given_equal_trainings_when_written_by_two_processes_then_the_digest_is_equal(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; sys.path.insert(0, '.');"
        "from tests.unit.runtime.registry import test_model_folder as t; print(t.write(pathlib.Path(sys.argv[1])))"
    )
    checkout = Path(__file__).parents[4]
    found = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / str(number))],
            cwd=checkout,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for number in range(2)
    ]
    assert len(found[0].strip()) == 64
    assert found[0] == found[1]


@pytest.mark.heavy
def test_given_another_model_when_written_then_the_digest_differs(tmp_path: Path) -> None:
    other = HistGradientBoostingClassifier(max_iter=6).fit(VALUES, LABELS)
    assert write(tmp_path / "one") != write(tmp_path / "two", other)


@pytest.mark.parametrize(
    "estimator", [fitted(), make_pipeline(StandardScaler(), LogisticRegression()).fit(VALUES, LABELS)]
)
def test_given_a_written_model_when_loaded_then_it_predicts_the_same(tmp_path: Path, estimator: object) -> None:
    write(tmp_path / "model", estimator)
    loaded = model_folder.load_estimator(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(VALUES), estimator.predict_proba(VALUES))  # type: ignore[attr-defined]


def test_given_a_written_model_when_mlflow_loads_it_then_it_is_a_scikit_learn_model(tmp_path: Path) -> None:
    import mlflow.sklearn

    write(tmp_path / "model")
    assert np.array_equal(mlflow.sklearn.load_model(str(tmp_path / "model")).predict(VALUES), fitted().predict(VALUES))


def test_given_a_written_model_when_read_then_schema_and_belongs_come_back(tmp_path: Path) -> None:
    write(tmp_path / "model")
    assert model_folder.read_schema(tmp_path / "model") == SCHEMA
    assert model_folder.read_belongs(tmp_path / "model") == BELONGS


def test_given_a_model_folder_when_read_by_a_service_then_neither_mlflow_nor_pandas_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "model")
    program = (
        "import sys, pathlib; from aifactory_runtime.registry import model_folder as m;"
        "import aifactory_runtime.data.columns;"
        "f = pathlib.Path(sys.argv[1]); m.digest(f); m.read_schema(f); m.read_belongs(f);"
        "print([n for n in ('mlflow', 'pandas', 'sklearn') if n in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_fault_30_given_a_changed_folder_when_digested_then_the_digest_differs(tmp_path: Path, change: str) -> None:
    before = write(tmp_path / "model")
    belongs = tmp_path / "model" / "belongs.json"
    if change == "content":
        belongs.write_bytes(belongs.read_bytes() + b" ")
    elif change == "name":
        belongs.rename(belongs.with_name("other.json"))
    elif change == "more":
        (tmp_path / "model" / "more").write_text("")
    else:
        belongs.unlink()
    assert model_folder.digest(tmp_path / "model") != before


def test_fault_30_given_a_link_in_the_folder_when_digested_then_refused(tmp_path: Path) -> None:
    write(tmp_path / "model")
    (tmp_path / "model" / "link").symlink_to(tmp_path)
    with pytest.raises(FactoryError, match="is a link"):
        model_folder.digest(tmp_path / "model")


def test_fault_29_given_no_folder_when_digested_then_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="holds no model"):
        model_folder.digest(tmp_path / "none")


@pytest.mark.parametrize("name", ["input_schema.json", "belongs.json"])
@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"columns": 3}'])
def test_fault_29_given_a_broken_file_when_read_then_one_line_names_it(
    tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    read = model_folder.read_schema if name == "input_schema.json" else model_folder.read_belongs
    with pytest.raises(FactoryError, match=name):
        read(tmp_path)


def test_fault_30_given_a_type_that_is_not_allowed_when_loaded_then_refused_before_it_is_made(tmp_path: Path) -> None:
    write(tmp_path / "model")
    path = tmp_path / "model" / model_folder.ESTIMATOR
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    marker = tmp_path / "ran"
    tree = json.loads(contents["schema.json"])
    tree["__class__"], tree["__module__"] = "Popen", "subprocess"
    contents["schema.json"] = json.dumps(tree).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(FactoryError, match=r"subprocess\.Popen"):
        model_folder.load_estimator(tmp_path / "model")
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\x80\x04\x95pickle"])
def test_fault_30_given_a_file_that_is_no_skops_when_loaded_then_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / model_folder.ESTIMATOR).write_bytes(content)
    with pytest.raises(FactoryError, match="not a skops file"):
        model_folder.load_estimator(tmp_path)


def test_fault_29_given_no_file_when_loaded_then_one_line(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="is missing"):
        model_folder.load_estimator(tmp_path)


def test_given_an_estimator_that_would_not_load_again_when_written_then_its_type_is_named(tmp_path: Path) -> None:
    from sklearn.gaussian_process import GaussianProcessClassifier

    with pytest.raises(UsageProblem, match=r"sklearn\."):
        write(tmp_path / "model", GaussianProcessClassifier().fit(VALUES[:20], LABELS[:20]))


def test_given_a_normalized_file_when_normalized_again_then_nothing_changes(tmp_path: Path) -> None:
    write(tmp_path / "model")
    path = tmp_path / "model" / model_folder.ESTIMATOR
    before = path.read_bytes()
    skops_file.normalize(path)
    assert path.read_bytes() == before


def test_given_ignored_columns_when_written_then_they_come_back_and_a_schema_without_reads_as_before(
    tmp_path: Path,
) -> None:
    write(tmp_path / "plain")
    model_folder.write(tmp_path / "ids", fitted(), replace(SCHEMA, ignored=("customer id",)), BELONGS)

    assert model_folder.read_schema(tmp_path / "ids").unused == ("customer id", "y")
    assert model_folder.read_schema(tmp_path / "plain").ignored == ()
    assert "ignored" not in (tmp_path / "plain" / model_folder.SCHEMA).read_text(encoding="utf-8")
