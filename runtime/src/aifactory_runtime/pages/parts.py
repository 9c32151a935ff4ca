"""What pages are put together from: the frame around a page, tiles, tables, charts with their table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from aifactory_runtime.charts import compact
from aifactory_runtime.charts.compact import Bar, Point
from aifactory_runtime.monitoring import looking
from aifactory_runtime.monitoring.result import ALARM, FAILED, NO_DATA, OK
from aifactory_runtime.monitoring.store import Window
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup, joined, tag
from aifactory_runtime.pages.verdicts import Level, Verdict, row_level, when

PAGES = {
    "index": "Overview",
    "service": "Service",
    "data": "Data",
    "model": "Model",
    "experiments": "Experiments",
    "cost": "Cost",
    "audit": "Audit",
}
"""Name of each page's file to what people call it, in their order."""
STYLE = "style.css"
_ORDER = {FAILED: 0, ALARM: 1, NO_DATA: 2}
_CLASS = {Level.ACT: "act", Level.LOOK: "look", Level.UNKNOWN: "unknown", Level.GOOD: "good"}


def page(facts: Facts, name: str, *content: Markup | None) -> str:
    """A whole page; its links lead to its neighbours, so it opens from a folder as from a server."""
    manifest, contract = facts.project.manifest, facts.contract
    title = f"{PAGES[name]}: {manifest.title}, {contract.environment}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href=STYLE),
        tag("link", rel="icon", href="data:,"),
    )
    links = [_link(other, said, name) for other, said in PAGES.items()]
    body = tag(
        "body",
        tag(
            "header",
            tag("h1", manifest.title, tag("span", contract.environment, class_="where")),
            tag("p", f"{contract.use_case}, owned by {manifest.owner} ({manifest.team})", class_="faint"),
            tag("nav", *links, aria_label="Pages"),
        ),
        tag("main", *content),
        tag("footer", tag("p", f"As of {when(facts.now)} UTC. All times are UTC.")),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _link(name: str, said: str, current: str) -> Markup:
    return tag("a", said, href=f"{name}.html", aria_current="page" if name == current else None)


def pill(level: Level, words: str | None = None) -> Markup:
    """A level as a word on its colour."""
    return tag("span", words or level.value, class_=f"pill {_CLASS[level]}")


def banner(verdict: Verdict) -> Markup:
    """The sentence that a page begins with."""
    more = tag("p", verdict.more) if verdict.more else None
    return tag("div", tag("strong", verdict.sentence), more, class_=f"banner {_CLASS[verdict.level]}", role="status")


def tile(name: str, verdict: Verdict) -> Markup:
    """An area on the overview; the whole tile is a link."""
    return tag(
        "a",
        tag("h3", tag("span", PAGES[name]), pill(verdict.level)),
        tag("p", verdict.sentence, class_="says"),
        tag("p", verdict.more, class_="faint") if verdict.more else None,
        href=f"{name}.html",
        class_=f"card tile {_CLASS[verdict.level]}",
    )


def card(*content: Markup | None, level: Level | None = None) -> Markup:
    """Something that belongs together; with a level, that of a problem."""
    return tag("div", *content, class_="card" if level is None else f"card problem {_CLASS[level]}")


def section(title: str, *content: Markup | None) -> Markup:
    """A part of a page under its heading."""
    return tag("section", tag("h2", title), *content)


def nothing(words: str) -> Markup:
    """What stands where there is nothing to show."""
    return tag("p", words, class_="faint")


def facts_list(found: Iterable[tuple[str, str | Markup | None]]) -> Markup:
    """Names with their values; those without a value are left out."""
    return tag("dl", *(joined(tag("dt", name), tag("dd", value)) for name, value in found if value))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str) -> Markup:
    """A table; numbers stand to the right. `caption` says what it holds, for who cannot see where it stands."""
    found = [list(row) for row in rows]
    right = [
        bool(found) and all(isinstance(row[place], int | float | None) for row in found) for place in range(len(heads))
    ]
    kinds = ["number" if one else None for one in right]
    head = tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in zip(heads, kinds, strict=True)))
    body = [
        tag("tr", *(tag("td", _cell(value), class_=kind) for value, kind in zip(row, kinds, strict=True)))
        for row in found
    ]
    made = tag("table", tag("thead", head), tag("tbody", *body), aria_label=caption)
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _cell(value: Any) -> str | Markup:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, float):
        return compact.number(value)
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, Markup) else str(value)


def trend(
    title: str,
    about: str,
    points: Sequence[Point],
    *,
    share: bool = False,
    unit: str = "",
    limit: float | None = None,
    below: bool = False,
) -> Markup:
    """Figures over time: chart and table; `share` writes them as percent."""
    if not any(point.value is not None for point in points):
        return card(tag("h3", title), nothing(f"{about} No figure yet."))
    say = _sayer(share, unit)
    drawn = Markup(compact.trend(title, about, points, say, limit, below=below))
    rows = [(point.when, _said(point.value, say), "alarm" if point.alarm else "") for point in reversed(points)]
    return _chart(title, about, drawn, table(("until", "figure", "state"), rows, title))


def bars(
    title: str, about: str, found: Sequence[Bar], *, share: bool = False, unit: str = "", whole: float = 0.0
) -> Markup:
    """Figures of several things: chart and table."""
    if not found:
        return card(tag("h3", title), nothing(f"{about} No figure yet."))
    say = _sayer(share, unit)
    drawn = Markup(compact.bars(title, about, found, say, whole))
    rows = [(one.name, say(one.value), _said(one.limit, say), "alarm" if one.alarm else "") for one in found]
    return _chart(title, about, drawn, table(("of", "figure", "alarm above", "state"), rows, title))


def _chart(title: str, about: str, drawn: Markup, figures: Markup) -> Markup:
    return card(
        tag("h3", title),
        tag("p", about, class_="faint"),
        drawn,
        tag("details", tag("summary", "As a table"), figures),
    )


def _sayer(share: bool, unit: str) -> Any:
    return compact.share if share else lambda value: f"{compact.number(value)} {unit}".rstrip()


def _said(value: float | None, say: Any) -> str:
    return "" if value is None else str(say(value))


def minutes(text: str) -> str:
    """A time as our logs write it, to the minute; what is none is shown as it is."""
    moment = looking.moment(text)
    return when(moment) if moment else text


def monitors(windows: Sequence[Window], area: str) -> Markup:
    """Every monitor of an area in the newest window, worst first."""
    if not windows:
        return nothing("Nothing was looked at yet.")
    rows = [row for row in windows[-1].rows if row["area"] == area]
    rows.sort(key=lambda row: _ORDER.get(row["state"], 3))
    shown = [
        (
            row["monitor"].replace("_", " "),
            row["subject"],
            pill(row_level(row), row["state"]),
            None if row["value"] is None else compact.number(row["value"]),
            None if row["threshold"] is None else compact.number(row["threshold"]),
            row["reason"],
        )
        for row in rows
        if row["state"] != OK or row["value"] is not None
    ]
    return table(("monitor", "of", "state", "figure", "limit", "why"), shown, f"Monitors of {area}")
