"""What is proposed for rows that are equal: copies by an id, spread where columns take few values, else together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory.profile import Proposal, Wishes, propose, scan
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import source, split
from tests.fixtures import zoo


def proposed(frame: pd.DataFrame, folder: Path, wishes: Wishes | None = None, target: str = "y") -> Proposal:
    frame.to_csv(folder / "t.csv", index=False)
    located = source.locate(folder, "t.csv")
    return propose(scan(located, source.detect(located)), "t.csv", target, wishes or Wishes())


def few_valued(rows: int = 600, seed: int = 3) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    columns = {name: draw.choice([f"{name}{number}" for number in range(size)], rows) for name, size in SIZES.items()}
    return pd.DataFrame(columns).assign(y=draw.choice(["no", "yes"], rows))


def wide(rows: int = 600, seed: int = 3) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    columns = {"x": draw.normal(size=rows).round(6), "c": draw.choice(["u", "v"], rows)}
    return pd.DataFrame(columns).assign(y=draw.choice(["no", "yes"], rows))


SIZES = {"port": 3, "kind": 4, "size": 5}


@pytest.mark.parametrize(
    ("frame", "split_as"),
    [
        pytest.param(few_valued(), "spread", id="few values"),
        pytest.param(few_valued(120), "together", id="few values, but few rows too"),
        pytest.param(wide(), "together", id="many values"),
        pytest.param(pd.concat([wide()] * 2), "together", id="written twice"),
        pytest.param(pd.concat([wide()] * 12), "together", id="written twelve times"),
        pytest.param(
            pd.concat([wide().head(size) for size in range(50, 600, 50)]), "together", id="each month written again"
        ),
        pytest.param(few_valued().assign(y=np.arange(600) * 0.37), "spread", id="a regression"),
    ],
)
def test_given_a_table_when_looked_at_then_rows_are_spread_only_where_columns_take_few_values(
    tmp_path: Path, frame: pd.DataFrame, split_as: str
) -> None:
    found = proposed(frame, tmp_path)
    assert (found.equal_rows.split, found.equal_rows.copies) == (split_as, 0)
    assert found.equal_rows.others == frame.duplicated().sum()
    said = [note for note in found.notes if "equal another one" in note]
    assert len(said) == bool(frame.duplicated().any())
    assert all(f"data.equal_rows: {split_as}" in note for note in said)


def test_given_an_id_when_rows_are_equal_in_it_too_then_they_are_copies(tmp_path: Path) -> None:
    frame = few_valued().assign(claim_id=[f"k{number}" for number in range(600)])
    found = proposed(pd.concat([frame, frame.head(30)]), tmp_path)
    assert (found.equal_rows.copies, found.equal_rows.key, found.equal_rows.others) == (30, "claim_id", 0)
    assert found.equal_rows.split == "spread"
    assert "30 rows are copies, equal in every column, claim_id among them: each counts once" in found.notes


def test_given_a_day_when_rows_are_equal_in_it_then_they_are_no_copies(tmp_path: Path) -> None:
    day = pd.date_range("2026-01-01", periods=30).strftime("%Y-%m-%d").repeat(20)
    found = proposed(few_valued().assign(day=day), tmp_path, Wishes(ignored=("day",)))
    assert found.equal_rows.copies == 0
    assert found.equal_rows.others > 0


def test_given_rows_without_an_id_when_they_are_equal_then_they_are_no_copies(tmp_path: Path) -> None:
    members: Any = [f"m{number}" if number % 3 else None for number in range(300)]
    frame = few_valued(300).assign(member_id=members)
    found = proposed(pd.concat([frame, frame]), tmp_path, Wishes(id_columns=("member_id",)))
    assert found.equal_rows.copies == 200


@pytest.mark.heavy
@given(st.integers(0, 50), st.integers(1, 400))
def test_given_copies_when_counted_here_and_by_the_pipeline_then_both_find_the_same(seed: int, copied: int) -> None:
    from tempfile import TemporaryDirectory

    from aifactory_runtime.data import copies, row_hash

    frame = few_valued(400, seed).assign(order_id=np.random.default_rng(seed).permutation(400) * 3)
    frame = pd.concat([frame, frame.head(copied)], ignore_index=True)
    with TemporaryDirectory() as folder:
        found = proposed(frame, Path(folder), Wishes(id_columns=("order_id",)))
    key = copies.key_hashes(frame, ["order_id"])
    assert found.equal_rows.copies == copied == copies.copied(row_hash.hashes(frame), key).sum()


def test_given_few_valued_columns_when_learned_from_then_all_rows_count_and_the_rates_are_those_of_the_table(
    tmp_path: Path,
) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    frame = zoo.voyage()
    found = proposed(frame, tmp_path, target="rescued")
    conf = DataSettings(equal_rows=found.equal_rows.split, test_share=0.2)
    sides = split.assign(split.scan([frame], split.Roles("rescued"), None), conf, None).sides
    names = np.array(split.NAMES)[sides]
    inputs, labels = pd.get_dummies(frame[["cabin", "sex"]]).astype(float), frame["rescued"] == "yes"
    trained, tested = names == "train", names == "test"
    model = LogisticRegression().fit(inputs[trained], labels[trained])

    assert (len(names), (sides >= 0).sum(), trained.sum() + tested.sum()) == (400, 400, pytest.approx(360, abs=8))
    assert ((frame["sex"] == "f") == labels)[tested].mean() == pytest.approx(0.80, abs=0.03)
    assert roc_auc_score(labels[tested], model.predict_proba(inputs[tested])[:, 1]) == pytest.approx(0.82, abs=0.06)
    share = model.predict_proba(inputs)[:, 1]
    assert 0.7 < share[frame["sex"] == "f"].min() <= share[frame["sex"] == "f"].max() < 0.9
    assert 0.1 < share[frame["sex"] == "m"].min() <= share[frame["sex"] == "m"].max() < 0.3
