"""A model card as a page: plain HTML with drawn charts, each with its figures in a table; no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aifactory_runtime.charts import model as charts
from aifactory_runtime.pages.markup import Markup, joined, tag

_MOST_SLICES = 20
_STYLE = """
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.banner { padding: .75rem 1rem; border-left: .5rem solid; font-weight: 600; }
.passed, .held { border-color: #1d7a46; } .refused, .failed { border-color: #b3261e; }
td.held { color: #1d7a46; } td.failed { color: #b3261e; font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #d9dee4; vertical-align: top; }
td { overflow-wrap: anywhere; } svg { display: block; max-width: 100%; height: auto; margin: .6rem 0; }
"""
Part = Mapping[str, Any]


def html(card: Mapping[str, Any], drawn: Mapping[str, str]) -> str:
    """The page of a card; `drawn` are SVG texts by file name, of which those with a table here are shown."""
    about = card["about"]
    body = [
        tag("h1", f"Model card: {about['title']}"),
        _verdict(card),
        _section("What it is", _about(about)),
        _section("How it did", _figures(card)),
        *_part(card, "principles", "Principles of responsible AI", _principles),
        *_part(card, "fairness", "Groups of people", _fairness),
        *_part(card, "slices", "Parts of the rows", lambda part: [*_picture(drawn, charts.SLICES), _slices(part)]),
        *_part(
            card,
            "calibration",
            "Probabilities",
            lambda part: [*_picture(drawn, charts.CALIBRATION), *_calibration(part)],
        ),
        *_part(card, "explanations", "Explanations", _explanations),
        *_part(card, "stress", "Rows that training never saw", _stress),
        *_part(card, "footprint", "What it takes", _footprint),
        _section("Remarks", [_list(card["remarks"] or ["none"])]),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Model card: {about['title']}"),
        tag("style", Markup(_STYLE)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', *body)), lang='en')}\n"


def _part(card: Mapping[str, Any], name: str, title: str, made: Any) -> Iterator[Markup]:
    if name in card:
        yield _section(title, [*made(card[name]), *_notes(card[name])])


def _section(title: str, children: Iterable[Markup]) -> Markup:
    return tag("section", tag("h2", title), *children)


def _verdict(card: Mapping[str, Any]) -> Markup:
    if card["passed"]:
        return tag("p", "The gate let it pass.", class_="banner passed")
    said = joined("The gate refuses it:", _list(card["reasons"]))
    return tag("div", said, class_="banner refused")


def _about(about: Part) -> list[Markup]:
    changed = ", with changes that are not committed" if about["dirty"] else ""
    rows = [
        ("use case", about["use_case"]),
        ("owner, team", f"{about['owner']}, {about['team']}"),
        ("risk, data", f"{about['risk']}, {about['data_classification']}"),
        ("says", f"{about['target']}: {', '.join(about['classes']) or 'a number'}"),
        ("sees", ", ".join(about["columns"])),
        ("never sees", ", ".join(about["ignored"]) or "every column of the table may be seen"),
        ("is", about["estimator"]),
        ("parameters", ", ".join(f"{key}: {value}" for key, value in about["parameters"].items()) or "none"),
        ("run, commit", f"{about['run']}, {about['commit'][:12]}{changed}"),
        ("sha256", about["model_sha256"]),
        *((f"table {name}", version) for name, version in about["tables"].items()),
    ]
    return [_table("What this model is", ("what", "value"), rows)]


def _figures(card: Mapping[str, Any]) -> list[Markup]:
    rows = [
        (f"{name} (decides)" if name == card["metric"] else name, *(_number(found[key]) for key in found))
        for name, found in card["figures"].items()
    ]
    names = ("figure", "on the test rows", "baseline there", "on the frozen reference", "champion there")
    note = card["about"]["figures_note"]
    return [*([tag("p", note)] if note else []), _table("Figures", names, rows)]


def _principles(part: Part) -> list[Markup]:
    rows = [(one["principle"], one["check"], one["result"], one["found"]) for one in part["found"]]
    return [_table("A check for each principle", ("principle", "check", "result", "found"), rows, marked=2)]


def _fairness(part: Part) -> list[Markup]:
    rows = []
    for one in part["found"]:
        groups = "; ".join(
            f"{name}: {_number(value)} ({count} rows)" for name, (value, count) in (one["found"] or {}).items()
        )
        beyond = "beyond the limit" if one["beyond"] else "" if one["metric"] == part["metric"] else "shown"
        of = f" of {one['of']}" if one["of"] else ""
        rows.append((one["column"], one["figure"] + of, groups or "too few rows", _number(one["value"]), beyond))
    if not rows:
        return []
    caption = f"Differences between groups; {part['metric']} decides"
    return [_table(caption, ("column", "figure", "groups", "difference", "verdict"), rows)]


def _slices(part: Part) -> Markup:
    rows = [
        (
            one["name"],
            str(one["rows"]),
            *(_number(one[key]) for key in ("candidate", "champion", "baseline")),
            _judged(one),
        )
        for one in part["found"][:_MOST_SLICES]
    ]
    caption = f"{part['metric']} by part of {part['rows']}, the worst first"
    return _table(caption, ("part", "rows", "candidate", "champion", "baseline", "verdict"), rows)


def _judged(one: Part) -> str:
    return "too few rows" if one["few"] else f"worse than the other, p {_number(one['p'])}" if one["worse"] else ""


def _calibration(part: Part) -> list[Markup]:
    if "error" not in part:
        return []
    rows = [(_number(one["said"]), _number(one["true"]), str(one["rows"])) for one in part["bins"]]
    said = (
        f"Probabilities lie {part['error']:.3g} from how often they come true; chance alone makes up to "
        f"{part['by_chance']:.3g} of so many rows. Brier score {_number(part['brier'])}, of the baseline "
        f"{_number(part['brier_of_baseline'])}."
    )
    caption = "Probability and what came true, in bins"
    return [tag("p", said), _table(caption, ("the model says", "came true", "rows"), rows)]


def _explanations(part: Part) -> list[Markup]:
    if part["agreement"] is None:
        return []
    return [tag("p", f"Two explanations of {part['rows']} rows, in other orders, agree by {part['agreement']:.3g}.")]


def _stress(part: Part) -> list[Markup]:
    wrong = list(part["wrong"].items())
    said = tag(
        "p", f"{len(part['cases'])} cases were tried on {part['rows']} rows, {len(wrong)} have no usable answer."
    )
    return [said, *([_table("Cases without one", ("rows with", "answer"), wrong)] if wrong else [])]


def _footprint(part: Part) -> list[Markup]:
    rows = [
        ("files", f"{part['model_bytes']:,} bytes"),
        ("memory when loaded", f"{part['memory_bytes']:,} bytes"),
        ("one row, where it was trained", f"{part['latency_ms']:.3g} ms"),
    ]
    return [_table("Size, memory, time", ("what", "value"), rows)]


def _notes(part: Part) -> list[Markup]:
    return [_list(part["notes"])] if part.get("notes") else []


def _picture(drawn: Mapping[str, str], name: str) -> list[Markup]:
    return [tag("figure", Markup(drawn[name]))] if name in drawn else []


def _list(said: Sequence[str]) -> Markup:
    return tag("ul", *(tag("li", one) for one in said))


def _table(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]], *, marked: int | None = None) -> Markup:
    """The first cell of a row is its name; `marked` is the place of a result."""
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    lines = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(
                tag("td", cell, class_=cell.partition(" ")[0] if place == marked else None)
                for place, cell in enumerate(row)
                if place
            ),
        )
        for row in rows
    ]
    return tag(
        "div",
        tag("table", tag("caption", caption), head, tag("tbody", *lines)),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
