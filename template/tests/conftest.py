"""What tests share. The factory's file; fixtures of your own go into a conftest.py beside the tests that use them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of this repo."""
    return ROOT


@pytest.fixture
def sample() -> pd.DataFrame:
    """The sample table as it lies in data/."""
    return pd.read_csv(ROOT / "data" / "sample.csv")
