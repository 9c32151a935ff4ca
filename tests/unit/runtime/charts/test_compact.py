"""The small charts: well formed, with title and description, true to the figures."""

from __future__ import annotations

from xml.etree import ElementTree

from aifactory_runtime.charts import compact
from aifactory_runtime.charts.compact import Bar, Point

SVG = "{http://www.w3.org/2000/svg}"
ODD = "<b onclick='x()'>&"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def of_class(chart: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in chart.iter() if one.get("class") == name]


def words(chart: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in chart.iter(f"{SVG}text")]


def test_given_figures_with_a_gap_when_drawn_then_the_line_has_a_gap_and_an_alarm_is_a_square() -> None:
    points = [Point("1", 1.0), Point("2", 3.0), Point("3", None), Point("4", 2.0), Point("5", 4.0, alarm=True)]
    chart = drawn(compact.trend(ODD, ODD, points, compact.number, limit=3.5))

    assert (chart.findtext(f"{SVG}title"), chart.findtext(f"{SVG}desc"), chart.get("role")) == (ODD, ODD, "img")
    assert (
        len(of_class(chart, "line")) == 2 and len(of_class(chart, "point")) == 3 and len(of_class(chart, "alarm")) == 1
    )
    heights = [float(one.get("cy", "")) for one in of_class(chart, "point")]
    assert heights[1] < heights[2] < heights[0], "more is higher"
    limit = float(of_class(chart, "limit")[0].get("y1", ""))
    assert float(of_class(chart, "alarm")[0].get("y", "")) + 4 < limit < heights[1]
    assert {"alarm above 3.5", "4", "1", "5"} <= set(words(chart))


def test_given_one_figure_or_equal_ones_or_those_below_zero_when_drawn_then_there_is_a_chart() -> None:
    for values in ([0.0], [2.0, 2.0], [-1.0, -3.0], [1e-12, 5e9]):
        chart = drawn(compact.trend("t", "d", [Point("x", value) for value in values], compact.number))
        places = [float(one.get("cy", "")) for one in of_class(chart, "point")]
        assert len(places) == len(values) and all(0 <= place <= 132 for place in places)


def test_given_things_with_limits_when_drawn_then_bars_are_in_proportion_and_alarms_are_said_in_words() -> None:
    found = [Bar("a" * 50, 0.2, 0.1, alarm=True), Bar(ODD, 0.05, 0.1), Bar("below", -1.0)]
    chart = drawn(compact.bars("t", "d", found, compact.share))

    lengths = [float(one.get("width", "")) for kind in ("alarm", "bar") for one in of_class(chart, kind)]
    assert lengths[0] == 4 * lengths[1] and lengths[2] == 0 and len(of_class(chart, "mark")) == 2
    assert "20 %, alarm" in words(chart) and ODD in words(chart)
    whole = drawn(compact.bars("t", "d", found[1:2], compact.share, whole=1.0))
    assert float(of_class(whole, "bar")[0].get("width", "")) == round((compact.WIDTH - 2) * 0.05, 1)
    assert drawn(compact.bars("t", "d", [], compact.number)).get("viewBox") == "0 0 340 1"


def test_given_figures_when_written_then_in_as_many_places_as_people_read() -> None:
    said = [compact.number(value) for value in (0.123456, 12345.6, float("nan"), 0.0)]
    assert (*said, compact.share(0.031)) == ("0.123", "12,346", "-", "0", "3.1 %")
