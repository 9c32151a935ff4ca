"""`python -m <package> run | ingest | ... | register | score`: the pipeline, whole or one step at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from aifactory_runtime.pipeline.progress import Clock

if TYPE_CHECKING:
    from aifactory_runtime.config.project import Project
    from aifactory_runtime.pipeline.context import Context
    from aifactory_runtime.pipeline.handoff import Handoff, Kind

_KINDS = ["experiment", "retraining"]
_ALL = ("ingest", "validate", "prepare", "train", "evaluate", "register")
_ABOUT = {
    "ingest": "Read the data source into the table raw; prints the id of a new run.",
    "validate": "Check the raw table against the schema and thresholds.",
    "prepare": "Drop duplicates and give each row its split.",
    "train": "Fit the model and log the run.",
    "evaluate": "Measure the model, the baseline and the champion, and judge.",
    "register": "Register the candidate if the gate let it pass.",
}
_kind = click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default=None,
    help="Default: AIFACTORY_KIND, else experiment; a dirty tree is one.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the handoff as JSON.")


@click.command()
@_kind
@click.option("--again", is_flag=True, help="Train also when a registered version is of the same science and data.")
@click.option("--new-reference", is_flag=True, help="Freeze new test rows to judge by: after columns were added.")
@click.option("--sample", type=click.IntRange(0), default=0, metavar="ROWS", help="Try it on so many rows; 0 is all.")
@_json
def run(kind: str | None, again: bool, new_reference: bool, sample: int, as_json: bool) -> None:
    """Run the whole pipeline in one process: from the data source to a registered version.

    When science, settings and data are those of a registered version, nothing is trained, whatever else changed.
    A trial on a sample ends with the gate's verdict and registers nothing. Models that were judged on an earlier
    reference are not compared with.

    Example: run --kind retraining
    """
    if sample:
        _try(sample, as_json)
    else:
        _run(_ALL, None, kind, as_json, again=again, new_reference=new_reference)


def _step(name: str) -> click.Command:
    first = name == _ALL[0]

    def command(run_id: str | None, kind: str | None, as_json: bool) -> None:
        _run([name], run_id, kind, as_json)

    command.__doc__ = f"{_ABOUT[name]}\n\nExample: {name}" + ("" if first else " --run 20260101-120000-a1b2c3")
    option = click.option("--run", "run_id", required=not first, help="Id of a run that began before.")
    decorated: Callable[..., None] = option(_kind(_json(command)))
    return click.command(name)(decorated)


ingest, validate, prepare, train, evaluate, register = (_step(name) for name in _ALL)


@click.command()
@click.option("--input", "given", default=None, help="A table; default is what the environment scores.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="A file for this batch's rows and predictions: .csv or .parquet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(given: str | None, output: Path | None, as_json: bool) -> None:
    """Score a table with the champion and append the predictions to the table scored.

    What was scored before is not scored again; --output gives it all the same.

    Example: score --input data/new.csv --output predictions.csv
    """
    from aifactory_runtime import stdout
    from aifactory_runtime.pipeline import exclusive, scored_file
    from aifactory_runtime.pipeline.score import batch
    from aifactory_runtime.pipeline.score import score as score_table
    from aifactory_runtime.quota.guard import within

    if output is not None:
        scored_file.check_ending(output)
    context = open_context()
    if output is not None:
        scored_file.check_apart(output, batch(context, given))
    with stdout.kept(as_json), within(context.contract, "score", say), exclusive.held(context.artifacts):
        done = score_table(context, given)
        if output is not None:
            scored_file.write(context.tables, done, output)
    if as_json:
        click.echo(json.dumps(asdict(done) | ({} if output is None else {"output": str(output)})))
    else:
        said = "scored" if done.new else "were scored before"
        where = f"in {context.tables / 'scored'}; the first is {done.first_prediction_id}"
        click.echo(f"{done.rows} rows {said} by version {done.version}, {where}")
        if output is not None:
            click.echo(f"{output} holds them with their predictions")


def _try(rows: int, as_json: bool) -> None:
    from aifactory_runtime import stdout
    from aifactory_runtime.pipeline import training_rights
    from aifactory_runtime.pipeline.context import Context
    from aifactory_runtime.pipeline.run import run as run_steps
    from aifactory_runtime.pipeline.trial import reachable, trial
    from aifactory_runtime.quota.guard import within

    project = _project()
    contract = project.environment.contract  # that of the trial allows everything: it is a place of its own
    training_rights.check(contract)
    project = reachable(project, say)
    steps = _ALL[:-1]
    with stdout.kept(as_json), within(contract, "trial", say), trial(project, rows) as part, Clock(steps) as clock:
        handoff = run_steps(Context(part), steps, run_id=None, kind="experiment", say=clock)
    if as_json:
        click.echo(json.dumps(_shown(handoff)))
        return
    gate = handoff.gate or {}
    verdict = "the gate would let it pass" if gate.get("passed") else f"the gate would refuse it: {_reasons(gate)}"
    click.echo(f"trial on {rows} rows at most, nothing registered: {_figures(handoff)}; {verdict}")
    say_made_up(handoff)


def say_made_up(handoff: Handoff) -> None:
    """Below the figures of a run, where its rows were made up."""
    from aifactory_runtime.pipeline import made_up

    if handoff.made_up and handoff.metrics:
        click.echo(made_up.SENTENCE)


def _reasons(gate: Mapping[str, Any]) -> str:
    return "; ".join(str(reason) for reason in gate.get("reasons", []))


def say(line: str) -> None:
    """Progress, on standard error."""
    click.echo(line, err=True)


def _run(
    steps: Sequence[str],
    run_id: str | None,
    kind: str | None,
    as_json: bool,
    *,
    again: bool = True,
    new_reference: bool = False,
) -> None:
    chosen = kind or os.environ.get("AIFACTORY_KIND", _KINDS[0])
    if chosen not in _KINDS:
        raise click.UsageError(f"AIFACTORY_KIND is {chosen!r}; use one of {', '.join(_KINDS)}")
    from aifactory_runtime import stdout
    from aifactory_runtime.pipeline.run import run as run_steps
    from aifactory_runtime.quota.guard import within

    context, what = open_context(), steps[0] if len(steps) == 1 else "run"
    with stdout.kept(as_json), within(context.contract, what, say), Clock(steps) as clock:
        if run_id is None:
            _say_experiment(context)
        asked = cast("Kind", chosen)
        handoff = run_steps(
            context, steps, run_id=run_id, kind=asked, say=clock, again=again, new_reference=new_reference
        )
    if as_json:
        click.echo(json.dumps(_shown(handoff)))
    elif clock.done < len(steps):
        anyway = f"{click.get_current_context().command_path} --again"
        same = f"same science, settings and data as version {handoff.version}"
        click.echo(f"{same}: nothing to train ({anyway} trains anyway)")
    else:
        click.echo(summary(handoff, context.settings.gate.positive_class))
        say_made_up(handoff)


def _say_experiment(context: Context) -> None:
    """In an environment, say before a new run that nobody will be able to release what it makes."""
    from aifactory_runtime.contract import names

    if context.contract.environment != names.EMBEDDED and context.made_from.dirty:
        say("files are not committed: this is an experiment, it cannot be released; commit them first")


def _project() -> Project:
    from aifactory_runtime.config import project

    return project.load(project.find_root(Path.cwd()))


def open_context() -> Context:
    """This repo against its environment."""
    from aifactory_runtime.pipeline.context import Context

    return Context(_project())


def _shown(handoff: Handoff) -> dict[str, Any]:
    return asdict(handoff)


def summary(handoff: Handoff, positive: Any = None) -> str:
    """A run in a line; `positive` is the class that f1 is of, where the settings name one."""
    if handoff.version is None:
        return f"run {handoff.id}"
    return f"run {handoff.id}: version {handoff.version} registered; {_figures(handoff, positive)}"


def _figures(handoff: Handoff, positive: Any = None) -> str:
    shown = {"f1": f"f1 of {positive}"} if positive is not None else {}
    return ", ".join(
        f"{shown.get(name, name)} {value:.4f}" for name, value in handoff.metrics.items() if "." not in name
    )
