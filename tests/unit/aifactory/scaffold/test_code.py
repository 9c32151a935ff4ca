"""Source that is written: literals mean what they say, and the formatter leaves it alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aifactory.scaffold.science import code


@given(st.text())
def test_given_any_text_then_its_literal_is_that_text_in_letters_nobody_mistakes(value: str) -> None:
    made = code.text(value)
    assert ast.literal_eval(made) == value
    assert all(" " <= letter <= "~" or "\u00c0" <= letter < "\u0180" for letter in made)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_given_any_texts_then_the_tuple_that_is_written_holds_them(values: list[str]) -> None:
    made = code.assign("NAMES", code.strings(values))
    assert ast.literal_eval(made.partition(" = ")[2].replace("  # noqa: E501", "")) == tuple(values)


def test_given_short_long_nested_and_odd_items_then_the_formatter_changes_nothing(tmp_path: Path) -> None:
    odd = ['it\'s "both"', "größe", "\u6570\u636e", "a\tb", "{{ x }}", "x" * 130, "back\\slash", '"']
    source = "".join(
        [
            code.assign("ONE", code.strings(["a"])),
            code.assign("ODD", code.strings(odd)),
            code.assign("MANY", code.strings([f"name {n}" for n in range(40)])),
            code.assign(
                "NESTED", code.Group("dict(", [f"a={code.text('q' * 70)}", "b=1", f"c={code.text('q' * 70)}"], ")")
            ),
        ]
    )
    (tmp_path / "made.py").write_text(source, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--diff", "made.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
