"""Requests of a live test, made for tests; what is not named is ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aifactory_runtime.livetest.units import Requests


def requests(
    *,
    asked: Sequence[float] | None = None,
    labelled: Sequence[float] | None = None,
    keys: Sequence[Any] | None = None,
    champion: Sequence[float] | None = None,
    challenger: Sequence[float] | None = None,
    answered: Sequence[bool] | None = None,
) -> Requests:
    """One second apart, labelled at once, each of its own key, both models right, answered by the champion."""
    given = next(each for each in (asked, champion, challenger, answered, keys) if each is not None)
    count = len(given)
    times = np.asarray(range(count) if asked is None else asked, dtype=np.float64)
    return Requests(
        asked=times,
        labelled=times if labelled is None else np.asarray(labelled, dtype=np.float64),
        keys=np.arange(count) if keys is None else np.asarray(keys),
        challenger=np.zeros(count, bool) if answered is None else np.asarray(answered, dtype=bool),
        champion_loss=np.zeros(count) if champion is None else np.asarray(champion, dtype=np.float64),
        challenger_loss=np.zeros(count) if challenger is None else np.asarray(challenger, dtype=np.float64),
    )
