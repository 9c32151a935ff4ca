"""The policies: the pack's rules over plain properties, and by the real engine what a manifest may not ask."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from aifactory.provision.engine_output import Watcher, sentence
from infra.conventions import tags
from infra.policies import rules
from infra.providers.local import sdk
from infra.providers.local.kinds import KINDS
from tests.infra.engine import INFRA, Bench

ANYWHERE = "0.0.0.0"  # noqa: S104  given to be refused
GOOD = tags.of_platform("dev")
SERVICE = "local:index:Service"


@pytest.mark.parametrize("resource_type", ["local:index:Folder", "local:index:Service", "local:index:New"])
def test_given_all_tags_when_checked_then_nothing_is_said(resource_type: str) -> None:
    assert list(rules.mandatory_tags(resource_type, {"tags": GOOD})) == []


@pytest.mark.parametrize("missing", tags.MANDATORY)
def test_given_a_tag_missing_or_empty_when_checked_then_it_is_named_with_what_to_write(missing: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != missing}
    for given in (without, {**GOOD, missing: ""}):
        (sentence,) = rules.mandatory_tags(SERVICE, {"tags": given})
        assert missing in sentence
        assert "write tags=" in sentence


@pytest.mark.parametrize(
    "kind", [*sorted(set(KINDS) - {one.rpartition(":")[2] for one in rules.UNTAGGED}), "NobodyKnowsIt"]
)
def test_given_no_tags_when_a_resource_is_not_known_to_carry_none_then_all_are_named(kind: str) -> None:
    (sentence,) = rules.mandatory_tags(f"local:index:{kind}", {})
    assert sentence.startswith(f"tags lack {', '.join(tags.MANDATORY)}: write tags=")


@pytest.mark.parametrize("known", [*sorted(rules.UNTAGGED), "pulumi:providers:local", "aifactory:local:Workspace"])
def test_given_no_tags_when_a_resource_is_known_to_carry_none_then_nothing_is_said(known: str) -> None:
    assert list(rules.mandatory_tags(known, {})) == []


def test_given_the_kinds_then_those_known_to_carry_no_tags_are_among_them() -> None:
    assert {one.rpartition(":")[2] for one in rules.UNTAGGED} <= set(KINDS)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_given_a_loopback_address_when_checked_then_nothing_is_said(host: str) -> None:
    assert list(rules.loopback_only(SERVICE, {"host": host, "port": 21000, "command": ["x", "--host", host]})) == []


@pytest.mark.parametrize(
    "properties",
    [
        {"host": ANYWHERE, "port": 21000},
        {"host": "192.168.1.7", "port": 21000},
        {"port": 21000},
        {"host": "127.0.0.1", "port": 21000, "command": ["server", "--bind", ANYWHERE]},
        {"command": ["server", "--bind", "::"]},
        {"command": ["server", "--bind", "[::]"]},
        {"command": ["server", "--bind", "*"]},
        {"command": ["server", f"--bind={ANYWHERE}"]},
        {"command": ["server", f"{ANYWHERE}:8000"]},
        {"command": ["server", "--bind=[::]:8000"]},
    ],
)
def test_given_an_address_others_can_reach_when_checked_then_it_says_what_to_write(properties: dict[str, Any]) -> None:
    sentences = list(rules.loopback_only(SERVICE, properties))
    assert len(sentences) == 1
    assert "127.0.0.1" in sentences[0]


def test_given_another_resource_with_such_an_address_when_checked_then_nothing_is_said() -> None:
    assert list(rules.loopback_only("local:index:Folder", {"host": ANYWHERE, "port": 21000})) == []


PROD = {"data_source": "data/sample.csv"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "restricted-data-stay-in-prod": ({"data_classification": "restricted", "train_in": "dev"}, "write train_in: prod"),
    "size-of-environment": ({"dev": {**PROD, "size": "large"}}, "write small or medium"),
    "budget": ({"dev": {**PROD, "budget_month": 1}}, "write budget_month: 30.5"),
    "disk-of-home": ({"dev": {**PROD, "quotas": {"disk_gb": 1e9}}}, "write quotas: {disk_gb: "),
    "people-of-environment": (
        {"people": {"operator": [{"login": "otto", "environments": ["dev"]}]}},
        "write environments: [staging, prod]",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("policy", REFUSED)
def test_fault_50_given_a_manifest_that_asks_too_much_when_up_then_it_stops_before_creating(
    bench: Bench, manifest: str, policy: str
) -> None:
    changes, instead = REFUSED[policy]
    values = json.loads(manifest) | {key: value for key, value in changes.items() if key != "dev"}
    values["use_case"] = "greedy"
    values["environments"]["dev"] = changes.get("dev", PROD)
    stack = bench.usecase(json.dumps(values), "greedy", "dev")

    with pytest.raises(automation.CommandError) as refused:
        bench.up(stack)

    stack.workspace.remove_stack(stack.name, force=True)
    assert f"(policy {policy})" in str(refused.value)
    assert instead in str(refused.value)
    assert not (bench.home / "dev" / "greedy").exists()
    assert not (bench.home / "usecases" / "greedy.dev.json").exists()
    assert not (bench.home / "credentials" / "dev" / "greedy").exists()


@pytest.mark.slow
def test_given_a_budget_that_suffices_when_previewed_then_only_creations_are_named(bench: Bench, manifest: str) -> None:
    values = json.loads(manifest) | {"use_case": "modest"}
    values["environments"]["dev"] = {**PROD, "size": "medium", "budget_month": 60}
    stack = bench.usecase(json.dumps(values), "modest", "dev")
    foreseen = bench.preview(stack)
    stack.workspace.remove_stack(stack.name)
    assert list(foreseen) == ["create"]


@pytest.mark.slow
def test_given_a_resource_without_tags_when_up_then_the_person_reads_rule_resource_and_what_to_write(
    tmp_path: Path,
) -> None:
    own = Bench(tmp_path, Path(sys.executable))
    watcher = Watcher(print)

    def program() -> None:
        sdk.Folder("tables", path=str(tmp_path / "tables"), children=[])

    stack = own.stack_of("platform", "dev", {}, program)
    with pytest.raises(automation.CommandError) as refused:
        stack.up(on_event=watcher, policy_packs=[str(INFRA / "policies")])

    line = sentence("up", "dev", watcher.errors, refused.value)
    assert line.startswith("up dev: policy mandatory-tags, Folder tables: tags lack use_case, ")
    assert "write tags=tags.of_use_case(manifest, environment)" in line
    assert not (tmp_path / "tables").exists()
