"""Writes the data report: every column with its figures and why it is used as it is. Aggregates only."""

from __future__ import annotations

from collections.abc import Sequence

from aifactory.profile import Column
from aifactory.scaffold.science.brief import Brief, figure


def source(brief: Brief, drawn: Sequence[tuple[str, str]]) -> str:
    """Text of `docs/data-report.md`; `drawn` are the plots, each a title and its path from docs/."""
    proposal, equal = brief.proposal, brief.proposal.equal_rows
    lines = [
        "# Data report",
        "",
        f"What `factory new` found in `{proposal.source}`, in aggregates.",
        "It is written once; each run's own figures are in its `validation.json`.",
        "",
        f"{proposal.rows:,} rows, {len(proposal.columns) + 1} columns. {equal.copies:,} copies (equal in every column, "
        f"an id among them) are left out, {equal.others:,} other rows that equal another one count. "
        f"{proposal.outlier_rows:.1%} of the rows have a number further than six standard deviations from its mean: "
        "these are counted; `data.columns` in `conf/base.yaml` caps them, or takes their rows out of training.",
        "",
        *(f"- {note}" for note in proposal.notes),
        *([""] if proposal.notes else []),
        f"## {_cell(proposal.target.name)}",
        "",
        f"The target: {proposal.problem.reason}. A {proposal.problem.name}, judged by {proposal.problem.metric}.",
        "",
        *_classes(brief),
        "## Columns",
        "",
        "| column | used as | missing | different | figures | why |",
        "|---|---|---|---|---|---|",
        *(_row(brief, column) for column in (proposal.target, *proposal.columns)),
        "",
    ]
    for title, path in drawn:
        lines += [f"## {title}", "", f"![{title}]({path})", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _classes(brief: Brief) -> list[str]:
    if brief.regression:
        return []
    rows = max(sum(count for _, count in brief.proposal.problem.classes), 1)
    found = sorted(brief.proposal.problem.classes, key=lambda one: -one[1])
    return [
        "| class | rows | share |",
        "|---|---|---|",
        *(
            f"| {_cell(str(label)) if brief.labels else f'class {place}'} | {count:,} | {count / rows:.1%} |"
            for place, (label, count) in enumerate(found, start=1)
        ),
        "",
    ]


def _row(brief: Brief, column: Column) -> str:
    rows = max(brief.proposal.rows, 1)
    role = column.role if column.used or column.role == "target" else f"ignored ({column.role})"
    missing = f"{column.missing / rows:.1%}" if column.missing else ""
    why = column.reason + (f"; **{column.leak}**" if column.leak else "")
    cells = [_cell(column.name), role, missing, f"{column.distinct:,}", _figures(brief, column), _cell(why)]
    return f"| {' | '.join(cells)} |"


def _figures(brief: Brief, column: Column) -> str:
    """Mean and spread; the ends as well, unless they are values of a table that must stay out of the repo."""
    if column.mean is None or column.deviation is None or column.role == "id":
        return ""
    if "date" in {column.kind}:
        return ""
    spread = f"mean {figure(column.mean, column.deviation)}, deviation {figure(column.deviation)}"
    if brief.secret or column.lowest is None or column.highest is None:
        return spread
    return f"{figure(column.lowest, column.deviation)} to {figure(column.highest, column.deviation)}, {spread}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
