"""What a person is asked before a release goes on, and what their approval would cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError, NeedsPerson
from aifactory_runtime.gate.labelled_window import Window
from aifactory_runtime.release import approvals, choice
from aifactory_runtime.release.approval_summary import Summary, summarize
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.machine import UNTESTED
from aifactory_runtime.release.side import Side, open_side, source_of


class ApprovalNeeded(NeedsPerson):
    """A release waits for a person; `values` holds what the message says, for programs."""

    def __init__(self, message: str, values: dict[str, Any]) -> None:
        super().__init__(message)
        self.values = values


def question(chosen: Candidate, target: Side, window: Window | None = None) -> ApprovalNeeded:
    """What waits for approval, what is known about it, and the command that approves it.

    `window` is what the newest labels of the target say, where they were asked before.
    The command names the version: a newer one may be there by the time that somebody types it.
    """
    contract, subject, summary = target.contract, approvals.subject(chosen, target.name), summarize(chosen, target)
    found = approvals.standing(contract, target.registry, chosen)
    approved = f"; {', '.join(found.given)} approved" if found.given else ""
    lines = [
        f"{chosen.name} waits for approval in {contract.environment} by {found.missing}{approved}:",
        *summary.lines(),
        *([] if window is None else [f"in {contract.environment} now: {window.sentence}"]),
        f"model sha256 {subject.model_sha256}, report sha256 {subject.report_sha256}",
    ]
    person, number = (found.awaited or contract.approvers)[0], chosen.version.number
    command = f"factory approve --env {contract.environment} --as {person} --version {number}"
    approvers = list(contract.approvers)
    known: dict[str, Any] = {"environment": contract.environment, "version": number, "approvers": approvers}
    known |= {"approved": list(found.given), "awaited": list(found.awaited), "missing": found.missing}
    values = known | {"waits_for": "approval", **asdict(subject), "summary": asdict(summary), "command": command}
    values |= {} if window is None else {"newest_labels": window.sentence}
    return ApprovalNeeded("\n  ".join(lines) + f"\nTo approve:\n  {command}", values)


def answer(
    root: Path, environment: str, number: int | None, say: Callable[[str], None]
) -> tuple[Candidate, approvals.Subject, Summary]:
    """What an approval for `environment` would be of, what it would cover now, and what is known about it.

    FactoryError for what a release would refuse as untested.
    """
    target = open_side(root, environment)
    chosen = choice.choose(open_side(root, source_of(target)), environment, number, say)
    subject = approvals.subject(chosen, environment)
    if environment == "prod" and not subject.report_sha256:
        raise FactoryError(f"{chosen.name} cannot be approved for {environment} yet: {UNTESTED}")
    return chosen, subject, summarize(chosen, target)
