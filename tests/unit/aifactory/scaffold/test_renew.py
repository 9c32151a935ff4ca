"""A repo's sample made again: from the table as it is, in the repo's own words, or not at all."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import pytest

from aifactory.scaffold.science.renew import Renewed, renew
from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import Manifest
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import make_repo

pytestmark = pytest.mark.slow
HEADER = ["age", "income", "member", "region", "churned"]
READ = """\
  sample: real
  read:
    separator: ;
    encoding: cp1252
    skip_rows: 2
    footer_rows: 1
    columns:
      income: {thousands: ".", decimal: ",", missing: [unbekannt]}
"""


def renewed(repo: Path) -> Renewed:
    return renew(repo, yaml_model.load(repo / "factory.yaml", Manifest), Path(sys.executable))


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_given_an_internal_table_when_renewed_then_rows_are_made_up_and_fit_the_schema(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")

    done = renewed(repo)

    header, *rows = lines(repo / "data" / "sample.csv")
    table = {tuple(row) for row in lines(repo / "data" / "customers.csv")[1:]}
    assert (done.real, done.rows, header) == (False, len(rows), HEADER)
    assert not table & {tuple(row) for row in rows}
    assert any("sample: made-up" in note for note in done.notes)
    (asked,) = json.loads((repo / "data" / "request.json").read_text())["rows"]
    assert set(asked) == {"age", "income", "member", "region"}


def test_given_a_public_table_that_grew_a_column_when_renewed_then_real_rows_and_the_column_is_named(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo")
    edit(repo / "factory.yaml", "data_classification: internal", "data_classification: public")
    edit(repo / "conf" / "base.yaml", "data:\n", "data:\n  sample: real\n")
    table = repo / "data" / "customers.csv"
    head, *rest = table.read_text().splitlines()
    table.write_text("\n".join([f"{head},shoe", *(f"{line},{40 + n % 7}" for n, line in enumerate(rest))]) + "\n")

    done = renewed(repo)

    assert done == Renewed(400, True, ("column shoe of the table is not in schema.py, so not in the sample",))
    header, *rows = lines(repo / "data" / "sample.csv")
    assert header == HEADER and len(rows) == 400


def test_given_a_conf_that_says_how_the_table_is_written_when_renewed_then_it_is_followed(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    edit(repo / "factory.yaml", "data_classification: internal", "data_classification: public")
    edit(repo / "conf" / "base.yaml", "data:\n", f"data:\n{READ}")
    income = {row: f"{row % 90 + 1}.{row % 1000:03d}" for row in range(100)} | {8: "unbekannt"}
    rows = [[str(20 + row % 60), income[row], "yes", "east", str(row % 2)] for row in income]
    written = ["Kunden in München", "", ";".join(HEADER), *map(";".join, rows), "Summe;5"]
    (repo / "data" / "customers.csv").write_bytes("\n".join([*written, ""]).encode("cp1252"))

    assert renewed(repo).rows == len(rows)

    read = Settings.load(repo / "conf", "dev").data.sample_read
    found = source.read(source.locate(repo, "data/sample.csv"), read, {"income": "number"})["income"].to_list()
    expected = [float(row[1].replace(".", "")) if row[1][0].isdigit() else math.nan for row in rows]
    assert found == pytest.approx(expected, nan_ok=True)


def test_given_a_cell_that_no_rule_of_conf_names_when_renewed_then_refused_as_training_refuses_it(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo")
    table = repo / "data" / "customers.csv"
    table.write_text(table.read_text() + "41,unknown,True,east,1\n")

    with pytest.raises(FactoryError, match="column income holds values that are no number, the first in row 401"):
        renewed(repo)


def test_given_a_table_that_schema_py_does_not_fit_when_renewed_then_nothing_changes_and_why_is_said(
    tmp_path: Path,
) -> None:
    repo = make_repo(tmp_path / "repo")
    renewed(repo)
    before = (repo / "data" / "sample.csv").read_bytes()
    table = repo / "data" / "customers.csv"

    table.write_text(table.read_text().replace("east", "nowhere"))
    with pytest.raises(FactoryError, match=r"nothing was changed: the data does not fit schema\.py: region"):
        renewed(repo)
    table.write_text(table.read_text().replace("region", "area"))
    with pytest.raises(FactoryError, match=r"has no column region, which schema\.py declares"):
        renewed(repo)

    assert (repo / "data" / "sample.csv").read_bytes() == before
    assert not list((repo / "data").glob(".*.new"))


def test_given_a_repo_whose_table_is_the_sample_when_renewed_then_refused(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    edit(repo / "factory.yaml", "dev: {data_source: data/customers.csv}", "dev: {data_source: data/sample.csv}")

    with pytest.raises(UsageProblem, match="nothing to renew it from"):
        renewed(repo)
