"""Writes the head of each audit log to the tracking server as the identity `anchor`, when it moved; starts nothing.

A head is a parameter of a run, and MLflow changes none that is written: what `anchor` wrote it cannot take back. Only
files are looked at while nothing moves. `python -m <package> audit` compares (docs/reliability.md, "The audit log").
"""

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEADS = "shared/anchor/heads.json"
"""In a home: use case and environment to the head that was written last."""
ENDED = "shared/anchor/ended"
"""Folder in a home: a file for each use case and environment that was destroyed since, named for it."""
CREDENTIALS = "credentials/anchor.json"
PLATFORM = "shared/platform.json"
ENVIRONMENTS = ("dev", "staging", "prod")
"""Folders of a home, for the services: their interpreter has no runtime, whose names these are."""
LINE, TIME, LOG, END = "line-", "time-", "log", "ended"
"""Parameters of a run: digest by line and when it was written, use case and environment, when the log went with it."""
_TAIL = 65_536
_CALL_SECONDS, _ALL_SECONDS = 5.0, 30.0


@dataclass(frozen=True)
class Head:
    """Number and digest of the last line of an audit log, and the run that holds it, once it is anchored."""

    sequence: int
    sha256: str
    run: str = ""
    month: str = ""


@dataclass
class Report:
    """Whose heads were written, and a sentence for each thing that could not be done or is odd."""

    written: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Unanchored(Exception):
    """Nothing can be written now; the message says why, and what to do."""


def anchor(home: Path) -> Report:
    """Write each head of the logs in `home` that moved since the last look; the rest of a long list next time."""
    report, known = Report(), read_heads(home)
    found = dict(_heads(home, known, report))
    moved = {name: head for name, head in found.items() if not _is_same(known.get(name), head)}
    ended = sorted((home / ENDED).glob("*"))
    if not (moved or ended):
        return report
    try:
        server, until = _Server(home), time.monotonic() + _ALL_SECONDS
        for mark in ended:
            _end(server, mark, known)
        for name, head in moved.items():
            if time.monotonic() > until:
                raise Unanchored("the tracking server is slow: the other heads are written in the next minute")
            report.troubles += _odd(name, known.get(name), head)
            known[name] = server.write(name, head, known.get(name))
            report.written.append(name)
    except Unanchored as error:
        report.troubles.append(str(error))
    finally:
        _write_heads(home, known)
    return report


def read_heads(home: Path) -> dict[str, Head]:
    """What was written last, by use case and environment; what cannot be read is written once more."""
    try:
        found = json.loads((home / HEADS).read_text(encoding="utf-8"))
        return {name: Head(**head) for name, head in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_heads(home: Path, heads: dict[str, Head]) -> None:
    path = home / HEADS
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = path.with_suffix(".new")
    making.write_text(json.dumps({name: asdict(head) for name, head in heads.items()}, indent=2), encoding="utf-8")
    making.replace(path)


def _heads(home: Path, known: dict[str, Head], report: Report) -> Iterator[tuple[str, Head]]:
    """The head of each audit log by use case and environment."""
    for path in (path for name in ENVIRONMENTS for path in sorted((home / name).glob("*/audit"))):
        name = f"{path.parent.name}.{path.parent.parent.name}"
        try:
            head = _head(path / "audit.jsonl")
        except FileNotFoundError:
            if name in known:
                report.troubles.append(
                    f"the audit log of {name} is gone, line {known[name].sequence} of it is anchored"
                )
        except (OSError, ValueError, LookupError, TypeError) as error:
            report.troubles.append(f"the head of {path / 'audit.jsonl'} cannot be read ({error}): see `audit`")
        else:
            if head is not None:
                yield name, head


def _head(path: Path) -> Head | None:
    """Number and digest of the last whole line; None when there is none."""
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        read = min(size, _TAIL)
        while True:
            log.seek(size - read)
            lines = log.read(read).split(b"\n")
            if len(lines) > 2 or read == size:  # noqa: PLR2004  an older line's rest, a whole line, what is torn
                break
            read = min(size, read * 2)
    if len(lines) < 2:  # noqa: PLR2004  nothing ended yet
        return None
    last = json.loads(lines[-2])
    return Head(int(last["sequence"]), str(last["sha256"]))


def _is_same(known: Head | None, head: Head) -> bool:
    return known is not None and (known.sequence, known.sha256) == (head.sequence, head.sha256)


def _odd(name: str, known: Head | None, head: Head) -> list[str]:
    """A log only grows: one that went back was cut, rewritten or restored."""
    if known is None or known.sequence < head.sequence:
        return []
    return [f"the audit log of {name} was at line {known.sequence} and is at {head.sequence}: its `audit` says why"]


def _end(server: "_Server", mark: Path, known: dict[str, Head]) -> None:
    """Write that a log went with its environment: what comes under its name is another one."""
    name = mark.name
    head = known.pop(name, None)
    run = head.run if head else server.begin(name)
    server.log(run, {END: datetime.now(UTC).isoformat(timespec="seconds")})
    mark.unlink(missing_ok=True)


class _Server:
    """The tracking server as `anchor`; address, experiment and login are read from the home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        platform, login = _json(home / PLATFORM), _json(home / CREDENTIALS)
        if "anchor_experiment" not in platform or "password" not in login:
            raise Unanchored("there is no place to anchor audit logs yet: factory up shared")
        self._address, self._experiment = platform["tracking_uri"], platform["anchor_experiment"]
        said = base64.b64encode(f"{login['login']}:{login['password']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {said}", "Content-Type": "application/json"}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def write(self, name: str, head: Head, known: Head | None) -> Head:
        """Write a head into this month's run of its log; one that went back, or whose run is gone, gets another run."""
        now, number = datetime.now(UTC), f"{head.sequence:010}"
        month, value = f"{now:%Y-%m}", {LINE + number: head.sha256, TIME + number: now.isoformat()}
        if known is not None and known.month == month and known.sequence < head.sequence:
            try:
                self.log(known.run, value)
            except _Refused:
                pass
            else:
                return replace(head, run=known.run, month=month)
        run = self.begin(name)
        self.log(run, value)
        return replace(head, run=run, month=month)

    def begin(self, name: str) -> str:
        """A run for the heads of a log. It has nothing to run, so it has ended."""
        now = int(time.time() * 1000)
        said = {"experiment_id": self._experiment, "run_name": name, "start_time": now}
        run: str = self._call("runs/create", **said)["run"]["info"]["run_id"]
        self.log(run, {LOG: name})
        self._call("runs/update", run_id=run, status="FINISHED", end_time=now)
        return run

    def log(self, run: str, parameters: dict[str, str]) -> None:
        """Add parameters to a run; those with the same value again are no change."""
        self._call("runs/log-batch", run_id=run, params=[{"key": k, "value": v} for k, v in parameters.items()])

    def _call(self, path: str, **fields: Any) -> dict[str, Any]:
        address = f"{self._address}/api/2.0/mlflow/{path}"
        request = urllib.request.Request(address, json.dumps(fields).encode(), self._headers)  # noqa: S310  our own server
        try:
            with self._opener.open(request, timeout=_CALL_SECONDS) as answer:
                found: dict[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            if error.code in {401, 403}:
                raise Unanchored(
                    f"the tracking server refuses {self._home / CREDENTIALS}: factory up shared mends it"
                ) from None
            raise _Refused(f"the tracking server refuses {path} ({error.code})") from None
        except (OSError, ValueError) as error:
            raise Unanchored(f"the tracking server does not answer ({error}): factory status") from None


class _Refused(Unanchored):
    """The server does not take it."""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
