"""The service as an ASGI application: the routes under what every request goes through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from htn.errors import HtnError
from server.access import Guard
from server.kept import watch_over
from server.limits import BodyLimit, Buckets, Limits
from server.problems import Problem, on_htn_error, on_http_error, on_invalid
from server.routes import code, domains, health, intelligent, models, operators, plans, proposals, runs
from server.service import Service
from server.watch import Watch

_DESCRIPTION = """Plan with what is known; learn, with evidence, what is not.

Errors are problem documents (`application/problem+json`). What a plan, a run or a body came to is data in the answer: a
plan that cannot be found is status 200 with `failure`. Everything but `/health`, `/metrics` and this document needs the
token of the service."""


def make_app(service: Service) -> FastAPI:
    """Return the application of a service. Its lifespan opens and closes the service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.opened():
            watching = asyncio.create_task(watch_over(service))
            yield
            watching.cancel()

    app = FastAPI(
        title="htn",
        version=_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(service),
        exception_handlers={
            HtnError: on_htn_error,
            RequestValidationError: on_invalid,
            HTTPException: on_http_error,
        },
    )
    app.state.service = service
    for routes in (plans, runs, operators, proposals, domains, models, intelligent, code, health):
        app.include_router(routes.router)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    return app


def _middleware(service: Service) -> list[Middleware]:
    """Return what every request goes through, from the outside in."""
    settings, origins = service.settings, sorted(service.access.origins)
    pages = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Request-Id"],
        expose_headers=["Location", "Retry-After", "X-Request-Id"],
    )  # fmt: skip
    return [
        Middleware(Watch, metrics=service.metrics, traces=service.traces),
        Middleware(Limits, buckets=Buckets(settings.service_rate), at_once=settings.service_requests),
        *([pages] if origins else []),
        Middleware(Guard, access=service.access),
        Middleware(BodyLimit, most=settings.service_body_bytes),
    ]


def _document(app: FastAPI) -> dict[str, object]:
    """Return the OpenAPI document: FastAPI's, where errors are problem documents and nothing else."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    app.openapi_schema = document
    return document


def _version() -> str:
    try:
        return version("htn-planner")
    except PackageNotFoundError:  # run from a folder that nobody installed
        return "0"
