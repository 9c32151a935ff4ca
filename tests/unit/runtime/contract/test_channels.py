"""`notify` of an environment: what it may say; what is secret is named by its file and repeated by no error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory.provision import contract_formats
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import EnvironmentContract, Manifest, derived
from aifactory_runtime.errors import UsageProblem
from tests.unit.runtime.contract.test_manifest import changed
from tests.unit.runtime.release.parts import contract

MAIL = {"kind": "email", "server": "mail.example.com", "sender": "factory@example.com", "recipients": ["a@example.com"]}
HOOK = {"kind": "webhook", "address_file": "~/.secrets/hook"}
GOOD = [
    {"name": "log", "kind": "file", "path": "/var/log/churn.jsonl"},
    {"name": "team-chat", **HOOK, "form": "teams"},
    {"name": "mail", **MAIL, "login": "factory", "password_file": "/etc/factory/smtp"},
]


def test_given_channels_when_applied_then_the_contract_says_them_also_as_text_and_without_them_nobody_is_told() -> None:
    manifest = Manifest.model_validate(changed("environments.prod.notify", GOOD))
    applied = derived.from_manifest(manifest, "prod")["notify"]
    said = contract("prod", notify=applied)
    assert said.notify == manifest.settings("prod").notify
    assert [one.name for one in said.notify] == ["log", "team-chat", "mail"]
    lines = contract_formats.as_github(said.model_dump(mode="json", exclude_none=True)).splitlines()
    (text,) = (line.partition("=")[2] for line in lines if line.startswith("AIFACTORY_NOTIFY="))
    assert EnvironmentContract.model_validate({**said.model_dump(), "notify": text}) == said
    assert manifest.settings("dev").notify == contract("prod").notify == ()


@pytest.mark.parametrize(
    ("channel", "says"),
    [
        ({"name": "x", **HOOK, "address_file": "https://hooks.example.com/s3cret"}, "write the path of a file"),
        ({"name": "x", **HOOK, "address": "https://hooks.example.com/s3cret"}, "unknown key"),
        ({"name": "x", **MAIL, "password": "s3cret"}, "unknown key"),
        ({"name": "x", **MAIL, "login": "s3cret"}, "login and password_file belong together"),
        (
            {"name": "x", **MAIL, "login": "s3cret", "password_file": "/p", "encryption": "none"},
            "would send the password readable",
        ),
        ({"name": "x", **MAIL, "recipients": ["a@b\nBcc: c@d"]}, "write an address of mail"),
        ({"name": "x", "kind": "file", "path": "log.jsonl"}, "write the path of a file"),
        ({"name": "x", "kind": "pager"}, "does not match any of the expected tags"),
        ({"name": "Team Chat", **HOOK}, "small letters"),
        ({"name": "log", **HOOK}, "log is the name of two channels"),
    ],
)
def test_given_a_channel_that_cannot_be_meant_then_it_is_refused_and_no_secret_repeated(
    tmp_path: Path, channel: dict[str, Any], says: str
) -> None:
    path = tmp_path / "factory.yaml"
    path.write_text(yaml.safe_dump(changed("environments.prod.notify", [GOOD[0], channel])), encoding="utf-8")
    with pytest.raises(UsageProblem, match=says) as refused:
        yaml_model.load(path, Manifest)
    assert "s3cret" not in str(refused.value)
