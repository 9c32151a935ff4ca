"""`train_in: prod`: code moves, not models. A commit that passed the gate in dev is trained in prod, on prod's data."""

from __future__ import annotations

import json
from pathlib import Path

from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.authors import GIVEN
from aifactory_runtime.release import authors, candidate, choice, code_history, released
from aifactory_runtime.release.run import Outcome, Say
from aifactory_runtime.release.side import open_side, source_of


def train(root: Path, environment: str, number: int | None, say: Say) -> Outcome:
    """Train in `environment` with the code of version `number` of dev, or of dev's newest; the candidate it registers.

    Nothing of dev's model moves: its version says which commit is committed, locked and let pass by the gate on dev's
    data. UsageProblem where the environment, as applied, does not train.
    """
    target = open_side(root, environment)
    target.refuse_retired()
    if environment != "prod" or target.contract.train_in != "prod":
        raise UsageProblem(
            f"--train is for prod with train_in: prod; {environment} was applied with train_in: "
            f"{target.contract.train_in}: write it in factory.yaml, then factory up prod"
        )
    chosen = choice.choose(open_side(root, "dev"), "dev", number, say)
    reason = candidate.misfit(chosen) or candidate.gate_refusal(chosen, say)
    if reason:
        raise FactoryError(f"the code of version {chosen.version.number} of dev may not train in prod: {reason}")
    say(f"{environment}: make the snapshot of code and environment")
    lock = code_history.lock(target, chosen.version, chosen.commit)
    target.snapshots.prepare(chosen.commit, lock)
    facts = {
        "commit": chosen.commit,
        "code_sha256": code_history.code(target, chosen.version, chosen.commit),
        "vouched_by": f"dev/{chosen.version.number}",
    }
    target.audit("training started", facts)
    before = {version.number for version in target.registry.versions()}
    say(f"{environment}: train, as {names.RELEASE}")
    package = target.project.manifest.package
    command = (package, "run", "--kind", "retraining", "--json")
    people = authors.of(chosen)
    variables = {GIVEN: " ".join(sorted(people))} if people else {}
    said = json.loads(released.run(target, chosen.commit, names.RELEASE, *command, show=True, variables=variables))
    version = target.registry.version(int(said["version"]))
    is_new = version.number not in before  # equal data and code give the version that was there
    return Outcome(target.name, version.number, version.model_sha256, chosen.commit, is_new)


def train_first(root: Path, environment: str, say: Say) -> None:
    """Train what a release to `environment` will move, where that is not dev's own candidate."""
    if source_of(open_side(root, environment)) == "prod":
        train(root, "prod", None, say)
