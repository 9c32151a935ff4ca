"""A program run by a Python of its own, whose hashes of texts have a seed that the test chooses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[4]


def printed(program: str, *arguments: str, hash_seed: str) -> str:
    """What `program` prints, run in the checkout."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
