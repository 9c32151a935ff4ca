"""The file itself: the same content gives the same bytes, and a manifest names each part with its digest. No I/O."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MANIFEST = "manifest.json"
_TIME = (1980, 1, 1, 0, 0, 0)
"""What a zip can hold at the earliest: when it was packed is no evidence."""
_MODE = 0o100644 << 16


@dataclass(frozen=True)
class Part:
    """One file of the bundle."""

    name: str
    content: bytes
    what: str
    """What it is and where it is from, for who reads it."""


@dataclass(frozen=True)
class Gathered:
    """What was found about a release."""

    about: Mapping[str, Any]
    """Which release it is; it stands at the top of the manifest."""
    parts: Sequence[Part]
    missing: Mapping[str, str] = field(default_factory=dict)
    """What could not be had, and why."""
    problems: Sequence[str] = ()
    """What does not agree with its digest."""


def json_part(name: str, content: Any, what: str) -> Part:
    """A part of JSON, always written alike."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return Part(name, f"{text}\n".encode(), what)


def pack(found: Gathered) -> bytes:
    """The bundle as a zip; ValueError when two parts have one name."""
    parts = sorted(found.parts, key=lambda part: part.name)
    if len({part.name for part in parts} | {MANIFEST}) != len(parts) + 1:
        raise ValueError("two parts of the bundle have one name")
    files = {
        part.name: {"bytes": len(part.content), "sha256": hashlib.sha256(part.content).hexdigest(), "what": part.what}
        for part in parts
    }
    said = {**found.about, "files": files, "missing": dict(found.missing), "problems": list(found.problems)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for part in (json_part(MANIFEST, said, ""), *parts):
            entry = zipfile.ZipInfo(part.name, _TIME)
            entry.external_attr, entry.create_system = _MODE, 3
            archive.writestr(entry, part.content)
    return packed.getvalue()
