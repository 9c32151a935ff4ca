"""What the audit log of the environment that trained a candidate said of it when it was registered there.

In dev people may change tags; a line of the log is chained, and its head is kept where the log's writers cannot write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aifactory_runtime.audit import checking
from aifactory_runtime.config import project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.registration import REGISTER
from aifactory_runtime.registry.port import COMMIT, DIRTY, GATE, GATE_PASSED, MODEL_SHA256, PREFIX, REPORT_SHA256
from aifactory_runtime.release import tags
from aifactory_runtime.release.candidate import Candidate

_PROVEN = (MODEL_SHA256, COMMIT, DIRTY, GATE, REPORT_SHA256)
"""Which model, from what, and the gate's verdict with its report."""


def line(chosen: Candidate) -> Mapping[str, Any]:
    """Facts of the line `register`, which name the candidate's model, commit, and a verdict of the gate that it passed.

    FactoryError when there is no such line, the log does not hold, or the version's tags say something else.
    """
    contract, number = _place(chosen)
    where = f"the audit log of {contract.environment}"
    try:
        checked = checking.check(contract)
    except OSError as error:
        raise FactoryError(f"{where} cannot be read here ({error.strerror})") from None
    if checked.problem:
        raise FactoryError(f"{where} does not hold: {checked.problem}")
    said = facts_of(checked.entries, number)
    if not said:
        raise FactoryError(f"{where} has no line {REGISTER} of version {number}")
    for facts in said:
        _check(where, facts, {**chosen.version.tags, MODEL_SHA256: chosen.sha256})
    return said[-1]


def facts_of(entries: Iterable[Mapping[str, Any]], number: int) -> list[Mapping[str, Any]]:
    """What the lines `register` of a log say of a version, oldest first."""
    lines = (entry["facts"] for entry in entries if entry["action"] == REGISTER)
    return [facts for facts in lines if facts.get("version") == number]


def _check(where: str, facts: Mapping[str, Any], found: Mapping[str, str]) -> None:
    for key in _PROVEN:
        name = key.removeprefix(PREFIX)
        if key not in facts:
            raise FactoryError(f"the line {REGISTER} in {where} names no {name}: it is from before that was recorded")
        if facts[key] != found.get(key):
            raise FactoryError(f"the line {REGISTER} in {where} names another {name} than the version's tags")
    if facts[GATE] != GATE_PASSED or facts[DIRTY] != "false":
        raise FactoryError(f"the line {REGISTER} in {where} is not of committed files that the gate let pass")


def _place(chosen: Candidate) -> tuple[EnvironmentContract, int]:
    """The environment that trained it, and its number there; FactoryError when that is not known here."""
    source, version = chosen.source, chosen.version
    trained_in, _ = version.trained(source.name)
    if trained_in == source.name:
        return source.contract, version.number
    name, _, number = version.tags.get(tags.FROM, "").partition("/")
    if name != trained_in or not number.isdecimal():
        raise FactoryError(f"it was trained in {trained_in}, but not copied from there")
    return project.load(source.project.root, trained_in).environment.contract, int(number)
