"""The manifest contract: what is accepted, what is refused, and with which sentence."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest, names, schema
from aifactory_runtime.errors import UsageProblem

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine to the ninth values in a few hundred bytes, for whoever unfolds them."""

VALID: dict[str, Any] = {
    "schema": 1,
    "use_case": "churn",
    "title": "Customer churn",
    "owner": "ana",
    "team": "growth",
    "problem": "classification",
    "scoring": "online",
    "models": [{"name": "churn"}],
    "risk": "limited",
    "data_classification": "internal",
    "target": "local",
    "train_in": "dev",
    "monitors": {"service": {"owner": "ana"}, "data": {"owner": "ana"}, "model": {"owner": "ana"}},
    "environments": {
        "dev": {"data_source": "data/sample.csv", "retraining": {"schedule": "0 3 * * 1"}},
        "staging": {"data_source": "data/sample.csv"},
        "prod": {"data_source": "data/sample.csv", "approval": "required", "approvers": ["vera"]},
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """A valid manifest with one value changed; `path` is dotted."""
    values = copy.deepcopy(VALID)
    node = values
    *parents, last = path.split(".")
    for part in parents:
        node = node[part]
    node[last] = value
    return values


def test_given_a_complete_manifest_when_read_then_every_environment_has_its_settings() -> None:
    manifest = Manifest.model_validate(VALID)

    assert manifest.package == "churn"
    assert manifest.settings("prod").approvers == ("vera",)
    assert manifest.settings("dev").retraining.schedule == "0 3 * * 1"
    with pytest.raises(KeyError):
        manifest.settings("qa")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("risk", "high"),
        ("data_classification", "restricted"),
        ("environments.dev.size", "large"),
        ("environments.staging.approval", "none"),
        ("environments.prod.budget_month", 250),
        ("environments.prod.trial", {"kind": "ab", "share": 0.2, "period": "7d", "wait": "12h", "timeout": 0.3}),
        ("environments.dev.compute", {"engine": "dask"}),
        ("environments.dev.compute", {"engine": "dask", "workers": 8, "memory_gb": 1.5, "threads": 2}),
        ("environments.dev.cluster", "tls://dask.example.org:8786"),
        ("environments.dev.cluster", "tcp://127.0.0.1:8786"),
        ("environments.dev.compute", None),
        ("owner", "ana.lopez"),
        ("environments.dev.retraining.schedule", "*/15 0-6,22 1-31/2 1,6 0-7"),
        ("environments.dev.retraining.schedule", "* * * * *"),
        ("environments.dev.retraining", {"policy": "automatic", "pace": "12h"}),
        ("environments.dev.data_source", "abfss://sales@account.dfs.core.windows.net/t.parquet"),
        ("people", {}),
        ("people", None),
        ("people", {"operator": ["otto"], "stakeholder": ["otto", "sam"]}),
        ("people", {"data-scientist": ["bo", {"login": "bo", "environments": ["prod"], "until": "2027-01-31"}]}),
    ],
)
def test_given_a_valid_value_when_read_then_it_is_accepted(path: str, value: Any) -> None:
    assert Manifest.model_validate(changed(path, value)).use_case == "churn"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("use_case", "", "empty"),
        ("use_case", "Mr. O'Keefe", "only a-z"),
        ("owner", "release", "not a login"),
        ("problem", "clustering", "classification"),
        ("problem", "Regression", "'classification' or 'regression'"),
        ("scoring", "offline", "'online', 'batch' or 'both'"),
        ("train_in", "staging", "'dev' or 'prod'"),
        ("environments.staging.retraining", {"schedule": "0 3 * * *"}, "nothing is trained in staging"),
        ("environments.prod.retraining", {"schedule": "0 3 * * *"}, "pace under dev"),
        ("environments.prod.batch", {"schedule": "0 5 * * *"}, "scoring: online scores no batches"),
        ("environments.prod.batch", {"source": "s3://sales/today"}, "write scoring: both"),
        ("models", [], "at least 1"),
        ("schema", 2, "the repo stays, the tool has to move"),
        ("schema", 0, "1"),
        ("schema", True, "write schema: 1"),
        ("environments.dev.data_source", "", "at least 1"),
        ("environments.dev.quotas", {"disk_gb": 1e999}, "finite number"),
        ("environments.prod.budget_month", float("nan"), "finite number"),
        ("environments.prod.approvers", [], "needs at least one name"),
        ("environments.prod.live_test", "ab", "direct"),
        ("environments.prod.capture", "never", "'required' or 'best-effort'"),
        ("environments.prod.trial", "ab", "valid dictionary"),
        ("environments.prod.trial", {"kind": "canary"}, "'direct', 'shadow' or 'ab'"),
        ("environments.prod.trial", {"share": 1}, "less than 1"),
        ("environments.prod.trial", {"period": "a week"}, "write 30s, 10m, 12h or 7d"),
        ("environments.prod.trial", {"period": "7d", "longest": "1d"}, "longest is shorter than a period"),
        ("environments.prod.trial", {"kind": "shadow", "labels": "affected"}, "write kind: ab"),
        ("environments.prod.trial", {"guards": {"errors": 0}}, "greater than 0"),
        ("environments.dev.compute", {"workers": 2}, "Field required"),
        ("environments.dev.compute", {"engine": "spark"}, "'dask'"),
        ("environments.dev.compute", {"engine": "dask", "workers": 0}, "greater than or equal to 1"),
        ("environments.dev.compute", {"engine": "dask", "memory_gb": 0.1}, "greater than or equal to 0.5"),
        ("environments.dev.compute", {"engine": "dask", "threads": 0}, "greater than or equal to 1"),
        ("environments.dev.compute", {"engine": "dask", "gpus": 1}, "Extra inputs"),
        ("environments.staging.compute", {"engine": "dask"}, r"neither trains \(train_in: dev\) nor scores batches"),
        ("environments.prod.cluster", "tls://10.0.0.5:8786", "leave cluster out"),
        ("environments.dev.cluster", "tcp://10.0.0.5:8786", "use tls:// with certificates on both sides"),
        ("environments.dev.cluster", "10.0.0.5:8786", "is no address of a scheduler"),
        ("environments.staging.trial", {"kind": "shadow"}, "staging has no live traffic"),
        ("environments.dev.retraining.schedule", "daily", "five cron fields"),
        ("environments.dev.retraining.schedule", "99 3 * * *", "99 is no minute"),
        ("environments.dev.retraining.schedule", "0 24 * * *", "24 is no hour"),
        ("environments.dev.retraining.schedule", "0 3 0 * *", "0 is no day"),
        ("environments.dev.retraining.schedule", "0 3 * 13 *", "13 is no month"),
        ("environments.dev.retraining.schedule", "5-1 3 * * *", "5-1 is no minute"),
        ("environments.dev.retraining.schedule", "*/0 3 * * *", "is no minute"),
        ("environments.dev.retraining.schedule", "1,,2 3 * * *", "is no minute"),
        ("environments.dev.retraining", {"policy": "always"}, "'automatic', 'approval' or 'off'"),
        ("environments.dev.retraining", {"pace": "a day"}, "write 30s, 10m, 12h or 7d"),
        ("environments.prod.retraining", {"policy": "automatic"}, "nothing is trained in prod"),
        ("environments.dev.quotas", {"disk_gb": -1}, "greater than 0"),
        ("environments.dev.data_source", "https://ghx@host/t.csv", "the address holds a login"),
        ("environments.prod.batch", {"source": "https://host/t.csv?sv=1&sig=abc"}, "own credentials"),
        ("environments.dev.surprise", 1, "Extra inputs"),
        ("colour", "red", "Extra inputs"),
        ("owner", "operator", "not a login"),
        ("people", {"wizard": ["merlin"]}, "'stakeholder'"),
        ("people", {"operator": ["Otto"]}, "not a login"),
        ("people", {"operator": ["otto", "otto"]}, "otto is named twice; write one entry"),
        ("people", {"operator": 2 * [{"login": "otto", "environments": ["dev"]}]}, "named twice for dev"),
        ("people", {"operator": [{"login": "otto", "until": "soon"}]}, "valid date"),
        ("people", {"operator": [{"login": "otto", "environments": []}]}, "at least 1"),
        ("people", {"operator": [{"login": "otto", "from": "2027-01-31"}]}, "Extra inputs"),
    ],
)
def test_given_an_invalid_value_when_read_then_it_is_refused_with_a_reason(
    path: str, value: Any, sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Manifest.model_validate(changed(path, value))


def test_given_people_when_read_then_a_day_is_the_last_one_of_their_rights() -> None:
    until = {"login": "cy", "until": "2027-01-31", "environments": ["prod"]}
    manifest = Manifest.model_validate(changed("people", {"operator": ["bo", until]}))
    bo, cy = manifest.people["operator"]
    assert (bo.login, bo.until) == ("bo", None)
    assert (cy.until, cy.environments) == (date(2027, 1, 31), ("prod",))
    assert Manifest.model_validate_json(manifest.model_dump_json(by_alias=True)) == manifest


@pytest.mark.parametrize(
    ("scoring", "serves", "scores_batches"),
    [("online", True, False), ("batch", False, True), ("both", True, True)],
)
def test_given_a_scoring_pattern_when_read_then_it_says_what_there_is(
    scoring: str, serves: bool, scores_batches: bool
) -> None:
    manifest = Manifest.model_validate(changed("scoring", scoring))

    assert (manifest.serves, manifest.scores_batches) == (serves, scores_batches)
    assert manifest.settings("prod").batch.schedule is None


@pytest.mark.parametrize("scoring", ["batch", "both"])
def test_given_a_pattern_that_scores_batches_when_batch_has_a_schedule_then_it_is_accepted(scoring: str) -> None:
    values = changed("scoring", scoring)
    values["environments"]["prod"]["batch"] = {"schedule": "30 5 * * *", "source": "s3://sales/today"}

    assert Manifest.model_validate(values).settings("prod").batch.source == "s3://sales/today"
    values["environments"]["prod"]["batch"] = {"schedule": "daily"}
    with pytest.raises(ValidationError, match="five cron fields"):
        Manifest.model_validate(values)
    values["environments"]["prod"]["batch"] = {"source": ""}
    with pytest.raises(ValidationError, match="at least 1"):
        Manifest.model_validate(values)


@pytest.mark.parametrize(
    ("classification", "said", "trains_in"),
    [
        ("public", None, "dev"),
        ("internal", None, "dev"),
        ("confidential", None, "prod"),
        ("restricted", None, "prod"),
        ("confidential", "dev", "dev"),
        ("public", "prod", "prod"),
    ],
)
def test_given_a_classification_when_train_in_is_left_out_then_confidential_data_stay_in_prod(
    classification: str, said: str | None, trains_in: str
) -> None:
    values = changed("data_classification", classification)
    del values["train_in"]

    assert Manifest.model_validate(values if said is None else {**values, "train_in": said}).train_in == trains_in


def test_given_an_endpoint_when_the_target_or_the_pattern_has_none_to_choose_then_it_is_refused() -> None:
    cloud = {**changed("environments.dev.endpoint", True), "target": "aws", "platform": "s3://platform"}

    assert Manifest.model_validate(cloud).settings("dev").endpoint is True
    with pytest.raises(ValidationError, match=r"environments\.dev\.endpoint: with target: local"):
        Manifest.model_validate(changed("environments.dev.endpoint", False))
    with pytest.raises(ValidationError, match=r"environments\.dev\.endpoint: scoring: batch answers no requests"):
        Manifest.model_validate({**cloud, "scoring": "batch"})


def test_given_training_in_prod_when_read_then_prod_and_dev_may_have_a_schedule_and_staging_not() -> None:
    values = changed("train_in", "prod")
    values["environments"]["prod"]["retraining"] = {"schedule": "0 3 1 * *"}

    assert Manifest.model_validate(values).settings("prod").retraining.schedule == "0 3 1 * *"
    values["environments"]["staging"]["retraining"] = {"schedule": "0 3 1 * *"}
    with pytest.raises(ValidationError, match="nothing is trained in staging with train_in: prod"):
        Manifest.model_validate(values)


def test_given_a_bad_value_in_a_file_when_loaded_then_file_line_and_key_are_named(tmp_path: Path) -> None:
    path = tmp_path / "factory.yaml"
    text = yaml.safe_dump(changed("environments.staging.size", "huge"), sort_keys=False)
    path.write_text(text)
    line = 1 + text[: text.index("size: huge")].count("\n")

    with pytest.raises(UsageProblem, match=rf"factory\.yaml:{line}: environments\.staging\.size: .*'small'"):
        yaml_model.load(path, Manifest)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "a: 1\nb:\n  approval: required\n  approval: none\n",
            "factory.yaml:4: .*approval stands here for the second time",
        ),
        ("a: [1", "factory.yaml:.*not valid YAML"),
        ("[" * 20_000, "factory.yaml: lists or keys are nested too deeply"),
        ("created: 2026-13-45", "factory.yaml: not valid YAML: month must be in 1..12"),
        (BOMB, "factory.yaml:1: use_case: Field required"),
        ("- 1\n- 2\n", "expected keys and values"),
        ("", "expected keys and values"),
    ],
)
def test_given_a_broken_file_when_loaded_then_one_line_says_so(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "factory.yaml"
    path.write_text(content)

    with pytest.raises(UsageProblem, match=sentence) as caught:
        yaml_model.load(path, Manifest)
    assert "\n" not in str(caught.value)


def test_given_the_models_when_schemas_are_generated_then_the_published_files_are_the_same() -> None:
    for name, text in schema.schemas().items():
        assert (schema.FOLDER / name).read_text(encoding="utf-8") == text, f"run python -m {schema.__name__}"


@pytest.mark.parametrize("name", ["churn", "customer-churn", "a1", "x" * 40])
def test_given_a_good_use_case_name_when_checked_then_it_is_returned(name: str) -> None:
    assert names.check_use_case(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "class", "json", "test", "ﬁle", "../x", "/abs", "a/b", "a\nb", "x" * 41, "1a", "a--b", "-a", "A", "a b"],
)
def test_given_a_bad_use_case_name_when_checked_then_it_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|keyword|module"):
        names.check_use_case(name)


def test_given_a_certified_gate_where_nobody_is_asked_when_read_then_it_is_refused() -> None:
    assert not Manifest.model_validate(VALID).settings("prod").certified_gate
    assert Manifest.model_validate(changed("environments.prod.certified_gate", True)).settings("prod").certified_gate
    with pytest.raises(ValidationError, match="certified_gate: true is for approval: required"):
        Manifest.model_validate(changed("environments.dev.certified_gate", True))


def test_given_a_kpi_that_labels_bring_when_a_shadow_is_tried_then_refused_as_it_could_not_guard() -> None:
    shadow = changed("environments.prod.trial", {"kind": "shadow"})
    assert Manifest.model_validate(shadow | {"kpi": {"name": "profit"}}).kpi is not None
    with pytest.raises(ValidationError, match=r"a shadow has none: write kind: ab, or leave kpi\.field out"):
        Manifest.model_validate(shadow | {"kpi": {"name": "profit", "field": "euros"}})


def test_given_a_proxy_that_is_none_of_the_problem_when_read_then_it_is_refused_with_one_that_is() -> None:
    share = {"figure": "share", "of": "yes", "direction": "down", "margin": 0.1}
    values = changed("environments.prod.trial", {"kind": "shadow", "proxies": [share]})
    assert Manifest.model_validate(values).settings("prod").trial.proxies[0].name == "share of yes"
    with pytest.raises(ValidationError, match="share of yes is none of a regression: write figure: prediction"):
        Manifest.model_validate({**values, "problem": "regression"})
