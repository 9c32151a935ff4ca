"""The fortune of a live test is that of `betting_mart` in confseq 0.0.11, by the authors of the method.

There is no wheel of it, and its build needs Boost: its source is fetched, checked by hash, and its one module imported.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.livetest import evidence

pytestmark = pytest.mark.long

PINNED = Path(__file__).with_name("confseq.txt")
Mart = Callable[..., Any]


@pytest.fixture(scope="module")
def betting_mart(tmp_path_factory: pytest.TempPathFactory) -> Mart:
    """The function of the published source. What the module imports besides, for its plots and processes, is empty."""
    folder = tmp_path_factory.mktemp("confseq")
    uv = Path(sys.executable).with_name("uv")
    download = ["pip", "download", "--quiet", "--no-deps", "--no-binary", "confseq", "--require-hashes"]
    subprocess.run([uv, "tool", "run", *download, "-r", PINNED, "-d", folder], check=True, timeout=300)
    (archive,) = folder.glob("confseq-*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("matplotlib", "matplotlib.pyplot", "multiprocess"):
            patched.setitem(sys.modules, name, ModuleType(name))
        patched.setattr(np, "float_", np.float64, raising=False)  # a name of numpy before its second release
        patched.syspath_prepend(next(folder.glob("confseq-*/src")))
        found: Mart = importlib.import_module("confseq.betting").betting_mart
    return found


@pytest.mark.parametrize(
    "case", ["right or wrong alone", "errors from zero to one", "no difference", "the challenger is worse"]
)
def test_given_units_when_bet_on_then_the_fortune_is_that_of_the_published_source(
    betting_mart: Mart, case: str
) -> None:
    rng = np.random.default_rng(7)
    units = {
        "right or wrong alone": rng.choice([-1.0, 0.0, 1.0], 2_000, p=[0.02, 0.93, 0.05]),
        "errors from zero to one": np.clip(rng.normal(0.03, 0.3, 2_000), -1, 1),
        "no difference": np.zeros(2_000),
        "the challenger is worse": rng.choice([-1.0, 0.0, 1.0], 2_000, p=[0.05, 0.93, 0.02]),
    }[case]

    def theirs(bet: float) -> float:
        """One constant bet. Theirs are on numbers from 0 to 1, of which a unit is twice as wide."""

        def bets(numbers: Any, *_: float) -> Any:
            return np.full(len(numbers), 2 * bet)

        numbers = (units + 1) / 2
        return float(betting_mart(numbers, 0.5, lambdas_fn_positive=bets, theta=1, convex_comb=True, trunc_scale=1)[-1])

    fortune = np.mean([theirs(bet) for bet in evidence.BETS])

    assert evidence.log_fortune(units) == pytest.approx(np.log(fortune), rel=1e-12, abs=1e-12)
