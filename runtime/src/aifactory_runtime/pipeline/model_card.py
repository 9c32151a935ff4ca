"""Writes a run's model card, as a page and as JSON: beside its gate report, and with its tracking run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.gate import card, card_page
from aifactory_runtime.gate.card import About
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import made_up
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.model_folder import InputSchema

PAGE, DATA = "model_card.html", "model_card.json"


def write(
    context: Context,
    handoff: Handoff,
    what: tuple[InputSchema, Any],
    evidence: tuple[Mapping[str, Any], Mapping[str, float]],
    drawn: Mapping[str, str],
) -> None:
    """The card of the run's model; `what` are its input schema and estimator, `evidence` the report and all figures.

    `drawn` are pictures by file name.
    """
    found = card.of(_about(context, handoff, *what), *evidence)
    texts = {
        PAGE: card_page.html(found, drawn),
        DATA: json.dumps(found, indent=2, sort_keys=True, allow_nan=False, default=str),
    }
    for name, text in texts.items():
        files.write(handoffs.folder(context.artifacts, handoff.id) / name, text)
        context.registry.log_file(str(handoff.mlflow_run), name, text.encode())


def _about(context: Context, handoff: Handoff, schema: InputSchema, estimator: Any) -> About:
    manifest = context.project.manifest
    return About(
        title=manifest.title,
        use_case=manifest.use_case,
        owner=str(manifest.owner),
        team=manifest.team,
        problem=manifest.problem,
        risk=manifest.risk,
        data_classification=manifest.data_classification,
        target=schema.target,
        classes=[str(label) for label in schema.classes],
        columns=[f"{column.name} ({column.kind})" for column in schema.columns],
        ignored=schema.ignored,
        estimator=" > ".join(_named(estimator)),
        parameters=handoff.parameters,
        run=handoff.id,
        commit=handoff.commit,
        dirty=handoff.dirty,
        model_sha256=str(handoff.model_sha256),
        tables={name: found.tag for name, found in sorted(handoff.tables.items())},
        figures_note=made_up.SENTENCE if handoff.made_up else "",
    )


def _named(estimator: Any) -> list[str]:
    """Names of the classes that it is made of, in their order."""
    steps = getattr(estimator, "steps", None)
    return [type(step).__name__ for _, step in steps] if steps else [type(estimator).__name__]
