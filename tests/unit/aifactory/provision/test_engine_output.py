"""What the engine's events become: names of changes, of drift, and one line for a failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aifactory.provision.engine_output import Watcher, sentence

KINDS = ("resource_pre_event", "res_outputs_event", "diagnostic_event", "policy_event", "summary_event")
URN = "urn:pulumi:dev::aifactory-platform::aifactory:local:Workspace$local:index:Folder::tables"


def event(**given: Any) -> SimpleNamespace:
    """An engine event with one of its kinds set."""
    return SimpleNamespace(**{kind: given.get(kind) for kind in KINDS})


def metadata(operation: str, kind: str = "local:index:Folder", diff: dict[str, Any] | None = None, **new: Any) -> Any:
    """A step's metadata; `new` are the outputs after it."""
    return SimpleNamespace(op=operation, urn=URN, type=kind, detailed_diff=diff or {}, new=SimpleNamespace(outputs=new))


def watched(*events: SimpleNamespace) -> tuple[Watcher, list[str]]:
    """A watcher that took the events, and what it said."""
    said: list[str] = []
    watcher = Watcher(said.append)
    for one in events:
        watcher(one)
    return watcher, said


def step(operation: str, *, planning: bool = False, **more: Any) -> SimpleNamespace:
    """A resource's step begins."""
    return event(resource_pre_event=SimpleNamespace(metadata=metadata(operation, **more), planning=planning))


def done(operation: str, *, planning: bool = False, **more: Any) -> SimpleNamespace:
    """A resource's step is done."""
    return event(res_outputs_event=SimpleNamespace(metadata=metadata(operation, **more), planning=planning))


def test_given_a_creation_when_watched_then_it_is_named_with_its_seconds() -> None:
    watcher, said = watched(step("create"), done("create"))

    assert watcher.changed == ["create Folder tables"]
    assert said == ["  created Folder tables 0.0 s"]


@pytest.mark.parametrize("operation", ["same", "read", "refresh"])
def test_given_nothing_to_change_when_watched_then_nothing_is_said(operation: str) -> None:
    watcher, said = watched(step(operation), done(operation))

    assert (watcher.changed, said) == ([], [])


def test_given_the_engines_own_records_when_watched_then_they_are_not_counted() -> None:
    watcher, _ = watched(step("create", kind="pulumi:providers:local"), step("create", kind="pulumi:pulumi:Stack"))

    assert watcher.changed == []


def test_given_a_planned_update_when_watched_then_its_keys_are_named() -> None:
    watcher, said = watched(step("update", planning=True, diff={"port": 1, "host": 1}))

    assert watcher.changed == ["update Folder tables (host, port)"]
    assert said == ["  update Folder tables (host, port)"]


def test_given_drift_when_read_then_the_value_found_is_named() -> None:
    watcher, _ = watched(done("update", planning=True, diff={"status": 1}, status="missing: audit", path="/x"))

    assert watcher.changed == ["Folder tables (status: missing: audit)"]


def test_given_a_resource_that_is_gone_when_read_then_it_is_missing() -> None:
    watcher, _ = watched(done("delete", planning=True))

    assert watcher.changed == ["Folder tables (status: missing)"]


def test_given_a_stack_that_is_done_when_watched_then_its_outputs_and_counts_are_kept() -> None:
    stack = done("same", kind="pulumi:pulumi:Stack", tracking_uri="http://127.0.0.1:1")
    watcher, _ = watched(stack, event(summary_event=SimpleNamespace(resource_changes={"same": 3})))

    assert watcher.outputs == {"tracking_uri": "http://127.0.0.1:1"}
    assert watcher.counts == {"same": 3}


@pytest.mark.parametrize(
    ("message", "urn", "expected"),
    [
        (
            "Loopback only.\nhost is 0.0.0.0: write 127.0.0.1\n",
            URN,
            ", Folder tables: host is 0.0.0.0: write 127.0.0.1",
        ),
        ("Loopback only.\nhost is x:\nwrite y", URN, ", Folder tables: host is x: write y"),
        ("write 127.0.0.1\n", None, ": write 127.0.0.1"),
    ],
)
def test_given_a_policy_violation_when_watched_then_rule_resource_and_what_to_write_are_in_the_sentence(
    message: str, urn: str | None, expected: str
) -> None:
    violation = SimpleNamespace(
        policy_name="loopback-only", message=message, enforcement_level="mandatory", resource_urn=urn
    )
    watcher, _ = watched(event(policy_event=violation))

    line = sentence("up", "dev", watcher.errors, RuntimeError("long text"))

    assert line == f"up dev: policy loopback-only{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("error: incorrect passphrase", "passphrase does not open this state"),
        ("the stack is currently locked by 1 lock(s)", "another machine or process"),
        ("stderr: something\nerror: no space left", "up dev: no space left"),
        ("", "up dev: RuntimeError"),
    ],
)
def test_given_an_engine_failure_when_told_then_it_is_one_line(text: str, expected: str) -> None:
    line = sentence("up", "dev", [], RuntimeError(text))

    assert expected in line
    assert "\n" not in line
