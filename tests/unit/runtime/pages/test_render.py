"""The pages of an environment with a life behind it, of an empty one, and of one whose files are damaged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from aifactory_runtime.audit import log as audit
from aifactory_runtime.contract.trial import Trial
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.livetest.verdict import Finding, Guard, Unjudged, Verdict
from aifactory_runtime.monitoring import result, store
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.monitoring.store import Place
from aifactory_runtime.pages import render
from aifactory_runtime.pages.parts import PAGES
from aifactory_runtime.registry.mlflow import connect
from aifactory_runtime.registry.port import CHALLENGER
from aifactory_runtime.release import tags, trial_rules
from aifactory_runtime.release.live_test import Record
from tests.unit.runtime.pages import shown
from tests.unit.runtime.pages.shown import NOW, ODD, WORSE, Shown

pytestmark = pytest.mark.slow  # tables of Delta, a registry
VOID = {"meta", "link"}


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return shown.lively(tmp_path_factory.mktemp("lively"))


@pytest.fixture(scope="module")
def pages(lively: Shown) -> dict[str, str]:
    return written(lively)


def written(one: Shown) -> dict[str, str]:
    """The pages by name."""
    place = render.render(one.project, NOW).parent
    return {name: (place / f"{name}.html").read_text() for name in PAGES}


class Read(HTMLParser):
    """What a page is made of; fails where an element is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_given_a_lively_environment_when_rendered_then_pages_are_whole_and_ask_for_nothing_else(
    pages: dict[str, str],
) -> None:
    for name, page in pages.items():
        read = Read(page)
        asks = {(tag, value) for tag, key, value in read.attributes if key in {"href", "src", "action", "data"}}
        assert asks <= {("link", "style.css"), ("link", "data:,"), *(("a", f"{one}.html") for one in PAGES)}, name
        assert [key for _, key, _ in read.attributes if key == "style" or key.startswith("on")] == [], "CSP forbids it"
        assert "script" not in page.lower() and ODD not in page and "<b " not in page
        charts = page.count("<svg ")
        assert page.count('role="img"') == page.count("<desc>") == charts
        assert page.count("<summary>As a table</summary>") == charts
        assert charts or name == "index"
    assert ODD in "".join(Read(pages["data"]).words), "it is shown as it is"
    titles = re.findall(r"<title>([^<]*)</title>", pages["model"])
    assert [one for one in titles if "west" in one] == [], "slices are many: they stand in a table"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("index", ["2 problems are open, and something has stopped", "To do something: operator, dana.", "Drift: age"]),
        ("index", ["It answers", "Unlike before: age", "roc_auc is 0.83 on 500 labelled rows", "All 3 lines hold"]),
        ("service", ["980 requests since the look before", "Failed requests", "alarm above 1 %"]),
        ("service", ["otto.demo-case.prod", "operator", "2026-12-06 18:00", "no end"]),
        ("data", ["8,130", "no labels yet", "1,000 predictions", "alarm above 0.09", "the distance is too large"]),
        ("model", ["0.902", "0.74", "roc_auc by version", "No successor was tried", "champion"]),
        ("model", ["The gate's metric on labelled predictions", "profit"]),
        ("model", ["alarm below 0.86", "Calibration", "alarm above 0.09", "region = west", "version 2 answers"]),
        ("experiments", ["refused by the gate", WORSE, f"failed: the table has no column {ODD}", "2026-11-20 09:00"]),
        ("cost", ["Within its quotas", "0.667 h", "50 a month; this machine sends no bill"]),
        ("audit", ["All 3 lines hold", "approved", "kim.meyer", f"why {ODD}"]),
    ],
)
def test_given_a_lively_environment_when_read_then_it_says(pages: dict[str, str], name: str, said: list[str]) -> None:
    words = "\n".join(Read(pages[name]).words)
    assert [one for one in said if one not in words] == []


def test_given_an_empty_environment_when_rendered_then_it_is_said_what_is_not_there_yet(tmp_path: Path) -> None:
    empty = shown.empty(tmp_path)
    words = {name: " ".join(Read(page).words) for name, page in written(empty).items()}

    said = {
        "index": "Nobody has looked yet",
        "service": "Not looked at yet",
        "data": "No predictions yet",
        "model": "No model is released yet",
        "experiments": "No run of the pipeline here yet.",
        "cost": "Within its quotas",
        "audit": "Nothing is recorded yet.",
    }
    assert {name: one in words[name] for name, one in said.items()} == dict.fromkeys(PAGES, True)
    assert "act now" not in words["index"] and "Could not be read" not in words["index"]


def test_given_a_live_test_when_rendered_then_it_says_what_was_found_why_a_kpi_is_not_judged_and_which_rules_hold(
    tmp_path: Path,
) -> None:
    one = shown.empty(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model").write_text("3")
    registry = connect(one.contract, None)
    version = registry.register(tmp_path / "model", {"aifactory.commit": "c" * 40})
    registry.set_alias(CHALLENGER, version.number)
    guard = Guard("mean prediction", (-0.5, 0.25), 0.5)
    unjudged = Unjudged("KPI profit", "no row of the first period has it")
    said = "the labels prove nothing yet"
    found = Finding(Verdict.WAIT, said, 3, 1_200, 1.25, (-0.01, 0.03), (guard,), (unjudged,))
    rules = trial_rules.Kept("classification", None, 0.0, trial_rules.StatedKpi("profit", "up", 0.5, "profit"))
    stated = Record.stated(Trial(kind="ab", share=0.2), "c" * 40, 2)
    record = msgspec.structs.replace(stated, looked=3, found=asdict(found), rules=rules)
    registry.set_tag(version.number, tags.TRIAL, msgspec.json.encode(record).decode())

    words = " ".join(Read(written(one)["model"]).words)

    for part in (
        "none yet, 3 periods looked at",
        "the labels prove nothing yet",
        "1,200 in 3 periods",
        "-0.01 to 0.03",
        "1.25, promoted at 3",
        "mean prediction is worse by -0.5 to 0.25, 0.5 is allowed",
        "KPI profit not judged no row of the first period has it",
        "since then: kpi is not named, was profit; trial.kind is direct, was ab",
    ):
        assert part in words, part


def test_given_scoring_in_batches_when_rendered_then_the_rows_of_batches_are_what_was_looked_at(tmp_path: Path) -> None:
    one = shown.empty(tmp_path, scoring="batch", endpoint_url=None)
    stamp = NOW.isoformat()
    drift = result.judged(Result("data", "drift", "age"), 0.2, 0.1, "the distance is 0.2")
    store.write(Path(one.contract.data_uri), Place(store.BATCHES, 1, stamp, stamp, 900), [drift], NOW)
    pages = written(one)
    assert "Unlike before: age" in pages["index"] and "900 predictions" in pages["data"]
    assert "No service here" in pages["service"]


def _damage_table(one: Shown) -> None:
    log = Path(one.contract.data_uri) / tables.MONITORS / "_delta_log"
    shutil.rmtree(log)
    log.mkdir()
    (log / "00000000000000000000.json").write_text("no JSON")


def _damage_audit(one: Shown) -> None:
    path = Path(one.contract.audit_uri) / audit.FILE
    path.write_bytes(path.read_bytes().replace(b"kim.meyer", b"kim.other"))


def _damage_serving(one: Shown) -> None:
    (Path(one.contract.release_uri) / "serving.json").write_text("{")


def _damage_events(one: Shown) -> None:
    next(Path(one.contract.events_uri).glob("events-*.jsonl")).write_text("no event\n")


@pytest.mark.parametrize(
    ("damage", "page", "said"),
    [
        (_damage_table, "index", "table monitors"),
        (_damage_audit, "audit", "The audit log was changed"),
        (_damage_serving, "index", "is not a serving document"),
        (_damage_events, "index", "is no event"),
    ],
)
def test_given_something_damaged_when_rendered_then_it_is_named_and_the_rest_is_shown(
    lively: Shown, tmp_path: Path, damage: Callable[[Shown], None], page: str, said: str
) -> None:
    one = shown.moved(lively, tmp_path)
    damage(one)
    found = written(one)

    assert said in found[page]
    assert "Everything is in order" not in found["index"] and "refused by the gate" in found["experiments"]


def test_given_a_folder_that_takes_nothing_when_rendered_then_it_is_one_line(lively: Shown, tmp_path: Path) -> None:
    one = shown.moved(lively, tmp_path)
    place = render.folder(one.contract)
    shutil.rmtree(place, ignore_errors=True)
    place.write_text("a file")
    with pytest.raises(FactoryError, match=r"pages/index.html cannot be written"):
        render.render(one.project, NOW)


def test_given_pages_when_written_then_for_the_owner_of_the_home_alone_and_nothing_else_is_left(lively: Shown) -> None:
    place = render.render(lively.project, NOW).parent
    assert sorted(path.name for path in place.iterdir()) == sorted(
        [*(f"{name}.html" for name in PAGES), "state.json", "style.css"]
    )
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert re.search(r"url\(|@import|http", (place / "style.css").read_text()) is None
