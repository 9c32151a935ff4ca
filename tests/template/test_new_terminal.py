"""What `factory new` asks where somebody can answer: the table, the column to predict, the template's questions."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest
import yaml

FACTORY = Path(sys.executable).with_name("factory")
pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_given_a_terminal_and_no_arguments_then_the_templates_questions_are_asked(place: Path, template: Path) -> None:
    _ = place
    asked = pexpect.spawn(str(FACTORY), ["new", "--template", str(template)], timeout=60, encoding="utf-8")
    for question, answer in (
        ("Which table", ""),
        ("How much care", ""),
        ("What is the use case called", "class\b\b\b\b\btriage"),
        ("called among people", ""),
        ("How are its predictions", ""),
        ("What is decided", ""),
        ("Who owns it", "ana"),
        ("Which team", ""),
        ("Which cost centre", ""),
        ("How are its data", ""),
        ("Where is the model trained", ""),
        ("How much harm", ""),
        ("Who approves", ""),
        ("Does a person approve", ""),
        ("Which forge", ""),
    ):
        asked.expect(question)
        asked.send(answer + "\r")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 0, asked.before
    assert yaml.safe_load(Path("triage/factory.yaml").read_text(encoding="utf-8"))["owner"] == "ana"


def test_given_a_terminal_and_a_table_without_a_target_then_candidates_are_shown_and_one_is_asked(
    place: Path, template: Path
) -> None:
    _ = place
    Path("table.csv").write_text("a,b,label\n" + "".join(f"{n},{n * 3 % 7},{'xy'[n % 2]}\n" for n in range(60)))
    arguments = ["new", "triage", "--data", "table.csv", "--owner", "ana", "--template", str(template)]
    asked = pexpect.spawn(str(FACTORY), arguments, timeout=60, encoding="utf-8")
    asked.expect("1  label")
    asked.expect("Which column is predicted")
    asked.send("lable\r")
    asked.expect("no column 'lable'")
    asked.expect("Which column is predicted")
    asked.send("1\r")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 0, asked.before
    assert yaml.safe_load(Path("triage/.copier-answers.yml").read_text(encoding="utf-8"))["target_column"] == "label"


def test_given_a_person_who_stops_at_a_question_then_nothing_is_left(place: Path, template: Path) -> None:
    asked = pexpect.spawn(str(FACTORY), ["new", "--template", str(template)], timeout=60, encoding="utf-8")
    asked.expect("Which table")
    asked.send("\r")
    asked.expect("How much care")
    asked.send("\x03")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 130
    assert "Traceback" not in asked.before
    assert list(place.iterdir()) == []
