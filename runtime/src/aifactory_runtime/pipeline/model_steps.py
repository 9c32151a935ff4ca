"""The steps that make a model: train, evaluate, register. Each reads a handoff and adds its part."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.events import kinds
from aifactory_runtime.gate import chance as chances
from aifactory_runtime.gate import labelled_window as windows
from aifactory_runtime.gate import verdict
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.gate.labelled_window import Window
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER
from aifactory_runtime.gate.slices import Slices
from aifactory_runtime.pipeline import (
    authors,
    events,
    expecting,
    labelled_window,
    made_up,
    model_card,
    pictures,
    registration,
    responsible,
    scores,
    slicing,
)
from aifactory_runtime.pipeline import champion as champions
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.champion import Comparison
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reads import Reads, unread
from aifactory_runtime.pipeline.reproduction import parity
from aifactory_runtime.pipeline.training import (
    cluster,
    fitting,
    model_files,
    search,
    training_data,
    trials,
    where,
)
from aifactory_runtime.pipeline.training.fitting import Fitted
from aifactory_runtime.pipeline.training.training_data import Labels, Spread, TrainingData
from aifactory_runtime.registry import answers, model_folder, savable, trusted_classes
from aifactory_runtime.registry.authors import tag
from aifactory_runtime.registry.port import (
    CAPTURED,
    CODE,
    COMMIT,
    DATA_OF,
    DIRTY,
    GATE,
    GATE_PASSED,
    IMPORTED,
    LOCK,
    METRIC,
    MODEL_SHA256,
    NOT_COMPARED,
    NUMERIC,
    OPERATIONS,
    PIPELINE_RUN,
    PREFIX,
    REPORT_SHA256,
    SCIENCE,
    WINDOW,
)

_GATE_REPORT = "gate.json"
_CANDIDATE = "candidate"
_CONVERGED = PREFIX + "converged"
_LOG = logging.getLogger("aifactory.train")
Maker = Callable[[TrainingData, str], Fitted]
"""Training data and a tracking run in, a fitted estimator out."""


def train(context: Context, handoff: Handoff) -> Handoff:
    """The user's estimator fitted on the training rows, as a model folder and a run of the tracking server.

    With `train.search` the best of several trials. Where it is done is decided and said before rows are read.
    """
    settings = context.settings.train
    place = where.of(context, handoff)
    with cluster.of(context, place) as executor:

        def fitted(data: TrainingData, run: str) -> Fitted:
            if settings.search is not None:
                made = search.best(context, data, run, settings.search, trials.of(context, handoff, data, executor))
            else:
                made = fitting.fit(context, data, settings.parameters)
            if settings.learning_curve:
                pictures.keep(context, run, pictures.learning_curve(context, data, made))
            return made

        spread = Spread(executor, settings.private_network) if place == "cluster" else None
        return record(context, handoff, fitted, spread)


def record(context: Context, handoff: Handoff, make: Maker, spread: Spread | None = None) -> Handoff:
    """What `make` makes of the training data, as the run's model; the tracking run ends as failed when it cannot.

    With `spread` the data are looked at by partition.
    """
    _ = context.metric  # one of another problem is said now, not after the training
    trusted = context.settings.train.trusted_types
    trusted_classes.check(trusted)
    slicing.check(context, handoff)
    responsible.check(context, handoff)
    data = training_data.load(context, handoff, spread)
    notes = unread(data.unread, context.project.science.place("schema"))
    _say(notes)
    registry = context.registry
    run = handoff.mlflow_run or registry.start_run(handoff.id, _tags(handoff))
    try:
        _say_data(context, handoff, run)
        made = make(data, run)
        belongs = training_data.belongs(context, handoff, data.schema)
        place = training_data.place(context, handoff)
        sha256 = model_files.write(context, handoff, data, made.estimator, place)
        tags = {
            MODEL_SHA256: sha256,
            PREFIX + "schema_sha256": belongs.schema_sha256,
            _CONVERGED: str(made.problem is None).lower(),
        }
        registry.log(run, {"seed": context.settings.train.seed, **made.parameters}, made.figures, tags)
        _check_converged(context, handoff, made)
        _say_unused(made.estimator, trusted)
    except BaseException as error:
        _end(context, handoff, run, error)
        raise
    return replace(
        handoff,
        mlflow_run=run,
        model_sha256=sha256,
        metrics={**handoff.metrics, **made.figures},
        parameters=dict(made.parameters),
        converged=made.problem is None,
        notes=tuple(dict.fromkeys([*handoff.notes, *notes])),
    )


def evaluate(context: Context, handoff: Handoff) -> Handoff:
    """Figures on the test rows beside the baseline's, on the reference beside the champion's, and the verdict."""
    place, run = _trained(context, handoff)
    schema = model_folder.read_schema(place)
    estimator = model_folder.load_estimator(place, context.settings.train.trusted_types)
    test = training_data.rows(context, handoff, split.TEST, schema)
    positive = context.settings.gate.positive_class
    said = chances.Answers(*answers.of(estimator, test.values, schema.classes), schema.classes, positive)
    expecting.keep(context, handoff, schema, test.labels, said)
    metrics = scores.of_answers(test.labels, said.judged, schema.classes, positive)
    learned = training_data.learned_labels(context, handoff, schema)
    metrics |= _named(verdict.BASELINE, scores.of_baseline(learned, test.labels, schema.classes, positive))
    reads = Reads(context.project.science.features())
    reference = training_data.reference(context, handoff, schema, reads)
    parity.keep(context, handoff, estimator, reference.values, schema.classes)
    of_reference = chances.Answers(*answers.of(estimator, reference.values, schema.classes), schema.classes, positive)
    judged_on = scores.of_answers(reference.labels, of_reference.judged, schema.classes, positive)
    metrics |= _named(verdict.REFERENCE, judged_on)
    newest = labelled_window.newest(context, handoff)
    compared = champions.compare(context, handoff, reads.names, newest)
    metrics |= _named(verdict.CHAMPION, compared.figures)
    window = labelled_window.judge(
        context, handoff, compared.window or newest, test.labels, said, champion=compared.said_of_window
    )
    metrics |= window.metrics()
    by_chance = _by_chance(context, handoff, test.labels, said)
    metrics[verdict.CHANCE + context.metric] = by_chance.p
    told = slicing.Said(test.labels, said)
    if compared.said is not None:
        told = slicing.Said(reference.labels, of_reference, compared.said)
    sliced = slicing.of(context, handoff, schema, told, learned)
    candidate = responsible.Candidate(place, estimator, schema, test.labels, said, learned, reads.names)
    parts = [
        *responsible.of(context, handoff, candidate, sliced.report(), by_chance.p),
        window.evidence(context.settings.gate.window),
    ]
    judged = _judged(context, handoff, metrics, compared, window, least_p=by_chance.least, sliced=sliced, parts=parts)
    wanted = sliced.notes if context.settings.gate.slices.columns else ()  # what nobody named is in the report alone
    if compared.champion is not None:
        _say([window.sentence])
    _say(remark for remark in (*judged.remarks, *sliced.remarks(), *wanted) if remark not in handoff.notes)
    text = json.dumps(judged.report, indent=2, sort_keys=True, allow_nan=False)
    files.write(handoffs.folder(context.artifacts, handoff.id) / _GATE_REPORT, text)
    tags = {REPORT_SHA256: judged.sha256, GATE: GATE_PASSED if judged.passed else "refused"}
    tags |= {WINDOW: window.sentence, **_not_compared(compared.not_compared)}
    context.registry.log(run, metrics=metrics, tags=tags)
    context.registry.log_file(run, _GATE_REPORT, text.encode())
    context.registry.log_file(run, slicing.CSV, sliced.csv().encode())
    drawn = pictures.of_model(estimator, schema, test, said, context.metric) | pictures.of_slices(sliced)
    pictures.keep(context, run, drawn)
    model_card.write(context, handoff, (schema, estimator), (judged.report, metrics), drawn)
    gate: dict[str, object] = {
        "passed": judged.passed,
        "reasons": list(judged.reasons),
        "remarks": list(judged.remarks),
        "sha256": judged.sha256,
        "not_compared": compared.not_compared,
        "window": window.sentence,
    }
    if window.gains_nothing(judged.reasons, context.settings.gate.window):
        gate[handoffs.NOTHING_GAINED] = True
    return replace(handoff, metrics={**handoff.metrics, **metrics}, gate=gate)


def register(context: Context, handoff: Handoff) -> Handoff:
    """The candidate as a registered version, if the gate let it pass; else an event, and the run ends in one line."""
    place, run = _trained(context, handoff)
    if handoff.gate is None:
        raise UsageProblem(f"run {handoff.id} has no verdict yet: run evaluate first")
    if not handoff.gate["passed"]:
        _refuse(context, handoff, handoff.gate["reasons"])
    if model_folder.digest(place) != handoff.model_sha256:
        raise FactoryError(f"{place} is not the model that was judged: run train again")
    tags = {
        **_tags(handoff),
        **{f"{PREFIX}{name}": f"{value:.6g}" for name, value in handoff.metrics.items() if _is_compared(name)},
        **{f"{METRIC}{name}": f"{value:.6g}" for name, value in handoff.metrics.items() if "." not in name},
        _CONVERGED: str(handoff.converged).lower(),
        PREFIX + "schema_sha256": model_folder.read_belongs(place).schema_sha256,
        GATE: GATE_PASSED,
        REPORT_SHA256: handoff.gate["sha256"],
        **_not_compared(handoff.gate.get("not_compared")),
        **tag(authors.of(context, handoff.commit)),
        **({WINDOW: handoff.gate["window"]} if "window" in handoff.gate else {}),
        **expecting.tags(context, handoff),
        PREFIX + "stage": _CANDIDATE,
        PIPELINE_RUN: handoff.id,
    }
    version = context.registry.register(place, tags, run)
    return registration.complete(context, version, handoff)


def _say_data(context: Context, handoff: Handoff, run: str) -> None:
    """What the run learns from and is judged by, where people look at runs."""
    found = handoff.table(PREPARED, "prepare")
    schema = tables.columns(context.tables, PREPARED, found.version)
    columns = {entry.name: str(entry.type) for entry in schema if entry.name != split.SPLIT}
    about = {
        "path": str(context.tables / PREPARED),
        "delta_table_version": found.version,
        "data_source": context.contract.data_source,
    }
    context.registry.log_data(run, PREPARED, found.sha256, columns, about)
    context.registry.judge_by(context.metric, lower_is_better=context.metric in LOWER_IS_BETTER)


def _trained(context: Context, handoff: Handoff) -> tuple[Path, str]:
    """Model folder and tracking run of a handoff that train has added its part to."""
    place = training_data.place(context, handoff)
    if handoff.mlflow_run is None or handoff.model_sha256 is None or not place.is_dir():
        raise UsageProblem(f"run {handoff.id} has no model yet: run train first")
    return place, handoff.mlflow_run


def _say_unused(estimator: Any, trusted: Sequence[str]) -> None:
    """Trust that no model needs is better taken back."""
    if trusted and (unused := sorted(set(trusted) - savable.held(estimator, trusted))):
        _LOG.warning("note: the model holds no %s: train.trusted_types names it all the same", ", ".join(unused))


def _check_converged(context: Context, handoff: Handoff, made: Fitted) -> None:
    """Say it when the training ended before it converged, and end the run when settings say so."""
    if made.problem is None:
        events.over(context, handoff, kinds.NOT_CONVERGED)
        return
    refused = context.settings.train.not_converged == "refuse"
    events.found(context, handoff, kinds.NOT_CONVERGED, reason=made.problem, refused=refused)
    if refused:
        raise FactoryError(f"the training did not converge: {made.problem} (train.not_converged: refuse)")
    _LOG.warning("the training did not converge: %s", made.problem)


def _end(context: Context, handoff: Handoff, run: str, error: BaseException) -> None:
    """Mark the tracking run; the first error is the one to show."""
    with suppress(FactoryError):
        if isinstance(error, fitting.NotUsable):
            events.found(context, handoff, kinds.NOT_CONVERGED, reason=str(error), refused=True)
            context.registry.log(run, tags={_CONVERGED: "false"})
    if handoff.mlflow_run is None:  # no handoff names the run yet: nobody else can end it
        with suppress(FactoryError):
            context.registry.finish_run(run, failed=True)


def _by_chance(context: Context, handoff: Handoff, labels: Labels, said: chances.Answers) -> chances.Chance:
    """How often chance does as well on the test rows, as they belong together.

    Of made-up rows so few could not be told from chance by shifts in time.
    """
    groups, times = responsible.belong(context, handoff)
    return chances.of(context.metric, labels, said, groups=groups, times=times, seed=context.settings.train.seed)


def _judged(
    context: Context,
    handoff: Handoff,
    metrics: Mapping[str, float],
    compared: Comparison,
    window: Window,
    *,
    least_p: float,
    sliced: Slices,
    parts: Sequence[Evidence],
) -> verdict.Verdict:
    metric, champion = context.metric, compared.champion
    facts = {
        "model_sha256": handoff.model_sha256,
        "champion_sha256": champion.model_sha256 if champion else None,
        "data": {name: found.sha256 for name, found in sorted(handoff.tables.items())},
        **({"figures": made_up.SENTENCE} if handoff.made_up else {}),
    }
    notes = list(handoff.notes)
    if compared.not_compared:
        notes.append(f"not compared with the champion: {compared.not_compared}")
    gap, most = handoff.metrics.get(fitting.GAP + metric), context.settings.train.max_gap
    objections = []
    if gap is not None and most is not None and gap > most:
        objections.append(f"{metric} is {gap:.3g} better on training rows than on validation rows, {most:g} at most")
    objections += sliced.objections()
    objections += [reason for part in parts for reason in part.objections]
    notes += [remark for part in parts for remark in part.remarks]
    return verdict.judge(
        metrics,
        metric,
        window.settings(context.settings.gate),
        facts,
        champion=champion is not None,
        least_p=least_p,
        objections=objections,
        notes=notes,
        way_out=f"{compared.way_out}; {windows.WAY_OUT}" if window.verdict == "better" else compared.way_out,
        parts={"slices": sliced.report(), **{part.name: part.report for part in parts}},
    )


def _tags(handoff: Handoff) -> dict[str, str]:
    """What every run, version and audit line of this run carries."""
    data = {DATA_OF + name: handoff.tables[name].tag for name in (RAW, PREPARED, REFERENCE)}
    return {
        COMMIT: handoff.commit,
        DIRTY: str(handoff.dirty).lower(),
        PREFIX + "kind": handoff.kind,
        CODE: handoff.code_sha256,
        LOCK: handoff.lock_sha256,
        **({} if handoff.science_sha256 is None else {SCIENCE: handoff.science_sha256}),
        **({} if handoff.numeric is None else {NUMERIC: handoff.numeric}),
        **{OPERATIONS + name: value for name, value in handoff.operations.items()},
        **(made_up.TAGS if handoff.made_up else {}),
        **({} if handoff.captured is None else {CAPTURED: "{environment}@{upto}".format(**handoff.captured)}),
        **({} if handoff.imported is None else {IMPORTED: handoff.imported}),
        **data,
    }


def _refuse(context: Context, handoff: Handoff, reasons: list[str]) -> None:
    """Leave an event for who watches, then end the run. That nothing is gained is no problem: the champion stays."""
    said = "; ".join([*reasons, *([made_up.SENTENCE] if handoff.made_up else [])])
    if handoff.gains_nothing:
        raise FactoryError(f"nothing is gained by the candidate, the champion stays and nothing is registered: {said}")
    events.found(context, handoff, kinds.GATE_REFUSED, model_sha256=handoff.model_sha256, reasons=reasons)
    raise FactoryError(f"the gate refuses the candidate, nothing is registered: {said}")


def _not_compared(why: str | None) -> dict[str, str]:
    return {NOT_COMPARED: why} if why else {}


def _say(notes: Iterable[str]) -> None:
    for note in notes:
        _LOG.warning("note: %s", note)


def _is_compared(name: str) -> bool:
    return name.startswith((verdict.BASELINE, verdict.CHANCE, "window."))


def _named(prefix: str, found: Mapping[str, float]) -> dict[str, float]:
    return {prefix + name: value for name, value in found.items()}
