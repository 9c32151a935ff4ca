"""Text tables as people write them, as `factory new` takes them in: right values, or a sentence that tells."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from aifactory.scaffold.science import conf, sample
from aifactory.scaffold.science.brief import Brief
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError
from tests.unit.aifactory.profile.looking import DAYS, NUMBERS, looked_at, said_of, trained_on, written


def test_given_numbers_with_signs_and_units_when_looked_at_then_they_are_numbers_and_how_is_said() -> None:
    table, proposal = looked_at("money-percent-unit/pumps.csv")
    rows = trained_on("money-percent-unit/pumps.csv", table, proposal)
    assert [rows[name][0] for name in ("price", "load", "weight")] == [538.5, 2, 6]
    assert [column.kind for column in proposal.columns] == ["number", "integer", "integer"]
    assert "12 % is 12" in said_of(proposal, "load")
    assert all(said_of(proposal, name) for name in ("price", "load", "weight"))


@pytest.mark.parametrize(
    ("place", "column", "total"),
    [
        ("quoted-decimal-comma/pumps.csv", "kw", 30873.67),
        ("thousands-read-as-decimals/meters.csv", "amount", 123468),
        ("excel-formula-cells/meters.csv", "age", 968),
    ],
)
def test_given_marks_and_formulas_when_looked_at_then_the_sum_is_right_and_how_is_said(
    place: str, column: str, total: float
) -> None:
    table, proposal = looked_at(place)
    assert sum(trained_on(place, table, proposal)[column]) == pytest.approx(total)
    assert said_of(proposal, column)


def test_given_dates_as_people_write_them_when_looked_at_then_they_are_the_same_days_and_the_order_is_said() -> None:
    place = "dates-as-people-write/visits.csv"
    table, proposal = looked_at(place)
    rows = trained_on(place, table, proposal)
    days = [[day.date() for day in rows[name]] for name in ("dashes", "month", "short", "ampm", "slashes")]
    assert all(column == days[0] for column in days)
    assert "day first" in said_of(proposal, "dashes")
    assert "month first" in said_of(proposal, "ampm")
    assert all(said_of(proposal, name) for name in ("month", "short", "slashes"))


@pytest.mark.parametrize("word", ["#DIV/0!", "\\N", "n.a.", "Total rows", "broken"])
@pytest.mark.parametrize("place", [0, 17, 59])
def test_given_one_odd_cell_among_numbers_when_looked_at_then_it_is_missing_and_row_and_column_are_said(
    tmp_path: Path, word: str, place: int
) -> None:
    cells = [*NUMBERS[:place], word, *NUMBERS[place + 1 :]]
    path = written(tmp_path, cells)
    table, proposal = looked_at(path)
    assert [number for number, value in enumerate(trained_on(path, table, proposal)["kw"]) if value is None] == [place]
    expected = f"kw: 59 of 60 cells are numbers, 1 is taken for missing, the first in row {place + 1}"
    assert expected in proposal.notes
    assert table.read.columns["kw"].missing == (word,)


@pytest.mark.parametrize("word", ["0000-00-00", "2025-02-30", "unknown"])
def test_given_a_day_that_does_not_exist_when_looked_at_then_it_is_missing_and_that_is_said(
    tmp_path: Path, word: str
) -> None:
    path = written(tmp_path, [*DAYS[:20], word, *DAYS[21:]], "when")
    table, proposal = looked_at(path)
    assert trained_on(path, table, proposal)["when"][20] is None
    assert "when: 59 of 60 cells are dates, 1 is taken for missing, the first in row 21" in proposal.notes


def test_given_an_odd_cell_in_the_target_of_a_regression_when_looked_at_then_it_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, [*(f"${cell}" for cell in NUMBERS[:58]), "n.a.", "$1,234.5"], "price")
    table, proposal = looked_at(path, "price")
    assert proposal.problem.name == "regression"
    assert trained_on(path, table, proposal)["price"][56:] == [float(NUMBERS[56]), float(NUMBERS[57]), None, 1234.5]
    assert "1 rows have no price" in "\n".join(proposal.notes)


def test_given_many_words_among_numbers_when_looked_at_then_it_is_a_text_and_it_is_said_how_many(
    tmp_path: Path,
) -> None:
    cells = [f"word{number}" if number % 3 == 1 else cell for number, cell in enumerate(NUMBERS)]
    _, proposal = looked_at(written(tmp_path, cells))
    assert proposal.columns[0].kind == "text"
    assert "40 of 60 cells are numbers, 20 are not, the first in row 2: kept as texts" in said_of(proposal, "kw")
    with pytest.raises(FactoryError, match="40 of 60 cells are numbers, 20 are not, the first in row 2"):
        looked_at(written(tmp_path, cells), "kw")


SUMS = [(number * 137 % 4000) + 500 for number in range(60)]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([f"CHF {n:,}.50".replace(",", "'") for n in SUMS], [n + 0.5 for n in SUMS]),
        ([f"{n:,},56\u00a0€".replace(",", "\u202f", int(n > 999)) for n in SUMS], [n + 0.56 for n in SUMS]),
        ([f"{n % 90},5 %" for n in SUMS], [n % 90 + 0.5 for n in SUMS]),
        ([f"({n}.50)" for n in SUMS], [-n - 0.5 for n in SUMS]),
        ([f"- {n}.5" if n % 3 else f"{n}.5" for n in SUMS], [-n - 0.5 if n % 3 else n + 0.5 for n in SUMS]),
        ([f"\uffe5{n:,}" for n in SUMS], SUMS),
        ([f"{n:,}.5".replace(",", "\u2007") for n in SUMS], [n + 0.5 for n in SUMS]),
        ([f"%{n % 90}.5" for n in SUMS], [n % 90 + 0.5 for n in SUMS]),
        ([f"$({n:,}.50)" if n % 3 else f"${n:,}.50" for n in SUMS], [-n - 0.5 if n % 3 else n + 0.5 for n in SUMS]),
        ([f"({n:,}.50) USD" if n % 3 else f"{n:,}.50 USD" for n in SUMS],
         [-n - 0.5 if n % 3 else n + 0.5 for n in SUMS]),
        ([f"\u2212{n}" for n in SUMS], [-n for n in SUMS]),
        ([f"{n}-" if n % 2 else str(n) for n in SUMS], [-n if n % 2 else n for n in SUMS]),
        ([f"{n % 9},{n % 10}E+0{n % 3}" for n in SUMS], [float(f"{n % 9}.{n % 10}E{n % 3}") for n in SUMS]),
        ([f"{n:,}" for n in SUMS], SUMS),
        ([f"{n:,}".replace(",", ".") for n in SUMS], SUMS),
    ],
)  # fmt: skip
def test_given_amounts_as_people_write_them_when_looked_at_then_training_reads_these_numbers_and_how_is_said(
    tmp_path: Path, cells: list[str], values: list[float]
) -> None:
    path = written(tmp_path, cells, separator=";" if "." in cells[1] else ",")
    table, proposal = looked_at(path)
    assert trained_on(path, table, proposal)["kw"] == pytest.approx(values)
    assert said_of(proposal, "kw")


@pytest.mark.parametrize(("classification", "named"), [("internal", True), ("confidential", False)])
def test_given_rules_when_the_repo_is_written_then_its_sample_is_read_by_them_and_no_word_of_a_secret_table_is_there(
    tmp_path: Path, classification: str, named: bool
) -> None:
    cells = [*(f"${cell}" for cell in NUMBERS[:58]), "Miller", "n.a."]
    path = written(tmp_path, cells, "price")
    table, proposal = looked_at(path)
    brief = Brief(proposal, "demo", {"data_classification": classification}, real_sample=False)

    conf_text = conf.source(brief, table.read)
    settings = Settings.model_validate(yaml.safe_load(conf_text)).data.read
    assert settings is not None
    (tmp_path / "sample.csv").write_bytes(sample.as_csv(sample.rows(brief, table), table.kept.column_names, settings))

    assert ("Miller" in conf_text) == named
    assert "n.a." in conf_text
    assert source.read(source.locate(tmp_path, path), settings, {"price": "number"})["price"].count() == 58
    assert source.read(source.locate(tmp_path, "sample.csv"), settings, {"price": "number"})["price"].dtype == "float64"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([f"{number} {'kg' if number % 2 else 'lb'}" for number in range(60)], "different units.*lb 30, kg 30"),
        ([f"0{number:03d}" for number in range(60)], "begin with 0 in 60 of 60 cells, the first in row 1: codes"),
        ([f"{number % 24:02d}:{number % 60:02d}" for number in range(60)], "60 of 60 cells look like times of day"),
        ([f"Mon, {number % 28 + 1} Jan 2025" for number in range(60)], "name of a weekday: write 2025-02-03"),
        ([f"Monday 2025-02-{number % 28 + 1:02d} 10:15" for number in range(60)], "name of a weekday"),
        ([f"2025-02-{number % 28 + 1:02d} 10:21:00 CET" for number in range(60)], "a form that is not read"),
        ([f"{number % 28 + 1:02d}-02-2025 10:21:00.{number:03d}" for number in range(60)], "a form that is not read"),
        ([f"{number % 28 + 1:02d}/Feb/2025:10:21:00 +0200" for number in range(60)], "a form that is not read"),
        ([f"April {number % 9 + 1}th, 2024" for number in range(60)], "a form that is not read"),
        ([f"2024年4月{number % 28 + 1}日" for number in range(60)], "a form that is not read"),
        ([f"2025-W18-{number % 7 + 1}" for number in range(60)], "weeks, months or quarters"),
        ([f"PT{number}H30M" for number in range(60)], "lengths of time"),
        ([f"\u00b1{number}" for number in range(60)], "a mark for more, less or about"),
        ([f"₹{number % 9 + 1},{number % 90 + 10},{number + 100}.50" for number in range(60)], "as in 1.2.3"),
        ([f"2025-W{number % 52 + 1:02d}" for number in range(60)], "weeks, months or quarters"),
        ([f"Q{number % 4 + 1}/2025" for number in range(60)], "weeks, months or quarters"),
        ([f"2025-{number % 12 + 1:02d}" for number in range(60)], "weeks, months or quarters"),
        ([f"{number % 9}h {number}min" for number in range(60)], "lengths of time, or other amounts, in several units"),
        ([f"{number % 9 * 10} - {number % 9 * 10 + 9}" for number in range(60)], "two numbers with a mark"),
        ([f"'{number}.5'" for number in range(60)], "in quotes or brackets that are part of the cell"),
        ([f"< {number % 9}.5" for number in range(60)], "a mark for more, less or about"),
        ([chr(0xFF10 + number % 9) + chr(0xFF10 + number % 7) for number in range(60)],
         "digits of another script"),
        ([f"{number % 9 + 1},{number % 90 + 10},{number + 100}" for number in range(60)], "as in 1.2.3; kept as texts"),
        ([f"{number % 28 + 1:02d}. März 2025" for number in range(60)], "months that are not English"),
        ([f"{number % 9 + 1},{number * 7 % 900 + 100}" for number in range(60)], "cannot be told apart; kept as texts"),
        ([f"{number % 12 + 1}/{number % 28 + 1}/2025" if number % 2 else f"{number % 28 + 1}/3/2025"
          for number in range(60)], "the day first in .* and the month first in .*: kept as texts"),
    ],
)  # fmt: skip
def test_given_cells_that_no_rule_fits_when_looked_at_then_they_are_texts_with_a_sentence(
    tmp_path: Path, cells: list[str], said: str
) -> None:
    _, proposal = looked_at(written(tmp_path, cells))
    assert proposal.columns[0].kind in {"text", "category"}
    assert re.search(said, said_of(proposal, "kw"))


def test_given_one_word_among_numbers_of_json_lines_when_looked_at_then_its_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    records: list[dict[str, object]] = [{"kw": number, "x": number % 7, "state": number % 2} for number in range(60)]
    records[40]["kw"] = "old"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    _, proposal = looked_at(str(path))
    assert "59 of 60 cells are numbers, 1 is not, the first in row 41: kept as texts; store numbers" in said_of(
        proposal, "kw"
    )


def test_given_infinite_values_when_looked_at_then_they_are_said(tmp_path: Path) -> None:
    cells = ["inf" if number % 20 == 0 else f"{number}.5" for number in range(60)]
    assert "3 values are infinite, and are taken for missing" in said_of(looked_at(written(tmp_path, cells))[1], "kw")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([f"2025-02-{n % 28 + 1:02d}T10:00:00+02:00" for n in range(60)], "60 times name a zone and are moved to UTC"),
        ([f"2025-02-{n % 28 + 1:02d}T10:00:00{'Z' if n % 2 else ''}" for n in range(60)],
         "30 times name a zone and are moved to UTC; the 30 others name none and are taken as UTC"),
        ([f"2025-02-{n % 28 + 1:02d}T10:00:00" for n in range(60)], ""),
    ],
)  # fmt: skip
def test_given_times_with_a_zone_when_looked_at_then_what_becomes_of_it_is_said(
    tmp_path: Path, cells: list[str], said: str
) -> None:
    found = said_of(looked_at(written(tmp_path, cells))[1], "kw")
    assert said in found if said else not found


def test_given_a_number_of_few_values_as_the_target_when_looked_at_then_the_way_to_classes_is_named(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, [("0", "1", "9999")[number % 3] for number in range(60)], "grade")
    assert "if these are classes: --problem classification" in looked_at(path, "grade")[1].problem.reason


@pytest.mark.parametrize(("rows", "said"), [(400, "data.test_share: 0.25"), (60, "bring more rows"), (500, None)])
def test_given_few_rows_in_order_of_time_when_looked_at_then_it_is_said_what_the_gate_needs(
    tmp_path: Path, rows: int, said: str | None
) -> None:
    path = tmp_path / "t.csv"
    lines = [f"{2000 + n // 300}-{n % 12 + 1:02d}-{n % 28 + 1:02d},{n % 7}.5,{n % 2}" for n in range(rows)]
    path.write_text("\n".join(["ordered_on,kw,state", *sorted(lines), ""]))
    notes = [note for note in looked_at(str(path))[1].notes if "the gate needs 100 test rows" in note]
    assert [said in note for note in notes] == [True] if said else notes == []


def test_given_days_without_marks_when_looked_at_then_training_reads_dates_and_a_day_that_is_none_is_missing(
    tmp_path: Path,
) -> None:
    days = [f"2024{number % 12 + 1:02d}{number % 28 + 1:02d}" for number in range(59)]
    path = written(tmp_path, [*days, "20240231"])
    table, proposal = looked_at(path)

    read = trained_on(path, table, proposal)["kw"]
    assert [f"{day:%Y%m%d}" for day in read[:59]] == days
    assert read[59] is None
    assert "whole numbers that are days, as in 20240131: read as %Y%m%d" in said_of(proposal, "kw")
    assert "59 of 60 cells are dates, 1 is taken for missing, the first in row 60" in said_of(proposal, "kw")


@pytest.mark.parametrize(
    "cells",
    [
        [str(20_240_000 + number) for number in range(60)],
        [str(20_241_301 + number) for number in range(60)],
        [str(18_000_101 + number % 28) for number in range(60)],
    ],
)
def test_given_numbers_that_are_no_days_when_looked_at_then_they_stay_numbers(tmp_path: Path, cells: list[str]) -> None:
    _, proposal = looked_at(written(tmp_path, cells))
    assert proposal.columns[0].kind == "integer"


def test_given_days_that_are_stored_as_whole_numbers_when_looked_at_then_they_are_numbers_and_that_is_said(
    tmp_path: Path,
) -> None:
    days = [20_240_101 + number % 12 * 100 + number % 28 for number in range(60)]
    pq.write_table(pa.table({"kw": days, "state": ["ok", "fail"] * 30}), tmp_path / "t.parquet")
    _, proposal = looked_at(str(tmp_path / "t.parquet"))
    assert proposal.columns[0].kind == "integer"
    assert "store dates" in said_of(proposal, "kw")


def test_given_no_column_but_one_that_stays_a_text_when_looked_at_then_the_refusal_says_why(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("price,state\n" + "".join(f'"{n % 9 + 1},{n + 100}",{n % 2}\n' for n in range(60)))
    with pytest.raises(FactoryError, match=r"no column is left .*thousands and decimals cannot be told apart"):
        looked_at(str(path))


def test_given_classes_one_of_which_is_a_word_when_looked_at_then_it_is_a_class_and_not_missing(tmp_path: Path) -> None:
    path = written(tmp_path, ["A" if number in {7, 44} else str(number % 4) for number in range(60)])
    assert looked_at(path)[1].columns[0].values == ("1", "2", "0", "3", "A")


@pytest.mark.parametrize(
    "cells", [[f"{n} {w} road" for n, w in enumerate("abcdefghij" * 6)], [f"A{n}" for n in range(60)]]
)
def test_given_addresses_and_ids_when_looked_at_then_they_are_texts_without_a_word(
    tmp_path: Path, cells: list[str]
) -> None:
    _, proposal = looked_at(written(tmp_path, cells))
    assert proposal.columns[0].kind == "text"
    assert not said_of(proposal, "kw")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            ["1.5", "9007199254740993", "9007199254740992", "9007199254740995"],
            "2 numbers beyond 2^53 lose their last digits, the first in row 2",
        ),
        (["1,5", "9.007.199.254.740.993,00", "2,5", "3,5"], "1 numbers beyond 2^53 lose"),
        (["1.5", "1.2345e100", "9007199254740994", "123456789012345680000.0"], None),
        (["0.12345678901234567890", "1.5", "2.5", "3.5"], None),
    ],
)
def test_given_numbers_beyond_2_53_among_decimals_when_looked_at_then_those_that_lose_digits_are_said(
    tmp_path: Path, cells: list[str], said: str | None
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{cells[number] if number < 4 else cells[0]};{number % 7};{'ab'[number % 2]}" for number in range(60)]
    path.write_text("\n".join(["kw;n;state", *rows, ""]))
    notes = [note for note in looked_at(str(path))[1].notes if "beyond 2^53" in note]
    assert [note.startswith(f"kw: {said}") for note in notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("{n} days 00:05:00", "lengths of time"),
        ("-{n} days +23:05:00", "lengths of time"),
        ("令和{n}年1月3日", "days, or days with a time, in a form that is not read"),
        ("2025-02-03 10:{n}:00 CEST", "days, or days with a time, in a form that is not read"),
    ],
)
def test_given_lengths_and_days_in_a_form_that_is_not_read_when_looked_at_then_the_form_is_said(
    tmp_path: Path, cell: str, said: str
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{cell.replace('{n}', str(number % 30 + 10))},{number % 7},{'ab'[number % 2]}" for number in range(60)]
    path.write_text("\n".join(["t,n,state", *rows, ""]))
    assert any(note.startswith(f"t: 60 of 60 cells look like {said}") for note in looked_at(str(path))[1].notes)


def test_given_streets_with_numbers_when_looked_at_then_they_are_not_taken_for_months(tmp_path: Path) -> None:
    rows = [f"{['Hafenstraße', 'Marktplatz', 'Lindenallee'][n % 3]} {n + 10},{n % 7},{'ab'[n % 2]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["street,n,state", *rows, ""]))
    assert not [note for note in looked_at(str(tmp_path / "t.csv"))[1].notes if note.startswith("street: ")]


@pytest.mark.parametrize(("word", "said"), [("NA", True), ("None", True), ("?", False), ("North", False), ("", False)])
def test_given_a_word_for_nothing_in_a_column_of_texts_when_looked_at_then_how_many_is_said(
    tmp_path: Path, word: str, said: bool
) -> None:
    rows = [f"{n}.5,{n % 7},{'ab'[n % 2] if n % 6 else word}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["kw,n,state", *rows, ""]))
    notes = looked_at(str(tmp_path / "t.csv"))[1].notes
    assert any(note.startswith("state: 10 cells hold a word such as NA") for note in notes) is said


def test_given_an_id_as_the_target_when_looked_at_then_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("kw,state\n" + "".join(f"{n * 7 % 11}.5,{n + 1}\n" for n in range(60)))
    proposal = looked_at(str(tmp_path / "t.csv"))[1]
    assert "state looks like an id: of an id nothing can be learned" in proposal.notes
    assert "counts the rows" not in proposal.target.reason and "count the rows" in proposal.target.reason
