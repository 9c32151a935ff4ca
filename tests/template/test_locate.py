"""Where the template of `factory new` is taken from: the checkout, the installed tool's origin, or an address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory.scaffold import locate
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import git
from tests.template.support import CHECKOUT


def test_given_this_checkout_then_it_is_its_own_template() -> None:
    found = locate(None, "HEAD", {})
    assert found.address == str(CHECKOUT)
    assert found.ref == git(CHECKOUT, "rev-parse", "HEAD")


def test_given_an_installed_tool_then_its_address_and_commit_are_the_templates(
    monkeypatch: pytest.MonkeyPatch, template: Path
) -> None:
    from aifactory.scaffold import template as module

    class Installed:
        def read_text(self, _name: str) -> str:
            return json.dumps(
                {"url": "https://git.example/factory.git", "vcs_info": {"vcs": "git", "commit_id": "f" * 40}}
            )

    monkeypatch.setattr(module, "__file__", "/somewhere/site-packages/aifactory/scaffold/template.py")
    monkeypatch.setattr(module.metadata, "distribution", lambda _name: Installed())
    found = locate(None, None, {"FACTORY_TEMPLATE": "ignored"})
    assert (found.address, found.ref) == ("git+https://git.example/factory.git", "f" * 40)
    monkeypatch.setattr(Installed, "read_text", lambda _self, _name: None)
    assert locate(None, None, {"FACTORY_TEMPLATE": str(template)}).address == str(template)
    with pytest.raises(UsageProblem, match="FACTORY_TEMPLATE"):
        locate(None, None, {})


def test_given_a_relative_address_then_it_is_kept_absolute(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(template.parent)
    assert locate(template.name, None, {}).address == str(template)
    assert locate(f"file://{template}", None, {}).address == str(template)


def test_given_a_user_in_the_address_then_it_is_not_shown() -> None:
    assert "me" not in locate("https://me:hunter2@git.example/f.git", None, {}).shown.split("//")[1]


def test_given_a_machine_without_git_then_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FactoryError, match="git is missing: install it"):
        locate(None, "HEAD", {})


def test_given_a_checkout_of_another_account_then_gits_reason_and_the_command_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for such tests

    for ref in ("main", None):
        with pytest.raises(UsageProblem, match=f"git config --global --add safe.directory {tmp_path}$"):
            locate(str(tmp_path), ref, {})
