"""What the units of a live test prove, however often one looks: a betting e-process, and an interval for the mean.

Somebody bets on "the challenger is better" with fair stakes: a bet of size b turns each unit of currency into
1 + b * unit. Were the challenger no better, no bet could be expected to grow, whenever it is looked at. So a fortune of
20 has a chance of one in 20 at most (Ville's inequality; Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", 2024). Forty constant bets share the stake. They are constant so that a fixed rhythm of better
and worse hours, whose mean is zero, cannot make them grow either, as long as one looks at whole periods.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BETS = np.linspace(0.01, 0.9, 40)
ALPHA = 0.05
"""The chance that a challenger which is no better is promoted, over the whole of a test."""
_CLOSE = 1e-4
_BLOCK = 50_000
"""So many units are looked at at once, which bounds memory to 16 MB."""
Array = np.ndarray[Any, Any]


def log_fortune(units: Array) -> float:
    """The logarithm of what one unit of currency has become; 0 for none. `units` has shape (n,), each in [-1, 1].

    Raises:
        ValueError: a unit is not a number of that range; nothing could be said of such a bet.
    """
    return _mixed(_checked(units), BETS)


def proven(units: Array, alpha: float = ALPHA) -> bool:
    """Whether the mean of the units is above zero, but for a chance of `alpha`."""
    return log_fortune(units) >= math.log(1 / alpha)


def interval(units: Array, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the mean of the units lies, but for a chance of `alpha`: (low, high) in [-1, 1]."""
    checked = _checked(units)
    return _lower(checked, alpha / 2), -_lower(-checked, alpha / 2)


def _lower(units: Array, alpha: float) -> float:
    """The greatest mean that bets on a higher one rule out. Found by halving: a fortune falls as the mean rises."""
    needed, low, high = math.log(1 / alpha), -1.0, 1.0
    if not len(units):
        return low
    while high - low > _CLOSE:
        mean = (low + high) / 2
        # A unit can fall short of the mean by 1 + mean at most: a bet of 0.9 / (1 + mean) leaves a tenth then.
        if _mixed(units - mean, BETS / (1 + mean)) >= needed:
            low = mean
        else:
            high = mean
    return low


def _mixed(units: Array, bets: Array) -> float:
    """The log of the mean fortune of all bets."""
    total = np.zeros(len(bets))
    for start in range(0, len(units), _BLOCK):
        total += np.log1p(bets[:, None] * units[None, start : start + _BLOCK]).sum(axis=1)
    most = float(total.max())
    return most + math.log(float(np.exp(total - most).mean()))


def _checked(units: Array) -> Array:
    numbers = np.asarray(units, dtype=np.float64)
    if numbers.ndim != 1 or not (np.abs(numbers) <= 1).all():
        raise ValueError("units of a live test are numbers from -1 to 1")
    return numbers
