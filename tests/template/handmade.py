"""Repos as people make them without a factory: a plain one around scikit-learn, and one in a common layout."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.usecase_repo import commit, git, write_customers

TRAIN = """\
import pickle, sys
import pandas as pd
from sklearn.linear_model import LogisticRegression

def load(path="data/table.csv"):
    return pd.read_csv(path).dropna()

if __name__ == '__main__':
    t=load()
    m=LogisticRegression(max_iter=1000).fit(t[['age','income']],t['churned'])
    print(m.score(t[['age','income']],t['churned'])); pickle.dump(m,open('model.pkl','wb'))
"""
PLAIN = {
    "README.md": "# Who leaves\n\npython train.py\n",
    "train.py": TRAIN,
    "requirements.txt": "pandas\nscikit-learn\n",
    "Makefile": "train:\n\tpython train.py\n\ntest:\n\tpytest\n",
    ".gitignore": "*.pkl\nsecret/",
    "pytest.ini": "[pytest]\naddopts = --made-up-option\n",
    "tests/conftest.py": "import made_up_package\n",
    "tests/test_train.py": "from train import load\n\ndef test_load():\n  assert len(load('tests/rows.csv'))==1\n",
    "tests/rows.csv": "age,income,churned\n1,2,0\n",
    "scripts/clean up.py": "import os,sys\n",
}
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["import os, sys"]}
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
PROJECT = """\
[build-system]
requires = ["flit_core >=3.2,<4"]
build-backend = "flit_core.buildapi"

[project]
name = "leavers"
version = "0.0.1"
description = "Who leaves."
requires-python = "~=3.11"
dependencies = ["pandas", "scikit-learn", "typer"]

[tool.ruff]
line-length = 99
src = ["leavers"]

[tool.ruff.lint]
extend-select = ["I"]
"""
LAYOUT = {
    "README.md": "# Leavers\n",
    "LICENSE": "All rights reserved.\n",
    "Makefile": "data: requirements\n\tpython leavers/dataset.py\n",
    "pyproject.toml": PROJECT,
    "setup.cfg": "[flake8]\nmax-line-length = 99\n",
    ".gitignore": "/data/raw/cache/\nmodels/*.pkl\n.env\n",
    "data/raw/.gitkeep": "",
    "data/interim/.gitkeep": "",
    "data/processed/.gitkeep": "",
    "docs/README.md": "How it was made.\n",
    "models/.gitkeep": "",
    "references/columns.md": "age: in years\n",
    "reports/figures/.gitkeep": "",
    "notebooks/1.0-al-look.ipynb": json.dumps(NOTEBOOK),
    "leavers/__init__.py": "from leavers import config\n",
    "leavers/config.py": "from pathlib import Path\nROOT=Path(__file__).parents[1]\n",
    "leavers/dataset.py": "from leavers.config import ROOT\nprint(ROOT)\n",
    "leavers/features.py": "def features(t): return t\n",
    "leavers/modeling/__init__.py": "",
    "leavers/modeling/train.py": "import typer\n",
    "tests/test_data.py": "def test_code_is_tested():\n    assert False\n",
}


def make_plain(folder: Path) -> Path:
    """A script, a table, a test and a Makefile, committed."""
    return _make(folder, PLAIN, "data/table.csv")


def make_layout(folder: Path) -> Path:
    """The folders that cookiecutter-data-science made common: stages of data, notebooks, one module; committed."""
    return _make(folder, LAYOUT, "data/raw/customers.csv")


def _make(folder: Path, texts: dict[str, str], table: str) -> Path:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    write_customers(folder / table)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Work by hand")
    return folder
