"""What a candidate's registration said of it: the line of the audit log counts, as people may change tags in dev."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.config import project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import registered
from aifactory_runtime.release.candidate import Candidate
from tests.unit.runtime.release.test_approvals import prod

SAID = {
    "aifactory.model_sha256": "a" * 64,
    "aifactory.commit": "c" * 40,
    "aifactory.dirty": "false",
    "aifactory.gate": "passed",
    "aifactory.gate_sha256": "b" * 64,
}


def trained(tmp_path: Path, facts: dict[str, Any] | None = None) -> Any:
    """The contract of the environment that trained version 3, whose registration said `facts`."""
    audit = tmp_path / "audit"
    log.append(audit, "register", "ana", {"version": 2, **SAID, "aifactory.gate": "refused"})
    if facts is not None:
        log.append(audit, "register", "ana", {"version": 3, **facts})
    return prod(tmp_path).model_copy(update={"environment": "embedded", "audit_uri": str(audit)})


def candidate(contract: Any, **tags: str) -> Candidate:
    """Version 3 of where it was trained, with other `tags` than its registration wrote."""
    found = SAID | {f"aifactory.{key}": value for key, value in tags.items()}
    source: Any = SimpleNamespace(name="embedded", contract=contract)
    return Candidate(source, Version(3, found["aifactory.model_sha256"], "run", found))


def test_given_a_line_that_agrees_with_the_tags_when_asked_then_its_facts(tmp_path: Path) -> None:
    found = registered.line(candidate(trained(tmp_path, {**SAID, "aifactory.not_compared": "why"})))

    assert (found["version"], found["aifactory.not_compared"]) == (3, "why")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model_sha256": "f" * 64}, "model_sha256"),
        ({"commit": "f" * 40}, "commit"),
        ({"gate_sha256": "f" * 64}, "gate_sha256"),
        ({"gate": "refused"}, "gate"),
        ({"dirty": "true"}, "dirty"),
    ],
)
def test_given_a_tag_that_somebody_changed_when_asked_then_it_says_which(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    contract = trained(tmp_path, SAID)

    with pytest.raises(FactoryError, match=f"names another {named} than the version's tags"):
        registered.line(candidate(contract, **changed))


@pytest.mark.parametrize("key", ["gate", "dirty"])
def test_given_tags_changed_to_what_the_line_says_when_it_never_passed_then_it_is_no_proof(
    tmp_path: Path, key: str
) -> None:
    value = {"gate": "refused", "dirty": "true"}[key]
    contract = trained(tmp_path, {**SAID, f"aifactory.{key}": value})

    with pytest.raises(FactoryError, match="not of committed files that the gate let pass"):
        registered.line(candidate(contract, **{key: value}))


def test_given_no_line_or_an_older_one_when_asked_then_it_says_so(tmp_path: Path) -> None:
    older = {key: value for key, value in SAID.items() if key != "aifactory.gate"}

    with pytest.raises(FactoryError, match="has no line register of version 3"):
        registered.line(candidate(trained(tmp_path / "none")))
    with pytest.raises(FactoryError, match="names no gate: it is from before that was recorded"):
        registered.line(candidate(trained(tmp_path / "older", older)))


def test_given_a_line_that_was_rewritten_when_asked_then_the_log_does_not_hold(tmp_path: Path) -> None:
    contract = trained(tmp_path, {**SAID, "aifactory.gate": "refused"})
    path = tmp_path / "audit" / log.FILE
    path.write_text(path.read_text().replace("refused", "passed"))

    with pytest.raises(FactoryError, match=r"the audit log of embedded does not hold: line 1 .* was rewritten"):
        registered.line(candidate(contract))


def test_given_a_copy_when_asked_then_the_log_of_where_it_was_trained_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = trained(tmp_path, SAID)
    known = {"dev": SimpleNamespace(environment=SimpleNamespace(contract=contract))}
    monkeypatch.setattr(project, "load", lambda _, name: known[name])
    source: Any = SimpleNamespace(name="staging", project=SimpleNamespace(root=tmp_path))
    copied = {**SAID, "aifactory.training_run": "dev/run"}

    found = registered.line(Candidate(source, Version(1, "a" * 64, "run", {**copied, "aifactory.from": "dev/3"})))

    assert found["version"] == 3
    with pytest.raises(FactoryError, match="trained in dev, but not copied from there"):
        registered.line(Candidate(source, Version(1, "a" * 64, "run", copied)))
