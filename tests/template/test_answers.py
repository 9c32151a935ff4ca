"""Bad answers: plain copier refuses them in a sentence, by the same rules as the manifest and `factory new`."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from aifactory.scaffold import answers as given_answers
from aifactory_runtime.contract import addresses, installed, names
from aifactory_runtime.errors import UsageProblem
from tests.template.support import CHECKOUT, render

SECRETS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1" * 18,
    "glpat-" + "x" * 20,
    "xoxb-" + "1" * 12,
    "-----BEGIN RSA PRIVATE KEY-----",
    "password=hunter2",
    "Password: hunter2",
    "api_key = 12",
    "postgres://me:hunter2@db/x",
    "eyJhbGciOiJI.eyJzdWIiOiIx.sig",
]
HARMLESS = [
    "The secret of good churn models",
    "Token economics",
    "ana.lopez",
    "https://example.com/a",
    "Passwordless logins",
]
SECRET_ADDRESSES = [
    "https://hunter2@host/t.csv",
    "https://me:hunter2@host/t.csv",
    "https://@host/t.csv",
    "simplecache::https://hunter2@host/t.csv",
    "s3://hunter2@bucket/t.csv",
    "abfs://sales:hunter2@account.dfs.core.windows.net/t",
    "https://account.blob.core.windows.net/sales/t.csv?sv=2024-01-01&sig=hunter2%3D",
    "https://bucket.s3.amazonaws.com/t.csv?X-Amz-Expires=60&X-Amz-Signature=hunter2",
    "https://storage.googleapis.com/b/t.csv?X-Goog-Signature=hunter2",
    "https://host/t.csv?Token=hunter2",
    "https://host/t.csv?a=1;access_token=hunter2",
    "https://host/t.csv?signature=hunter2",
    "https://host/t.csv?key=hunter2",
    "https://host/t.csv?PASSWORD=hunter2",
]
HARMLESS_ADDRESSES = [
    "data/t.csv",
    "/home/ana@work/t.csv",
    "file:///home/ana@work/t.csv",
    "s3://bucket/t@2024.csv",
    "https://host/t.csv?at=ana@work&keys=2&monkey=1&sort_key=3",
    "https://host/key=1/t.csv",
    "abfs://sales@account.dfs.core.windows.net/t",
    "ABFSS://sales@account.dfs.core.windows.net/t",
    "sample:diabetes",
]


def macros() -> Any:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(CHECKOUT), extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    )
    return environment.get_template("questions/checks.jinja").module


CHECKS = macros()


def refused(check: Callable[[str], str], value: str) -> bool:
    try:
        check(value)
    except ValueError:
        return True
    return False


NAMES = st.one_of(
    st.text(max_size=45),
    st.from_regex(r"[a-zA-Z0-9_.-]{0,45}"),
    st.from_regex(names._USE_CASE, fullmatch=True),
    st.sampled_from([*keyword.kwlist, *keyword.softkwlist, *sorted(sys.stdlib_module_names), "test", "tests"]),
    st.sampled_from(sorted(installed.IMPORT_NAMES)),
    st.sampled_from(["ﬁle", "\u0441hurn", "\uff41bc", "churn\n", "../x", "/x", "a--b", "-a", "a-", "A", "a_b", ""]),
)


@pytest.mark.heavy
@given(NAMES)
def test_given_any_name_then_template_and_manifest_agree_on_it(name: str) -> None:
    problem = CHECKS.name_problem(name).strip()
    # What looks like a secret is for the template alone to refuse: sk-0000... may be a name, but nobody means it so.
    assume("looks like a secret" not in problem)
    assert bool(problem) == refused(names.check_new_use_case, name)


@given(NAMES | st.sampled_from([*names.ROLES, *names.PERSONAS, names.CONSUMER, "admin"]))
def test_given_any_login_then_template_and_manifest_agree_on_it(login: str) -> None:
    problem = CHECKS.login_problem(login).strip()
    assume("looks like a secret" not in problem)
    assert bool(problem) == refused(names.check_person, login)


@pytest.mark.parametrize("login", sorted({*names.ROLES, *names.PERSONAS, names.CONSUMER, "admin"}))
def test_given_the_name_of_a_role_or_persona_then_it_is_nobodys_login(login: str) -> None:
    assert "is not a login" in CHECKS.login_problem(login)


@pytest.mark.parametrize("name", sorted({*sys.stdlib_module_names, *keyword.kwlist, *keyword.softkwlist}))
def test_fault_2_given_a_name_that_python_takes_then_the_template_refuses_it(name: str) -> None:
    assert CHECKS.name_problem(name.replace("_", "-")).strip()


@given(st.text(max_size=60) | st.sampled_from(SECRETS) | st.sampled_from(HARMLESS))
def test_given_any_text_then_template_and_command_agree_on_what_looks_secret(text: str) -> None:
    assert bool(CHECKS.secret_problem(text).strip()) == given_answers.looks_secret(text)


PARTS = [
    "https",
    "abfs",
    "WASBS",
    "x",
    "::",
    ":",
    "//",
    "/",
    "@",
    "?",
    "&",
    "#",
    "=",
    "sig",
    "Key",
    "token",
    "t.csv",
    "\n",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.sampled_from(SECRET_ADDRESSES))
def test_given_any_address_then_template_and_manifest_agree_on_it(address: str) -> None:
    assert bool(CHECKS.address_problem(address).strip()) == refused(addresses.check, address)


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_fault_10_given_an_address_with_a_secret_then_all_refuse_it_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="environment variables") as manifest:
        addresses.check(address)
    with pytest.raises(UsageProblem, match="data: ") as command:
        given_answers.check({"data": address})
    for said in (str(manifest.value), str(command.value), CHECKS.address_problem(address)):
        assert said.strip()
        assert "hunter2" not in said
    assert CHECKS.address_problem(address).strip() == str(manifest.value)


@pytest.mark.parametrize("address", HARMLESS_ADDRESSES)
def test_given_an_address_without_a_secret_then_all_take_it(address: str) -> None:
    given_answers.check({"data": addresses.check(address)})
    assert not CHECKS.address_problem(address)
    assert not CHECKS.text_problem(address, 500)


@pytest.mark.parametrize("text", SECRETS)
def test_fault_10_given_what_looks_like_a_secret_then_it_is_refused_without_repeating_it(text: str) -> None:
    for problem in (CHECKS.text_problem(text, 200), CHECKS.name_problem(text), CHECKS.approvers_problem(text)):
        assert "secret" in problem
        assert text not in problem


@pytest.mark.parametrize("text", HARMLESS)
def test_given_harmless_words_then_they_are_no_secret(text: str) -> None:
    assert not CHECKS.text_problem(text, 200).strip()


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x00b", "x" * 121, "tab\there", "\u2028"])
def test_given_text_that_is_no_line_then_it_is_refused(text: str) -> None:
    assert CHECKS.text_problem(text, 120).strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"use_case": ""}, "use_case.*it is empty"),
        ({"use_case": "class"}, "Python keyword"),
        ({"use_case": "ﬁle"}, "may hold only a-z"),
        ({"use_case": "../../x"}, "may hold only a-z"),
        ({"use_case": "a" * 41}, "41 characters"),
        ({"owner": "Mr. O'Keefe"}, "not a login"),
        ({"owner": "admin"}, "not a login"),
        ({"title": "two\nlines"}, "one line"),
        ({"risk": "huge"}, "'huge' is not in"),
        ({"data_classification": "confidential"}, "sample table that comes along is public"),
        ({"approval": "required"}, "name at least one person"),
        ({"approvers": "kim, Not A Login"}, "not a login"),
        ({"data": "https://hunter2@host/t.csv"}, "the address holds a login"),
        ({"data": "customers.csv"}, "only factory new looks at a table"),
        ({"target_column": "radius"}, "the sample table.s column is diagnosis"),
    ],
)
def test_given_a_bad_answer_when_copied_plainly_then_a_sentence_says_what_is_right_and_nothing_is_written(
    template: Path, tmp_path: Path, answers: dict[str, str], sentence: str
) -> None:
    from copier import run_copy

    target = tmp_path / "repo"
    with pytest.raises(ValueError, match=sentence):
        render(template, target, answers, run_copy=run_copy)
    assert not target.exists()
