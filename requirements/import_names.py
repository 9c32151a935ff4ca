"""Write down the import names of everything the locks of a repo install: no use case may take one of them.

The environment it runs in has what all those locks pin: `.venv/bin/python requirements/import_names.py`.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("factory.txt", "factory-dev.txt", "factory-dask.txt", "{% if target == 'aws' %}factory-aws.txt{% endif %}")
PYTHON = "runtime/src/aifactory_runtime/contract/installed.py"
JINJA = "questions/installed.jinja"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_WIDTH = 116
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def names() -> list[str]:
    """Import names that could be a use case's package; a distribution not installed here counts by its own name."""
    pinned = {_plain(name) for lock in LOCKS for name in _PIN.findall(_read(f"template/requirements/{lock}"))}
    found: dict[str, set[str]] = {}
    for name, distributions in metadata.packages_distributions().items():
        for distribution in distributions:
            found.setdefault(_plain(distribution), set()).add(name.partition("/")[0])
    imported = {name for one in pinned for name in found.get(one, {one.replace("-", "_")})}
    return sorted({name.replace("-", "_") for name in imported if _NAME.fullmatch(name)})


def texts() -> dict[str, str]:
    """Path and text of each file that holds the names."""
    lines, line = [], ""
    for name in names():
        if len(line) + len(name) >= _WIDTH - 4:
            lines, line = [*lines, line], ""
        line = f"{line} {name}".strip()
    block = "\n".join([*lines, line])
    python = (
        '"""Import names of what a repo\'s locks install; requirements/import_names.py writes them."""\n\n'
        "from __future__ import annotations\n\n"
        f'_NAMES = """\n{block}\n"""\nIMPORT_NAMES = frozenset(_NAMES.split())\n'
    )
    return {
        PYTHON: python,
        JINJA: "{#- Import names of what a repo's locks install; requirements/import_names.py writes them. -#}\n"
        f'{{%- set installed = """\n{block}\n""".split() -%}}\n',
    }


def _plain(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


if __name__ == "__main__":
    for path, text in texts().items():
        (ROOT / path).write_text(text, encoding="utf-8")
