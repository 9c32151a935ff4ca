"""The estimator's file: rewritten so that equal estimators give equal bytes, loaded only when its types are allowed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from aifactory_runtime.config import trusted_types
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import trusted_classes

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ID = "__id__"

ALLOWED = frozenset(
    {
        "numpy.dtype",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types beyond those skops trusts by itself; all hold or compute numbers. A model's own list of types is not read."""


def import_early() -> None:
    """Import skops while few modules are loaded: it looks through all of them, and wakes those that load lazily."""
    import skops.io  # noqa: F401


def load(path: Path, trusted: Collection[str] = ()) -> Any:
    """The estimator in the file at `path`, its types checked before anything runs; FactoryError when it is refused.

    `trusted` are the types that conf trusts beside `ALLOWED`; of those only what the file holds is imported.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        found = set(skops.io.get_untrusted_types(file=path)) - ALLOWED
        if strange := sorted(found - set(trusted)):
            raise FactoryError(
                f"{path} holds types that are not allowed ({', '.join(strange)}): it is not loaded{_hint(strange)}"
            )
        trusted_classes.check(sorted(found))
        return skops.io.load(path, trusted=sorted(ALLOWED | found))
    except FactoryError:
        raise
    except FileNotFoundError:
        raise FactoryError(f"{path} is missing: register the model again") from None
    except UntrustedTypesFoundException as error:
        raise FactoryError(f"{path} is not loaded: {error}") from None
    except Exception as error:  # a tampered file fails in any way it likes
        raise FactoryError(f"{path} is not a skops file ({type(error).__name__}): register the model again") from None


def _hint(names: Collection[str]) -> str:
    """Where types are trusted, for those that could be."""
    if any(trusted_types.refusal(name) for name in names):
        return ""
    return "; where they are trusted, train.trusted_types in conf/ of the code that loads it names them"


def normalize(path: Path) -> None:
    """Rewrite the file in place: ids are counted, arrays named by their place, times fixed; it loads as before."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(contents.pop(_SCHEMA))
    names: dict[str, str] = {}
    _renumber(schema, {}, names, contents)
    with zipfile.ZipFile(path, "w") as archive:
        for old, new in names.items():
            archive.writestr(zipfile.ZipInfo(new, _EPOCH), contents[old])
        archive.writestr(zipfile.ZipInfo(_SCHEMA, _EPOCH), json.dumps(schema, indent=1))


def _renumber(node: Any, ids: dict[int, int], names: dict[str, str], contents: dict[str, bytes]) -> None:
    """Walk the tree in its own order; memory addresses and the names made of them become counters."""
    if isinstance(node, list):
        for part in node:
            _renumber(part, ids, names, contents)
    elif isinstance(node, dict):
        if isinstance(node.get(_ID), int):
            node[_ID] = ids.setdefault(node[_ID], len(ids) + 1)
        file = node.get("file")
        if isinstance(file, str) and file in contents:
            node["file"] = names.setdefault(file, f"{len(names) + 1}{Path(file).suffix}")
        for part in node.values():
            _renumber(part, ids, names, contents)
