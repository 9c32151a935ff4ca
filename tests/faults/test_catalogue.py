"""Each fault of the catalogue has a test that carries its number, and the page says where."""

from __future__ import annotations

from pathlib import Path

from tests.faults import catalogue

NOT_THERE_YET = {51, 52, 53}
"""Commands for many repos at once."""


def test_given_the_catalogue_then_each_fault_has_a_test_and_no_test_a_number_that_is_unknown() -> None:
    assert set(catalogue.tests_of(catalogue.ROOT / "tests")) == set(catalogue.FAULTS) - NOT_THERE_YET


def test_given_the_tests_then_the_page_names_them() -> None:
    page = catalogue.PAGE.read_text(encoding="utf-8")

    written = catalogue.with_table(page, catalogue.tests_of(catalogue.ROOT / "tests"))

    assert page == written, "run .venv/bin/python -m tests.faults.catalogue"


def test_given_names_of_tests_and_of_cases_when_read_then_their_numbers_are_found_and_no_others(tmp_path: Path) -> None:
    mark = "fault"  # else this file were read as one that tests them
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "test_a.py").write_text(
        f"def test_{mark}_3_given_40_mib() -> None: ...\nasync def test_{mark}s_5_17_given_2() -> None: ...\n"
        f'pytest.param(1, id="{mark}_6_long")\ndef helper_{mark}_9() -> None: ...\n# {mark}_10\n'
    )
    (tmp_path / "b.py").write_text(f"def test_{mark}_11_given() -> None: ...\n")

    found = catalogue.tests_of(tmp_path)

    assert found == {number: ["a/test_a.py"] for number in (3, 5, 6, 17)}
    page = catalogue.with_table(f"before\n{catalogue.BEGIN}\nyesterday\n{catalogue.END}\nafter\n", found)
    assert "| 17 | changed address of the source | `a/test_a.py` |" in page
    assert "| 18 | broken file of answers | none |" in page
    assert page.startswith("before\n") and page.endswith("\nafter\n") and "yesterday" not in page
