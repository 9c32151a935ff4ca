"""The file that tells a scoring service who one caller is and which tokens let them in: digests, each with an end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from aifactory_runtime.contract import names as agreed
from infra.providers.local import files

Entry = dict[str, str | None]
"""`{"sha256": digest of the token, "until": instant in ISO form, or None without an end}`."""


def entry(token: str, until: str | None) -> Entry:
    """What lets the bearer of `token` in."""
    return {"sha256": hashlib.sha256(token.encode()).hexdigest(), "until": until}


def entries(token: str, last_day: str | None, retiring: list[Entry]) -> list[Entry]:
    """Everything that is let in: the token to the end of its last day, and those it replaced, for a while."""
    end = None
    if last_day is not None:
        end = datetime.combine(date.fromisoformat(last_day) + timedelta(days=1), time(), UTC).isoformat()
    return [entry(token, end), *retiring]


def unexpired(retiring: list[Entry], now: datetime) -> list[Entry]:
    """Those whose end, which all of them have, is still to come."""
    return [one for one in retiring if datetime.fromisoformat(str(one["until"])) > now]


def write(path: Path, login: str, roles: Sequence[str], wanted: list[Entry]) -> None:
    """Replace the file of one caller."""
    files.write(path, json.dumps({"login": login, "roles": list(roles), "accepts": wanted}, indent=2) + "\n")


def status_of(path: Path, roles: Sequence[str], wanted: list[Entry]) -> str | None:
    """What is wrong with the file; None when it lets in exactly `wanted` as what they are.

    A file of an earlier release names no roles: its bearer is a consumer.
    """
    try:
        content = files.read_json(path)
        found = content["accepts"]
    except FileNotFoundError:
        return "the scoring service does not let it in"
    except (ValueError, LookupError):
        return f"{path.name} of the scoring service is damaged"
    if found != wanted:
        return "the scoring service lets in another token"
    known = content.get("roles", [agreed.CONSUMER])
    return None if known == list(roles) else "the scoring service knows other roles of it"
