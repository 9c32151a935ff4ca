"""What the factory proposes for a table: a role for every column, the problem, and what a person should know."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from aifactory.profile import equal_rows, leaks, problem, readings, roles
from aifactory.profile.column import ColumnScan, to_numbers
from aifactory.profile.scan import Table
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import column_names
from aifactory_runtime.data import leaks as rule
from aifactory_runtime.errors import FactoryError, UsageProblem

USED = ("number", "boolean", "category", "text", "date", "time")
"""Roles of the columns that a model sees."""
_KNOWN = 40
_OFTEN, _OFTEN_SHARE = 5, 0.005
"""Texts of an open category that are kept apart: the most frequent, each in so many rows at least."""
_SIGMAS = 6.0
_LATE = 0.8
_CANDIDATES = 5
_TEST_ROWS_IN_TIME = 100
"""With fewer there are not enough shifts in time to reach the gate's p of 0.01."""
_MOST_TEST_SHARE = 0.5


@dataclass(frozen=True)
class Wishes:
    """What a person said; it overrules what is proposed."""

    problem: str | None = None
    id_columns: tuple[str, ...] = ()
    time_column: str | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column: what it is for and why, and the figures that its declaration and its features are made from."""

    name: str
    role: str
    kind: str
    reason: str
    missing: int
    distinct: int
    infinite: int = 0
    lowest: float | None = None
    highest: float | None = None
    mean: float | None = None
    deviation: float | None = None
    values: tuple[str, ...] = ()
    """Texts of a category, the most frequent first; of a closed one all of them."""
    longest: int = 0
    leak: str | None = None

    @property
    def used(self) -> bool:
        """Whether a model sees it."""
        return self.role in USED


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one table."""

    source: str
    rows: int
    equal_rows: equal_rows.EqualRows
    outlier_rows: float
    """Share of rows with a number further than six standard deviations from its column's mean."""
    target: Column
    problem: problem.Problem
    columns: tuple[Column, ...]
    """Every column but the target, in the order of the table."""
    notes: tuple[str, ...] = field(default=())

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that a model sees."""
        return tuple(column for column in self.columns if column.used)

    @property
    def ignored(self) -> tuple[Column, ...]:
        """Columns that stay in the table and that no model sees."""
        return tuple(column for column in self.columns if not column.used)

    @property
    def time(self) -> str | None:
        """The column that orders the rows in time."""
        return next((column.name for column in self.columns if column.role == "time"), None)

    def as_json(self) -> dict[str, Any]:
        """For machines: aggregates only, no text of a row."""
        kept = asdict(self)
        for column in (kept["target"], *kept["columns"]):
            column.pop("values")
        kept["problem"]["classes"] = len(self.problem.classes)
        return kept


def propose(
    table: Table, name: str, target: str | None, wishes: Wishes, schema: str = "src/<package>/schema.py"
) -> Proposal:
    """Roles, problem and notes for a table whose column `target` is predicted; `schema` is the path of schema.py.

    UsageProblem when a column that is named is not there; FactoryError with the reason when nothing can be learned.
    """
    if target is None:
        named = ", ".join(candidates(table))
        fit = f"candidates: {named}" if named else "no column could be predicted"
        raise UsageProblem(f"which column is predicted? Say --target-column; {fit}")
    time = () if wishes.time_column is None else (wishes.time_column,)
    for wished in (target, *wishes.id_columns, *wishes.ignored, *time):
        _check_there(table, wished)
    if target in (*wishes.id_columns, *wishes.ignored, wishes.time_column):
        raise UsageProblem(f"{target} is the column to predict: it can be no id, no time and not ignored")
    _check_added_up(table, target, (*wishes.id_columns, *wishes.ignored))
    aim = table.column(target)
    assert aim is not None  # noqa: S101 - checked above, for the type
    found = problem.find(aim, _numbers(table, aim), wishes.problem)
    aim_column = replace(_described(aim, roles.Role("target", found.kind, found.reason)))
    aim_role = roles.propose(aim)
    if aim_role.role == "id":
        aim_column = replace(aim_column, reason=f"{aim_column.reason}; it looks like an id ({aim_role.reason})")
    columns = [_column(table, column, aim, found, wishes) for column in table.columns if column is not aim]
    columns, more = _with_time(table, columns, aim, found, wishes)
    columns = _with_leaks(table, columns, aim, found)
    proposal = Proposal(
        source=name,
        rows=table.rows,
        equal_rows=_equal(table, columns),
        outlier_rows=_outliers(table, columns),
        target=aim_column,
        problem=found,
        columns=tuple(columns),
    )
    read = readings.notes(table)
    _check_usable(proposal, read)
    return replace(proposal, notes=(*read, *more, *_notes(proposal, schema)))


def _check_added_up(table: Table, target: str, unused: Sequence[str]) -> None:
    """FactoryError names a column whose numbers are so large that neither mean nor model can be made of them."""
    for column in table.columns:
        if column.name not in unused and not math.isfinite(column.squares):
            instead = "name another --target-column"
            if column.name != target:
                instead = f"leave the column out with --ignore-column {column.name!r}"
            raise FactoryError(
                f"{column.name} holds numbers too large to be added up, beyond 1e150: mend them, or {instead}"
            )


def _check_there(table: Table, name: str) -> None:
    if table.column(name) is None:
        names = [column.name for column in table.columns]
        near = difflib.get_close_matches(name, names, n=1)
        hidden = [other for other in names if column_names.look(other) == column_names.look(name)]
        if hidden:
            raise UsageProblem(
                f"the table has no column {name}, but {hidden[0]!a}, which looks alike (letters that nobody sees as "
                "numbers): rename it in the table"
            )
        meant = f"did you mean {near[0]}?" if near else f"it has {', '.join(names[:8])}{' ...' if names[8:] else ''}"
        if len(names) == 1 and name in names[0]:
            meant += "; columns are told apart by a comma, a semicolon, a tab or |, by nothing else"
        raise UsageProblem(f"the table has no column {name or 'of no name'}: {meant}")


def candidates(table: Table) -> tuple[str, ...]:
    """Columns that could be predicted: few values first, the last column before the others, as tables have it."""
    fit = [
        c for c in table.columns if c.present and c.distinct > 1 and roles.propose(c).role not in {"id", "text", "date"}
    ]
    fit.sort(key=lambda column: (column.distinct > roles.CLOSED, -table.columns.index(column)))
    return tuple(column.name for column in fit[:_CANDIDATES])


def _numbers(table: Table, column: ColumnScan) -> Any:
    """Kept values as float64, of texts as codes."""
    if column.kind == "text":
        return leaks.codes(table.values(column.name, "text"))
    return to_numbers(table.values(column.name, column.kind), column.kind)


def _column(table: Table, column: ColumnScan, aim: ColumnScan, found: problem.Problem, wishes: Wishes) -> Column:
    role = roles.propose(column)
    if column.name in wishes.ignored:
        role = roles.Role("ignored", role.kind, "said with --ignore-column")
    elif column.name in wishes.id_columns:
        role = roles.Role("id", role.kind, "said with --id-column")
    made = _described(column, role)
    return _copy(table, column, made, aim, found) if made.used else made


def _described(column: ColumnScan, role: roles.Role) -> Column:
    numeric = column.kind != "text" and math.isfinite(column.deviation)
    counts = column.counts or {}
    texts = role.role == "category" and column.kind == "text"
    often = sorted(counts, key=lambda value: (-counts[value], value)) if texts else []
    if role.kind == "text":
        least = max(_OFTEN, _OFTEN_SHARE * column.rows)
        often = [value for value in often if counts[value] >= least][:_KNOWN]
    return Column(
        name=column.name,
        role=role.role,
        kind=role.kind,
        reason=role.reason,
        missing=column.missing,
        distinct=column.distinct,
        infinite=column.infinite,
        lowest=column.lowest if numeric else None,
        highest=column.highest if numeric else None,
        mean=column.mean if numeric else None,
        deviation=column.deviation if numeric else None,
        values=tuple(often),
        longest=column.longest,
    )


def _copy(table: Table, column: ColumnScan, made: Column, aim: ColumnScan, found: problem.Problem) -> Column:
    """The column; one that says the same as the classes to predict is ignored."""
    if found.name != "regression" and leaks.is_copy(_codes(table, column), _codes(table, aim)):
        return replace(made, role="copy", reason=f"says the same as {aim.name} under other names")
    return made


def _with_leaks(table: Table, columns: Sequence[Column], aim: ColumnScan, found: problem.Problem) -> list[Column]:
    """The columns, with what those say that nearly tell the target alone."""
    regression = found.name == "regression"
    target = _numbers(table, aim) if regression else _codes(table, aim)
    ignored = [column.name for column in columns if not column.used]
    time = next((column.name for column in columns if column.role == "time"), None)
    names = rule.judged([column.name for column in columns], aim.name, ignored, time)
    values = {name: _numbers(table, _scan(table, name)) for name in names}
    leaking = {leak.column: leak.said(aim.name) for leak in rule.find(values, target, regression=regression)}
    return [replace(column, leak=leaking.get(column.name)) for column in columns]


def _codes(table: Table, column: ColumnScan) -> Any:
    values = _numbers(table, column)
    return values if column.kind == "text" else _as_codes(values)


def _as_codes(numbers: Any) -> Any:
    uniques, places = np.unique(numbers, return_inverse=True)
    return np.where(np.isfinite(uniques)[places], places, -1)


def _with_time(
    table: Table, columns: Sequence[Column], aim: ColumnScan, found: problem.Problem, wishes: Wishes
) -> tuple[list[Column], list[str]]:
    """The columns, one of them the time: the one that is wished for, else the only one that something speaks for."""
    chosen, reason = wishes.time_column, "said with --time-column"
    notes: list[str] = []
    if chosen is None:
        likely = {c.name: roles.time_reason(_scan(table, c.name), roles.Role(c.role, c.kind, "")) for c in columns}
        likely = {name: why for name, why in likely.items() if why}
        if len(likely) != 1:
            return list(columns), notes
        chosen, reason = next(iter(likely.items()))  # type: ignore[assignment]
        if not _both_sides(table, chosen, aim, found):
            notes.append(f"{chosen} orders the rows, but the newest lack a class: rows are split by chance instead")
            return list(columns), notes
    elif _scan(table, chosen).kind not in {"date", "number", "integer"}:
        why = _scan(table, chosen).said or "rows cannot be ordered by it"
        raise UsageProblem(f"--time-column {chosen} holds neither dates nor numbers: {why}")
    rows = aim.present
    if rows * DataSettings().test_share < _TEST_ROWS_IN_TIME:
        share = math.ceil(100 * _TEST_ROWS_IN_TIME / rows) / 100
        way_out = (
            f"write data.test_share: {share:g} into conf/base.yaml" if share <= _MOST_TEST_SHARE else "bring more rows"
        )
        need = f"the gate needs {_TEST_ROWS_IN_TIME} test rows to tell a model from chance"
        notes.append(f"{rows} rows in order of {chosen}: {need}, {way_out}")
    return [replace(c, role="time", reason=reason) if c.name == chosen else c for c in columns], notes


def _both_sides(table: Table, chosen: str, aim: ColumnScan, found: problem.Problem) -> bool:
    """Whether every class that has a few rows is among the older rows and among the newest."""
    if found.name == "regression":
        return True
    when, labels = _numbers(table, _scan(table, chosen)), _numbers(table, aim)
    late = when > np.nanquantile(when, _LATE)
    if not late.any():
        return False
    old, new = np.unique(labels[~late]), np.unique(labels[late])
    return set(new.tolist()) == set(old.tolist())


def _scan(table: Table, name: str) -> ColumnScan:
    found = table.column(name)
    assert found is not None  # noqa: S101 - its name comes from the table
    return found


def _equal(table: Table, columns: Sequence[Column]) -> equal_rows.EqualRows:
    """Copies by ids, other columns that are left out, and the time: the pipeline looks at the same."""
    inputs = [column.name for column in columns if column.used]
    keys = [column.name for column in columns if not column.used or column.role == "time"]
    return equal_rows.find(table, inputs, keys)


def _outliers(table: Table, columns: Sequence[Column]) -> float:
    """Share of the kept rows with a number far from its column's mean, counted as the pipeline counts it."""
    far = np.zeros(table.kept.num_rows, dtype=bool)
    for column in columns:
        scanned = _scan(table, column.name)
        if scanned.kind in {"number", "integer"} and math.isfinite(scanned.squares) and scanned.deviation:
            values = _numbers(table, scanned)
            with np.errstate(invalid="ignore"):
                far |= np.abs(values - scanned.mean) / scanned.deviation > _SIGMAS
    return float(far.mean()) if len(far) else 0.0


def _check_usable(proposal: Proposal, read: Sequence[str]) -> None:
    """Problems with names, and with what is left; `read` are the notes on how columns are read."""
    for column in (proposal.target, *proposal.columns):
        instead = f"leave it out with --ignore-column {column.name!r}"
        if wrong := column_names.problem(column.name, used=column.used, instead=instead):
            raise UsageProblem(wrong)
    if not proposal.used:
        reasons = [f"{column.name}: {column.reason}" for column in proposal.columns[:_CANDIDATES]]
        why = "; ".join([*reasons, *read])
        raise FactoryError(f"no column is left to predict {proposal.target.name} from ({why or 'it is the only one'})")


def _notes(proposal: Proposal, schema: str) -> list[str]:
    notes = equal_rows.notes(proposal.equal_rows)
    if "looks like an id" in proposal.target.reason:
        notes.append(f"{proposal.target.name} looks like an id: of an id nothing can be learned")
    if proposal.target.missing:
        notes.append(f"{proposal.target.missing} rows have no {proposal.target.name}; nothing is learned from them")
    rare = sum(count == 1 for _, count in proposal.problem.classes)
    if rare:
        notes.append(f"{rare} classes of {proposal.target.name} have one row: they are learned, or tested, never both")
    notes += [
        f"{column.name} {column.leak}. {rule.advice(schema)}, or leave it out now with --ignore-column {column.name!r}"
        for column in proposal.columns
        if column.leak
    ]
    return notes
