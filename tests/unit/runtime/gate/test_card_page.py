"""The page of a model card: whatever a table holds is text, tables have headers, nothing is loaded or run."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from aifactory_runtime.gate import card, card_page
from aifactory_runtime.gate.card import About

ABOUT = About(
    title="Who leaves <b>us</b>",
    use_case="churn",
    owner="ana.lopez",
    team="Care & co",
    problem="classification",
    risk="high",
    data_classification="confidential",
    target="churned",
    classes=("no", "<script>alert(1)</script>"),
    columns=("age (integer)", "income (number)"),
    ignored=("sex",),
    estimator="StandardScaler > LogisticRegression",
    parameters={"C": 1.0},
    run="20270101-120000-abcdef",
    commit="c" * 40,
    dirty=True,
    model_sha256="d" * 64,
    tables={"raw": "3@" + "e" * 64},
)
DIFFERENCE = {
    "column": "sex",
    "metric": "accuracy",
    "figure": "accuracy",
    "of": "",
    "value": 0.2,
    "found": {"sex = F": [0.9, 120], "sex = M": [0.7, 130]},
    "beyond": True,
}
REPORT: dict[str, Any] = {
    "metric": "roc_auc",
    "passed": False,
    "reasons": ["fairness: accuracy differs by 0.2"],
    "remarks": ["f1 is <worse>"],
    "principles": {"found": [{"principle": "Fairness", "check": "same", "result": "failed", "found": "0.2"}]},
    "fairness": {"metric": "accuracy", "found": [DIFFERENCE], "notes": ["the model reads sex"]},
    "slices": {
        "metric": "roc_auc",
        "rows": "the test rows",
        "found": [
            {"name": "region = <north>", "rows": 40, "candidate": 0.8, "champion": None, "baseline": 0.5, "few": False}
            | {"worse": True, "p": 0.001}
        ],
        "notes": [],
    },
    "calibration": {
        "error": 0.03,
        "by_chance": 0.04,
        "brier": 0.1,
        "brier_of_baseline": 0.2,
        "bins": [{"said": 0.25, "true": 0.3, "rows": 50}],
        "notes": [],
    },
    "explanations": {"agreement": None, "notes": ["nothing is explained"]},
    "stress": {"cases": ["a", "b"], "rows": 10, "wrong": {"income missing": "no answer"}},
    "footprint": {"model_bytes": 2_000, "memory_bytes": 3_000, "latency_ms": 1.5},
}
METRICS = {"roc_auc": 0.9, "baseline.roc_auc": 0.5, "reference.roc_auc": 0.88, "chance.roc_auc": 0.001}
SVG = '<svg role="img"><title>Calibration</title><desc>bins</desc></svg>'


class Read(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data + "|"

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def page(**changed: Any) -> Read:
    found = card.of(ABOUT, {**REPORT, **changed}, METRICS)
    return Read(card_page.html(found, {"calibration.svg": SVG, "importances.svg": "<svg>other</svg>"}))


def test_given_a_card_when_written_then_texts_are_text_and_nothing_is_run_or_loaded() -> None:
    found = page()
    assert found.count("script") == found.count("b") == found.count("north") == found.count("link") == 0
    assert not [given for _, given in found.tags if {"src", "href", "onclick"} & given.keys()]
    assert "no, <script>alert(1)</script>" in found.text and "region = <north>" in found.text


def test_given_a_card_when_written_then_it_can_be_read_without_seeing() -> None:
    found = page()
    assert ("html", {"lang": "en"}) in found.tags
    assert found.count("table") == found.count("caption") == 8
    assert all(given.get("scope") in {"col", "row"} for tag, given in found.tags if tag == "th")
    assert found.count("svg") == 1 and "Calibration|bins|" in found.text, "a chart without a table is left out"
    assert found.count("h1") == found.count("main") == 1


def test_given_evidence_when_written_then_verdict_figures_and_every_part_are_there() -> None:
    text = page().text
    for part in (
        "The gate refuses it:|fairness: accuracy differs by 0.2|",
        "roc_auc (decides)|0.9|0.5|0.88|",
        "Fairness|same|failed|0.2|",
        "sex = F: 0.9 (120 rows); sex = M: 0.7 (130 rows)|0.2|beyond the limit|",
        "the model reads sex|",
        "worse than the other, p 0.001|",
        "0.25|0.3|50|",
        "nothing is explained|",
        "income missing|no answer|",
        "2,000 bytes|",
        "f1 is <worse>|",
        "with changes that are not committed",
        "sex|",
    ):
        assert part in text, part
    assert "The gate let it pass." in page(passed=True, reasons=[]).text


def test_given_a_report_of_a_regression_when_written_then_parts_that_it_lacks_are_left_out() -> None:
    found = page(calibration={"notes": ["a regression has no probabilities"], "limit": None})
    assert "a regression has no probabilities" in found.text and found.count("table") == 7
    less = {key: value for key, value in REPORT.items() if key != "slices"}
    assert "Parts of the rows" not in card_page.html(card.of(ABOUT, less, METRICS), {})
