"""How threads of numeric libraries wait for each other: asleep, so that whoever else works here has the processor.

By default they spin. On a machine that is busy with something else, a training of 3,000 rows took 34 to 132 s of
spinning in place of 6. The sums, and so the models, are the same. Standard library only; call it before numpy, XGBoost
or LightGBM are imported, as OpenMP reads its variables once.
"""

from __future__ import annotations

import os

VARIABLE = "OMP_WAIT_POLICY"


def sleep_while_waiting() -> None:
    """For this process and those it starts; who chose otherwise in the environment keeps it."""
    os.environ.setdefault(VARIABLE, "PASSIVE")
