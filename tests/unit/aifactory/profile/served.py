"""What the service of a model makes of a CSV request, for tests that hold it to what training reads."""

from __future__ import annotations

from typing import Any, cast

from aifactory.profile import Proposal, Table
from aifactory_runtime.registry.model_folder import Column, InputSchema, Kind
from aifactory_runtime.serving.request_decoding import RowReader


def columns(body: bytes, table: Table, proposal: Proposal, most_rows: int) -> dict[str, list[Any]]:
    """Values by column of a UTF-8 `body` with the columns that were proposed for a model of the table."""
    used = tuple(
        Column(
            column.name,
            cast("Kind", column.kind),
            True,
            categories=column.values if column.kind == "category" else None,
        )
        for column in proposal.used
    )
    schema = InputSchema("state", used, (), (), tuple(column.name for column in proposal.ignored))
    return RowReader(schema, most_rows, table.read).csv(body).columns
