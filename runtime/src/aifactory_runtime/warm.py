"""`python -m aifactory_runtime.warm`: have what commands import compiled while the setup runs.

That is a quarter of the files that a lock installs: compiling them all takes three times as long. The first setup with
a lock imports them, which compiles; further ones on this machine link what that one has compiled.
"""

from __future__ import annotations

import importlib
import sysconfig
from contextlib import suppress
from pathlib import Path

from aifactory_runtime import compiled

PACKAGES = (
    "skops.io",  # first: it looks through all modules that are loaded
    "mlflow.sklearn",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "pandera.pandas",
    "deltalake",
    "pyarrow.dataset",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "lightgbm",
    "xgboost",
    "fastapi",
    "uvicorn",
    "hypothesis.extra.numpy",
)


def main() -> None:
    """Link what was compiled before, else import each; without a cache that can be written this goes just as well."""
    packages = Path(sysconfig.get_path("purelib"))
    place = compiled.place_of(packages, PACKAGES)
    with suppress(OSError):
        if compiled.share(place, packages):
            compiled.used(place)
            return
    import_all()
    with suppress(OSError):
        compiled.keep(packages, place)


def import_all() -> None:
    """Import each; what is missing or broken is told by the command that needs it."""
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112 - a package may fail as it likes
            continue


if __name__ == "__main__":
    main()
