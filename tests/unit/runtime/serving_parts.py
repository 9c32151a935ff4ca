"""A small model and a service around it, for the tests of the scoring service."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.registry.background import Background
from aifactory_runtime.registry.model_folder import Belongs, Column, InputSchema, write
from aifactory_runtime.serving.document import Served

SCHEMA = InputSchema(
    target="churned",
    columns=(
        Column("age", "integer", minimum=18, maximum=110),
        Column("mean income", "number", nullable=True, minimum=0),
        Column("member", "boolean"),
        Column("region", "category", categories=("east", "west")),
    ),
    features=("age", "income", "member", "east"),
    classes=("no", "yes"),
)
ROW: dict[str, Any] = {"age": 40, "mean income": 1000.5, "member": True, "region": "east"}
BACKGROUND = Background(
    {
        "age": tuple(range(20, 40)),
        "mean income": (None, *(float(number) for number in range(19))),
        "member": (True, False) * 10,
        "region": ("east", "west") * 10,
    },
    made_up=True,
)
CODE = "c" * 64
COMMIT = "d" * 40


def features(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "age": columns["age"],
        "income": columns["mean income"] * 2,
        "member": columns["member"],
        "east": columns["region"] == "east",
    }


def estimator(seed: int = 1) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    drawn = np.random.default_rng(seed).random((50, 4))
    labels = np.where(drawn[:, 0] + drawn[:, 3] > 1, "yes", "no")
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(drawn, labels)


def make_model(folder: Path, seed: int = 1, **belonging: Any) -> Served:
    """A model folder at `folder`, as release would name it."""
    return write_model(folder, estimator(seed), str(seed), background=BACKGROUND, **belonging)


def write_model(
    folder: Path,
    fitted: Any,
    version: str,
    trusted: Collection[str] = (),
    background: Background | None = None,
    **belonging: Any,
) -> Served:
    """A model folder of an estimator that was fitted on the features here; what belongs to it may be said."""
    digests: dict[str, Any] = {"code_sha256": CODE, "lock_sha256": "e" * 64, "schema_sha256": "f" * 64}
    belongs = Belongs(commit=COMMIT, problem="c", **digests | belonging)
    sha256 = write(folder, fitted, SCHEMA, belongs, trusted, background=background)
    return Served(version=version, sha256=sha256, uri=str(folder), commit=COMMIT, code_sha256=belongs.code_sha256)


def admit(folder: Path, token: str, until: str | None = None, caller: str = "consumer") -> Path:
    """Let the bearer of `token` in, as provisioning does; the caller's file."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"sha256": hashlib.sha256(token.encode()).hexdigest(), "until": until}
    path = folder / f"{caller}.json"
    path.write_text(json.dumps({"login": caller, "accepts": [entry]}))
    return path


@contextmanager
def listening(app: Any) -> Iterator[tuple[str, int]]:
    """Address of an application that answers in a thread, behind the protocol that workers have."""
    import uvicorn

    from aifactory_runtime.serving import server

    listener = server.listen(0, "127.0.0.1")
    config = uvicorn.Config(app, http=server.BoundedProtocol, log_level="critical", lifespan="off", ws="none")
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        made.should_exit = True
        thread.join(30)
