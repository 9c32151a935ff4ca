"""Who is logged in, and what is said when that is nobody, somebody whose login is over, or of another account."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.aws.session import Session
from aifactory_runtime.config import credentials
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.clouds.fixtures import account

pytestmark = pytest.mark.usefixtures("aws")


def test_given_a_login_when_asked_then_account_and_name_are_known() -> None:
    found = Session(account.contract()).identity
    assert (found.account, found.name) == (account.NUMBER, "moto")


def test_given_a_login_to_another_account_when_asked_then_both_are_named() -> None:
    with pytest.raises(FactoryError) as refused:
        _ = Session(account.contract(account="210987654321")).identity
    assert str(refused.value) == (
        "moto is of account 123456789012, but prod lies in 210987654321: log in to that account, then do this again"
    )


def test_given_no_login_at_all_when_asked_then_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    session = Session(account.contract())
    with pytest.raises(FactoryError, match=r"^there is no login to AWS.*log in to AWS again"):
        _ = session.identity
    with pytest.raises(FactoryError, match=r"^there is no login to AWS"):
        _ = session.keys


def test_given_a_profile_that_is_not_there_when_asked_then_one_line_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(FactoryError, match=r"The config profile \(gone\) could not be found.*log in"):
        _ = Session(account.contract()).identity


def test_given_nobody_who_answers_when_asked_then_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(FactoryError, match=r"^AWS does not answer"):
        _ = Session(account.contract()).identity


def test_given_a_contract_without_region_when_asked_then_the_mend_is_said() -> None:
    with pytest.raises(UsageProblem, match=r"prod names no region: factory outputs prod --write"):
        _ = Session(account.contract(region=None)).region


def test_given_whoever_is_logged_in_when_they_act_then_that_name_is_written_down() -> None:
    assert credentials.login_of(account.contract()) == "moto"


def test_given_an_address_that_is_not_in_s3_when_its_store_is_asked_for_then_refused() -> None:
    with pytest.raises(UsageProblem, match=r"^/a/folder is no address in S3"):
        Session(account.contract()).store("/a/folder")
