"""Settings of the pipeline: `conf/base.yaml`, then `conf/<environment>.yaml` over it, checked as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from aifactory_runtime.cluster.choice import Engine
from aifactory_runtime.config.search import SearchSettings
from aifactory_runtime.config.trusted_types import TrustedType
from aifactory_runtime.config.yaml_model import explain, read_yaml
from aifactory_runtime.errors import UsageProblem

DecimalMark = Literal[".", ","]
ThousandsMark = Literal["", ".", ",", "'", " "]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ColumnReading(_Part):
    """How the cells of one column of a text table are written, where they are not written as the others are."""

    decimal: DecimalMark | None = None
    """What stands before the decimals; None: as in the other columns."""
    thousands: ThousandsMark = ""
    """What stands between thousands; a space is any space, an apostrophe either kind."""
    unit: Annotated[str, Field(max_length=12)] = ""
    """What stands before or after every number: a currency, a unit, `%`. The number counts as it is written."""
    formula: bool = False
    """Cells look like `="17"`, as spreadsheets keep digits as they are."""
    dates: tuple[str, ...] = ()
    """Formats of dates, as strptime has them, tried in this order."""
    missing: tuple[str, ...] = ()
    """Cells that stand for a missing value, beside the usual ones: as written, or `sha256:` and their digest."""


class ReadSettings(_Part):
    """How the data source is written; `factory new` finds it out, and without it each reading does."""

    format: Literal["csv", "jsonl", "parquet", "delta"] = "csv"
    """Found out by each reading unless it is said; what is said and is not so is refused. Gzip is found out, too."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """What stands between the cells of a text file."""
    decimal: DecimalMark = "."
    """What stands before the decimals."""
    encoding: str = "utf-8"
    """How the letters of a text file are written, by Python's name for it."""
    dates: tuple[str, ...] = ()
    """Formats of dates that are not ISO 8601, as strptime has them, tried in this order."""
    skip_rows: Annotated[int, Field(ge=0)] = 0
    """Lines of a text file before the one with the names: blank ones, a title, `sep=;`."""
    footer_rows: Annotated[int, Field(ge=0)] = 0
    """At most so many rows with too few cells at the end of a text file are left out: sums, sources."""
    columns: dict[str, ColumnReading] = {}
    """Columns of a text file whose cells are written in a way of their own."""


class ColumnSettings(_Part):
    """What one column may look like; `missing` is also the largest share of rows that may lack a value."""

    missing: Literal["allow", "refuse"] | Share = "allow"
    """What a missing value is: allowed, refused, or allowed in this share of the rows."""
    infinite: Literal["refuse", "missing"] = "refuse"
    """`missing` takes an infinite value for a missing one; the column must then be nullable."""
    minimum: float | None = None
    """Least value that is right."""
    maximum: float | None = None
    """Largest value that is right."""
    max_outside_share: Share = 0.0
    """Share of rows that may lie under `minimum` or over `maximum`."""
    outliers: Literal["count", "cap", "remove"] = "count"
    """What becomes of values beyond `outlier_sigmas`, as training rows have them: `cap` takes them for the limit, in
    training as in scoring; `remove` takes their rows out of training."""


class DataSettings(_Part):
    """What the data may look like before training stops."""

    read: ReadSettings | None = None
    """How the data source is written; None finds it out at each reading."""
    sample: Literal["real", "made-up"] | None = None
    """What the rows of data/sample.csv are, as `factory new` and `factory sample` write it down."""
    add_captured: bool = False
    """Adds predictions of this environment whose label counts to the rows of the data source, as rows of their own."""
    add_captured_from_prod: bool = False
    """Adds those of prod instead, wherever this runs; only public or internal data, and the audit log says who."""
    sample_rows: Annotated[int, Field(ge=0)] = 0
    """Rows to read, drawn by the seed; 0 takes all. Set it in `conf/<environment>.yaml` for a quick run."""
    max_train_rows: Annotated[int, Field(ge=0)] = 0
    """Rows to fit on; 0 takes all. The others of a table too large for this machine's memory are kept, as `spare`."""
    equal_rows: Literal["spread", "together"] | None = None
    """Whether rows of equal inputs may lie on both sides of the split; None keeps them together. All of them count."""
    max_duplicate_share: Share = 0.05
    """Share of rows that may be copies: equal in every column, a key or id that is unique but for them included."""
    max_outlier_share: Share = 0.10
    """Share of rows that may have an outlier in a column where they are only counted."""
    outlier_sigmas: Annotated[float, Field(gt=0)] = 6.0
    """Standard deviations from the mean beyond which a value is an outlier."""
    min_class_share: Share = 0.0
    """The rarest class needs this share of the rows."""
    max_leakage_share: Share = 1.0
    """Share of test rows that may have the inputs, or an id among the ignored columns, of a training row."""
    group: str | None = None
    """Column whose equal values stay on one side of the split: customers with many rows each."""
    columns: dict[str, ColumnSettings] = {}
    """What single columns may look like."""
    test_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.2
    """Share of rows that judge the model and are never learned from."""
    validation_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.1
    """Share of rows that choose parameters and stop the training early."""

    @property
    def sample_read(self) -> ReadSettings | None:
        """How data/sample.csv is written: as the table is when that is a text file, else it is found out."""
        return self.read if self.read is not None and self.read.format == "csv" else None

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.test_share + self.validation_share >= 1.0:
            raise ValueError("test_share and validation_share leave nothing to train on; keep their sum under 1")
        return self


class TrainSettings(_Part):
    """How the model is trained; `parameters` go to the user's `make_model`."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    """Number that every draw follows from: rows, starts of the estimator, trials of a search."""
    parameters: dict[str, Any] = {}
    """What `make_model` gets beside the seed."""
    search: SearchSettings | None = None
    """Tries more parameters, each a run of its own, and takes those that do best on the validation rows."""
    early_stopping_rounds: Annotated[int, Field(ge=1)] | None = None
    """Rounds without gain on validation rows after which an estimator stops that can; None leaves it as it is made."""
    learning_curve: bool = True
    """Trains three times more on parts of at most 8,000 rows, and keeps the picture of it with the run."""
    max_gap: Annotated[float, Field(ge=0)] | None = None
    """How much better the model may do on training rows than on validation rows; more is an objection at the gate."""
    engine: Engine = "auto"
    """Where a run computes: `local` in this process; `dask` on the environment's cluster, or trained on workers that
    train starts on this machine; `auto` tables on the cluster from five partitions on, and training where it fits."""
    private_network: bool = False
    """Whether nobody else is on the network of a cluster on other machines: xgboost and lightgbm speak there without
    TLS, and are refused unless it is said."""
    epochs: Annotated[int, Field(ge=1)] = 5
    """How often an estimator with `partial_fit` sees each row when it is trained by partition: `max_iter` at most, and
    once if it has none."""
    not_converged: Literal["report", "refuse"] = "report"
    """What becomes of a model whose training ended before it converged."""
    trusted_types: tuple[TrustedType, ...] = ()
    """Classes of installed packages, as `package.module.Class`, that a model may hold beside those of scikit-learn:
    loading a model calls them with whatever its file says. The release's own conf counts where it is served."""


def _check_once(columns: Sequence[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ValueError(f"columns names {twice[0]} twice; name it once")


class SliceSettings(_Part):
    """Parts of the rows, such as those of each region, on which a candidate is judged one by one.

    With a `margin` it may be worse in none of them. A part of fewer than 30 rows is never judged.
    """

    columns: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Columns of the table that rows are cut by, IGNORED ones too: texts by their 10 most frequent values, numbers and
    dates by the quartiles of the training rows. With none the categories and truth values of at most 10 values."""
    margin: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the champion, or without one than the baseline, a candidate may be in a slice; what is more,
    and no chance, is an objection at the gate. None: slices are shown and refuse nothing."""

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        _check_once(self.columns)
        return self


FairnessMetric = Literal["demographic_parity", "equalized_odds", "accuracy", "absolute_error", "mean_error"]


class FairnessSettings(_Part):
    """Groups of people, such as women and men, between whom a model's answers may not differ by more than a limit.

    A difference that chance makes is none, and a group of fewer than 30 test rows is never judged.
    """

    columns: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Columns with protected attributes. Also IGNORED ones, which no model and no request ever has: they are read from
    the table to judge, cut as those of `slices`. With none nothing is checked, and reports say that."""
    metric: FairnessMetric | None = None
    """Which difference counts; the others are shown. Of a classification `demographic_parity` (how often the positive
    class is the answer), `equalized_odds` (the same among rows that are of it and among those that are not) or
    `accuracy`; of a regression `absolute_error` or `mean_error`. None takes equalized_odds, or absolute_error."""
    limit: Annotated[float, Field(ge=0)] | None = 0.1
    """The largest difference, of shares from 0 to 1; of errors as a share of the mean absolute error of all rows. What
    is more, and no chance, is an objection at the gate. null: differences are shown and refuse nothing."""

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        _check_once(self.columns)
        return self


class LimitSettings(_Part):
    """What a candidate may cost, and how far it may be from what it says. None: it is shown and refuses nothing."""

    calibration_error: Share | None = None
    """How far, on average, the probability that a classifier gives may lie from how often it comes true; what is more,
    and no chance, is an objection at the gate."""
    explanation_agreement: Annotated[float, Field(ge=-1.0, le=1.0)] | None = None
    """How alike explanations of the same rows have to be that are computed in other orders: 1 is the same."""
    stress: Literal["report", "refuse"] = "report"
    """What becomes of a model that has no usable answer to a row with a missing value, an extreme or a text that it
    never saw, as SCHEMA lets them in."""
    answer_factor: Annotated[float, Field(ge=0)] = 10.0
    """How many times the range of the training rows a regression's answer to such a row may lie beyond that range."""
    model_bytes: Annotated[int, Field(gt=0)] | None = None
    """Largest size of the model's files."""
    memory_mb: Annotated[float, Field(gt=0)] | None = None
    """Most memory of the loaded model."""
    latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Longest time for an answer to one row, the median of several. It decides in staging's test, where the service
    runs; the gate shows what it is in the process that trains."""


class WindowSettings(_Part):
    """The newest labelled rows that no model learned from, on which a candidate is held against the champion too.

    They are test rows that came after the frozen reference: labelled predictions of `data.add_captured`, else with
    `TIME` in schema.py the newest rows of the table.
    """

    rows: Annotated[int, Field(ge=30, le=100_000)] = 500
    """So many of them count, the newest."""
    least_rows: Annotated[int, Field(ge=30)] = 100
    """With fewer nothing is judged on them, and that is said."""
    must_be: Literal["better", "not_worse"] = "better"
    """What a candidate has to be there, beside the champion and beyond chance; `not_worse` lets one pass that is alike,
    such as the same model of newer code."""
    max_loss_on_reference: Annotated[float, Field(ge=0)] | None = None
    """How much worse on the frozen reference a candidate may be that is better on these rows: after a change of what is
    true the reference says what was. None: as much as any, `max_loss_to_champion`."""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.least_rows > self.rows:
            raise ValueError("least_rows is more than rows, so nothing would ever be judged; write less")
        return self


class GateSettings(_Part):
    """What a candidate has to beat. Where less is better, as with errors, gain and loss are shares of the other's."""

    metric: str | None = None
    """None takes roc_auc of a classification, rmse of a regression."""
    min_gain_over_baseline: Annotated[float, Field(ge=0)] = 0.02
    """How much better than the baseline a candidate has to be on the test rows."""
    max_loss_to_champion: Annotated[float, Field(ge=0)] = 0.01
    """How much worse than the champion a candidate may be on the frozen reference."""
    positive_class: bool | int | float | str | None = None
    """The class that f1 is of when there are two; None takes the second in their order: True, 1, the later word."""
    slices: SliceSettings = SliceSettings()
    """Figures of parts of the rows, beside those of the champion and the baseline."""
    fairness: FairnessSettings = FairnessSettings()
    """How much a model's answers may differ between groups of people."""
    limits: LimitSettings = LimitSettings()
    """What a candidate may cost, and how far it may be from what it says."""
    window: WindowSettings = WindowSettings()
    """The newest labelled rows, on which a candidate has to beat the champion."""


class ServingSettings(_Part):
    """The scoring service."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 1_048_576
    """Largest body of a request; a larger one is refused with 413."""
    max_rows: Annotated[int, Field(gt=0)] = 1_000
    """Most rows of one request; more are refused."""
    poll_seconds: Annotated[float, Field(gt=0)] = 0.5
    """How often a worker looks whether another model was released."""
    drain_seconds: Annotated[float, Field(gt=0, le=10)] = 10.0
    """How long requests under way may take when the worker ends; whoever started it waits not much longer."""
    explain_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long an explanation may take, waiting for others counted; then it is refused with 503."""


class MonitoringSettings(_Part):
    """What is watched of a model that is in use, and what is too much."""

    window_rows: Annotated[int, Field(ge=100)] = 1_000
    """Predictions of a window. With fewer, small changes are not found; another number makes the baseline anew."""
    label_rows: Annotated[int, Field(ge=50)] = 500
    """Labelled predictions of a window. With fewer, a model that is somewhat worse is not found; with more, later."""
    period_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How often service, cost and age are looked at; windows of predictions are whenever they are full."""
    max_error_share: Share = 0.01
    """Share of requests that the service may fail."""
    max_p99_seconds: Annotated[float, Field(gt=0)] = 1.0
    """What 99 % of the requests may take at most."""
    longest_silence_hours: Annotated[float, Field(gt=0)] | None = None
    """Hours without a prediction from which on somebody is told; None: no traffic is a state and calls nobody."""
    max_age_days: Annotated[float, Field(gt=0)] | None = None
    """Days from which on a model is too old; None: its age is shown."""


class Settings(_Part):
    """Everything under conf/, per environment."""

    data: DataSettings = DataSettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    serving: ServingSettings = ServingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()

    @classmethod
    def load(cls, folder: Path, environment: str) -> Self:
        """Settings for `environment`; UsageProblem names file and line of what is wrong."""
        base, override = folder / "base.yaml", folder / f"{environment}.yaml"
        values = read_yaml(base)
        over = read_yaml(override, may_be_empty=True) if override.exists() else {}
        try:
            return cls.model_validate(_merge(values, over))
        except ValidationError as error:
            keys = error.errors()[0]["loc"]
            wrong = override if _depth(over, keys) >= max(1, _depth(values, keys)) else base
            raise UsageProblem(explain(wrong, error)) from None

    @staticmethod
    def said(folder: Path, environment: str) -> dict[str, Any]:
        """What the files say for `environment`, unchecked and without defaults, whatever version they are of."""
        base, override = folder / "base.yaml", folder / f"{environment}.yaml"
        over = read_yaml(override, may_be_empty=True) if override.exists() else {}
        return _merge(read_yaml(base), over)

    @staticmethod
    def origin(folder: Path, environment: str, section: str, key: str) -> str:
        """Which file set a value: the environment's, the base, or none (`default`)."""
        for name in (f"{environment}.yaml", "base.yaml"):
            path = folder / name
            if path.exists() and key in (read_yaml(path, may_be_empty=True).get(section) or {}):
                return f"conf/{name}"
        return "default"


def _depth(values: Any, keys: Sequence[str | int]) -> int:
    """How many of `keys`, from the outermost on, lead from mapping to mapping of `values`, as `_merge` goes."""
    for depth, key in enumerate(keys):
        if not isinstance(values, dict) or key not in values:
            return depth
        values = values[key]
    return len(keys)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
