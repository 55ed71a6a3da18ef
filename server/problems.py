"""Errors of requests, as problem documents (RFC 9457) with what every error of this program says.

| status | codes                                                                                                |
|--------|------------------------------------------------------------------------------------------------------|
| 401    | token: without the token, or with another one                                                        |
| 403    | origin, host: from a page, or under a name, that is not allowed                                      |
| 404    | unknown: what the path or the request names is not there                                             |
| 405    | method: the path is there, and not for this method                                                   |
| 409    | needs-value, execution, contract, gap, approval, limit, state: it cannot be done as things are |
| 413    | large: the body is too large                                                                         |
| 422    | usage, domain: the request cannot be used                                                            |
| 429    | rate: too many requests of one address                                                               |
| 500    | bug: a bug of ours                                                                                   |
| 503    | busy, service: too much at once; something that is needed does not answer                            |
"""

import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from htn.errors import HtnError, Trouble, did_you_mean, visible
from htn.values import writable

MEDIA = "application/problem+json"
_MOST_MESSAGE = 2_000
_FIELDS = ("missing", "extra_forbidden")
STATUS: Mapping[str, int] = {
    "usage": 422, "domain": 422, "unknown": 404, "method": 405, "token": 401, "origin": 403, "host": 403,
    "large": 413, "rate": 429, "busy": 503, "service": 503, "bug": 500,
    "needs-value": 409, "execution": 409, "contract": 409, "gap": 409, "approval": 409, "limit": 409, "state": 409,
}  # fmt: skip


class Problem(BaseModel):
    """What is wrong with a request: what happened, where, and what to do next."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank", "title": "Unprocessable Content", "status": 422, "code": "usage",
                "message": "the domain travel has no task travle", "path": "/api/v1/plans", "where": None,
                "hints": ["did you mean travel?"], "exit_code": 2, "request_id": "4c0ffee0b0b0",
            }
        }
    )  # fmt: skip

    type: str = Field(description="always about:blank: the code says which kind of error it is")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    code: str = Field(description="the kind of error, a word of the table in docs/http.md")
    message: str = Field(description="what happened")
    path: str = Field(description="the path that was asked for")
    where: str | None = Field(description="the file and line, or the part of the request, that it is about")
    hints: list[str] = Field(description="what to do next")
    exit_code: int = Field(description="the exit code that the command line has for it")
    request_id: str | None = Field(description="what the service calls this request")


class RequestError(HtnError):
    """A request that HTTP itself has a word for. `code` is one of the table."""

    exit_code = 2

    def __init__(
        self, code: str, message: str, *, hints: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hints=hints)
        self._code = code
        self.headers = dict(headers or {})

    @property
    def trouble(self) -> Trouble:
        """The error as data."""
        return Trouble(self._code, self.exit_code, self.message, None, self.hints)


def problem(trouble: Trouble, scope: MutableMapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as the answer to the request of this scope."""
    status = STATUS.get(trouble.code, 500)
    scope["problem"] = trouble.code  # which `watch` counts
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": trouble.code,
        "message": visible(trouble.message, lines=True)[:_MOST_MESSAGE],
        "path": visible(str(scope["path"])),
        "where": trouble.where and visible(trouble.where),
        "hints": [visible(hint) for hint in trouble.hints],
        "exit_code": trouble.exit_code,
        "request_id": scope.get("request_id"),
    }
    return Response(json.dumps(document), status, dict(headers or {}), MEDIA)


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a document as an answer in JSON. Numbers that JSON has no form for are texts in it."""
    return Response(json.dumps(writable(document)), status, dict(headers or {}), "application/json")


async def on_htn_error(request: Request, error: Exception) -> Response:
    """Answer with what an error of ours says."""
    assert isinstance(error, HtnError)
    return problem(error.trouble, request.scope, getattr(error, "headers", None))


async def on_invalid(request: Request, error: Exception) -> Response:
    """Answer with what cannot be used of a request. What the client sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(map(str, each["loc"])), str(each["msg"])) for each in error.errors()]
    message = "; ".join(f"{place}: {why.removeprefix('Value error, ')}" for place, why in found[:3])
    hints = (*_meant(error), "GET /openapi.json says what a request holds")
    return problem(Trouble("usage", 2, message, found[0][0] if found else None, hints), request.scope)


def _meant(error: RequestValidationError) -> tuple[str, ...]:
    """Return which fields may have been meant by those that there are not."""
    named = {kind: [str(each["loc"][-1]) for each in error.errors() if each["type"] == kind] for kind in _FIELDS}
    found = (did_you_mean(name, named["missing"]) for name in named["extra_forbidden"][:3])
    return tuple(hint for hints in found for hint in hints)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer where there is no such route, or not for this method."""
    assert isinstance(error, HTTPException)
    codes = {404: "unknown", 405: "method", 413: "large"}
    code = codes.get(error.status_code, "usage" if error.status_code < 500 else "bug")
    said = {"unknown": "there is no such resource", "method": f"{request.method} is not for this resource"}
    hints = ("GET /openapi.json lists what there is",) if code in said else ()
    trouble = Trouble(code, 2, said.get(code, str(error.detail)), None, hints)
    allowed = {"Allow": ", ".join(_methods(request))} if code == "method" else {}
    return problem(trouble, request.scope, {**(error.headers or {}), **allowed})


def _methods(request: Request) -> list[str]:
    """Return the methods that the OpenAPI document has for the path of a request."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    here = [p for p in paths if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(p)), request.url.path)]
    return sorted({method.upper() for path in here for method in paths[path]})


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return for the OpenAPI document the errors that every route has, and these."""
    schema = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = {401, 403, 413, 422, 429, 500, 503, *statuses}
    return {status: {"description": HTTPStatus(status).phrase, "content": schema} for status in sorted(every)}
