"""Puts this machine's paths in place of those that a restored home was made with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

from aifactory.local.archive import Places

_WRITTEN_BY_US = (
    *("state/**/*", "work/**/*", "services/conf.d/*.conf", "services/supervisord.conf", "services/python"),
    *("shared/platform.json", "shared/mlflow/auth.ini", "shared/dagster/*.yaml", "usecases/*.json"),
    *("*/*/environment.json", "*/*/serving/serving.json"),
)
"""Files that hold absolute paths. Audit logs, tables and models stay as they are: their digests are known elsewhere."""


def relocate(root: Path, old: Places, new: Places) -> int:
    """Replace `old` paths by `new` ones in the files under `root` that hold any; how many files were changed."""
    pairs = [(was, now) for was, now in zip(astuple(old), astuple(new), strict=True) if was and now and was != now]
    if not pairs:
        return 0
    # The longest first, so that a path inside another is not taken for it.
    pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
    wanted = re.compile("|".join(rf"{re.escape(was)}(?![\w.-])" for was, _ in pairs))
    replaced_by = dict(pairs)
    changed = 0
    for path in _texts(root):
        text = path.read_text(encoding="utf-8")
        moved = wanted.sub(lambda found: replaced_by[found.group()], text)
        if moved != text:
            path.write_text(moved, encoding="utf-8")
            changed += 1
    return changed


def link_target(target: str, old: Places, new: Places) -> str:
    """Where a link of the home leads after the home has moved."""
    path = Path(target)
    return str(Path(new.home) / path.relative_to(old.home)) if path.is_relative_to(old.home) else target


def _texts(root: Path) -> Iterator[Path]:
    for pattern in _WRITTEN_BY_US:
        yield from (path for path in sorted(root.glob(pattern)) if path.is_file() and not path.is_symlink())
