"""The addresses of the scoring service: who may call, how much they may send, and which status says what."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from aifactory_runtime.capture.log_file import NotRecorded
from aifactory_runtime.serving import metrics, request_body
from aifactory_runtime.serving.feedback import Denied, Feedback
from aifactory_runtime.serving.one_at_a_time import Busy, TooSlow
from aifactory_runtime.serving.openapi import describe
from aifactory_runtime.serving.pages import add_pages
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.serving.retraining import Retraining
from aifactory_runtime.serving.service import Call, NotExplained, NotReady, Service

FEEDBACK, RETRAIN = "/feedback", "/retrain"
_LINGER_SECONDS = 2.0
"""How long a caller whose body is too large may go on sending it before the connection is closed on them."""
SPLIT_KEY = "split-key"
"""Header by which a caller says who or what a request is about: in a live test one model answers all of one key."""

_PREDICT: Mapping[str, Call] = {request_body.JSON: "predict"}
_INVOCATIONS: Mapping[str, Call] = {request_body.JSON: "invocations", request_body.CSV: "csv"}
_EXPLAIN: Mapping[str, Call] = {request_body.JSON: "explain"}
"""How a body of each media type is read."""
_BAD = (request_body.Damaged, Refused, ClientDisconnect)  # nobody reads the answer after the last
_LATER = (NotReady, Busy, TooSlow)
_BEARER = HTTPBearer(auto_error=False, description="The token in the consumer's credentials file")


def create_app(service: Service, title: str) -> FastAPI:
    """The application around `service`."""
    about = "Scores rows. Every answer is recorded under its prediction ids."
    app = FastAPI(title=title, description=about, docs_url=None, redoc_url=None)

    async def known(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> None:
        request.state.caller = service.who(credentials.credentials if credentials else None)
        if request.state.caller is None:
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    guarded: list[Any] = [Depends(known)] if service.callers else []
    _add_scoring(app, service, guarded)
    if service.feedback is not None:
        _add_feedback(app, service, service.feedback, guarded)
    if service.retraining is not None:
        _add_retraining(app, service, service.retraining, guarded)
    _add_health(app, service, guarded)
    add_pages(app)
    app.add_middleware(metrics.Counted, service.metrics)
    app.openapi = lambda: describe(app, service)  # type: ignore[method-assign]
    return app


def _add_scoring(app: FastAPI, service: Service, guarded: list[Any]) -> None:
    @app.post("/predict", dependencies=guarded, tags=["scoring"])
    async def predict(request: Request) -> Response:
        """Score rows given as objects of column and value."""
        return await _answer(service, request, _PREDICT, ("", request_body.FORM))

    @app.post("/invocations", dependencies=guarded, tags=["scoring"])
    async def invocations(request: Request) -> Response:
        """Score rows given in one of MLflow's forms."""
        return await _answer(service, request, _INVOCATIONS, ("",))

    @app.post("/explain", dependencies=guarded, tags=["scoring"])
    async def explain(request: Request) -> Response:
        """Score one row, and say what each of its columns adds to the answer."""
        return await _answer(service, request, _EXPLAIN, ("", request_body.FORM))


def _add_feedback(app: FastAPI, service: Service, feedback: Feedback, guarded: list[Any]) -> None:
    @app.post(FEEDBACK, dependencies=guarded, tags=["labels"])
    async def labels(request: Request) -> Response:
        """Say what came true of predictions."""

        async def record(body: bytes) -> Response:
            model = service.model
            if model is None:
                raise NotReady(service.reason)
            reader = feedback.reader(model.served.sha256, model.schema)
            answer = await feedback.record(reader, body, getattr(request.state, "caller", None))
            return Response(answer, media_type=request_body.JSON)

        unrecorded = "the labels could not be recorded: send them again"
        return await _taken(service, request, {request_body.JSON: record}, ("", request_body.FORM), unrecorded)


def _add_retraining(app: FastAPI, service: Service, retraining: Retraining, guarded: list[Any]) -> None:
    @app.post(RETRAIN, dependencies=guarded, status_code=202, tags=["training"])
    async def retrain(request: Request) -> Response:
        """Ask for a new training."""

        async def ask(body: bytes) -> Response:
            answer = await asyncio.to_thread(retraining.ask, body, request.state.caller)
            return Response(answer, 202, media_type=request_body.JSON)

        unrecorded = "the request could not be recorded: send it again"
        return await _taken(service, request, {request_body.JSON: ask}, ("", request_body.FORM), unrecorded)


def _add_health(app: FastAPI, service: Service, guarded: list[Any]) -> None:
    @app.get("/health/live", tags=["health"])
    async def live() -> Response:
        """Whether the process runs."""
        return JSONResponse({"live": True})

    @app.get("/health/ready", tags=["health"])
    async def ready() -> Response:
        """Whether requests can be answered; the reason when not, or why a newer model was not taken."""
        version = service.model.served.version if service.model else None
        not_ready = service.not_ready
        body = {"ready": not_ready is None, "model_version": version, "reason": not_ready or service.reason}
        return JSONResponse(body, 200 if not_ready is None else 503)

    @app.get("/ping", tags=["health"])
    async def ping() -> Response:
        """MLflow's form of `/health/ready`."""
        return Response("\n", 200 if service.not_ready is None else 503, media_type="text/plain")

    @app.get("/version", dependencies=guarded, tags=["health"])
    async def version() -> Response:
        """Model and code that answer."""
        if service.model is None:
            return JSONResponse({"detail": service.reason}, 503)
        served = service.model.served
        found = {"model_version": served.version, "model_sha256": served.sha256, "commit": service.model.code_commit}
        return JSONResponse(found | {"code_sha256": served.code_sha256, "sequence": service.sequence})

    @app.get("/metrics", dependencies=guarded, include_in_schema=False)
    async def counts() -> Response:
        """What all workers have counted, for Prometheus."""
        version = service.model.served.version if service.model else None
        service.metrics.serves(version)
        return Response(service.metrics.text(), media_type=metrics.MEDIA_TYPE)


async def _answer(service: Service, request: Request, calls: Mapping[str, Call], unsaid: Sequence[str]) -> Response:
    """The answer to rows in a body of one of the media types of `calls`."""

    async def score(call: Call, body: bytes) -> Response:
        scored = await service.score(call, body, request.headers.get(SPLIT_KEY))
        later = None if scored.afterwards is None else BackgroundTask(scored.afterwards)
        return Response(scored.body, media_type=request_body.JSON, background=later)

    unrecorded = "the prediction could not be recorded, so it is not given"
    readers = {kind: partial(score, call) for kind, call in calls.items()}
    return await _taken(service, request, readers, unsaid, unrecorded)


async def _taken(
    service: Service,
    request: Request,
    calls: Mapping[str, Callable[[bytes], Awaitable[Response]]],
    unsaid: Sequence[str],
    unrecorded: str,
) -> Response:
    """What the call for its media type makes of a body, or why none does; `unrecorded` when the disk takes nothing."""
    try:
        body = await request_body.read(request, service.max_body_bytes)
        call = calls[request_body.media_type(request, tuple(calls), unsaid)]
        return await call(body)
    except request_body.TooLarge:
        too_large = f"the body is larger than {service.max_body_bytes} bytes: send fewer rows at a time"
        return _Early({"detail": too_large}, 413, {"Connection": "close"})
    except request_body.NotTaken as not_taken:
        headers = {"Accept": ", ".join(calls), "Accept-Encoding": "gzip"}
        return JSONResponse({"detail": str(not_taken)}, 415, headers)
    except (*_BAD, NotExplained, Denied, *_LATER) as error:
        return _unanswered(error)
    except NotRecorded:
        return JSONResponse({"detail": unrecorded}, 503)


def _unanswered(error: Exception) -> Response:
    """What the message of an error becomes."""
    refused = {NotExplained: 409, Denied: 403}.get(type(error), 422)
    status = 503 if isinstance(error, _LATER) else refused
    return JSONResponse({"detail": str(error)}, status, {"Retry-After": "1"} if isinstance(error, _LATER) else None)


class _Early(JSONResponse):
    """An answer that is given while the caller still sends.

    What comes meanwhile is thrown away, for a while: closed at once, the connection would be reset and most callers
    would never read the answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then take what comes until the caller is done or the time is over."""
        del scope
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b""})
