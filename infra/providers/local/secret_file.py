"""What a file of one secret has to be: there, only its owner's to read, holding that secret, and not to be rotated."""

from __future__ import annotations

from pathlib import Path

from infra.providers.local import files, rotation_mark

WRITTEN = "written"


def status_of(path: Path, key: str, secret: object, otherwise: str = "holds another secret") -> str:
    """WRITTEN, or what is wrong with the file; `otherwise` when what it holds under `key` is not `secret`."""
    if rotation_mark.overlap(path) is not None:
        return rotation_mark.PENDING
    if not path.is_file():
        return "missing"
    if path.stat().st_mode & 0o077:
        return "open to others"
    try:
        found = files.read_json(path).get(key)
    except ValueError:
        return "not JSON"
    return WRITTEN if found == secret else otherwise
