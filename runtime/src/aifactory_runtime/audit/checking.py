"""Checks an environment's audit log: its chain, then what is anchored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import anchors, log
from aifactory_runtime.audit.anchors import Comparison
from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.config import credentials
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import looking
from aifactory_runtime.registry.port import Head


@dataclass(frozen=True)
class Checked:
    """What was found; `compared` is None where the chain is broken, nothing anchors the log, or nobody could say."""

    chain: Verification
    entries: Sequence[Mapping[str, Any]]
    """The lines, where they hold."""
    compared: Comparison | None
    unread: str | None
    """Why what is anchored could not be read."""
    heads: Sequence[Head] = ()
    """What is anchored."""

    @property
    def problem(self) -> str | None:
        """What is not as it was: the first line that does not fit, and what still holds."""
        if self.chain.problem is not None:
            return f"{self.chain.problem}; the {self.chain.lines} lines before it hold"
        if self.compared is not None and self.compared.problem is not None:
            return f"{self.compared.problem}; up to line {self.compared.line} it is as it was"
        return None

    def unanchored(self, environment: str) -> str | None:
        """Why the log of this environment was compared with nothing; None when it was, or its chain is broken."""
        if self.compared is not None or self.chain.problem is not None:
            return None
        if self.unread is not None:
            return self.unread
        if environment == names.EMBEDDED:
            return "with nothing provisioned, nobody else keeps the head"
        return "the platform is of an earlier release: factory up --platform"


def check(contract: EnvironmentContract) -> Checked:
    """Walk the chain and compare it with all heads that are anchored."""
    heads, unread = _anchored(contract)  # first: what is anchored later may be of lines that are written later
    folder = Path(contract.audit_uri)
    chain = log.verify(folder)
    entries = log.read(folder)[: chain.lines] if chain.problem is None else []
    compared = anchors.compare(entries, heads) if chain.problem is None and heads is not None else None
    return Checked(chain, entries, compared, unread, heads or ())


def _anchored(contract: EnvironmentContract) -> tuple[Sequence[Head] | None, str | None]:
    """What is anchored of the log, and why that cannot be read; None where nobody anchors anything."""
    if contract.environment == names.EMBEDDED:
        return None, None
    try:
        return looking.at(contract, credentials.of(contract)).anchored(), None
    except FactoryError as error:
        return None, str(error)
