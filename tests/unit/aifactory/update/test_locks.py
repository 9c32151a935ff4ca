"""The owner's packages beside the factory's lock: what is asked for, what is opposed, what uv is given."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from aifactory.update import locks
from aifactory_runtime.errors import UsageProblem

HASH = "sha256:" + "0" * 64
LOCK = f"""\
numpy==2.0.0 ; python_version < '3' \\
    --hash={HASH}
numpy==2.4.1 ; python_version >= '3' \\
    --hash={HASH}
toolz==1.1.0 \\
    --hash={HASH}
"""
FINE = (
    "toolz>=1",
    "toolz",
    "Toolz == 1.1.0  # ours",
    "toolz==1.0.0 ; sys_platform == 'nowhere'",
    "toolz==1.0.0; python_version < '3'",
    "numpy==2.4.1",
    f"toolz==1.1.0 \\\n    --hash={HASH}",
    "partd @ https://git.example/partd-1.4.2-py3-none-any.whl",
    "./libs/ours",
    "libs/ours-1.0-py3-none-any.whl",
    "git+https://git.example/ours.git@v1",
    "https://${LOGIN}@git.example/ours-1.0.tar.gz",
    "-e ./libs/ours",
    "-r more.in",
    "--index-url https://index.example/simple",
)


def refusal(wanted: str) -> str | None:
    """Why a line of the owner's is refused beside the factory's lock; None when it is not."""
    try:
        locks.refuse_opposed(f"# ours\n\n{wanted}\n", LOCK, "0.2.0")
    except UsageProblem as problem:
        return str(problem)
    return None


@pytest.mark.parametrize("wanted", FINE)
def test_given_a_line_that_may_be_had_beside_the_factorys_lock_then_it_is_not_refused(wanted: str) -> None:
    assert refusal(wanted) is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("toolz==1.0.0", r"science\.in:3 wants toolz==1\.0\.0, and the factory's lock of 0\.2\.0 pins toolz 1\.1\.0"),
        ("toolz<1 ; python_version >= '3'", r"science\.in:3 wants toolz<1"),
        ("numpy==2.0.0", r"pins numpy 2\.4\.1"),
        (f"toolz==1.0.0 \\\n    --hash={HASH}", r"science\.in:3 wants toolz==1\.0\.0"),
        ("toolz=1", r"science\.in:3 is not a requirement"),
        ("two words", r"science\.in:3 is not a requirement"),
    ],
)
def test_given_a_line_that_cannot_be_had_then_it_is_named_with_its_number(wanted: str, words: str) -> None:
    said = refusal(wanted)
    assert said is not None
    assert re.search(words, said)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("wanted", "asks", "names"),
    [
        ("# nothing\n\n", False, False),
        ("--index-url https://index.example\n", False, True),
        ("toolz\n", True, False),
        ("-r more.in\n", True, True),
        ("./libs/ours\n", True, True),
        ("-e libs/ours\n", True, True),
    ],
)
def test_given_an_owners_file_then_it_is_known_whether_it_asks_and_whether_it_names_other_files(
    wanted: str, asks: bool, names: bool
) -> None:
    assert (locks.asks_for_something(wanted), locks.names_files(wanted)) == (asks, names)


@pytest.mark.parametrize(
    ("stderr", "refused"),
    [
        ("error: No solution found\n  cause: toolz", True),
        ("error: Couldn't parse requirement in `more.in`\n      ^^", True),
        ("error: Failed to fetch https://kim:hunter2@index.example/simple/\n  cause: no network", False),
    ],
)
def test_given_a_resolver_that_fails_then_only_what_no_network_can_mend_is_refused_and_no_login_is_shown(
    tmp_path: Path, stderr: str, refused: bool
) -> None:
    (tmp_path / "requirements").mkdir()
    for path in locks.NEEDED:
        (tmp_path / path).write_text("")
    (tmp_path / "said").write_text(stderr)
    (tmp_path / "Makefile").write_text(f"lock:\n\t@{sys.executable} -c 'raise SystemExit(open(\"said\").read())'\n")
    if refused:
        with pytest.raises(UsageProblem, match="cannot be solved together: error: ") as raised:
            locks.resolve(tmp_path, "0.2.0")
        assert "\n" not in str(raised.value)
        return
    found = locks.resolve(tmp_path, "0.2.0")
    assert found.locked is None
    assert found.note is not None
    assert "no network" in found.note
    assert "hunter2" not in found.note
