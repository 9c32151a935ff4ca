"""Where the whole lines of a log end, whatever lies in it and wherever a block of it begins."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime import log_lines


@given(content=st.text("a\n", max_size=30), share=st.floats(0, 1), block=st.integers(1, 8))
def test_given_any_log_when_asked_then_the_offset_is_behind_the_last_newline(
    content: str, share: float, block: int
) -> None:
    end = round(share * len(content))
    with tempfile.TemporaryFile() as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_lines, "_BLOCK", block)
        log.write(content.encode())
        log.flush()
        assert log_lines.after_last_newline(log.fileno(), end) == content.rfind("\n", 0, end) + 1
