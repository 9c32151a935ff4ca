"""The pages for people: `/` says what this is, `/docs` shows the addresses; no other host is asked for anything."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, JSONResponse

_SCRIPT, _STYLE, _ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"
_OWN_HOST_ONLY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
"""The page holds a script of a few lines; all else that it loads comes from this service, or the browser refuses it."""


def add_pages(app: FastAPI) -> None:
    """Add the pages to `app`; its OpenAPI document does not speak of them."""

    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        """What this service is, and where to go on."""
        found = {"service": app.title, "about": app.description, "docs": "/docs", "openapi": "/openapi.json"}
        return JSONResponse(found | {"predict": "/predict", "mlflow": "/invocations", "ready": "/health/ready"})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        """Swagger UI; its addresses are relative, so that it works below a path of a proxy too."""
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url=f"docs/{_SCRIPT}",
            swagger_css_url=f"docs/{_STYLE}",
            swagger_favicon_url=f"docs/{_ICON}",
            swagger_ui_parameters={"validatorUrl": None},  # else it sends the document to a public validator
        )
        page.headers["Content-Security-Policy"] = _OWN_HOST_ONLY
        return page

    @app.get("/docs/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        """A file that the page is made of."""
        from swagger_ui_bundle import swagger_ui_path

        if name not in {_SCRIPT, _STYLE, _ICON}:
            raise HTTPException(404)
        return FileResponse(swagger_ui_path / name)
