"""A model behind Anthropic's messages API.

The form of an answer is asked for as a tool that the model has to use: what it gives to the tool is the answer.
Anthropic's servers take no seed, so samples differ by chance alone.

What it does not do: refuse a prompt that is too long. These servers do so themselves.
"""

from collections.abc import Callable, Mapping
from typing import Any

from executor.model.endpoint import endpoint_url
from executor.model.protocol import ModelStatus, Request
from executor.model.provider import bytes_of, check_name, looked, title_of
from executor.model.remote import look_up, no_such_model
from executor.model.reply import End, Piece, Reply, collected, count_of, sendable, text_of
from executor.model.spending import Worst
from executor.model.wire import NoSuchModelError, Speech, Wire
from htn.errors import UsageError

ENDPOINT = "https://api.anthropic.com"
VERSION = "2023-06-01"
SPEECH = Speech(
    protocol="Anthropic's",
    elsewhere=("another address: ANTHROPIC_BASE_URL=https://host",),
    key_from="LLM_API_KEY or ANTHROPIC_API_KEY",
    key_header="x-api-key",
    key_word="",
    headers=(("anthropic-version", VERSION),),
)
_ENDS: Mapping[str, End] = {
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "refusal": "refused",
}
_LIST = "/v1/models?limit=1000"
_NOTHING = "(nothing)"  # a message has to say something


class Anthropic:
    """The model called `name` on Anthropic's servers, or where `endpoint` is; a `Provider`."""

    provider = "anthropic"

    def __init__(
        self,
        name: str,
        *,
        endpoint: str = ENDPOINT,
        api_key: str | None = None,
        timeout: float = 300.0,
        answer_tokens: int = 8192,
    ) -> None:
        if answer_tokens < 1:
            raise UsageError(f"an answer needs at least 1 token, not {answer_tokens}")
        self.model = check_name(name)
        self._answer_tokens = answer_tokens
        self._wire = Wire(endpoint_url(endpoint, port=None), speech=SPEECH, api_key=api_key, timeout=timeout)
        self.url = self._wire.url
        self.clean = self._wire.clean

    def options(self) -> Mapping[str, Any]:
        """Return the most tokens of an answer, which this API has to be told."""
        return {"max_tokens": self._answer_tokens}

    def refuse_long(self, request: Request) -> None:
        """Let every length pass; the server refuses what is too long."""

    def worst(self, request: Request, schema: Mapping[str, Any]) -> Worst:
        """Return the most tokens that a question and its answer can have."""
        return Worst(bytes_of(request, schema), self._answer_tokens)

    def send(
        self,
        request: Request,
        schema: Mapping[str, Any],
        on_text: Callable[[str], None] | None,
        seconds: float | None = None,
    ) -> Reply:
        """Put one question and return the answer."""
        body = {"model": self.model, "stream": True, **self.options(), **_words(request), **_form(schema)}
        try:
            parts = self._wire.events("/v1/messages", body, _piece, seconds=seconds)
            return collected(parts, self._wire, on_text)
        except NoSuchModelError as error:
            raise no_such_model(self._wire, self.model, _LIST) from error

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""
        return look_up(self._wire, provider=self.provider, model=self.model, path=_LIST, service="Anthropic's API")

    def look(self) -> str:
        """Say why the server does not answer, or nothing where it does."""
        return looked(self._wire, "/v1/models?limit=1")


def _words(request: Request) -> dict[str, Any]:
    told = [sendable(m.content) for m in request.messages if m.role == "system"]
    turns = [
        {"role": m.role, "content": sendable(m.content) if m.content.strip() else _NOTHING}
        for m in request.messages
        if m.role != "system"
    ]
    if not turns:  # the API wants something to answer
        return {"messages": [{"role": "user", "content": "\n\n".join(told)}]}
    return {"messages": turns} | ({"system": "\n\n".join(told)} if told else {})


def _form(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = title_of(schema)
    tool = {"name": name, "description": "Give your answer.", "input_schema": dict(schema)}
    return {"tools": [tool], "tool_choice": {"type": "tool", "name": name}}


def _piece(event: Any) -> Piece:
    """Return what an event says; an error of reading, such as KeyError, for one of another form."""
    match event["type"]:
        case "error":
            return Piece(error=str(event["error"]["message"]))
        case "message_start":
            return Piece(prompt_tokens=count_of(event["message"]["usage"].get("input_tokens")))
        case "content_block_delta":
            delta = event["delta"]
            return Piece(text=text_of(delta.get("partial_json")), aside=text_of(delta.get("text")))
        case "message_delta":
            reason = event["delta"].get("stop_reason")
            end: End = _ENDS.get(reason, "whole") if reason else ""
            counted = event.get("usage") or {}
            return Piece(answer_tokens=count_of(counted.get("output_tokens")), end=end)
    return Piece()
