"""Names that repo, programs and services agree on: no two things share one, and none is too long."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aifactory_runtime.contract import names
from infra.conventions import names as conventions

ENVIRONMENT = st.sampled_from(names.ENVIRONMENTS)
KIND = st.sampled_from(sorted(conventions.LIMITS))
LETTERS = st.sampled_from("abd")
"""Few letters, so that look-alikes are common."""
_LONGEST_AT_MLFLOW = 255


def _valid(check: object, name: str) -> bool:
    try:
        return bool(check(name))  # type: ignore[operator]
    except ValueError:
        return False


def _spelled(separators: str, check: object) -> st.SearchStrategy[str]:
    words = st.lists(st.text(LETTERS, min_size=1, max_size=14), min_size=1, max_size=4)
    joined = st.tuples(words, st.sampled_from(separators)).map(lambda pair: pair[1].join(pair[0]))
    return joined.filter(lambda name: _valid(check, name))


USE_CASE = _spelled("-", names.check_use_case)
PERSON = _spelled("-._", names.check_person)
PLACE = st.tuples(USE_CASE, ENVIRONMENT)


@given(kind=KIND, place=PLACE)
def test_fault_49_given_any_place_when_fitted_then_the_name_is_one_the_vendor_takes(
    kind: str, place: tuple[str, str]
) -> None:
    name = conventions.fitted(kind, *place)
    form = {
        "azure-storage-account": r"[a-z0-9]{3,24}",
        "iam-role": r"[\w+=,.@-]{1,64}",
        "s3-bucket": r"[a-z0-9][a-z0-9-]{1,41}[a-z0-9]",
        "sagemaker-endpoint": r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        "sagemaker-user-profile": r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        "sns-topic": r"[A-Za-z0-9_-]{1,256}",
    }
    assert re.fullmatch(form[kind], name), name
    assert len(name) <= conventions.LIMITS[kind].length
    assert name == conventions.fitted(kind, *place)


@given(kind=KIND, one=PLACE, other=PLACE)
def test_fault_49_given_two_places_when_fitted_then_their_names_differ(
    kind: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    assume(one != other)
    assert conventions.fitted(kind, *one) != conventions.fitted(kind, *other)


@pytest.mark.parametrize(
    ("kind", "use_case", "environment", "name"),
    [
        ("azure-storage-account", "churn", "dev", "churndev"),
        ("azure-storage-account", "a" * 20, "prod", "a" * 20 + "prod"),
        ("azure-storage-account", "a" * 21, "prod", "a" * 16 + "0421df2f"),
        ("azure-storage-account", "a-b", "dev", "abdevcce787b5"),
        ("azure-storage-account", "ab", "dev", "abdev"),
        ("sagemaker-endpoint", "customer-churn", "staging", "customer-churn-staging"),
        ("s3-bucket", "a" * 40, "prod", "a" * 34 + "-aee85ab6"),
    ],
)
def test_fault_49_given_a_place_when_fitted_then_its_name_never_changes(
    kind: str, use_case: str, environment: str, name: str
) -> None:
    """A name that changed would be another resource: what it held would be gone."""
    assert conventions.fitted(kind, use_case, environment) == name


def test_fault_49_given_a_name_beyond_the_limit_when_fitted_then_it_ends_in_a_digest() -> None:
    name = conventions.fitted("sagemaker-endpoint", "b" * 60, "prod")
    assert name == "b" * 54 + "-" + name[-8:]
    assert set(name[-8:]) <= set(string.hexdigits.lower())
    cut_at_a_hyphen = conventions.fitted("sagemaker-endpoint", "b" * 53 + "-" + "c" * 9, "prod")
    assert re.fullmatch(r"b{53}-[0-9a-f]{8}", cut_at_a_hyphen)


def _all(use_case: str, environment: str, person: str) -> dict[str, str]:
    """Everything that is named for one person in one place, by the space in which names must differ."""
    place = use_case, environment
    return {
        "login": names.login(person, *place),
        "role": conventions.approver_role(person, *place),
        "role at a cloud": conventions.cloud_approver_role(person, *place),
        "profile": conventions.fitted("sagemaker-user-profile", *place, person),
        "topic": conventions.fitted("sns-topic", *place, person),
        "approvals": names.approvals(*place, person),
    }


@given(one=st.tuples(USE_CASE, ENVIRONMENT, PERSON), other=st.tuples(USE_CASE, ENVIRONMENT, PERSON))
def test_given_two_people_or_places_when_named_then_nothing_is_shared(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assume(one != other)
    first, second = _all(*one), _all(*other)
    assert not [space for space in first if first[space] == second[space]]


@given(one=PLACE, other=PLACE)
def test_given_two_places_when_named_then_nothing_is_shared(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    for name in (names.stack, names.experiment, names.model, conventions.service):
        assert name(*one) != name(*other)


@given(person=PERSON, place=PLACE, persona=st.sampled_from([*names.PERSONAS, *names.ROLES]))
def test_given_a_person_when_named_then_no_role_or_identity_bears_their_name(
    person: str, place: tuple[str, str], persona: str
) -> None:
    assert names.login(person, *place) != names.login(persona, *place)
    assert conventions.role(persona, *place) != conventions.approver_role(person, *place)
    assert conventions.cloud_role(persona, *place) != conventions.cloud_approver_role(person, *place)
    assert names.approvals(*place, person) != names.experiment(*place)


def test_given_the_longest_names_when_put_together_then_the_tracking_server_can_hold_them() -> None:
    longest = "a" * names.MAX_USE_CASE
    assert names.check_use_case(longest) == names.check_person(longest) == longest
    for name in _all(longest, "staging", longest).values():
        assert len(name) <= _LONGEST_AT_MLFLOW


@pytest.mark.parametrize("name", ["a", "customer-churn", "x1", "a-1", "a" * 40])
def test_given_a_good_name_of_a_use_case_when_checked_then_it_is_itself(name: str) -> None:
    assert names.check_use_case(name) == name
    assert names.package(name) == name.replace("-", "_")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the name is empty; use lower-case letters, digits and hyphens, such as customer-churn"),
        ("a" * 41, "the name has 41 characters; use at most 40"),
        ("Churn", "the name may hold only a-z, 0-9 and single hyphens, starting with a letter: customer-churn"),
        ("a--b", "the name may hold only a-z, 0-9 and single hyphens, starting with a letter: customer-churn"),
        ("class", "class is a Python keyword; add a word: class-model"),
        ("match", "match is a Python keyword; add a word: match-model"),
        ("json", "json is the name of a module that Python or the factory uses; add a word: json-model"),
        ("tests", "tests is the name of a module that Python or the factory uses; add a word: tests-model"),
        ("test", "test is the name of a module that Python or the factory uses; add a word: test-model"),
        ("aifactory-runtime", "aifactory_runtime is the name of a module that Python or the factory uses; "),
    ],
)
def test_given_a_bad_name_of_a_use_case_when_checked_then_a_sentence_says_what_would_be_right(
    name: str, said: str
) -> None:
    with pytest.raises(ValueError) as refused:
        names.check_use_case(name)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("name", ["ana", "ana.lopez", "a-b_c.d1", "a" * 40])
def test_given_a_good_login_when_checked_then_it_is_itself(name: str) -> None:
    assert names.check_person(name) == name


@pytest.mark.parametrize("name", ["", "Ana", "1a", ".ana", "a..b", "a" * 41, "admin", *names.PERSONAS, *names.ROLES])
def test_given_a_bad_login_when_checked_then_it_says_what_would_be_right(name: str) -> None:
    with pytest.raises(ValueError) as refused:
        names.check_person(name)
    wanted = f"{name!r} is not a login; use lower-case letters, digits, dots, hyphens, such as ana.lopez"
    assert str(refused.value) == wanted


def test_names_are_spelled_as_the_documentation_says() -> None:
    assert names.stack("churn", "dev") == conventions.service("churn", "dev") == "churn.dev"
    assert names.experiment("churn", "dev") == "dev/churn"
    assert names.approvals("churn", "prod", "vera") == "prod/churn/approvals/vera"
    assert names.model("churn", "dev") == "churn.dev"
    assert names.login("ana", "churn", "prod") == conventions.role("ana", "churn", "prod") == "ana.churn.prod"
    assert conventions.approver_role("vera", "churn", "prod") == "approver.vera.churn.prod"


@pytest.mark.parametrize("folder", ["a#b", "a?", "[1]", "a\\b", "a^b", "a|b", "line\nbreak", "50%25"])
def test_given_a_folder_that_the_table_library_takes_for_an_address_then_a_sentence_names_what_is_odd(
    folder: str,
) -> None:
    said = names.odd_folder(f"/data/{folder}")

    assert said is not None and said.startswith(f"/data/{folder} holds '") and "give the folder another name" in said


@pytest.mark.parametrize("folder", ["/data/churn", "/mit Leerzeichen/Größe", "/100% sure", "/a.b_c-d+e=f,(g)~"])
def test_given_an_ordinary_folder_then_nothing_is_odd(folder: str) -> None:
    assert names.odd_folder(folder) is None
