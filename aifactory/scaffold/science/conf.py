"""Writes conf/base.yaml: how the table is read, and thresholds that its own state stays within."""

from __future__ import annotations

import json
import math

from aifactory.profile.column_rules import KNOWN
from aifactory.scaffold.science.brief import Brief
from aifactory.scaffold.science.model import parameters
from aifactory_runtime.config.settings import ColumnReading, ReadSettings
from aifactory_runtime.data import cell_reading

_DUPLICATES, _OUTLIERS = 0.05, 0.10
_ROOM = 1.5
_FEW_ROWS = 200
_SURE_ROWS = 1_000
_TEST = 0.2


def source(brief: Brief, read: ReadSettings) -> str:
    """Text of `conf/base.yaml`."""
    proposal = brief.proposal
    few = proposal.rows < _FEW_ROWS
    lines = [
        "# Settings of the pipeline, in every environment. conf/<environment>.yaml is laid over them, key by key:",
        "# conf/dev.yaml, conf/staging.yaml, conf/prod.yaml; conf/embedded.yaml when nothing is provisioned.",
        "data:",
        *_read(read, secret=brief.secret),
        "  # What the rows of data/sample.csv are; factory sample makes them again.",
        f"  sample: {'real' if brief.real_sample else 'made-up'}",
        *_equal_rows(brief),
        f"  max_duplicate_share: {_share(proposal.equal_rows.copies / proposal.rows, _DUPLICATES)}",
        f"  max_outlier_share: {_share(proposal.outlier_rows, _OUTLIERS)}",
        f"  test_share: {0.3 if few else _TEST}",
        "  validation_share: 0.1",
        *_columns(brief),
        "train:",
        "  seed: 7",
        "  # Handed to make_model in model.py.",
        "  parameters:",
        *(f"    {name}: {value}" for name, value in parameters(brief).items()),
        "gate:",
        f"  metric: {proposal.problem.metric}",
        *_positive(brief),
        *_gate(brief),
    ]
    return "\n".join(lines) + "\n"


def _read(read: ReadSettings, *, secret: bool) -> list[str]:
    """How a text file is written; stored tables say it themselves."""
    if read.format != "csv":
        return []
    values = read.model_dump(mode="json", exclude_defaults=not read.dates, exclude={"format", "columns"})
    own = {name: _nameless(rule) if secret else rule for name, rule in read.columns.items()}
    rules = {name: rule.model_dump(mode="json", exclude_defaults=True) for name, rule in own.items()}
    return [
        "  # How the table is written. The sample is written alike.",
        "  read:",
        *(f"    {name}: {_yaml(value)}" for name, value in (values or {"separator": ","}).items()),
        *(["    columns:"] if rules else []),
        *(f"      {_yaml(name)}: {_yaml(rule)}" for name, rule in rules.items()),
    ]


def _equal_rows(brief: Brief) -> list[str]:
    """Where rows of equal inputs lie, and why; copies are another matter."""
    why = {
        "spread": "The columns take few values, so rows are equal by chance: their inputs may lie on both sides.",
        "together": "Rows of equal inputs stay on one side of the split, so that no test row is known from training.",
    }
    split = brief.proposal.equal_rows.split
    return [
        f"  # {why[split]}",
        "  # All of them count; only copies, equal in an id too, are left out.",
        f"  equal_rows: {split}",
    ]


def _yaml(value: object) -> str:
    """JSON is YAML; letters stay as they are, as YAML knows no halves of letters."""
    return json.dumps(value, ensure_ascii=False)


def _nameless(rule: ColumnReading) -> ColumnReading:
    """The rule without a word of the table: those that stand for a missing value are told by their digests."""
    words = [word if word in KNOWN else cell_reading.digest(word) for word in rule.missing]
    return rule.model_copy(update={"missing": tuple(words)})


def _columns(brief: Brief) -> list[str]:
    infinite = [column.name for column in brief.proposal.used if column.infinite]
    if not infinite:
        return []
    return [
        "  columns:",
        *(f"    {json.dumps(name, ensure_ascii=False)}: {{infinite: missing}}" for name in infinite),
    ]


def _positive(brief: Brief) -> list[str]:
    """The class that f1 is of, where it is not the second one anyway, and may be written down."""
    problem = brief.proposal.problem
    if brief.secret or problem.positive is None or problem.positive == problem.classes[1][0]:
        return []
    return [
        "  # The class that f1 is of: the rarer one when this repo was made.",
        f"  positive_class: {json.dumps(problem.positive, ensure_ascii=False)}",
    ]


def _gate(brief: Brief) -> list[str]:
    """Few test rows tell small differences from chance badly: then less is asked for, and more loss is borne."""
    tested = max(brief.proposal.rows * _TEST, 1.0)
    gain = 0.02 if brief.proposal.rows >= _SURE_ROWS else 0.0
    loss = max(0.01, math.ceil(50 / math.sqrt(tested)) / 100)
    unit = " of the baseline's error" if brief.regression else ""
    other = " of the champion's error" if brief.regression else ""
    return [
        f"  min_gain_over_baseline: {gain}{'  # a share' + unit if unit else ''}",
        f"  max_loss_to_champion: {min(loss, 0.2)}{'  # a share' + other if other else ''}",
    ]


def _share(found: float, usual: float) -> float:
    """The usual threshold, or one and a half times what the table has."""
    return usual if found * _ROOM <= usual else min(math.ceil(found * _ROOM * 100) / 100, 1.0)
