"""`demo.py down` removes a demo, and nothing but a demo."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import demo.demo
import demo.follow
import demo.loop
from demo.owner import EDITS, Edit
from tests.template import places

CHECKOUT = Path(__file__).parents[2]


def down(folder: Path, demo: str = "demo.demo") -> subprocess.CompletedProcess[str]:
    """`python -m demo.demo down <folder>`, or the other demo's."""
    command = [sys.executable, "-m", demo, "down", str(folder)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("demo", "folder"), [("demo.demo", "diabetes"), ("demo.follow", "factory"), ("demo.loop", "flights")]
)
def test_given_a_folder_that_is_no_demo_when_taken_down_then_it_is_refused_and_stays(
    tmp_path: Path, demo: str, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "thesis.txt").write_text("years of work")

    done = down(tmp_path, demo)

    assert done.returncode == 1
    assert done.stderr.startswith(f"demo: {tmp_path} holds no demo") and "Traceback" not in done.stderr
    assert (tmp_path / folder / "thesis.txt").exists()


@pytest.mark.heavy
def test_given_a_demo_when_taken_down_then_its_own_goes_and_what_else_lies_there_stays(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    for folder in ("breast-cancer", "diabetes", "home"):
        (demo / folder).mkdir(parents=True)
    (demo / "diabetes" / "factory.yaml").write_text("")
    (demo / "thesis.txt").write_text("years of work")

    done = down(demo)

    assert (done.returncode, done.stdout) == (0, "The demo is gone.\n"), done.stderr
    assert [path.name for path in demo.iterdir()] == ["thesis.txt"]
    (demo / "thesis.txt").unlink()
    assert down(demo).returncode == 0 and not demo.exists()
    assert down(demo).returncode == 0, "down again"


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("demo", "advice"),
    [
        ("demo.demo", "run make demo-down again to go on from there"),
        ("demo.follow", "run make demo-update-down again to go on from there"),
    ],
)
def test_given_stacks_that_cannot_be_destroyed_when_taken_down_then_all_stays_and_the_demos_own_command_is_advised(
    tmp_path: Path, demo: str, advice: str
) -> None:
    (tmp_path / "home" / "state").mkdir(parents=True)

    done = down(tmp_path, demo)

    assert done.returncode == 1
    assert done.stderr.strip().endswith(advice)
    assert (tmp_path / "home" / "state").is_dir()


@pytest.mark.parametrize("module", [demo.demo, demo.follow, demo.loop])
def test_given_each_demo_when_it_says_how_to_go_on_then_it_names_targets_of_the_makefile_that_run_it(
    module: ModuleType,
) -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    script = "demo/demo.py" if module is demo.demo else f"-m {module.__name__}"
    for command, advice in module.GO_ON.items():
        last = re.findall(r"make ([a-z-]+)", advice)[-1]
        assert re.search(rf"^{last}:.*\n.*{script} {command}\b", makefile, re.MULTILINE), advice


def test_given_the_table_of_the_owners_places_then_the_demos_owner_uses_each() -> None:
    assert {edit.place for edit in EDITS} == set(places.table())


def test_given_an_edit_when_made_then_it_is_kept_until_a_line_of_it_goes(tmp_path: Path) -> None:
    (tmp_path / "conf.yaml").write_text("a:\n  one: 1\nb: 2\n")
    edit = Edit("settings", "conf.yaml", "  two: 2\n", below="a:")

    assert not edit.kept(tmp_path)
    edit.make(tmp_path)

    assert (tmp_path / "conf.yaml").read_text() == "a:\n  two: 2\n  one: 1\nb: 2\n"
    assert edit.kept(tmp_path)
    with pytest.raises(ValueError, match=r"conf\.yaml has no line 'c:'"):
        Edit("settings", "conf.yaml", "  two: 2\n", below="c:").make(tmp_path)


@pytest.mark.parametrize("module", ["demo.demo", "demo.follow", "demo.loop"])
def test_given_arguments_of_another_program_when_imported_then_they_are_not_taken_for_the_demos(module: str) -> None:
    code = f"import sys; sys.argv = ['pytest', '-x', '/elsewhere']; import {module} as found; print(found.PLACE.folder)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(CHECKOUT / ".demo")
