"""`demo.py down` removes a demo, and nothing but a demo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "demo" / "demo.py"


def down(folder: Path) -> subprocess.CompletedProcess[str]:
    """`python demo/demo.py down <folder>`."""
    return subprocess.run([sys.executable, str(DEMO), "down", str(folder)], capture_output=True, text=True, check=False)


def test_given_a_folder_that_is_no_demo_when_taken_down_then_it_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "diabetes").mkdir()
    (tmp_path / "diabetes" / "thesis.txt").write_text("years of work")

    done = down(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"demo: {tmp_path} holds no demo") and "Traceback" not in done.stderr
    assert (tmp_path / "diabetes" / "thesis.txt").exists()


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


def test_given_stacks_that_cannot_be_destroyed_when_taken_down_then_all_stays_and_down_is_advised(
    tmp_path: Path,
) -> None:
    (tmp_path / "home" / "state").mkdir(parents=True)

    done = down(tmp_path)

    assert done.returncode == 1
    assert done.stderr.strip().endswith("run make demo-down again to go on from there")
    assert (tmp_path / "home" / "state").is_dir()
