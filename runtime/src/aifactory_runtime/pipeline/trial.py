"""A trial of the pipeline on a part of the table: in a place of its own, gone afterwards, nothing registered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from aifactory_runtime.config import environment
from aifactory_runtime.config.environment import Resolved
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.names import SAMPLE
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError, UsageProblem


def reachable(project: Project, say: Callable[[str], None]) -> Project:
    """The project itself, or where its data source cannot be reached the project on the sample that its repo holds.

    A forge's runner has the repo and nothing else. `say` is told when the sample is taken; FactoryError when there is
    none.
    """
    given = project.environment.contract.data_source
    try:
        source.locate(project.root, given)
    except UsageProblem:
        raise
    except FactoryError:
        if not (project.root / SAMPLE).is_file():
            raise
    else:
        return project
    say(f"note: {given} cannot be reached from here: {SAMPLE} is tried in its place")
    contract = project.environment.contract.model_copy(update={"data_source": SAMPLE})
    data = project.settings.data.model_copy(update={"read": project.settings.data.sample_read})
    return replace(
        project,
        settings=project.settings.model_copy(update={"data": data}),
        environment=replace(project.environment, contract=contract),
    )


@contextmanager
def trial(project: Project, rows: int) -> Iterator[Project]:
    """The project on `rows` rows of its environment's data source.

    Tables, runs and models of a part must not lie beside those of the whole: the frozen reference would be a part's.
    """
    home = project.root / environment.FOLDER
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=home) as folder:
        values = environment.embedded(project.root, project.manifest, home / folder)
        values["data_source"] = project.environment.contract.data_source
        contract = EnvironmentContract.model_validate(values)
        data = project.settings.data.model_copy(update={"sample_rows": rows})
        yield replace(
            project,
            settings=project.settings.model_copy(update={"data": data}),
            environment=Resolved(contract, dict.fromkeys(values, "trial")),
        )
