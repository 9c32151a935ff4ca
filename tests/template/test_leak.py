"""A column that is known only after the fact, from `factory new` to the approver: named, ignored, out of the way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.config import layout, project
from aifactory_runtime.registry import mlflow
from tests.fixtures import mlflow_database, warm_process
from tests.fixtures.usecase_repo import git
from tests.template.test_new import New, new

pytestmark = pytest.mark.slow

__all__ = ["new"]
APPROVER = "kim.meyer"


def table(place: Path) -> None:
    """Customers; the fee is asked of those who left."""
    draw = np.random.default_rng(3)
    age, region = draw.integers(18, 80, 1200), draw.choice(["east", "north", "west"], 1200)
    left = draw.random(1200) < 1 / (1 + np.exp(0.06 * (45 - age) - 0.8 * (region == "east")))
    fee = np.where(left, draw.integers(10, 90, 1200), 0)
    pd.DataFrame({"age": age, "region": region, "fee": fee, "left": left}).to_csv(place, index=False)


def provisioned(repo: Path, home: Path) -> None:
    """What `factory up dev` would have written, of an environment where a person approves."""
    mlflow_database.put(home / "mlflow.db")
    database = f"sqlite:///{home / 'mlflow.db'}"
    folders = ("data", "artifact", "capture", "audit", "events", "logs", "snapshot", "release")
    contract = {
        **{f"{key}_uri": str(home / key) for key in folders},
        **{
            "use_case": "uc",
            "environment": "dev",
            "identity": "ana.uc.dev",
            "data_source": str(Path("t.csv").absolute()),
        },
        **{"tracking_uri": database, "registry_uri": database, "experiment": "dev/uc", "model_name": "uc.dev"},
        **{"approval": "required", "approvers": [APPROVER], "endpoint_url": "http://127.0.0.1:9"},
    }
    place = repo / ".factory" / "dev.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(contract))


def asked(repo: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIFACTORY_", "FACTORY_"))}
    variables = {**kept, "PYTHONPATH": layout.python_path(repo), "AIFACTORY_ENV": "dev"}
    return warm_process.SHARED.run(repo, variables, "uc", *command)


def edit(repo: Path, name: str, old: str, changed: str) -> None:
    place = repo / "src" / "uc" / name
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, changed), encoding="utf-8")
    git(repo, "commit", "-qam", f"fee in {name}")


def test_given_a_leak_that_became_champion_when_its_column_is_ignored_then_the_next_model_passes_and_all_are_told(
    new: New, tmp_path: Path
) -> None:
    table(Path("t.csv"))
    said = new("uc", "--data", "t.csv", "--target-column", "left", "--owner", "ana")
    assert "note: fee alone nearly tells left: roc_auc 1.0000" in said.out
    repo, home = Path("uc").absolute(), tmp_path / "home"
    provisioned(repo, home)
    first = asked(repo, "run")
    assert first.returncode == 0, first.stderr
    assert "note: fee alone nearly tells left" in first.stderr
    assert "list it in IGNORED in src/uc/schema.py" in first.stderr
    registry = mlflow.connect(project.load(repo, "dev").environment.contract, None)
    registry.set_alias("champion", 1)

    edit(repo, "features.py", ', "fee")', ")")
    honest = asked(repo, "run")
    assert honest.returncode == 1
    assert "if what it reads and this model does not (fee) is known only after the fact, list it in IGNORED in" in (
        honest.stderr
    )
    assert "features.py does not read fee, which every request must bring all the same" in honest.stderr

    edit(repo, "schema.py", "IGNORED: tuple[str, ...] = ()", 'IGNORED = ("fee",)')
    second = asked(repo, "run")
    assert second.returncode == 0, second.stderr
    why = "the champion, version 1, reads fee, which schema.py lists in IGNORED"
    assert f"note: not compared with the champion: {why}" in second.stderr
    assert "alone nearly tells" not in second.stderr and "does not read" not in second.stderr
    assert "in training too" not in second.stderr, "a fee is no id"
    (line,) = [line for line in log.read(home / "audit") if line["facts"].get("version") == 2]
    assert line["facts"]["aifactory.not_compared"].startswith(why)

    waits = asked(repo, "release", "--to", "dev")
    assert waits.returncode == 3, waits.stderr
    assert f"the gate did not compare it with the champion of that time: {why}" in waits.stderr
    approved = asked(repo, "approve", "--env", "dev", "--as", APPROVER)
    assert approved.returncode == 0, approved.stderr
    assert f"the gate did not compare it with the champion of that time: {why}" in approved.stdout
