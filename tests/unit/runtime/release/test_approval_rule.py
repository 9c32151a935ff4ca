"""When enough people have approved: whoever made the change, and whoever agreed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract.manifest import Risk
from aifactory_runtime.registry.authors import Authors
from aifactory_runtime.release.approval_rule import certified, standing

PEOPLE = ("ana", "bo", "cy")
ANYBODY = st.sets(st.sampled_from(PEOPLE)).map(lambda found: tuple(sorted(found)))


@given(
    risk=st.sampled_from(["low", "limited", "high"]),
    approvers=ANYBODY,
    authors=st.none() | st.frozensets(st.sampled_from([*PEOPLE, "dan"]), min_size=1),
    said=ANYBODY,
)
def test_given_any_people_when_asked_then_no_author_has_decided_alone_and_who_is_named_completes_it(
    risk: Risk, approvers: tuple[str, ...], authors: Authors, said: tuple[str, ...]
) -> None:
    found = standing(risk, approvers, authors, said)
    counted = set(approvers) & set(said)

    by_another = authors is not None and bool(counted - authors)
    assert found.enough == (bool(counted) and (risk != "high" or by_another or len(counted) > 1))
    assert set(found.given) == counted
    assert bool(found.missing) == (not found.enough)
    assert not set(found.awaited) & counted
    if not found.enough and len(found.awaited) >= found.wanted:
        assert standing(risk, approvers, authors, (*said, *found.awaited[: found.wanted])).enough


@pytest.mark.parametrize(
    ("risk", "authors", "said", "missing"),
    [
        ("limited", {"ana"}, (), "one of ana, bo"),
        ("high", {"dan"}, (), "one of ana, bo"),
        ("high", {"ana"}, (), "one of bo (risk: high, and ana is its author)"),
        ("high", {"ana"}, ("ana",), "one of bo (risk: high, and ana is its author)"),
        ("high", {"ana", "bo"}, (), "two of ana, bo (risk: high, and ana, bo are its authors)"),
        ("high", None, (), "two of ana, bo (risk: high, and nobody recorded whose change it is)"),
        ("high", None, ("bo",), "one of ana (risk: high, and nobody recorded whose change it is)"),
        ("high", {"ana"}, ("ana", "bo"), ""),
        ("high", {"ana"}, ("bo",), ""),
        ("limited", {"ana"}, ("ana",), ""),
    ],
)
def test_given_two_approvers_when_somebody_is_missing_then_they_are_named_with_the_reason(
    risk: Risk, authors: set[str] | None, said: tuple[str, ...], missing: str
) -> None:
    assert standing(risk, ("ana", "bo"), None if authors is None else frozenset(authors), said).missing == missing


def test_given_an_author_as_the_only_approver_when_they_approved_then_it_says_what_to_write() -> None:
    found = standing("high", ("ana",), frozenset({"ana"}), ("ana",))

    assert not found.enough
    assert found.missing == (
        "another person (risk: high, and ana is its author): name one under approvers in factory.yaml, then factory up"
    )


@pytest.mark.parametrize(("risk", "least"), [("low", 1), ("limited", 1), ("high", 2)])
def test_given_certificates_when_counted_then_high_risk_takes_two_people(risk: Risk, least: int) -> None:
    people = ("vera", "otto", "kim")

    assert [certified(risk, people[:count]) for count in range(3)] == [count >= least for count in range(3)]
    assert not certified("high", ("vera", "vera"))
