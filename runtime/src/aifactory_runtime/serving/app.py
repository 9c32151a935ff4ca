"""The addresses of the scoring service: who may call, how much they may send, and which status says what."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Receive, Scope, Send

from aifactory_runtime.serving.capture import NotRecorded
from aifactory_runtime.serving.openapi import describe
from aifactory_runtime.serving.pages import add_pages
from aifactory_runtime.serving.request_decoding import Refused
from aifactory_runtime.serving.service import Call, NotReady, Service

_LINGER_SECONDS = 2.0
"""How long a caller whose body is too large may go on sending it before the connection is closed on them."""

_BEARER = HTTPBearer(auto_error=False, description="The token in the consumer's credentials file")


def create_app(service: Service, title: str) -> FastAPI:
    """The application around `service`."""
    about = "Scores rows. Every answer is recorded under its prediction ids."
    app = FastAPI(title=title, description=about, docs_url=None, redoc_url=None)

    async def known(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        if not service.admits(credentials.credentials if credentials else None):
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    guarded: list[Any] = [Depends(known)] if service.callers else []
    _add_scoring(app, service, guarded)
    _add_health(app, service, guarded)
    add_pages(app)
    app.openapi = lambda: describe(app, service)  # type: ignore[method-assign]
    return app


def _add_scoring(app: FastAPI, service: Service, guarded: list[Any]) -> None:
    @app.post("/predict", dependencies=guarded, tags=["scoring"])
    async def predict(request: Request) -> Response:
        """Score rows given as objects of column and value."""
        return await _answer(service, "predict", request)

    @app.post("/invocations", dependencies=guarded, tags=["scoring"])
    async def invocations(request: Request) -> Response:
        """Score rows given in MLflow's `dataframe_split` or `dataframe_records`."""
        return await _answer(service, "invocations", request)


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
        return Response("\n", 200 if service.not_ready is None else 503)

    @app.get("/version", dependencies=guarded, tags=["health"])
    async def version() -> Response:
        """Model and code that answer."""
        if service.model is None:
            return JSONResponse({"detail": service.reason}, 503)
        served = service.model.served
        found = {"model_version": served.version, "model_sha256": served.sha256, "commit": served.commit}
        return JSONResponse(found | {"code_sha256": served.code_sha256, "sequence": service.sequence})


async def _answer(service: Service, call: Call, request: Request) -> Response:
    body = await _body(request, service.max_body_bytes)
    if body is None:
        too_large = f"the body is larger than {service.max_body_bytes} bytes: send fewer rows at a time"
        return _Early({"detail": too_large}, 413, {"Connection": "close"})
    try:
        return Response(await service.score(call, body), media_type="application/json")
    except Refused as refused:
        return JSONResponse({"detail": str(refused)}, 422)
    except NotReady as not_ready:
        return JSONResponse({"detail": str(not_ready)}, 503, {"Retry-After": "1"})
    except NotRecorded:
        return JSONResponse({"detail": "the prediction could not be recorded, so it is not given"}, 503)


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


async def _body(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it is known to be larger than `limit` bytes, said or counted."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)
