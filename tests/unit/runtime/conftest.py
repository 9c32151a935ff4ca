"""A copied repo against its embedded environment, and the pipeline run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff, Kind
from aifactory_runtime.pipeline.run import STEPS, run
from tests.fixtures import mlflow_database
from tests.fixtures.usecase_repo import PACKAGE, make_repo

Pipeline = Callable[..., Handoff]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = make_repo(tmp_path / "repo")
    mlflow_database.put(folder / ".factory" / "embedded" / "mlflow.db")
    for name in ("AIFACTORY_ENV", "AIFACTORY_ENV_FILE", "AIFACTORY_KIND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(folder / "src"))
    _forget()
    yield folder
    _forget()


@pytest.fixture
def context(repo: Path) -> Context:
    return Context(project.load(repo))


@pytest.fixture
def pipeline(repo: Path) -> Pipeline:
    """Runs steps on the repo as it is now."""

    def start(
        *steps: str,
        run_id: str | None = None,
        kind: Kind = "experiment",
        again: bool = True,
        new_reference: bool = False,
    ) -> Handoff:
        _forget()
        context = Context(project.load(repo))
        return run(
            context,
            steps or tuple(STEPS),
            run_id=run_id,
            kind=kind,
            say=lambda _: None,
            again=again,
            new_reference=new_reference,
        )

    return start


def _forget() -> None:
    """The next import reads the repo's science anew."""
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
        del sys.modules[name]
