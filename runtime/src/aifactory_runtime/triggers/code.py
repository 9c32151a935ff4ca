"""Which code is here, in two parts: what a model is trained with, and what an application relies on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aifactory_runtime.config import consumer
from aifactory_runtime.config.layout import SCIENCE
from aifactory_runtime.pipeline.reproduction import science

_APPLICATION = ("features.py", "schema.py")


def training(root: Path, package: str) -> str:
    """Digest of package, conf and science lock, with its numeric packages; what operations change is not in it."""
    found = science.of_folder(root, package)
    return hashlib.sha256(f"{found.sha256} {found.numeric}".encode()).hexdigest()


def application(root: Path, package: str) -> str:
    """Digest of features, schema and the consumer's contract."""
    total = hashlib.sha256()
    for path in (*(root / SCIENCE / package / name for name in _APPLICATION), root / consumer.FILE):
        content = path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b""
        total.update(b"%s\0%d\0%s" % (path.name.encode(), len(content), content))
    return total.hexdigest()
