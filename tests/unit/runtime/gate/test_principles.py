"""The six principles: each holds, fails and is left unchecked for a reason that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aifactory_runtime.gate import principles
from aifactory_runtime.gate.principles import Facts

FACTS = Facts(0.001, "ana.lopez", "c" * 40, False, "confidential", "made up")
DIFFERENCE = {"metric": "accuracy", "column": "sex", "value": 0.04, "beyond": False}
SLICE = {"name": "region = north", "candidate": 0.9, "worse": False, "few": False}
PARTS: dict[str, Any] = {
    "fairness": {"columns": ["sex"], "metric": "accuracy", "limit": 0.1, "found": [DIFFERENCE], "notes": []},
    "stress": {"cases": ["income missing", "age far above"], "wrong": {}},
    "calibration": {"error": 0.02},
    "slices": {"found": [SLICE], "against": "champion", "notes": []},
    "explanations": {"agreement": 0.98, "rows": 10, "least": None, "notes": []},
}
NAMES = (
    "Fairness",
    "Reliability and safety",
    "Privacy and security",
    "Inclusiveness",
    "Transparency",
    "Accountability",
)


def table(parts: dict[str, Any] | None = None, facts: Facts = FACTS) -> dict[str, dict[str, str]]:
    found = principles.of({**PARTS, **(parts or {})}, facts)
    assert not found.objections and not found.remarks, "limits refuse, this table never does"
    return {one["principle"]: one for one in found.report["found"]}


def test_given_all_evidence_when_listed_then_each_of_the_six_has_a_check_that_held() -> None:
    found = table()
    assert tuple(found) == NAMES
    assert {one["result"] for one in found.values()} == {"held"}
    assert all(one["check"] and one["found"] for one in found.values())


@pytest.mark.parametrize(
    ("name", "parts", "facts", "said"),
    [
        (
            "Fairness",
            {"fairness": {**PARTS["fairness"], "found": [{**DIFFERENCE, "value": 0.3, "beyond": True}]}},
            {},
            "0.3",
        ),
        ("Reliability and safety", {}, {"chance": 0.4}, "chance does as well in 40 %"),
        ("Reliability and safety", {"stress": {"cases": ["a", "b"], "wrong": {"a": "no answer"}}}, {}, "1 of 2 cases"),
        ("Privacy and security", {}, {"background": "real"}, "data are confidential"),
        ("Inclusiveness", {"slices": {**PARTS["slices"], "found": [{**SLICE, "worse": True}]}}, {}, "region = north"),
        ("Transparency", {"explanations": {**PARTS["explanations"], "agreement": 0.5}}, {}, "agree by 0.5"),
        ("Transparency", {"explanations": {**PARTS["explanations"], "least": 0.99}}, {}, "agree by 0.98"),
        ("Accountability", {}, {"dirty": True}, "commit, then run"),
    ],
)
def test_given_evidence_against_a_principle_when_listed_then_it_failed_and_no_other_did(
    name: str, parts: dict[str, Any], facts: dict[str, Any], said: str
) -> None:
    found = table(parts, replace(FACTS, **facts))
    assert [one["principle"] for one in found.values() if one["result"] == "failed"] == [name]
    assert said in found[name]["found"]


@pytest.mark.parametrize(
    ("name", "parts", "facts", "said"),
    [
        ("Fairness", {"fairness": {"columns": []}}, {}, "no protected columns are named"),
        ("Fairness", {"fairness": {**PARTS["fairness"], "limit": None}}, {}, "gate.fairness.limit is null"),
        (
            "Fairness",
            {
                "fairness": {
                    **PARTS["fairness"],
                    "found": [{**DIFFERENCE, "value": None}],
                    "notes": ["too few rows of F"],
                }
            },
            {},
            "too few rows of F",
        ),
        ("Privacy and security", {}, {"trusted_types": ("a.B",)}, "a.B"),
        ("Inclusiveness", {"slices": {**PARTS["slices"], "found": []}}, {}, "name some in gate.slices.columns"),
        (
            "Inclusiveness",
            {"slices": {**PARTS["slices"], "found": [{**SLICE, "candidate": None, "few": True}]}},
            {},
            "no part",
        ),
        ("Transparency", {"explanations": {"agreement": None, "notes": ["no background"]}}, {}, "no background"),
    ],
)
def test_given_no_evidence_when_listed_then_it_is_not_checked_and_why_is_said(
    name: str, parts: dict[str, Any], facts: dict[str, Any], said: str
) -> None:
    found = table(parts, replace(FACTS, **facts))[name]
    assert found["result"] == "not checked" and said in found["found"]


def test_given_real_background_rows_of_public_data_when_listed_then_privacy_holds() -> None:
    found = table(facts=replace(FACTS, background="real", classification="public"))
    assert found["Privacy and security"]["result"] == "held"


def test_given_a_difference_that_chance_makes_when_listed_then_it_holds_and_says_so() -> None:
    found = table({"fairness": {**PARTS["fairness"], "found": [{**DIFFERENCE, "value": 0.2}]}})
    assert found["Fairness"]["result"] == "held" and "which chance makes too" in found["Fairness"]["found"]
