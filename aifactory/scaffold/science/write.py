"""Puts the science of a table over what the template rendered; every file is the user's from then on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory.profile import Proposal, Table
from aifactory.scaffold.science import cards, conf, features, model, plots, report, sample, schema, tests
from aifactory.scaffold.science.brief import Brief
from aifactory_runtime.config.settings import ReadSettings


@dataclass(frozen=True)
class Science:
    """A table that was looked at, and what is proposed for it."""

    table: Table
    proposal: Proposal
    public: bool
    """Whether everybody may see its rows, whatever the use case is classified as: it is a bundled one."""


def write(folder: Path, found: Science, answers: Mapping[str, Any]) -> None:
    """Write the science into the rendered repo at `folder`; `answers` are those of the template, completed."""
    real = found.public or answers["data_classification"] == "public"
    brief = Brief(found.proposal, str(answers["package"]), answers, real)
    package = folder / "src" / brief.package
    read = found.table.read if found.table.read.format == "csv" else ReadSettings()
    rows = sample.rows(brief, found.table)
    (folder / "data" / "sample.csv").write_bytes(
        sample.as_csv(rows, [column.name for column in found.table.columns], read)
    )
    texts = {
        package / "schema.py": schema.source(brief),
        package / "features.py": features.source(brief),
        package / "model.py": model.source(brief),
        folder / "conf" / "base.yaml": conf.source(brief, found.table.read),
        folder / "data" / "request.json": json.dumps(sample.request(brief, rows), indent=2, ensure_ascii=False) + "\n",
        folder / "tests" / "test_data.py": tests.data(brief),
        folder / "tests" / "test_features.py": tests.features(brief),
        folder / "tests" / "test_model.py": tests.model(brief),
        folder / "docs" / "data-card.md": cards.data_card(brief),
        folder / "docs" / "model-card.md": cards.model_card(brief),
        folder / "docs" / "data-report.md": report.source(brief, plots.draw(brief, found.table, folder / "docs")),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
