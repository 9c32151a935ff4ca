"""Transformers of other packages: refused by train with the line for conf, then trained, scored and served."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from aifactory_runtime.config import project
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction.reproduce import reproduce
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.pipeline.training import training_data
from aifactory_runtime.release.offline import said_of
from tests.fixtures import usecase_repo
from tests.fixtures.scoring_service import served
from tests.fixtures.usecase_repo import commit

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]
MODEL = """from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
{imported}


def make_model(**parameters):
    return make_pipeline(SimpleImputer(), {step}, StandardScaler(), LogisticRegression(**parameters))
"""
STEPS = {
    "category_encoders.hashing.HashingEncoder": (
        "from category_encoders import HashingEncoder",
        "HashingEncoder(cols=[0], return_df=False, max_process=1)",
    ),
    "feature_engine.outliers.winsorizer.Winsorizer": (
        "from feature_engine.outliers import Winsorizer",
        'Winsorizer(variables=["x0", "x1"])',
    ),
}
READY_WITHIN_SECONDS = 120


def write_model(repo: Path, imported: str, step: str) -> None:
    (repo / "src" / "demo_case" / "model.py").write_text(MODEL.format(imported=imported, step=step))


def trust(repo: Path, line: str) -> None:
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("train:\n", f"train:\n  {line}\n"))


def service(repo: Path) -> AbstractContextManager[httpx.Client]:
    command = usecase_repo.command("serve", "--port", "0")
    return served(command, repo, usecase_repo.environment(), ready_within=READY_WITHIN_SECONDS, timeout=30)


@pytest.mark.parametrize("name", STEPS)
def test_given_a_transformer_of_another_package_when_its_line_is_pasted_then_it_is_scored_and_served_alike(
    repo: Path, pipeline: Pipeline, name: str
) -> None:
    write_model(repo, *STEPS[name])
    commit(repo, "Take another package's transformer")
    with pytest.raises(UsageProblem) as refused:
        pipeline()
    assert not list((repo / ".factory").rglob("*.skops"))

    trust(repo, "trusted_types: " + str(refused.value).rpartition("trusted_types: ")[2])
    commit(repo, "Trust it")
    run = pipeline()
    context = Context(project.load(repo))
    usecase_repo.write_customers(repo / "data" / "today.csv", rows=50, seed=3)
    score(context, "data/today.csv")
    assert said_of(context, training_data.place(context, run), 3)["predictions"]
    assert reproduce(context, run.id, lambda _: None).same

    found = tables.read(context.tables, "scored")
    rows = json.loads(found[["age", "income", "member", "region"]].to_json(orient="records"))
    with service(repo) as client:
        answer = client.post("/predict", json={"rows": rows}).json()
    assert answer["predictions"] == found["prediction"].tolist()
    assert answer["probabilities"] == found[["probability_0", "probability_1"]].to_numpy().tolist()


def test_given_trust_that_is_taken_back_when_the_next_is_judged_then_what_the_champion_needs_is_said(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    name = "feature_engine.outliers.winsorizer.Winsorizer"
    before = (repo / "src" / "demo_case" / "model.py").read_text()
    write_model(repo, *STEPS[name])
    trust(repo, f"trusted_types: [{name}]")
    commit(repo, "Trust it")
    version = pipeline().version
    assert version is not None
    context.registry.set_alias("champion", version)

    (repo / "src" / "demo_case" / "model.py").write_text(before)
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace(f"  trusted_types: [{name}]\n", ""))
    commit(repo, "Trust it no more")
    with pytest.raises(FactoryError, match=rf"the champion, version 1: .*{name}.*train.trusted_types"):
        pipeline()


def test_given_trust_that_nothing_needs_when_trained_then_it_is_said(
    repo: Path, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    trust(repo, "trusted_types: [feature_engine.outliers.winsorizer.Winsorizer]")
    pipeline("ingest", "validate", "prepare", "train")
    assert "the model holds no feature_engine.outliers.winsorizer.Winsorizer" in caplog.text


def test_given_a_transformer_that_can_never_be_saved_when_trained_then_said_before_the_training_with_what_to_do(
    repo: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "category_encoders.target_encoder.TargetEncoder"
    write_model(repo, "from category_encoders import TargetEncoder", "TargetEncoder(cols=[0], return_df=False)")
    trust(repo, f"trusted_types: [{name}]")
    monkeypatch.delattr("aifactory_runtime.pipeline.training.boosters.fit")
    with pytest.raises(UsageProblem, match=rf"{name} can never be saved: .*sklearn\.preprocessing\.TargetEncoder"):
        pipeline()


def test_given_a_package_that_is_not_installed_when_trained_then_one_line_says_where_it_goes(repo: Path) -> None:
    write_model(repo, "from no_such_encoders import Encoder", "Encoder()")
    done = usecase_repo.run(repo, "run")
    assert done.returncode != 0
    assert "demo_case.model needs no_such_encoders, which is not installed" in done.stderr
    assert "requirements/science.in" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
