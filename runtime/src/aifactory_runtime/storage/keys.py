"""Which keys an object may have: those that mean the same in a folder and in a bucket. No I/O."""

from __future__ import annotations

from aifactory_runtime.errors import UsageProblem

LOCK = ".store.lock"
"""Name beside the objects of a folder that no object may have."""
PART = ".part"
"""What the names of unfinished files end with; they begin with a dot."""

_LONGEST, _LONGEST_PART = 900, 200
_REFUSED = frozenset('\\%#?*[]{}^`|<>"~')  # what stores encode, or shells and addresses take for something else


def checked(key: str) -> str:
    """Return `key`; UsageProblem when it is empty, leads out of the store, or is not the same on every store."""
    parts = key.split("/")
    if problem := _problem(key, parts):
        raise UsageProblem(f"{key!r} cannot be the key of an object: {problem}")
    return key


def folder(prefix: str) -> str:
    """The prefix of a folder as a key without a "/" at its end, "" for all; UsageProblem as `checked`."""
    trimmed = prefix.removesuffix("/")
    return checked(trimmed) if trimmed else ""


def joined(prefix: str, key: str) -> str:
    """`key` below `prefix`; either may be empty."""
    return f"{prefix}/{key}" if prefix and key else prefix or key


def _problem(key: str, parts: list[str]) -> str | None:
    if not {"", ".", ".."}.isdisjoint(parts):
        return "it is empty, or has an empty part, . or .."
    if not key.isprintable() or not _REFUSED.isdisjoint(key):
        return "it has a character that stores do not keep alike"
    if any(part == LOCK or (part.startswith(".") and part.endswith(PART)) for part in parts):
        return "stores keep that name for themselves"
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "it is no text"
    if max(sizes) > _LONGEST_PART or sum(sizes) + len(sizes) > _LONGEST:
        return f"it is longer than {_LONGEST} bytes, or a part of it than {_LONGEST_PART}"
    return None
