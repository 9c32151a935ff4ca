"""`python -m <package> release | approve | rollback | trace`: moving a model, and asking where a prediction is from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory_runtime.config import options
from aifactory_runtime.contract import names
from aifactory_runtime.labels.commands import MEANING

if TYPE_CHECKING:
    from aifactory_runtime.release.run import Outcome
    from aifactory_runtime.release.trace import Label, LiveTest, Trace

_VERSION = click.IntRange(1, 2**31 - 1)
"""What the registry can hold: it answers larger ones as if it had broken."""
_SHORT = 12
_DIGEST = 16
"""Digits of the digest of a prediction's id in the audit log: it is checked by who has the id, and leads to nobody."""


@click.command()
@click.option(
    "--to",
    "--env",
    "target",
    type=options.ENVIRONMENTS,
    required=True,
    help="Environment; embedded needs nothing provisioned.",
)
@click.option("--version", "number", type=_VERSION, default=None, help="A version of where it comes from.")
@click.option(
    "--train", is_flag=True, help="With train_in: prod, train a candidate there with dev's code; --to staging moves it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def release(target: str, number: int | None, train: bool, as_json: bool) -> None:
    """Release a model: the newest of dev to dev or staging, what passed staging to prod. Run again after a kill.

    With train_in: prod the newest of prod goes to staging, and back to prod when it passed.
    Where `trial` of the environment says so it is tried on live requests first: see livetest.

    Exit code 3 means that it waits for an approval. Example: release --to staging
    """
    if train:
        from aifactory_runtime.release import train_in_prod

        if target == "prod":
            trained = train_in_prod.train(_root(), target, number, _say)
            _print(trained, as_json, ("was trained", "was trained before"))
            return
        if number is not None:
            raise click.UsageError("--version names what is there, --train makes a new one: give one of them")
        train_in_prod.train_first(_root(), target, _say)
    from aifactory_runtime.release import approval_question, run

    try:
        outcome = run.release(_root(), target, number, _say)
    except approval_question.ApprovalNeeded as waiting:
        if as_json:
            click.echo(json.dumps(waiting.values))
        raise
    _print(outcome, as_json, ("is served", "was served already"))


@click.command()
@click.option("--env", "environment", type=options.PROVISIONED, required=True, help="Environment.")
@click.option("--as", "person", required=True, help="Who approves; the login of this person is used.")
@click.option("--version", "number", type=_VERSION, default=None, help="The version given to release.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def approve(environment: str, person: str, number: int | None, as_json: bool) -> None:
    """Approve what a release to an environment waits for: one model with one report, and nothing else.

    Says its figures, reports, and what changed in code and data since the champion. `release` says the same before.

    Example: approve --env prod --as kim.meyer
    """
    from aifactory_runtime.config import project
    from aifactory_runtime.release import approval_question, approvals, side

    root = _root()
    approvals.check_person(project.load(root, environment).environment.contract, person)
    chosen, subject, summary = approval_question.answer(root, environment, number, _say)
    if not as_json:
        for line in summary.lines():
            click.echo(line)
    opened = side.open_side(root, environment, person)
    opened.registry.record_approval(person, subject.model_sha256, subject.report_sha256)
    opened.audit("approved", asdict(subject) | {"person": person})
    stands = approvals.standing(opened.contract, side.open_side(root, environment).registry, chosen)
    if as_json:
        said = {"person": person, "environment": environment, "missing": stands.missing, "summary": asdict(summary)}
        click.echo(json.dumps(asdict(subject) | said))
        return
    click.echo(f"{person} approves model sha256 {subject.model_sha256}")
    release = f"factory release --to {environment} --version {chosen.version.number}"
    now = f"It still takes {stands.missing}" if stands.missing else f"Now: {release}"
    click.echo(f"on the report with sha256 {subject.report_sha256}. {now}")


@click.command()
@click.option("--env", "environment", type=options.PROVISIONED, required=True, help="Environment.")
@click.option("--as", "person", required=True, help="The model validator; the login of this person is used.")
@click.option("--version", "number", type=_VERSION, default=None, help="The version whose gate it is, as of release.")
@click.option("--withdraw", default=None, metavar="WHY", help="Take your certificate back, and say why.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def certify(environment: str, person: str, number: int | None, withdraw: str | None, as_json: bool) -> None:
    """Certify the gate that judged what is to be released: releases then need no person until it changes.

    It covers the runtime and what conf/ says of the gate. With `risk: high` it takes two validators.

    Example: certify --env prod --as vera
    """
    from aifactory_runtime.release import certifying

    if withdraw is not None and number is not None:
        raise click.UsageError("--withdraw takes back whatever you certified: leave --version out")
    if withdraw is not None:
        said = certifying.withdraw(_root(), environment, person, withdraw)
        lines = [f"{person} takes the certificate back: releases to {environment} ask a person again"]
    else:
        rules, missing, said = certifying.certify(_root(), environment, person, number, _say)
        lines = [*rules.lines(), f"{person} certifies this gate for {environment}"]
        lines += [f"It still takes {missing}"] if missing else []
    click.echo(json.dumps(said) if as_json else "\n".join(lines))


@click.command()
@click.option("--env", "environment", type=options.ENVIRONMENTS, required=True, help="Environment.")
@click.option("--to", "number", type=_VERSION, default=None, help="A version that was champion there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rollback(environment: str, number: int | None, as_json: bool) -> None:
    """Bring the champion before this one back, model and code.

    Example: rollback --env prod
    """
    from aifactory_runtime.release.rollback import rollback as roll_back
    from aifactory_runtime.release.side import open_side

    _print(roll_back(open_side(_root(), environment), number), as_json, ("is served", "was served already"))


@click.command()
@click.argument("prediction_id")
@options.environment
@options.person
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the inputs; the audit log says who read them.")
def trace(prediction_id: str, environment: str | None, person: str | None, as_json: bool) -> None:
    """Say what made a prediction: model, run, commit, data, gate, approval; what came true; how its live test ended.

    Example: trace 0199f3a2-... --env prod
    """
    from aifactory_runtime.audit import reads
    from aifactory_runtime.config import credentials
    from aifactory_runtime.registry import looking
    from aifactory_runtime.release.trace import trace as follow

    project = options.project_of(environment)
    contract = project.environment.contract
    found = follow(project, looking.at(contract, credentials.of(contract, names.RELEASE)), prediction_id)
    if as_json:
        digest = hashlib.sha256(found.prediction_id.encode()).hexdigest()[:_DIGEST]
        reads.note(contract, credentials.login_of(contract, person), "trace", {"prediction_sha256": digest})
        click.echo(json.dumps(found.values()))
        return
    told = _told(found)
    width = max(len(key) for key, _ in told) + 2
    for key, value in told:
        click.echo(f"{key:<{width}}{value}")


def _told(found: Trace) -> list[tuple[str, Any]]:
    """Names and values for people, in the order of a story told backwards."""
    return [
        ("prediction", f"{found.prediction_id} in {found.environment} at {found.time}"),
        *([("not recorded", ", ".join(found.names("drop")))] if found.names("drop") else []),
        *([("as a hash", ", ".join(found.names("hash")))] if found.names("hash") else []),
        ("output", json.dumps(found.output)),
        ("model", f"{found.model} version {found.version}"),
        ("sha256", found.model_sha256),
        ("copied from", found.copied_from or "trained here"),
        ("MLflow run", f"{found.run_id} (trained in {found.training_run}, {found.kind})"),
        *([("imported", f"the folder with sha256 {found.imported}")] if found.imported else []),
        ("trained from", f"commit {found.commit}"),
        ("answered by", f"commit {found.code_commit}"),
        *((f"operations {name}", value) for name, value in found.operations.items()),
        *((f"data {name}", value) for name, value in found.data.items()),
        *(
            (f"test {name}", f"{found.metrics.get(name, 'unknown')} (baseline {found.baseline.get(name, 'unknown')})")
            for name in {**found.metrics, **found.baseline}
        ),
        *([("figures", found.remark)] if found.remark else []),
        ("gate report", found.gate_sha256 or "none"),
        ("test report", found.integration_sha256 or "none: it was not tested in staging"),
        ("approved by", found.approved_by or "nobody: no approval was required"),
        *([("live test", _of_test(found.live_test))] if found.live_test else []),
        *([("label", _of_label(one)) for one in found.labels] or [("label", "none yet")]),
    ]


def _of_test(test: LiveTest) -> str:
    ended = f"{test.verdict} on {test.ended} ({test.why})" if test.verdict else "it has not ended"
    return f"{test.id}: the {test.arm}'s turn, answered by the {test.answered_by}; {ended}"


def _of_label(label: Label) -> str:
    kpi = "" if label.kpi is None else f", KPI {label.kpi:g}"
    by = label.by or "a caller whose name nobody asked"
    return f"{json.dumps(label.label)}{kpi}, of {label.time}, from {by}: {MEANING[label.state]}"


def _root() -> Path:
    from aifactory_runtime.config.project import find_root

    return find_root(Path.cwd())


def _say(message: str) -> None:
    click.echo(message, err=True)


def _print(outcome: Outcome, as_json: bool, done_or_not: tuple[str, str]) -> None:
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
        return
    if outcome.live_test is not None:
        click.echo(
            f"version {outcome.version} is tried on live requests in {outcome.environment} (test {outcome.live_test}); "
            f"how it stands: livetest --env {outcome.environment}"
        )
        return
    done = done_or_not[0 if outcome.changed else 1]
    click.echo(
        f"version {outcome.version} {done} in {outcome.environment} "
        f"(sha256 {outcome.model_sha256[:_SHORT]}, commit {outcome.commit[:_SHORT]})"
    )
