"""Runs steps in order under the environment's lock, saving the handoff after each; and begins or resumes a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, replace

from aifactory_runtime.errors import ClusterLost, FactoryError
from aifactory_runtime.pipeline import (
    data_steps,
    exclusive,
    executing,
    made_up,
    model_steps,
    prepare,
    resuming,
    run_folder,
    training_rights,
)
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff, Kind
from aifactory_runtime.pipeline.reproduction import earlier_training
from aifactory_runtime.registry import skops_file

_LOG = logging.getLogger("aifactory.cluster")
Step = Callable[[Context, Handoff], Handoff]
STEPS: dict[str, Step] = {
    "ingest": data_steps.ingest,
    "validate": data_steps.validate,
    "prepare": prepare.prepare,
    "train": model_steps.train,
    "evaluate": model_steps.evaluate,
    "register": model_steps.register,
}


def run(
    context: Context,
    names: Sequence[str],
    *,
    run_id: str | None,
    kind: Kind,
    say: Callable[[str], None],
    again: bool = True,
    new_reference: bool = False,
    request: str | None = None,
    steps: Mapping[str, Step] = STEPS,
) -> Handoff:
    """Run the named `steps`; without `run_id` a new run begins. FactoryError when another pipeline holds the lock.

    Unless `again`, training stops before it begins when an earlier run made the same: that one is returned. With
    `new_reference` a new run freezes its test rows anew, and is judged by them whatever was made before.
    """
    training_rights.check(context.contract)
    _ = context.login  # a login that cannot be used is said now, not after the data steps
    with (
        exclusive.held(context.artifacts),
        run_folder.copied(context.artifacts),
        executing.kept(context),
        ThreadPoolExecutor(1) as thread,
    ):
        opened: list[Future[object]] = []
        if "train" in names:  # after the lock: it takes seconds, and a loser leaves at once
            skops_file.import_early()
            if steps["train"] is model_steps.train:
                context.project.science.model()  # a package that is missing is said before the data is read
            opened.append(thread.submit(getattr, context, "registry"))  # imported while data is read
        handoff = _begin(context, kind, new_reference, request) if run_id is None else _resume(context, run_id)
        whole: frozenset[str] = frozenset()
        for name in names:
            if name in whole:
                say(name)
                continue
            if name == "train":
                wait(opened)  # should it have failed, the step meets the same error
            made_anew = again or handoff.new_reference
            if name == "train" and not made_anew and (before := earlier_training.find(context, handoff)):
                run_folder.drop(context.artifacts, handoff.id)
                return before
            try:
                handoff = steps[name](context, handoff)
            except BaseException as error:  # neither a bug nor Ctrl-C may leave the tracking run running
                lost_at = name if isinstance(error, ClusterLost) else None
                _mark_failed(context, replace(handoff, lost_at=lost_at), error)
                raise
            handoffs.save(context.artifacts, handoff)
            if name == names[0] and run_id is None:
                handoff, whole = resuming.adopted(context.artifacts, handoff, names)
                if whole:
                    _LOG.warning("run %s goes on where its cluster went away", handoff.id)
            say(name)
    return handoff


def _mark_failed(context: Context, handoff: Handoff, error: BaseException) -> None:
    """Say it in the handoff, and end the tracking run as failed, if there is one and the server answers.

    The first error is the one to show. Of a bug only its kind is kept: its words may hold data. Ctrl-C leaves the run
    not finished.
    """
    if isinstance(error, Exception):
        line = str(error).partition("\n")[0] if isinstance(error, FactoryError) else type(error).__name__
        with suppress(FactoryError):
            handoffs.save(context.artifacts, replace(handoff, error=line))
    if handoff.mlflow_run is not None:
        with suppress(FactoryError):
            context.registry.finish_run(handoff.mlflow_run, failed=True)


def _begin(context: Context, kind: Kind, new_reference: bool, request: str | None = None) -> Handoff:
    """A new run. What no commit holds is an experiment, whatever was asked: nobody could retrain it again."""
    made_from = context.made_from
    handoff = Handoff(
        id=handoffs.new_id(),
        kind="experiment" if made_from.dirty else kind,
        commit=made_from.commit,
        dirty=made_from.dirty,
        code_sha256=made_from.code_sha256,
        lock_sha256=made_from.lock_sha256,
        science_sha256=made_from.science.sha256,
        numeric=made_from.science.numeric,
        operations=asdict(made_from.operations),
        new_reference=new_reference,
        made_up=made_up.used(context.project),
        request=request,
    )
    handoffs.save(context.artifacts, handoff)
    return handoff


def _resume(context: Context, run_id: str) -> Handoff:
    """The run's handoff; FactoryError when the code is no longer what the run began with."""
    handoff = handoffs.find(context.artifacts, context.tables, run_id)
    made_from = context.made_from
    if (handoff.code_sha256, handoff.lock_sha256) != (made_from.code_sha256, made_from.lock_sha256):
        raise FactoryError(f"code or lock changed since run {run_id} began: start again with ingest")
    return replace(handoff, error=None, lost_at=None)
