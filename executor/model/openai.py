"""A model behind an OpenAI-compatible server: OpenAI's own, vLLM, llama.cpp, Gemini's and others' endpoints.

The form of an answer is asked for as `response_format`: a JSON schema, where the server takes none any JSON object,
where it takes that neither only in words; the schema is in the words then. Servers differ in what else they take. One
that does not take a request (400, 422, 501) and names a part that can be left out is asked once more without it, and
that part is left out from then on.

The schema is not asked for in OpenAI's "strict" mode, which takes only a part of JSON Schema. The answer is checked
here in any case.

What it does not do: refuse a prompt that is too long. These servers do so themselves.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from executor.model.endpoint import endpoint_url
from executor.model.protocol import ModelStatus, Request
from executor.model.provider import LeftOutError, bytes_of, check_name, looked, seed_of, title_of
from executor.model.remote import look_up, no_such_model
from executor.model.reply import End, Piece, Reply, collected, count_of, sendable, text_of
from executor.model.spending import Worst
from executor.model.wire import NoSuchModelError, RefusedError, Speech, Wire
from htn.errors import UsageError

ENDPOINT = "https://api.openai.com/v1"
SPEECH = Speech(
    protocol="OpenAI's",
    elsewhere=("another address: OPENAI_BASE_URL=https://host/v1",),
    key_from="LLM_API_KEY or OPENAI_API_KEY",
)
_FORMATS = ("json_schema", "json_object", "words")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "structured", "schema")
_NOT_TAKEN = (400, 422, 501)
_EXTRAS = ("seed", "stream_options")
_BOUNDS = ("max_completion_tokens", "max_tokens")  # what OpenAI's own servers take, and what older ones do
_ENDS: Mapping[str, End] = {"length": "cut", "content_filter": "refused"}


class OpenAI:
    """The model called `name` on the server at `endpoint`; a `Provider`."""

    provider = "openai"

    def __init__(
        self,
        name: str,
        *,
        endpoint: str,
        api_key: str | None = None,
        timeout: float = 300.0,
        answer_tokens: int = 8192,
        bounded: bool = False,
    ) -> None:
        self.model = check_name(name)
        self._answer_tokens = answer_tokens
        self._bounded = bounded
        self._wire = Wire(endpoint_url(endpoint, port=None), speech=SPEECH, api_key=api_key, timeout=timeout)
        self.url = self._wire.url
        self.clean = self._wire.clean
        self._left_out: frozenset[str] = frozenset()
        self._lock = Lock()

    def options(self) -> Mapping[str, Any]:
        """Return nothing: the server's own defaults hold."""
        return {}

    def refuse_long(self, request: Request) -> None:
        """Let every length pass; the server refuses what is too long. UsageError where answers have to have a bound."""
        self._bound(self._left_out)

    def worst(self, request: Request, schema: Mapping[str, Any]) -> Worst:
        """Return the most tokens that a question and its answer can have; the schema may be in it twice."""
        return Worst(2 * bytes_of(request, schema), self._answer_tokens)

    def send(
        self,
        request: Request,
        schema: Mapping[str, Any],
        on_text: Callable[[str], None] | None,
        seconds: float | None = None,
    ) -> Reply:
        """Put one question and return the answer."""
        left_out = self._left_out
        body = {**_body(self.model, request, schema, left_out), **self._bound(left_out)}
        try:
            parts = self._wire.events("/chat/completions", body, _piece, seconds=seconds)
            return collected(parts, self._wire, on_text)
        except NoSuchModelError as error:
            raise no_such_model(self._wire, self.model, "/models") from error
        except RefusedError as error:
            self._leave_out(error, left_out)
            raise

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""
        return look_up(self._wire, provider=self.provider, model=self.model, path="/models", service="the server")

    def look(self) -> str:
        """Say why the server does not answer, or nothing where it does."""
        return looked(self._wire, "/models")

    def _bound(self, left_out: frozenset[str]) -> dict[str, int]:
        """Return how long an answer may be, in the words that the server takes, where that is limited."""
        if not self._bounded:
            return {}
        for name in _BOUNDS:
            if name not in left_out:
                return {name: self._answer_tokens}
        raise UsageError(
            f"the server at {self.url} takes no bound of its answers ({' or '.join(_BOUNDS)}), and tokens or money are "
            f"limited",
            hints=("limit calls instead: --max-calls, HTN_DAILY_CALLS", "or have another model asked"),
        )

    def _leave_out(self, error: RefusedError, left_out: frozenset[str]) -> None:
        """Leave out what the server names, if it was in this request; raise LeftOutError then."""
        told = error.told.lower() if error.status in _NOT_TAKEN else ""
        named = {extra for extra in _EXTRAS if extra in told}
        if any(word in told for word in _FORMAT_WORDS):
            named.add(_format(left_out))
        # An error may name the one to use instead, too; it is about the one that was sent.
        named |= {name for name in self._bound(left_out) if name in told}
        if sent := named & {*_EXTRAS, *_BOUNDS, *_FORMATS[:-1]} - left_out:
            with self._lock:
                self._left_out |= sent
            raise LeftOutError(error.message) from error


def _body(model: str, request: Request, schema: Mapping[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    messages = [{"role": m.role, "content": sendable(m.content)} for m in request.messages]
    body: dict[str, Any] = {"model": model, "stream": True}
    if "stream_options" not in left_out:
        body["stream_options"] = {"include_usage": True}
    if "seed" not in left_out:
        body["seed"] = seed_of(request)
    form = _format(left_out)
    if form == "json_schema":
        asked = {"name": title_of(schema), "schema": dict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": asked}
    else:
        # Beside the question and not as a message before it: some servers take one system message only.
        messages[-1]["content"] += (
            f"\n\nAnswer with one JSON object and nothing else. It has this JSON schema:\n{json.dumps(schema)}"
        )
    if form == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body | {"messages": messages}


def _format(left_out: frozenset[str]) -> str:
    return next(form for form in _FORMATS if form not in left_out)


def _piece(event: Any) -> Piece:
    """Return what an event says; an error of reading, such as KeyError, for one of another form."""
    if error := event.get("error"):
        return Piece(error=str(error.get("message")) if isinstance(error, dict) else str(error))
    usage = event.get("usage") or {}
    counted = Piece(
        prompt_tokens=count_of(usage.get("prompt_tokens")), answer_tokens=count_of(usage.get("completion_tokens"))
    )
    choices = event.get("choices") or []
    if not choices:
        return counted
    choice = choices[0]
    delta = choice.get("delta") or {}
    finish = choice.get("finish_reason")
    return replace(
        counted,
        text=text_of(delta.get("content")),
        refusal=text_of(delta.get("refusal")),
        end=_ENDS.get(finish, "whole") if finish else "",
    )
