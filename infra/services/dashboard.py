"""Serves the pages of all environments of a home, each to whoever may read it at the tracking server.

Pages are files that the repos' own code writes; here they are handed out, nothing is made of data. A login is one of
the tracking server's, which is asked with that very login what it may read. Starlette and the standard library only:
this environment has neither the runtime nor what reads tables.
"""

# What lies beside this file is found when it runs, by no type checker.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ticking
from anchoring import ENVIRONMENTS
from logins import Away, Logins
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

OF_RUNS = frozenset({"experiments.html", "audit.html"})
"""Pages for those who may read the runs; for all others who have a login there, it may read the model."""
FILES = OF_RUNS | {"index.html", "service.html", "data.html", "model.html", "cost.html", "style.css"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_CASE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40
_LARGEST_PAGE = 4 << 20
_LONGEST_LOGIN = 1024
_OLD_HOURS = 3
_LATE = 3
"""Periods without a page from which on nobody watches; the runtime's pages say so of looks."""
_PERIOD_MINUTES = 60.0
"""Where the state names none: it is of an older runtime."""
_AHEAD = timedelta(minutes=1)
_STYLE = Path(__file__).with_name("dashboard.css")


@dataclass(frozen=True)
class Place:
    """One use case in one environment; `None` instead where the names cannot be any."""

    case: str
    environment: str

    @classmethod
    def of(cls, case: str, environment: str) -> Place | None:
        """From what somebody typed: nothing else than such names becomes a path."""
        named = len(case) <= _LONGEST_NAME and _CASE.fullmatch(case) and environment in ENVIRONMENTS
        return cls(case, environment) if named else None

    @property
    def model(self) -> str:
        """Its registered model."""
        return f"{self.case}.{self.environment}"

    @property
    def experiment(self) -> str:
        """Its experiment."""
        return f"{self.environment}/{self.case}"


class Dashboard:
    """The application of one home."""

    def __init__(self, home: Path, tracking: str) -> None:
        self._home = home
        self._logins = Logins(tracking)

    def application(self) -> Starlette:
        """What is asked for, and who answers."""
        routes = [
            Route("/", lambda _: RedirectResponse("/all/", headers=HEADERS)),
            Route("/health", lambda _: Response("ok\n", media_type="text/plain", headers=HEADERS)),
            Route("/dashboard.css", lambda _: _answer(_STYLE.read_bytes(), "text/css")),
            Route("/all/", self.every),
            Route("/{case}/{environment}/", self.page),
            Route("/{case}/{environment}/{file}", self.page),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
        return Starlette(routes=routes, middleware=[hosts], exception_handlers={404: _not_found, Away: _away})

    def every(self, request: Request) -> Response:
        """All environments that the login may read, each with its sentence. Its login is not sent to their pages."""
        login = _login(request)
        rights = self._logins.rights(login) if login else None
        if rights is None:
            return _who("all environments")
        rows = [self._row(place) for place in self._places() if rights.model(place.model)]
        table = (
            '<div class="scroll"><table><thead><tr><th>use case<th>environment<th>state<th>in a sentence<th>as of'
            f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
            if rows
            else "<p>This login may read no environment.</p>"
        )
        return _page("All environments", f"{table}<p class=faint>All times are UTC. {_NOTE}</p>")

    def page(self, request: Request) -> Response:
        """A file of an environment's pages. What is not there and what may not be read are answered alike."""
        place = Place.of(request.path_params["case"], request.path_params["environment"])
        file, login = request.path_params.get("file", "index.html"), _login(request)
        realm = f"{place.case} in {place.environment}" if place else "no such page"
        rights = self._logins.rights(login) if login else None
        if rights is None or login is None:
            return _who(realm)
        if place is None or not rights.model(place.model):
            return _who(realm) if file == "login" else _refused()
        if file == "login":
            return RedirectResponse("./", headers=HEADERS)
        if file in OF_RUNS and not (rights.everything or self._logins.reads_runs(login, place.experiment)):
            return _refused()
        return self._file(place, file) if file in FILES else _refused()

    def _file(self, place: Place, file: str) -> Response:
        folder = self._folder(place)
        content = None if folder is None else _read(folder / file)
        if content is not None:
            return _answer(content, "text/css" if file == "style.css" else "text/html")
        command = f"python -m {place.case.replace('-', '_')} pages --env {place.environment}"
        said = f"A tick of the orchestrator writes it, or, in the repo, <code>{escape(command)}</code>."
        return _page(f"No page of {place.case} in {place.environment} was written yet", f"<p>{said}</p>", 404)

    def _folder(self, place: Place) -> Path | None:
        artifacts = _mapping(self._applied(place).get("environment")).get("artifact_uri")
        return Path(artifacts) / "pages" if isinstance(artifacts, str) else None

    def _applied(self, place: Place) -> dict[str, Any]:
        return _json(self._home / "usecases" / f"{place.case}.{place.environment}.json")

    def _places(self) -> Iterator[Place]:
        for path in sorted((self._home / "usecases").glob("*.json")):
            case, _, environment = path.stem.rpartition(".")
            place = Place.of(case, environment)
            if place is not None:
                yield place

    def _row(self, place: Place) -> str:
        applied, folder = self._applied(place), self._folder(place)
        title = _mapping(applied.get("manifest")).get("title", place.case)
        retired = _mapping(applied.get("environment")).get("retired")
        state = _json(folder / "state.json") if folder else {}
        now, here = datetime.now(UTC), self._home / place.environment / place.case
        level, sentence = _standing(state, now, here) if retired is None else ("retired", str(retired))
        kind = {"act now": "act", "needs a look": "look", "in order": "good"}.get(level, "unknown")
        link = f'<a href="/{place.case}/{place.environment}/">{escape(str(title))}</a>'
        return (
            f"<tr><td>{link}<td>{place.environment}<td><span class='pill {kind}'>{escape(level)}</span>"
            f"<td>{escape(sentence)}<td>{escape(_written(state))}</tr>"
        )


_NOTE = (
    "Each environment asks for a login of its own: the one that the tracking server knows there "
    "(<code>factory open dashboard ENV</code> names its file)."
)


def _login(request: Request) -> str | None:
    """The header as it goes on to the tracking server; None where there is no login in it."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic" or len(value) > _LONGEST_LOGIN:
        return None
    try:
        login, parted, _ = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return f"Basic {value.strip()}" if login and parted else None


def _read(path: Path) -> bytes | None:
    """A page, or as much of it as anybody reads; None when there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_PAGE)
    except OSError:
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _mapping(value: Any) -> dict[str, Any]:
    """What should be a mapping; an empty one where a file has something else."""
    return value if isinstance(value, dict) else {}


def _standing(state: dict[str, Any], now: datetime, here: Path) -> tuple[str, str]:
    """Level and sentence of a state; one that nobody has written for long, or that lies ahead, is never in order.

    Unless there was nothing to write: where nothing is recorded, the tick of the environment in `here` rests.
    """
    level, sentence = str(state.get("level", "nothing known yet")), str(state.get("sentence", "No page yet"))
    if not state:
        return level, sentence
    moment, period = _as_of(state), state.get("period_minutes")
    minutes = period if isinstance(period, int | float) and 0 < period < timedelta.max.days else _PERIOD_MINUTES
    if moment is None:
        odd = "It is not known of when the page is"
    elif moment > now + _AHEAD:
        odd = "The page is of a time that lies ahead: the clock was set"
    elif now - moment > _LATE * timedelta(minutes=minutes) and ticking.is_due(
        here, now - (_LATE - 1) * timedelta(minutes=minutes)
    ):
        odd = "Nobody watches at the moment: no page was written for three periods"
    else:
        return level, sentence
    return ("act now" if level == "act now" else "needs a look"), f"{odd}. Before: {sentence}"


def _as_of(state: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(state["as_of"])).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def _written(state: dict[str, Any]) -> str:
    moment = _as_of(state)
    if moment is None:
        return ""
    hours = (datetime.now(UTC) - moment).total_seconds() / 3600
    return f"{moment:%Y-%m-%d %H:%M}" + (f", {hours:.0f} hours ago" if hours >= _OLD_HOURS else "")


def _answer(content: bytes, kind: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return Response(content, status, HEADERS | (more or {}), media_type=f"{kind}; charset=utf-8")


def _page(title: str, body: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    """A page of our own; `body` is HTML."""
    content = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/dashboard.css"><link rel="icon" href="data:,">'
        f"</head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
    return _answer(content.encode(), "text/html", status, more)


def _who(realm: str) -> Response:
    said = "<p>A login of the tracking server is asked for. <code>factory open dashboard</code> names its file.</p>"
    return _page("Who are you?", said, 401, {"WWW-Authenticate": f'Basic realm="{realm}", charset="UTF-8"'})


def _refused() -> Response:
    said = "<p>There is no such page, or this login may not read it. <a href='login'>Log in as somebody else</a>.</p>"
    return _page("No such page for this login", said, 404)


def _not_found(_request: Request, _error: Exception) -> Response:
    return _page("No such page", "<p><a href='/all/'>All environments</a></p>", 404)


def _away(_request: Request, _error: Exception) -> Response:
    said = "<p>The tracking server, which knows the logins, does not answer: <code>factory status</code>.</p>"
    return _page("Nobody can be let in", said, 503)


def main() -> None:
    """Serve until SIGTERM."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--tracking", required=True, help="address of the tracking server, which knows the logins")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        Dashboard(given.home, given.tracking).application(),
        host=given.host,
        port=given.port,
        access_log=False,
        server_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
    )


if __name__ == "__main__":
    main()
