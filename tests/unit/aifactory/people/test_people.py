"""`factory person`: the manifest's text is changed where it must be, and nowhere else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from aifactory.cli import person
from aifactory.people import change, roster
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest, names
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.unit.runtime.contract.test_manifest import VALID

TODAY = date(2027, 1, 15)
SOON = date(2027, 1, 31)
BASE = yaml.safe_dump({key: value for key, value in VALID.items() if key != "environments"}, sort_keys=False)
ENVIRONMENTS = yaml.safe_dump({"environments": VALID["environments"]}, sort_keys=False)
FORMS = {
    "absent": "",
    "empty": "people:   # nobody yet\n",
    "braces": "people: {}  # nobody yet\n",
    "flow": "people: {operator: [otto]}\n",
    "lists": (
        "# who\npeople:  # by persona\n  # keeps it up\n  operator: [otto]   # on call\n\n  # ours\n  stakeholder: []\n"
    ),
    "blocks": (
        "people:\n    operator:\n      # since spring\n      - otto\n      - login: olga   # deputy\n"
        "        until: 2027-03-31\n      # none follows\n    stakeholder:\n    - sam\n\n# what it runs on\n"
    ),
    "long": "people:\n  operator: [\n    otto,  # on call\n    olga,\n  ]\n",
}


def write(folder: Path, form: str, last: bool = False) -> Path:
    path = folder / "factory.yaml"
    parts = [BASE, ENVIRONMENTS, FORMS[form]] if last else [BASE, FORMS[form], ENVIRONMENTS]
    path.write_text("".join(parts))
    return path


def people(path: Path) -> dict[str, list[str]]:
    found = yaml_model.load(path, Manifest).people
    return {persona: [member.login for member in members] for persona, members in found.items() if members}


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


@pytest.mark.heavy
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("persona", ["operator", "data-engineer"])
@pytest.mark.parametrize("form", FORMS)
def test_given_any_form_when_added_then_they_are_listed_and_all_else_stays(
    tmp_path: Path, form: str, persona: str, last: bool
) -> None:
    path = write(tmp_path, form, last)
    before, text = people(path), path.read_text()

    change.add(path, "bo", persona, environments=(), until=None, today=TODAY)

    assert people(path) == {**before, persona: [*before.get(persona, []), "bo"]}
    assert comments(path.read_text()) == comments(text)
    kept = path.read_text().splitlines()
    assert sum(line not in kept for line in text.splitlines()) <= 1, "one line at most is another now"


@pytest.mark.parametrize("form", FORMS)
def test_given_any_form_when_added_and_removed_then_people_are_as_before(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form)
    before = people(path)
    change.add(path, "bo", "operator", environments=("prod",), until=None, today=TODAY)
    change.add(path, "bo", "data-scientist", environments=(), until=SOON, today=TODAY)
    if form == "flow":
        with pytest.raises(FactoryError, match="under people write operator"):
            change.remove(path, "bo", None, ())
        return
    assert change.remove(path, "bo", None, ()) == ["data-scientist", "operator"]
    assert people(path) == before


def test_given_the_last_person_when_removed_then_the_heading_goes_too(tmp_path: Path) -> None:
    path = write(tmp_path, "absent")
    text = path.read_text()
    change.add(path, "bo", "operator", environments=(), until=None, today=TODAY)
    assert change.remove(path, "bo", "operator", ()) == ["operator"]
    assert path.read_text() == text


def test_given_an_entry_for_the_same_environments_when_added_again_then_it_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, "blocks")
    change.add(path, "olga", "operator", environments=(), until=SOON, today=TODAY)
    change.add(path, "otto", "operator", environments=("prod",), until=None, today=TODAY)
    otto, olga, in_prod = yaml_model.load(path, Manifest).people["operator"]
    assert (otto.until, olga.until, in_prod.environments) == (None, SOON, ("prod",))
    assert "# none follows" in path.read_text()
    with pytest.raises(UsageProblem, match="already"):
        change.add(path, "olga", "operator", environments=(), until=SOON, today=TODAY)


def test_given_one_environment_when_removed_there_then_the_others_stay(tmp_path: Path) -> None:
    path = write(tmp_path, "lists")
    assert change.remove(path, "otto", None, ("prod",)) == ["operator"]
    (otto,) = yaml_model.load(path, Manifest).people["operator"]
    assert otto.environments == ("staging",)
    assert change.remove(path, "otto", None, ("staging",)) == ["operator"]
    assert people(path) == {}


@pytest.mark.parametrize(
    ("login", "said"),
    [("ana", "ana is the owner"), ("vera", "environments.prod.approvers"), ("zoe", "zoe is not listed")],
)
def test_given_somebody_who_is_not_listed_when_removed_then_it_says_where_they_come_from(
    tmp_path: Path, login: str, said: str
) -> None:
    path = write(tmp_path, "lists")
    text = path.read_text()
    with pytest.raises(UsageProblem, match=said):
        change.remove(path, login, None, ())
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("persona", "environments", "said"),
    [("data-scientist", ("prod",), "write until: 2027-04-17"), ("operator", ("dev",), "operator has no rights")],
)
def test_given_rights_that_no_up_would_give_when_added_then_it_is_refused_and_nothing_is_written(
    tmp_path: Path, persona: str, environments: tuple[str, ...], said: str
) -> None:
    path = write(tmp_path, "lists")
    text = path.read_text()
    with pytest.raises(UsageProblem, match=said):
        change.add(path, "bo", persona, environments=environments, until=None, today=TODAY)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["people: &all {operator: [otto]}\n", "people:\n  operator: [otto, ]\n"])
def test_given_a_form_nobody_foresaw_when_changed_then_it_is_right_or_refused_with_what_to_write(
    tmp_path: Path, text: str
) -> None:
    path = write(tmp_path, "absent")
    path.write_text(text + path.read_text())
    before = path.read_text()
    try:
        change.add(path, "bo", "operator", environments=(), until=None, today=TODAY)
        assert people(path) == {"operator": ["otto", "bo"]}
    except FactoryError as refused:
        assert "operator: [otto, bo]" in str(refused)
        assert path.read_text() == before


def test_given_windows_line_ends_and_a_mode_when_changed_then_both_stay(tmp_path: Path) -> None:
    path = write(tmp_path, "lists")
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode())
    path.chmod(0o640)
    change.add(path, "bo", "data-engineer", environments=(), until=None, today=TODAY)
    assert people(path)["data-engineer"] == ["bo"]
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
    assert path.stat().st_mode & 0o777 == 0o640


logins = st.sampled_from(["bo", "cy", "dee"])
steps = st.lists(st.tuples(st.booleans(), logins, st.sampled_from(["operator", "data-scientist", "stakeholder"])))


@pytest.mark.slow
@given(steps=steps, form=st.sampled_from([form for form in FORMS if form != "flow"]))
def test_given_any_sequence_of_changes_when_made_then_the_list_is_what_they_say(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, str, str]], form: str
) -> None:
    path = write(tmp_path_factory.mktemp("repo"), form)
    wanted, said = people(path), comments(path.read_text())
    for adds, login, persona in steps:
        listed = login in wanted.get(persona, [])
        if adds != listed:
            if adds:
                change.add(path, login, persona, environments=(), until=None, today=TODAY)
                wanted.setdefault(persona, []).append(login)
            else:
                change.remove(path, login, persona, ())
                wanted[persona].remove(login)
        assert people(path) == {persona: members for persona, members in wanted.items() if members}
    assert set(comments(path.read_text())) <= set(said)


def test_given_a_repo_when_listed_then_owner_approvers_and_people_are_shown_with_their_end(tmp_path: Path) -> None:
    manifest = yaml_model.load(write(tmp_path, "blocks"), Manifest)
    lines = roster.roster(manifest, ("prod",), date(2027, 4, 1))
    assert [(line.login, line.role, line.until, line.ended) for line in lines] == [
        ("ana", "data-scientist", None, False),
        ("olga", "operator", "2027-03-31", True),
        ("otto", "operator", None, False),
        ("sam", "stakeholder", None, False),
        ("vera", "approver", None, False),
    ]
    (sentence,) = roster.due(manifest, ("prod",), date(2027, 4, 1))
    assert sentence == "olga is operator in prod no more, since the end of 2027-03-31"
    assert {line.environment for line in roster.roster(manifest, (), TODAY)} == set(names.ENVIRONMENTS)


def test_given_a_repo_when_the_command_is_typed_then_it_says_what_it_wrote_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "lists")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    added = CliRunner().invoke(person.command, ["add", "bo", "--as", "operator", "--env", "prod"])
    assert added.output == (
        "factory.yaml: {login: bo, environments: [prod]} under people.operator\n"
        "Next: commit factory.yaml, and factory up prod\n"
    )
    shown = CliRunner().invoke(person.command, ["list", "--env", "prod"])
    assert ["bo", "operator", "prod", "people.operator"] in [line.split() for line in shown.output.splitlines()]
    removed = CliRunner().invoke(person.command, ["remove", "bo"])
    assert removed.output == "factory.yaml: bo is operator no more\nNext: commit factory.yaml, and factory up\n"
    assert people(path) == {"operator": ["otto"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "Bo", "--as", "operator"], "'Bo' is not a login"),
        (["add", "bo", "--as", "operator", "--until", "2020-01-01"], "2020-01-01 is over already"),
        (["add", "bo", "--as", "wizard"], "'wizard' is not one of"),
        (["add", "bo", "--as", "operator", "--until", "soon"], "does not match the format"),
    ],
)
def test_given_a_wrong_argument_when_typed_then_one_line_says_so_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    path = write(tmp_path, "lists")
    text = path.read_text()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(person.command, arguments)
    refused = done.exception
    assert (refused.exit_code if isinstance(refused, FactoryError) else done.exit_code) == 2
    assert said in f"{done.output}{refused}"
    assert path.read_text() == text


def test_given_a_process_that_changes_the_file_when_another_does_then_it_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "lists")
    before = path.read_bytes()

    with change._alone(path):
        with pytest.raises(FactoryError, match=f"factory.yaml is being changed by process {os.getpid()}"):
            change.add(path, "bo", "operator", environments=(), until=None, today=TODAY)
        with pytest.raises(FactoryError, match="is being changed"):
            change.remove(path, "otto", None, ())

    assert path.read_bytes() == before


def test_given_several_additions_at_once_when_they_end_then_who_was_told_so_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path, "lists")
    logins = [f"person-{number}" for number in range(6)]

    def add(login: str) -> str | None:
        try:
            change.add(path, login, "operator", environments=(), until=None, today=TODAY)
        except FactoryError:
            return None
        return login

    with ThreadPoolExecutor(max_workers=4) as pool:
        told = [login for login in pool.map(add, logins) if login]

    assert sorted(people(path)["operator"]) == sorted(["otto", *told])
    assert told
