"""Addresses to open: what is printed, which login is named, and when a browser is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory.provision.plan import Place
from aifactory.status import addresses
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.unit.aifactory.homes import PASSWORD, TOKEN, provisioned, repo
from tests.unit.runtime.contract.test_manifest import VALID

FACTORY = str(Path(sys.executable).with_name("factory"))


def place(root: Path, *, in_repo: bool) -> Place:
    return Place(provisioned(root), root if in_repo else None, Manifest.model_validate(VALID) if in_repo else None)


def test_given_a_repo_when_a_page_is_asked_then_address_and_the_owners_login_file_are_named(tmp_path: Path) -> None:
    here = place(tmp_path, in_repo=True)

    mlflow = addresses.of(here, "mlflow", "prod")

    assert mlflow.url == "http://127.0.0.1:25000"
    assert mlflow.login.endswith("credentials/prod/churn/ana.json")
    assert addresses.of(here, "docs", "prod").url == "http://127.0.0.1:25003/docs"
    assert addresses.of(here, "dagster", None).url == "http://127.0.0.1:25001"
    dashboard = addresses.of(here, "dashboard", "dev")
    assert dashboard.url == "http://127.0.0.1:25004/churn/dev/" and dashboard.login.endswith("dev/churn/ana.json")
    assert addresses.of(here, "dashboard", None).url.endswith("/churn/prod/"), "the last environment that there is"
    pages = ["mlflow", "dagster", "dashboard", "docs churn.dev", "docs churn.prod"]
    assert [one.page for one in addresses.every(here)] == pages


def test_given_no_repo_or_an_older_home_when_the_dashboard_is_asked_then_its_list_or_what_to_run(
    tmp_path: Path,
) -> None:
    here = place(tmp_path, in_repo=False)
    assert addresses.of(here, "dashboard", None).url == "http://127.0.0.1:25004/"
    assert addresses.of(here, "dashboard", "churn.prod").url.endswith("/churn/prod/")
    with pytest.raises(FactoryError, match=r"churn is not provisioned in staging"):
        addresses.of(here, "dashboard", "churn.staging")
    platform = tmp_path / "shared" / "platform.json"
    older = {name: url for name, url in json.loads(platform.read_text()).items() if name != "dashboard_url"}
    platform.write_text(json.dumps(older))
    with pytest.raises(FactoryError, match=r"before there was a dashboard: factory up shared"):
        addresses.of(here, "dashboard", None)
    assert "dashboard" not in [one.page for one in addresses.every(here)]


def test_given_no_repo_when_docs_are_asked_then_use_case_and_environment_are_named_together(tmp_path: Path) -> None:
    here = place(tmp_path, in_repo=False)

    assert addresses.of(here, "docs", "churn.prod").url == "http://127.0.0.1:25003/docs"
    for where, sentence in ((None, "whose docs"), ("prod", "of which use case"), ("churn.qa", "'qa' is not an")):
        with pytest.raises(UsageProblem, match=sentence):
            addresses.of(here, "docs", where)
    with pytest.raises(FactoryError, match=r"churn is not provisioned in staging: factory up staging"):
        addresses.of(here, "docs", "churn.staging")


def test_given_nothing_provisioned_when_asked_then_it_says_what_to_run(tmp_path: Path) -> None:
    from aifactory.home import Home

    with pytest.raises(FactoryError, match="nothing is provisioned"):
        addresses.every(Place(Home(tmp_path), None, None))


@pytest.mark.parametrize(("variables", "expected"), [({}, False), ({"DISPLAY": ":0"}, True), ({"BROWSER": "x"}, True)])
def test_given_a_machine_when_looked_for_a_browser_then_a_display_or_browser_counts(
    variables: dict[str, str], expected: bool
) -> None:
    assert addresses.has_browser(variables) is expected


def opened(tmp_path: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run `factory open` with a browser that writes down what it was given."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    provisioned(tmp_path / "home")
    folder = repo(tmp_path / "churn")
    variables = {**os.environ, "FACTORY_HOME": str(tmp_path / "home"), "BROWSER": str(browser)}
    done = subprocess.run(
        [FACTORY, "open", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    return done, seen.read_text() if seen.exists() else ""


@pytest.mark.heavy
def test_given_a_browser_when_a_page_is_opened_then_it_gets_the_address_and_no_secret_is_printed(
    tmp_path: Path,
) -> None:
    done, seen = opened(tmp_path, "docs", "prod")

    assert done.returncode == 0, done.stderr
    assert seen == "http://127.0.0.1:25003/docs"
    assert "consumer.json" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.heavy
@pytest.mark.parametrize("arguments", [("docs", "prod", "--print"), ("docs", "prod", "--json"), ()])
def test_given_print_json_or_no_page_when_opened_then_no_browser_starts(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done, seen = opened(tmp_path, *arguments)

    assert (done.returncode, seen) == (0, "")
    assert "http://127.0.0.1:25003/docs" in done.stdout
    if "--json" in arguments:
        assert json.loads(done.stdout)[0]["page"] == "docs churn.prod"
