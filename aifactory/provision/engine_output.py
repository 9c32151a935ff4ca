"""What the engine's events say to people: changes as they happen, and one line for a failure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from aifactory_runtime.errors import FactoryError

Say = Callable[[str], None]

_VERBS = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}
_STACK = "pulumi:pulumi:Stack"
_ENGINES_OWN = "pulumi:"
"""Types of the engine's own records, such as stacks and providers; nobody asked for them."""
_QUIET = {"same", "read", "refresh"}


class Watcher:
    """Listens to the engine's events: names changes as they happen, keeps what went wrong and what came out."""

    def __init__(self, say: Say) -> None:
        self.errors: list[str] = []
        self.changed: list[str] = []
        self.counts: dict[str, int] = {}
        self.outputs: dict[str, Any] = {}
        self._say = say
        self._started: dict[str, float] = {}

    def __call__(self, event: Any) -> None:
        """Take one event of the engine."""
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            self._started[metadata.urn] = time.monotonic()
            self._note(metadata, event.resource_pre_event.planning)
        if event.res_outputs_event and event.res_outputs_event.planning:
            self._note_drift(event.res_outputs_event.metadata)
        elif event.res_outputs_event:
            self._finish(event.res_outputs_event.metadata)
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            self.errors.append(event.diagnostic_event.message.strip())
        if event.policy_event and event.policy_event.enforcement_level == "mandatory":
            self.errors.append(_violation(event.policy_event))
        if event.summary_event:
            changes = event.summary_event.resource_changes
            self.counts = {str(getattr(op, "value", op)): count for op, count in changes.items()}

    def _note(self, metadata: Any, planning: bool) -> None:
        operation = _operation(metadata)
        if operation not in _QUIET and not metadata.type.startswith(_ENGINES_OWN):
            line = f"{operation} {_label(metadata.urn)}{_details(metadata)}"
            if line not in self.changed:
                self.changed.append(line)
                if planning:
                    self._say(f"  {line}")

    def _note_drift(self, metadata: Any) -> None:
        """What a previewed refresh read; it tells only here which values differ from those applied."""
        operation = _operation(metadata)
        differs = operation == "delete" or (operation == "update" and metadata.detailed_diff)
        if differs and not metadata.type.startswith(_ENGINES_OWN):
            found = (metadata.new.outputs or {}) if operation == "update" and metadata.new else {"status": "missing"}
            values = [f"{key}: {found[key]}" for key in sorted(metadata.detailed_diff or {"status"}) if key in found]
            line = f"{_label(metadata.urn)} ({', '.join(values)})"
            if not any(line.split(" (", maxsplit=1)[0] in known for known in self.changed):
                self.changed.append(line)
                self._say(f"  {line}")

    def _finish(self, metadata: Any) -> None:
        if metadata.type == _STACK and metadata.new is not None:
            self.outputs = dict(metadata.new.outputs or {})
        operation = _operation(metadata)
        if operation in _QUIET or metadata.type.startswith(_ENGINES_OWN):
            return
        seconds = time.monotonic() - self._started.get(metadata.urn, time.monotonic())
        self._say(f"  {_VERBS.get(operation, operation)} {_label(metadata.urn)} {seconds:.1f} s")


def _violation(event: Any) -> str:
    """Rule, resource and sentence of a violation in one line; the engine puts the rule's description before them."""
    lines = [line.strip() for line in event.message.splitlines() if line.strip()]
    where = f", {_label(event.resource_urn)}" if event.resource_urn else ""
    return f"policy {event.policy_name}{where}: {' '.join(lines[1:] or lines)}"


def _operation(metadata: Any) -> str:
    return str(getattr(metadata.op, "value", metadata.op))


def _label(urn: str) -> str:
    """`urn:pulumi:dev::p::a$local:index:Folder::tables` -> `Folder tables`."""
    parts = urn.split("::")
    kind = parts[2].rsplit("$", 1)[-1].rsplit(":", 1)[-1] if len(parts) > 2 else urn  # noqa: PLR2004
    return f"{kind} {parts[-1]}"


def _details(metadata: Any) -> str:
    keys = sorted(metadata.detailed_diff or {}) if getattr(metadata, "detailed_diff", None) else []
    return f" ({', '.join(keys)})" if keys else ""


_PASSPHRASE = re.compile(
    r"incorrect passphrase|passphrase must be set|no such file.*passphrase|PASSPHRASE_FILE: open", re.IGNORECASE
)
_NO_BUCKET = re.compile(r"could not list bucket.*(NoSuchBucket|NotFound)", re.IGNORECASE | re.DOTALL)
_LOCKED = re.compile(r"currently locked by", re.IGNORECASE)


def sentence(action: str, stack: str, errors: list[str], error: Exception) -> str:
    """One line for a failed action: what the engine or a plugin said first, and how to go on."""
    text = str(error)
    if _PASSPHRASE.search(text):
        return f"{stack}: the passphrase does not open this state; nothing was changed: restore FACTORY_HOME/passphrase"
    if _NO_BUCKET.search(text):
        return f"{stack}: the bucket of the engine's state is not there: factory bootstrap aws makes it"
    if _LOCKED.search(text):
        return f"{stack}: another machine or process works on this state; wait for it and run the command again"
    said = [line for entry in errors for line in entry.splitlines() if line.strip()]
    if isinstance(error, FactoryError):
        said = [str(error)]
    if not said:
        said = [line for line in text.splitlines() if "error:" in line.lower()] or text.strip().splitlines()[-1:]
    reason = re.sub(r"^error:\s*", "", said[0].strip()) if said else type(error).__name__
    return f"{action} {stack}: {reason}"
