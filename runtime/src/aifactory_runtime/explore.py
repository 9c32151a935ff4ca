"""For notebooks: the table as the pipeline reads and checks it, its rows as the model sees them, the gate's figure."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config import project as projects
from aifactory_runtime.config.project import Project
from aifactory_runtime.data import arrow_frames, conform, declared, outliers, sample, source
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.gate import metrics
from aifactory_runtime.pipeline import arrays, made_up, scores
from aifactory_runtime.registry.model_folder import InputSchema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def table(rows: int = 0) -> pd.DataFrame:
    """The data source of the environment in use, in the schema's types; `rows` draws as the pipeline's sample does.

    FactoryError names what does not fit the schema, as `validate` would.
    """
    import pyarrow as pa

    project = _here()
    settings = project.settings
    if made_up.used(project):
        warnings.warn(made_up.SENTENCE, stacklevel=2)
    found = pa.Table.from_batches(list(sample.draw(_batches(project), rows, settings.train.seed)))
    return conform.conform(arrow_frames.to_frame(found), project.science.schema(), settings.data.columns)


def seen(frame: pd.DataFrame, features: arrays.Features | None = None) -> pd.DataFrame:
    """The matrix that a model is given for the rows of `frame`: one column a feature, texts as columns of 0 and 1.

    Where conf says `outliers: cap` values beyond the limits are the limits, here those of all rows of the data source,
    while a training takes those of its training rows.
    `features` tries another function than the one in features.py. UsageProblem when training would refuse it.
    """
    import pandas as pd

    project = _here()
    science = project.science
    made_by = features or science.features()
    columns = declared.input_columns(science.schema(), science.target(), science.ignored())
    columns = outliers.capped(columns, _limits(project))
    schema = arrays.pinned(frame, (), InputSchema(science.target(), columns, (), ()), made_by)
    return pd.DataFrame(arrays.to_matrix(frame, schema, made_by), columns=list(schema.features), index=frame.index)


def metric() -> str:
    """Name of the figure by which the gate judges: `gate.metric` in conf/, else the first of the problem's."""
    project = _here()
    return metrics.chosen(project.settings.gate.metric, project.manifest.problem)


def score(estimator: Any, values: Any, labels: Any) -> float:
    """That figure of a fitted estimator for `values` of shape (rows, features) and `labels` of shape (rows,).

    scikit-learn takes it as `scoring`; of an error less is better. UsageProblem where these rows do not give it.
    """
    import numpy as np

    name = metric()
    classes = np.asarray(getattr(estimator, "classes_", ())).tolist()
    figures = scores.of(estimator, values, np.asarray(labels), classes, _here().settings.gate.positive_class)
    if name not in figures:
        raise UsageProblem(f"{name} cannot be computed on these {len(labels)} rows: take more of them")
    return figures[name]


def _batches(project: Project, only: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
    """The data source as the pipeline reads it; of `only` some columns where they are named."""
    kinds = declared.kinds(project.science.schema())
    located = source.locate(project.root, project.environment.contract.data_source)
    without = set(kinds) - set(only) if only else ()
    return source.batches(located, project.settings.data.read or source.detect(located), kinds, without=without)


def _limits(project: Project) -> dict[str, outliers.Limits]:
    """Limits of the columns whose outliers are capped; without such a column nothing is read."""
    import pyarrow as pa

    settings = project.settings.data
    names = outliers.chosen(settings.columns, outliers.CAP)
    if not names:
        return {}
    frames = (arrow_frames.to_frame(pa.Table.from_batches([batch])) for batch in _batches(project, names))
    return outliers.learn(frames, names, settings.outlier_sigmas)


def _here() -> Project:
    """The repo around the notebook's folder."""
    return projects.load(projects.find_root(Path.cwd()))
