"""The gate's chance takes test rows as they belong together: by time, else by group, else alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.config.settings import DataSettings, Settings
from aifactory_runtime.data import split, table_writing, tables
from aifactory_runtime.gate import chance
from aifactory_runtime.gate.chance import Answers, Chance
from aifactory_runtime.pipeline import model_steps

FRAME = pd.DataFrame(
    {
        "when": pd.to_datetime(["2026-01-03", "2026-01-01", "NaT", "2026-01-02"]),
        "who": ["ana", "kim", "ana", "ana"],
        split.SPLIT: [split.TEST, split.TEST, split.TEST, split.TRAIN],
    }
)


@pytest.mark.parametrize(
    ("time", "group", "made_up", "expected"),
    [
        (None, None, False, set()),
        (None, "who", False, {"groups"}),
        ("when", None, False, {"times"}),
        ("when", "who", False, {"times"}),
        ("when", "who", True, set()),
        (None, "who", True, set()),
    ],
)
def test_given_roles_when_chance_is_asked_for_then_it_gets_what_the_test_rows_belong_to(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    time: str | None,
    group: str | None,
    *,
    made_up: bool,
    expected: set[str],
) -> None:
    written = table_writing.write(tmp_path, tables.PREPARED, iter([FRAME]), "content")
    asked: dict[str, Any] = {}

    def of(*_: object, **how: Any) -> Chance:
        asked.update(how)
        return Chance(1.0, 0.001)

    monkeypatch.setattr(chance, "of", of)
    science = SimpleNamespace(time=lambda: time)
    context: Any = SimpleNamespace(
        settings=Settings(data=DataSettings(group=group)),
        project=SimpleNamespace(science=science),
        tables=tmp_path,
        metric="roc_auc",
    )
    handoff: Any = SimpleNamespace(table=lambda _name, _step: written, made_up=made_up)

    model_steps._by_chance(context, handoff, np.zeros(3), Answers(np.zeros(3), None))

    assert {name for name in ("groups", "times") if asked[name] is not None} == expected
    if "times" in expected:
        assert asked["times"].argsort().tolist() == [2, 1, 0], "a missing time is the oldest"
    if "groups" in expected:
        assert (asked["groups"] == asked["groups"][0]).tolist() == [True, False, True]
    assert asked["seed"] == context.settings.train.seed
