"""Writes the data card and the model card: what people ask first, and where the figures are."""

from __future__ import annotations

from aifactory.scaffold.science.brief import Brief


def data_card(brief: Brief) -> str:
    """Text of `docs/data-card.md`."""
    proposal, answers = brief.proposal, brief.answers
    roles = {
        role: sum(c.role == role for c in proposal.columns) for role in dict.fromkeys(c.role for c in proposal.columns)
    }
    counted = ", ".join(f"{count} {role}" for role, count in roles.items())
    sample = (
        "`data/sample.csv` holds rows of it, as everybody may see them."
        if brief.real_sample
        else "`data/sample.csv` is made up from its figures, for tests and trials only; no row of it is in this repo."
    )
    order = f"by `{proposal.time}`; the newest rows are the test" if proposal.time else "none; rows are split by chance"
    lines = [
        "# Data card",
        "",
        f"- **Table**: `{proposal.source}`; `data_source` in `factory.yaml` says where each environment reads it.",
        f"- **Rows**: {proposal.rows:,}, of them {proposal.equal_rows.copies:,} copies.",
        f"- **Columns**: {len(proposal.columns)} ({counted}) and the target.",
        f"- **Target**: `{proposal.target.name}`: {proposal.problem.reason}.",
        f"- **Order**: {order}.",
        f"- **Classification**: {answers['data_classification']}. Owner: {answers['owner']}.",
        f"- **Sample**: {sample}",
        f"- **Contract**: `src/{brief.package}/schema.py`. A row outside it stops the pipeline before training.",
        "- **Figures**: [data report](data-report.md), as the table was when this repo was made; each run's are in its "
        "`validation.json`.",
        "- **To be filled in**: how it came about, what it lacks, whom it is about, how long it may be kept.",
    ]
    return "\n".join(lines) + "\n"


def model_card(brief: Brief) -> str:
    """Text of `docs/model-card.md`."""
    proposal, answers = brief.proposal, brief.answers
    kind = "gradient boosting" if brief.trees else "a regularised linear model over filled and scaled columns"
    than = "the mean of the training rows" if brief.regression else "the shares of the classes in the training rows"
    suspected = [f"`{column.name}` {column.leak}" for column in proposal.columns if column.leak]
    lines = [
        "# Model card",
        "",
        f"- **Decides**: {answers['description']}",
        f"- **Learns from**: see the data card. **Owner**: {answers['owner']}. **Risk**: {answers['risk']}.",
        f"- **Sees**: {len(proposal.used)} of {len(proposal.columns)} columns, by `src/{brief.package}/features.py`. "
        f"**Is**: {kind}.",
        f"- **Judged by**: {proposal.problem.metric}. **Beats**: {than}; later models also the champion.",
        "- **Figures**: each run's, next to commit and data version, in MLflow; copied here they would age.",
        *([f"- **Suspected of giving the target away**: {'; '.join(suspected)}."] if suspected else []),
        "- **To be filled in**: what it must not be used for, and who is hurt by a wrong answer.",
        "",
        "Tests that hold it to this page: `tests/test_model.py`.",
    ]
    return "\n".join(lines) + "\n"
