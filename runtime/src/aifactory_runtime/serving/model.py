"""A model in memory: rows in, an answer a row out, by numpy, or Refused for what it cannot score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aifactory_runtime.capture.redaction import NOTHING, Redacted, Redaction
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data.columns import matrix, raw_columns
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import answers, explanation
from aifactory_runtime.registry.background import Background
from aifactory_runtime.registry.explanation import Columns, Explanation
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.serving import value_types
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.one_at_a_time import Check
from aifactory_runtime.serving.request_decoding import Refused, RowReader, Rows

_OUT_OF_RANGE = "the model cannot score these values: they are out of its range"
_NOT_MIXED = "row 0: it cannot be explained, as mixed with background rows it has features that are out of range"
Features = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class ServedModel:
    """One released model with the features of the code it belongs to."""

    served: Served
    schema: InputSchema
    reader: RowReader
    estimator: Any
    features: Features
    commit: str | None = None
    """Commit of the code here, where it is known: while another worker takes over, a release names that one's."""
    background: Background | None = None
    """What answers are explained against; None in a model from before there was any."""
    redaction: Redaction = NOTHING

    @cached_property
    def redacted(self) -> Redacted:
        """Columns of which no value is recorded, or a hash in its place."""
        return self.redaction.redacted([column.name for column in self.schema.columns])

    def inputs(self, rows: Rows) -> Sequence[Any]:
        """What is recorded of each row."""
        if not self.redacted:
            return rows.records
        names = [column.name for column in self.schema.columns]
        fields = dict(zip(names, value_types.field_names(self.schema.columns), strict=True))
        kept: dict[str, Sequence[Any]] = {}
        for name in names:
            if name not in self.redacted:
                kept[name] = [getattr(record, fields[name]) for record in rows.records]
            elif self.redacted[name] == "hash":
                kept[name] = self.redaction.hash(rows.columns[name])
        return [dict(zip(kept, values, strict=True)) for values in zip(*kept.values(), strict=True)] or [{}] * len(
            rows.records
        )

    @property
    def code_commit(self) -> str:
        """Commit of the code that answers."""
        return self.commit or self.served.commit

    @classmethod
    def make(
        cls,
        served: Served,
        schema: InputSchema,
        estimator: Any,
        features: Features,
        max_rows: int,
        *,
        read: ReadSettings | None = None,
    ) -> ServedModel:
        """A model ready for requests of at most `max_rows` rows; `read` says how cells of CSV are written."""
        return cls(served, schema, RowReader(schema, max_rows, read), estimator, features)

    def predict(self, rows: Rows) -> list[dict[str, Any]]:
        """`prediction` of each row, of a classifier also `probabilities` in the order of the schema's classes.

        Refused when a row's features or scores are not finite numbers; a feature may be missing only in a row that
        came with a null.
        """
        with np.errstate(all="ignore"):
            found = self._matrix(rows)
            self._check_finite(found, rows)
            try:
                given, shares = answers.of(self.estimator, found, self.schema.classes)
            except ValueError:
                raise Refused(_OUT_OF_RANGE) from None
        if not np.isfinite(given if shares is None else shares).all():
            raise Refused(_OUT_OF_RANGE)
        if shares is None:
            return [{"prediction": number} for number in given.tolist()]
        pairs = zip(given.tolist(), shares.tolist(), strict=True)
        return [{"prediction": label, "probabilities": row} for label, row in pairs]

    def explain(self, rows: Rows, output: Mapping[str, Any], check: Check) -> Explanation:
        """What each column of the one row adds to its answer: a number, of a classifier the probability of its class.

        `check` is called often, and raises when the time is over. Refused when the row cannot be mixed with others.
        """
        background = {} if self.background is None else raw_columns(self.background.columns, self.schema)
        place = self.schema.classes.index(output["prediction"]) if self.schema.classes else None
        answer = output["prediction"] if place is None else output["probabilities"][place]

        def score(columns: Columns) -> np.ndarray[Any, Any]:
            check()
            with np.errstate(all="ignore"):
                try:
                    found = matrix(self.features(columns), self.schema)
                    given, shares = answers.of(self.estimator, found, self.schema.classes)
                except ValueError:
                    raise Refused(_NOT_MIXED) from None
            scores = given if shares is None else shares[:, place]
            if np.isinf(found).any() or not np.isfinite(scores).all():
                raise Refused(_NOT_MIXED)
            return np.asarray(scores)

        row = raw_columns(rows.columns, self.schema)
        return explanation.explain(float(answer), row, background, score, len(self.schema.features))

    def try_out(self) -> None:
        """FactoryError unless the model's own parts agree on columns and classes."""
        takes = getattr(self.estimator, "n_features_in_", len(self.schema.features))
        gives = len(getattr(self.estimator, "classes_", ()))
        if takes != len(self.schema.features) or gives != len(self.schema.classes):
            raise FactoryError(
                f"version {self.served.version} does not fit its own input schema ({takes} features and {gives} "
                f"classes, the schema says {len(self.schema.features)} and {len(self.schema.classes)}): not loaded"
            )
        if self.background is not None and set(self.background.columns) != {one.name for one in self.schema.columns}:
            raise FactoryError(f"version {self.served.version} has background rows of other columns: register it again")

    def _matrix(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
        return matrix(self.features(raw_columns(rows.columns, self.schema)), self.schema)

    def _check_finite(self, found: np.ndarray[Any, np.dtype[np.float64]], rows: Rows) -> None:
        bad = ~np.isfinite(found)
        if not bad.any():
            return
        for number in np.flatnonzero(bad.any(axis=1)):
            has_null = any(values[number] is None for values in rows.columns.values())
            if not has_null or np.isinf(found[number]).any():
                raise Refused(f"row {number}: its features are not finite numbers; check for zeros and huge values")
