"""`python -m <package> import-model | reproduce`: a model from elsewhere into the gate; a model made once more."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from aifactory_runtime.errors import FactoryError

_SHORT = 12


@click.command("import-model")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the handoff as JSON.")
def import_model(folder: Path, as_json: bool) -> None:
    """Judge and register a model that was trained elsewhere: an MLflow model FOLDER.

    It takes the place of training: data steps, gate and registration are those of run. The model must take what
    features.py returns. scikit-learn comes as skops, XGBoost and LightGBM in their own formats; a pickle is refused.

    Example: import-model ~/models/churn
    """
    from aifactory_runtime import stdout
    from aifactory_runtime.pipeline.commands import open_context, say, say_made_up, summary
    from aifactory_runtime.pipeline.progress import Clock
    from aifactory_runtime.pipeline.run import STEPS, run
    from aifactory_runtime.pipeline.training import adopt
    from aifactory_runtime.quota.guard import within

    steps, context = {**STEPS, "train": adopt.step(folder.resolve())}, open_context()
    with stdout.kept(as_json), within(context.contract, "import-model", say), Clock(tuple(steps)) as clock:
        handoff = run(context, tuple(steps), run_id=None, kind="experiment", say=clock, steps=steps)
    if as_json:
        click.echo(json.dumps(asdict(handoff)))
        return
    click.echo(summary(handoff))
    say_made_up(handoff)


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reproduce(run: str, as_json: bool) -> None:
    """Make the model of an earlier RUN once more and compare; exit 1 when the bytes differ.

    RUN is the id that the pipeline printed, or that of the MLflow run. It is trained from a checkout of its commit, on
    its data versions, with the environment of its lock where that is to be had. Nothing is registered.

    Example: reproduce 20260101-120000-a1b2c3
    """
    from aifactory_runtime.pipeline.commands import open_context, say
    from aifactory_runtime.pipeline.reproduction import reproduce as reproducing
    from aifactory_runtime.quota.guard import within

    context = open_context()
    with within(context.contract, "reproduce", say):
        found = reproducing.reproduce(context, run, say)
    if as_json:
        click.echo(json.dumps({**asdict(found), "same": found.same}))
    elif found.same:
        served = f", served with the code of commit {found.served_with[:_SHORT]}" if found.served_with else ""
        trained = f"trained from commit {found.commit[:_SHORT]}{served}"
        click.echo(f"run {found.run}: the same model again (sha256 {found.model_sha256[:_SHORT]}), {trained}")
    if not found.same:
        files = ", ".join(found.differs) or "the folder of the run is gone, so nobody knows which files"
        lock = "" if found.same_lock else "; the lock differs too"
        raise FactoryError(
            f"run {found.run}: another model (sha256 {found.again_sha256[:_SHORT]}, the run's is "
            f"{found.model_sha256[:_SHORT]}); what differs: {files}{lock}"
        )
