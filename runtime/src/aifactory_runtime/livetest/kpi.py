"""The KPI in a live test: how much worse the challenger's is, but for chance. It can end a test, and never win one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.livetest import figures
from aifactory_runtime.livetest.figures import Figure
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.livetest.verdict import Guard, Labels, Rules, Unjudged

NONE = Unjudged("KPI", "factory.yaml named none when the test began")


def guard(stated: Kpi | None, rows: Sequence[Row], rules: Rules, now: float) -> Guard | Unjudged:
    """How much worse the challenger's KPI is `now`, in seconds since the test began, or why nobody can know.

    The first period sets what values are usual, and does not count. What `kpi.py` works out is known of both models on
    the same row; what labels bring is of who answered, so in a shadow test there is none of the challenger.
    """
    if stated is None:
        return NONE
    paired = stated.field is None and rules.labels is Labels.ALL
    given = np.array([row.kpi for row in rows], dtype=np.float64)
    other = np.array([row.other_kpi if paired else np.nan for row in rows], dtype=np.float64)
    figure = Figure("KPI", stated.name, stated.direction, stated.margin, *figures.by_role(rows, given, other))
    if not paired and not 0 < rules.share < 1:
        return figure.unjudged(
            f"labels bring {stated.field or stated.name} only of the answer that was given, and a shadow's is given to "
            "nobody: kind: ab has it of both, and so does a kpi.py"
        )
    return figures.guard(figure, rows, rules if paired else figures.of_arms(rules), now)
