"""Pictures are whole SVG with title and description, hold what was counted, and bear odd models and odd names."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from aifactory_runtime.charts import model, svg

SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> list[str]:
    """The texts of a picture, which must be XML without scripts and without an address to load from."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    assert root.tag == f"{SVG}svg" and root.attrib["role"] == "img"
    assert root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc") is not None
    assert not list(root.iter(f"{SVG}script")) and "href" not in picture
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_given_answers_of_a_classifier_when_drawn_then_the_cells_are_the_counts() -> None:
    labels = np.array(["no", "no", "no", "yes", "yes"])
    shares = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.9, 0.1]])
    predicted = np.array(["no", "yes"])[shares.argmax(axis=1)]

    drawn = model.of_classes(labels, predicted, shares, ["no", "yes"])

    assert set(drawn) == {model.CONFUSION, model.CALIBRATION}
    cells = [word for word in words(drawn[model.CONFUSION]) if word.isdigit()]
    assert cells == ["2", "1", "1", "1"]
    assert "yes" in words(drawn[model.CALIBRATION])


def test_given_more_classes_than_can_be_read_when_drawn_then_the_most_frequent_are() -> None:
    labels = np.repeat(np.arange(30), np.arange(1, 31))
    shares = np.full((len(labels), 30), 1 / 30)

    drawn = model.of_classes(labels, labels, shares, list(range(30)))

    shown = words(drawn[model.CONFUSION])
    assert "29" in shown and shown.count("30") == 1
    assert sum(word == "0" for word in shown) == 20 * 19


def test_given_a_regressor_that_is_always_one_too_low_when_drawn_then_the_middle_is_at_one() -> None:
    said = np.linspace(0, 10, 200)

    drawn = model.of_numbers(said + 1, said)

    assert {"95 of 100 are below", "middle", "5 of 100 are below"} <= set(words(drawn[model.RESIDUALS]))
    ticks = [float(word) for word in words(drawn[model.RESIDUALS]) if word.replace(".", "").isdigit()]
    assert min(abs(tick - 1) for tick in ticks) < 0.01


@pytest.mark.parametrize("constant", [0.0, 5.0, -3.0])
def test_given_a_model_that_says_one_number_when_drawn_then_there_is_a_picture(constant: float) -> None:
    drawn = model.of_numbers(np.arange(40.0), np.full(40, constant))

    assert words(drawn[model.RESIDUALS])


def test_given_a_feature_that_decides_when_shuffled_then_it_is_the_first_and_its_columns_are_one() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(size=(300, 4))
    labels = values[:, 1] + values[:, 2]

    drawn = model.importances(
        lambda rows: rows[:, 1] + rows[:, 2],
        values,
        labels,
        labels,
        features=["age", "site=mill", "site=quarry", "kw"],
        score=lambda truth, said: -float(np.abs(truth - said).mean()),
    )

    names = [word for word in words(drawn[model.IMPORTANCES]) if word in {"age", "site", "kw", "site=mill"}]
    assert names == ["site", "age", "kw"]


def test_given_points_when_the_learning_curve_is_drawn_then_both_kinds_of_rows_are_named() -> None:
    drawn = model.learning([10, 20, 40], [1.0, 0.9, 0.9], [0.5, 0.7, 0.8], "roc_auc")

    assert {"training rows", "validation rows", "roc_auc"} <= set(words(drawn[model.LEARNING]))


def test_given_names_with_signs_of_markup_when_drawn_then_they_are_text() -> None:
    name = '<script>&"a"' + "x" * 50

    drawn = svg.bars("A <b> title", "about & more", [name], [-0.5], "loss")

    (shown,) = [word for word in words(drawn) if word.startswith("<script>")]
    assert len(shown) < len(name) and shown.endswith("\u2026")
