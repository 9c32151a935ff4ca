"""The inbox: each file in it asks for a new training. Whoever may write there may ask; nobody needs a program of ours.

A text is the reason; a JSON object may hold `why`, `login`, and an `id`: the same one asks once. Names that begin with
a dot or end in `.part` are still being written. What cannot be a message is put aside, never dropped.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.contract import names
from aifactory_runtime.triggers.request import Ask, Trigger

ASIDE = ".refused"
MAY = (names.DATA_SCIENTIST, "ml-engineer", "operator")
"""Who may ask for a training by name, approve one and refuse it."""
MOST_BYTES = 65_536
_MOST_WORDS = 500
_DIGEST = 16


@dataclass(frozen=True)
class Message:
    """A file of the inbox: what it asks for, or why it asks for nothing."""

    path: Path
    ask: Ask | None
    refused: str = ""


def read(folder: Path) -> list[Message]:
    """Every file that is whole, by name."""
    return list(_messages(folder))


def put(folder: Path, name: str, content: str) -> None:
    """Ask there; the same name is the same message."""
    files.write(folder / name, content, mode=0o600)


def done(message: Message) -> None:
    """Take a message that is written down out of the inbox."""
    message.path.unlink(missing_ok=True)


def set_aside(message: Message) -> Path:
    """Put what is no message where nobody reads it again; where it is now."""
    place = message.path.parent / ASIDE / message.path.name
    place.parent.mkdir(exist_ok=True, mode=0o700)
    number = 1
    while place.exists():
        place, number = place.with_name(f"{message.path.name}.{number}"), number + 1
    message.path.rename(place)
    return place


def _messages(folder: Path) -> Iterator[Message]:
    for name in files.names(folder):
        if name.startswith(".") or name.endswith(".part"):
            continue
        path = folder / name
        try:
            yield _message(path)
        except FileNotFoundError:
            continue  # somebody took it back
        except OSError as error:
            yield Message(path, None, f"it cannot be read ({error.strerror})")


def _message(path: Path) -> Message:
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):
        return Message(path, None, "it is no file")
    if about.st_size > MOST_BYTES:
        return Message(path, None, f"it has {about.st_size} bytes, and {MOST_BYTES} are the most")
    content = path.read_bytes()
    # Its time belongs to it: the same words next week ask again.
    subject = b"%s\0%d\0%s" % (os.fsencode(path.name), about.st_mtime_ns, content)
    return Message(path, _ask(path.name, content, about.st_uid, subject))


def _ask(name: str, content: bytes, uid: int, subject: bytes) -> Ask:
    try:
        said: Mapping[str, Any] = files.parse_json(content)
        why = str(said.get("why", ""))
    except ValueError:
        said, why = {}, content.decode("utf-8", "replace")
    if said.get("id"):
        subject = str(said["id"]).encode()
    trigger: Trigger = "drift" if said.get("trigger") == "drift" else "message"
    who = str(said["login"]) if said.get("login") else f"account {_account(uid)}"
    known = {key: said[key] for key in ("environment", "problem", "cause", "because", "judged") if key in said}
    digest = hashlib.sha256(subject).hexdigest()[:_DIGEST]
    return Ask(trigger, digest, who, " ".join(why.split())[:_MOST_WORDS], {"file": name, **known})


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
