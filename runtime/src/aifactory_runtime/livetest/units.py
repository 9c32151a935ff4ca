"""What each labelled request of a live test counts: units from -1 (champion better) to 1 (challenger better).

A unit is the champion's loss minus the challenger's on the same row. Three rules keep equal models from looking unlike:
labels count in order of *request*, and only those that came within the stated wait; requests of one key (a person, a
machine) are alike, so a key counts once; and a period counts when it is over and its labels have had their time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Requests:
    """Requests of a live test in order of request; all of shape (rows,)."""

    asked: Array
    """When the request came, in seconds since the test began."""
    labelled: Array
    """When its first valid label came, in the same seconds; nan for none yet."""
    keys: Array
    """What requests of one person or thing have in common; the request's own id where there is none."""
    challenger: Array
    """Whether the challenger's answer was given to the caller."""
    champion_loss: Array
    """From 0 to 1; nan where the champion did not score the row."""
    challenger_loss: Array
    """From 0 to 1; nan where the challenger did not score the row."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.asked)

    def at(self, rows: Array) -> Requests:
        """Those of some rows, by number or by mark."""
        return Requests(
            self.asked[rows],
            self.labelled[rows],
            self.keys[rows],
            self.challenger[rows],
            self.champion_loss[rows],
            self.challenger_loss[rows],
        )

    def at_least(self, begins: float) -> Requests:
        """Those that came at `begins` or later."""
        return self.at(self.asked >= begins)


def closed_periods(now: float, period: float, wait: float) -> int:
    """How many whole periods are over, with the time for their labels: after that nothing in them changes any more."""
    return max(0, int((now - wait) // period))


def counted(requests: Requests, end: float, wait: float) -> Requests:
    """Requests from before `end` whose label came within `wait`, the first of each key.

    A key's first labelled request is taken, not its mean: what was counted once never changes with what comes later.
    """
    # A request without a label is nan: no comparison with it holds.
    kept = requests.at((requests.asked < end) & (requests.labelled - requests.asked <= wait))
    return kept.at(np.sort(np.unique(kept.keys, return_index=True)[1]))


def paired(requests: Requests) -> Array:
    """The unit of each row that both models scored, in order of request."""
    units: Array = requests.champion_loss - requests.challenger_loss
    return units[~np.isnan(units)]


def unpaired_share(requests: Requests) -> float:
    """The share of rows that one of the models did not score; 0 for no rows."""
    if not len(requests):
        return 0.0
    return float(np.isnan(requests.champion_loss - requests.challenger_loss).mean())


def blocks(requests: Requests, share: float) -> Array:
    """The unit of each block: the mean champion loss of the rows nearest in request order minus one challenger loss.

    For labels that exist only where the model's answer was acted upon: a row has the label of the arm that answered.
    With a `share` of 0.1 a challenger label meets nine champion labels. Each is used once; what is left over is not.
    """
    beside = max(1, round((1 - share) / share))
    order = np.arange(len(requests))
    theirs = order[requests.challenger & ~np.isnan(requests.challenger_loss)]
    ours = order[~requests.challenger & ~np.isnan(requests.champion_loss)]
    count = min(len(theirs), len(ours) // beside)
    nearest = np.searchsorted(ours, theirs) - beside // 2
    means, used = np.empty(count), 0
    for block in range(count):
        # Not so far on that the blocks after it would find too few.
        first = min(max(used, int(nearest[block])), len(ours) - beside * (count - block))
        used = first + beside
        means[block] = requests.champion_loss[ours[first:used]].mean()
    return means - requests.challenger_loss[theirs[:count]]
