"""New models judged against the champion, which keeps its own features."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.config import layout
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import bring_runtime, commit, git
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit
from tests.unit.runtime.pipeline.reports import gate_report

SCHEMA, FEATURES = "src/demo_case/schema.py", "src/demo_case/features.py"

pytestmark = pytest.mark.slow


def test_given_a_better_champion_when_a_weaker_model_is_trained_then_the_gate_refuses(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    edit(repo, "src/demo_case/features.py", '"log_income": np.log1p(columns["income"]),', "")
    with pytest.raises(FactoryError, match="worse than the champion"):
        pipeline()


def with_a_leak(repo: Path) -> None:
    """The table with a fee that is only asked for afterwards, which the model reads."""
    data_of(repo, lambda lines: [f"fee,{lines[0]}", *(f"{50 * int(line[-1])},{line}" for line in lines[1:])])
    edit(repo, SCHEMA, '"age": pa', '"fee": pa.Column(int),\n        "age": pa')
    edit(repo, FEATURES, '"age": columns["age"],', '"age": columns["age"], "fee": columns["fee"],')
    git(repo, "commit", "-qam", "fee")


def test_given_a_champion_that_leaks_when_its_column_is_ignored_then_it_is_not_compared_and_that_is_recorded(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with_a_leak(repo)
    first = pipeline()
    assert first.notes[0].startswith("fee alone nearly tells churned")
    context.registry.set_alias("champion", 1)
    edit(repo, FEATURES, ' "fee": columns["fee"],', "")
    with pytest.raises(FactoryError, match=r"worse than the champion's .*IGNORED") as refused:
        pipeline()
    assert (
        "if what it reads and this model does not (fee) is known only after the fact, list it in IGNORED in "
        "src/demo_case/schema.py: then the two are not compared"
    ) in str(refused.value)
    assert "note: features.py does not read fee, which every request must bring all the same" in caplog.text

    edit(repo, SCHEMA, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("fee",)')
    second = pipeline()

    assert second.version == 2 and not any(name.startswith("champion.") for name in second.metrics)
    assert second.tables["reference"] == first.tables["reference"], "no reference starts by itself"
    why = "the champion, version 1, reads fee, which schema.py lists in IGNORED (roc_auc 1.0000 with it)"
    assert f"note: not compared with the champion: {why}" in caplog.text
    report = gate_report(context, second.id)
    assert report["remarks"] == [f"not compared with the champion: {why}"]
    assert report["facts"]["champion_sha256"] is None
    assert context.registry.version(2).tags["aifactory.not_compared"] == why
    line = log.read(Path(context.contract.audit_uri))[-1]
    assert (line["action"], line["facts"]["aifactory.not_compared"]) == ("register", why)

    context.registry.set_alias("champion", 2)
    third = pipeline()
    assert third.metrics["champion.roc_auc"] == second.metrics["reference.roc_auc"]


def test_given_an_ignored_column_that_the_champion_does_not_read_when_judged_then_they_are_compared(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, FEATURES, '"region": columns["region"],', "")
    git(repo, "commit", "-qam", "without regions")
    pipeline()
    context.registry.set_alias("champion", 1)
    edit(repo, SCHEMA, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("region",)')
    edit(repo, FEATURES, '"log_income": np.log1p(columns["income"]),', "")
    with pytest.raises(FactoryError, match=r"worse than the champion's .*does not \(income\)"):
        pipeline()


def test_given_features_that_read_an_ignored_column_when_trained_then_both_files_are_named(
    repo: Path, pipeline: Pipeline
) -> None:
    edit(repo, SCHEMA, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("region",)')
    with pytest.raises(UsageProblem, match=r"features.py reads 'region', which schema.py lists in IGNORED"):
        pipeline()


def test_given_equal_rows_when_a_new_reference_is_asked_for_then_it_is_one_and_the_model_is_judged_by_it(
    pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = pipeline()
    context.registry.set_alias("champion", 1)
    again = pipeline(new_reference=True, again=False)
    assert again.tables["reference"].sha256 == first.tables["reference"].sha256
    assert again.tables["reference"].tag != first.tables["reference"].tag
    assert again.version == 2 and "the reference is newer than the champion, version 1" in caplog.text
    assert pipeline(again=False).id == again.id, "nothing changed since"


def test_given_a_new_column_when_trained_then_new_test_rows_are_frozen_on_request_and_the_champion_is_left_out(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = pipeline()
    context.registry.set_alias("champion", 1)
    data_of(repo, lambda lines: [f"pets,{lines[0]}", *(f"{len(line) % 3},{line}" for line in lines[1:])])
    edit(repo, "src/demo_case/schema.py", '"age": pa', '"pets": pa.Column(int),\n        "age": pa')
    with pytest.raises(FactoryError, match="has no column pets: python -m demo_case run --new-reference"):
        pipeline()

    second = pipeline(new_reference=True)

    assert second.version == 2 and not any(name.startswith("champion.") for name in second.metrics)
    assert "the reference is newer than the champion, version 1" in caplog.text
    assert second.tables["reference"].version == first.tables["reference"].version + 1
    context.registry.set_alias("champion", 2)
    third = pipeline()
    assert third.tables["reference"] == second.tables["reference"], "frozen again"
    assert third.metrics["champion.roc_auc"] == second.metrics["reference.roc_auc"]


@pytest.mark.parametrize("place", layout.CODE)
def test_given_features_that_mean_something_new_when_judged_then_the_champion_keeps_its_own(
    repo: Path, pipeline: Pipeline, context: Context, place: str
) -> None:
    bring_runtime(repo, place)
    commit(repo, "Bring the runtime")
    first = pipeline()
    context.registry.set_alias("champion", 1)
    bring_runtime(repo)
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', '"age": -1000.0 * columns["age"],')
    second = pipeline()
    assert second.version == 2
    assert second.metrics["champion.roc_auc"] == first.metrics["reference.roc_auc"]


def test_given_a_champion_of_code_that_no_commit_holds_when_judged_then_one_line_says_what_to_do(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', "")
    pipeline()
    context.registry.set_alias("champion", 1)
    git(repo, "checkout", "-q", "--", "src")
    with pytest.raises(FactoryError, match="not to be had here"):
        pipeline()


def test_fault_30_given_a_tampered_champion_when_evaluated_then_refused(pipeline: Pipeline, context: Context) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    folder = Path(context.registry.artifact_address(context.registry.version(1)))
    (folder / "belongs.json").write_text("{}")
    with pytest.raises(FactoryError, match="sha256 differs"):
        pipeline()
