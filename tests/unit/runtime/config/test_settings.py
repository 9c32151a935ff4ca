"""Settings under conf/: base, then the environment's, checked as one, each value with its origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.config.project import Science
from aifactory_runtime.config.search import Range
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.errors import FactoryError, UsageProblem


def conf(folder: Path, **files: str) -> Path:
    """A conf folder with these files."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_given_base_and_environment_when_loaded_then_the_environment_wins_key_by_key(tmp_path: Path) -> None:
    conf(
        tmp_path,
        base="train: {seed: 1, parameters: {depth: 3, rate: 0.1}}\ngate: {metric: accuracy}",
        prod="train: {parameters: {depth: 5}}",
    )

    prod, dev = Settings.load(tmp_path, "prod"), Settings.load(tmp_path, "dev")

    assert prod.train.parameters == {"depth": 5, "rate": 0.1}
    assert dev.train.parameters == {"depth": 3, "rate": 0.1}
    assert prod.train.seed == 1
    assert prod.gate.metric == "accuracy"


def test_given_values_from_three_places_when_asked_then_each_origin_is_named(tmp_path: Path) -> None:
    conf(tmp_path, base="train: {seed: 1}\ngate: {metric: accuracy}", prod="train: {seed: 2}")

    origins = [
        Settings.origin(tmp_path, "prod", *key) for key in (("train", "seed"), ("gate", "metric"), ("data", "x"))
    ]

    assert origins == ["conf/prod.yaml", "conf/base.yaml", "default"]


SEARCH = "train: {search: {parameters: {depth: {low: 1, high: 8}}}}"


@pytest.mark.parametrize(
    ("prod", "trials", "low"),
    [
        ("train: {search: {budget_trials: 3}}", 3, 1),
        ("train: {search: {parameters: {depth: {low: 2}}}}", 20, 2),
        ("# nothing differs here", 20, 1),
        ("", 20, 1),
    ],
)
def test_given_an_override_that_is_right_only_with_its_base_when_loaded_then_the_whole_counts(
    tmp_path: Path, prod: str, trials: int, low: float
) -> None:
    conf(tmp_path, base=SEARCH, prod=prod)

    search = Settings.load(tmp_path, "prod").train.search

    assert search is not None and search.budget_trials == trials
    assert search.parameters == {"depth": Range(low=low, high=8)}
    assert Settings.origin(tmp_path, "prod", "train", "seed") == "default"


@pytest.mark.parametrize(
    ("base", "prod", "sentence"),
    [
        ("data: {max_duplicate_share: 2}", "{}", r"base\.yaml:1: data\.max_duplicate_share"),
        ("gate: {min_gain_over_baseline: .inf}", "{}", r"base\.yaml:1: gate\.min_gain_over_baseline: .*finite number"),
        ("data: {outlier_sigmas: 1.0e+999}", "{}", r"base\.yaml:1: data\.outlier_sigmas: .*finite number"),
        ("train: {}\ngates: {}", "{}", r"base\.yaml:2: gates: unknown key"),
        ("train: {}", "train:\n  sed: 3", r"prod\.yaml:2: train\.sed: unknown key"),
        ("data: {test_share: 0.6, validation_share: 0.5}", "{}", r"base\.yaml:1: data: .*leave nothing to train on"),
        ("data: {test_share: 0.6}", "# more\ndata:\n  validation_share: 0.5", r"prod\.yaml:2: data: .*leave nothing"),
        ("serving: {drain_seconds: 30}", "{}", r"base\.yaml:1: serving\.drain_seconds: .*less than or equal to 10"),
        ("train: {sed: 3}", "train: {seed: 3}", r"base\.yaml:1: train\.sed: unknown key"),
        ("data: {dates: []}", "train:\n  search: {budget_trials: 3}", r"base\.yaml:1: data\.dates: unknown key"),
        ("train: {}", "train:\n  search: {budget_trials: 3}", r"prod\.yaml:2: train\.search: search names nothing"),
        (
            SEARCH,
            "train: {search: {parameters: {depth: {low: 9}}}}",
            r"prod\.yaml:1: train\.search\.parameters\.depth.*low must be",
        ),
        (
            "train: {search: {parameters: {depth: []}}}",
            "{}",
            r"base\.yaml:1: train\.search\.parameters\.depth.*at least 1",
        ),
        (
            "train: {search: {parameters: {depth: 3}}}",
            "{}",
            r"base\.yaml:1: train\.search\.parameters\.depth.*valid list",
        ),
        ("train: {seed: -1}", "{}", r"base\.yaml:1: train\.seed: .*greater than or equal to 0"),
        ("train: {}", "[1]", r"prod\.yaml: expected keys and values"),
        ("# nothing", "{}", r"base\.yaml: expected keys and values"),
    ],
)
def test_given_a_bad_setting_when_loaded_then_file_line_and_key_are_named(
    tmp_path: Path, base: str, prod: str, sentence: str
) -> None:
    conf(tmp_path, base=base, prod=prod)

    with pytest.raises(UsageProblem, match=sentence):
        Settings.load(tmp_path, "prod")


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "import sys; sys.exit()", "exit(0)"])
def test_given_science_that_ends_python_when_loaded_then_the_command_fails_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    package = f"ends_{abs(hash(ending))}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "schema.py").write_text(ending, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(FactoryError, match=rf"{package}\.schema ends Python"):
        Science(package).target()


@pytest.mark.parametrize(
    ("slices", "said"),
    [
        ("{columns: [region, region]}", "columns names region twice; name it once"),
        ("{columns: ['']}", "gate.slices.columns"),
        ("{margin: -0.1}", "gate.slices.margin"),
        ("{colums: [region]}", "gate.slices.colums"),
    ],
)
def test_given_slices_that_cannot_be_when_loaded_then_what_is_wrong_is_said(
    tmp_path: Path, slices: str, said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        Settings.load(conf(tmp_path, base=f"gate: {{slices: {slices}}}"), "dev")


def test_given_slices_in_base_when_one_environment_has_a_margin_then_its_columns_stay(tmp_path: Path) -> None:
    conf(tmp_path, base="gate: {slices: {columns: [region]}}", prod="gate: {slices: {margin: 0.05}}")
    found = Settings.load(tmp_path, "prod").gate.slices
    assert (found.columns, found.margin) == (("region",), 0.05)
    assert Settings.load(tmp_path, "dev").gate.slices.margin is None
    assert Settings().gate.slices.columns == ()
