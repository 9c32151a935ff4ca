"""`factory up` on an emulated AWS where something is already: what destroy left, what a killed run made, another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aifactory import emulation
from aifactory.home import Home
from aifactory.provision import run, stacks
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError
from infra.components.aws import identities
from infra.components.aws.outputs import PlatformOutputs
from infra.providers.emulated.aws.cloud import Cloud
from infra.providers.emulated.world import Thing, World
from tests.clouds.infra.test_use_case import ACCOUNT, MANIFEST, PLATFORM, REGION, changed

pytestmark = pytest.mark.slow
BUCKET = f"audit--churn-dev-{ACCOUNT}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Where an emulated AWS is, with nothing in it."""
    monkeypatch.setenv(emulation.VARIABLE, "1")
    return Home(tmp_path).of("aws")


def stack(home: Home, manifest: dict[str, Any]) -> stacks.Stack:
    """The use case in dev."""
    platform = PlatformOutputs.model_validate({**PLATFORM, "environment": "dev"})
    return stacks.cloud_usecase(Manifest.model_validate(manifest), "dev", home, platform)


def cut_short(home: Home, name: str) -> None:
    """Leave the state as an engine that was killed while it made `name`: begun, and nothing known of the end."""
    path = home.state / ".pulumi" / "stacks" / stacks.USECASE / "churn.dev.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    state = record["checkpoint"]["latest"]
    made = next(one for one in state["resources"] if one["urn"].endswith(f"::{name}"))
    state["resources"].remove(made)
    begun = {key: value for key, value in made.items() if key not in {"id", "outputs"}}
    state["pending_operations"] = [{"resource": begun, "type": "creating"}]
    path.write_text(json.dumps(record), encoding="utf-8")


def test_given_what_destroy_left_and_a_killed_run_made_when_up_then_it_is_adopted_and_what_differs_changed(
    home: Home,
) -> None:
    said: list[str] = []
    made = stack(home, MANIFEST)
    run.run("up", made, home, said.append)
    run.run("destroy", made, home, said.append)
    said.clear()
    later = stack(home, changed("environments.dev.retention.audit_days", 500))
    run.run("up", later, home, said.append)
    assert [line for line in said if "adopted" in line] == [
        f"  adopted Bucket audit-log-bucket: {BUCKET} was left by an earlier run",
        f"  adopted BucketPolicy audit-log-policy: {BUCKET} was left by an earlier run",
    ]
    bucket = next(thing for thing in World(home.root / "world").things() if thing.token == "aws-native:s3:Bucket")
    assert bucket.inputs["objectLockConfiguration"]["rule"]["defaultRetention"]["days"] == 500

    cut_short(home, "workspace-logs")
    said.clear()
    run.run("up", later, home, said.append)
    assert "  adopted LogGroup workspace-logs: /aifactory/churn/dev was left by an earlier run" in said
    assert run.run("preview", later, home, said.append).same


def test_given_anothers_of_the_same_name_when_up_then_it_is_not_adopted(home: Home) -> None:
    home.prepare()
    name = "/aifactory/churn/dev"
    thing = Thing("aws-native:logs:LogGroup", f"{ACCOUNT}.{REGION}", name, name, "somebody", {"logGroupName": name})
    World(home.root / "world").make(thing)
    with pytest.raises(FactoryError, match="AlreadyExists: aws-native:logs:LogGroup /aifactory/churn/dev belongs to"):
        run.run("up", stack(home, MANIFEST), home, print)


def test_given_kinds_known_by_their_names_when_asked_then_that_is_their_whole_id_by_the_vendors_schemas() -> None:
    cloud = Cloud()
    for kind, key in identities.NAMED_BY.items():
        assert cloud.kind(kind, cloud.place({"region": REGION})).identity({key: "name"}) == "name"
    assert identities.of("aws-native:sns:Topic", {"topicName": "churn"}) is None
