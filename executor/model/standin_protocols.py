"""The protocols that the stand-in speaks: what a request says, and the form of what answers it."""

import json
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PIECE = 12  # characters of an answer in one line of a stream
WRITTEN_AT = "2026-01-01T00:00:00Z"
PROMPT_TOKENS = 11
DIMENSIONS = 64

Event = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a request asks for: the title of the schema, "" for none, and all its words."""

    title: str
    prompt: str


class Speech(Protocol):
    """One protocol for answers."""

    kind: str

    def asked(self, body: Event) -> Asked:
        """Return what a request asks for; an error of reading for what is no request."""

    def stream(self, words: str, how: str) -> Iterator[Event]:
        """Yield the events of an answer. `how` is "cut" or "refuse" for one that ends so, else "whole"."""

    def begun(self, text: str) -> Event:
        """Return an event with some text, which does not end the answer."""

    def whole(self, words: str) -> Event:
        """Return the answer to a request that wants no stream."""

    def line(self, event: Event) -> bytes:
        """Return an event as it is sent."""

    def end(self) -> bytes:
        """Return what follows the last event."""

    def error(self, status: int, message: str) -> Event:
        """Return the body of an error."""


def pieces(words: str) -> list[str]:
    """Return a text in the pieces in which it is streamed."""
    return [words[start : start + PIECE] for start in range(0, len(words), PIECE)]


def _tokens(words: str) -> int:
    return max(1, len(words) // 4)


def _words_of(messages: Any) -> str:
    if not isinstance(messages, list):
        raise TypeError("messages is not a list")
    return "\n".join(str(message.get("content", "")) for message in messages)


class OllamaSpeech:
    """Ollama's /api/chat."""

    kind = "application/x-ndjson"

    def asked(self, body: Event) -> Asked:
        """Return what a request asks for."""
        form = body.get("format")
        return Asked(str(form.get("title", "")) if isinstance(form, dict) else "", _words_of(body.get("messages")))

    def stream(self, words: str, how: str) -> Iterator[Event]:
        """Yield the events of an answer; Ollama has no word for a refusal."""
        yield from map(self.begun, pieces(words))
        yield self._last("", words, "length" if how == "cut" else "stop")

    def begun(self, text: str) -> Event:
        """Return an event with some text."""
        message = {"role": "assistant", "content": text}
        return {"model": "scripted", "created_at": WRITTEN_AT, "message": message, "done": False}

    def whole(self, words: str) -> Event:
        """Return the answer to a request that wants no stream."""
        return self._last(words, words, "stop")

    def line(self, event: Event) -> bytes:
        """Return an event as it is sent."""
        return json.dumps(event).encode() + b"\n"

    def end(self) -> bytes:
        """Return what follows the last event."""
        return b""

    def error(self, status: int, message: str) -> Event:
        """Return the body of an error."""
        return {"error": message}

    def _last(self, text: str, words: str, reason: str) -> Event:
        counts = {"prompt_eval_count": PROMPT_TOKENS, "eval_count": _tokens(words)}
        return {**self.begun(text), "done": True, "done_reason": reason, **counts}


class OpenAISpeech:
    """OpenAI's /v1/chat/completions."""

    kind = "text/event-stream"

    def asked(self, body: Event) -> Asked:
        """Return what a request asks for."""
        form = (body.get("response_format") or {}).get("json_schema") or {}
        return Asked(str(form.get("schema", {}).get("title", "")), _words_of(body.get("messages")))

    def stream(self, words: str, how: str) -> Iterator[Event]:
        """Yield the events of an answer."""
        for piece in pieces(words):
            yield self._chunk({"refusal" if how == "refuse" else "content": piece})
        yield self._chunk({}, finish="length" if how == "cut" else "stop")
        yield {"object": "chat.completion.chunk", "choices": [], "usage": self._usage(words)}

    def begun(self, text: str) -> Event:
        """Return an event with some text."""
        return self._chunk({"content": text})

    def whole(self, words: str) -> Event:
        """Return the answer to a request that wants no stream."""
        choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
        return {"object": "chat.completion", "choices": [choice], "usage": self._usage(words)}

    def line(self, event: Event) -> bytes:
        """Return an event as it is sent."""
        return b"data: " + json.dumps(event).encode() + b"\n\n"

    def end(self) -> bytes:
        """Return what follows the last event."""
        return b"data: [DONE]\n\n"

    def error(self, status: int, message: str) -> Event:
        """Return the body of an error."""
        return {"error": {"message": message, "type": "error", "param": None, "code": None}}

    def _chunk(self, delta: Event, finish: str | None = None) -> Event:
        return {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            "usage": None,
        }

    def _usage(self, words: str) -> Event:
        return {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": _tokens(words)}


class AnthropicSpeech:
    """Anthropic's /v1/messages, with a tool that has to be used."""

    kind = "text/event-stream"

    def asked(self, body: Event) -> Asked:
        """Return what a request asks for."""
        tools = body.get("tools") or [{}]
        words = "\n".join([str(body.get("system", "")), _words_of(body.get("messages"))])
        return Asked(str(tools[0].get("input_schema", {}).get("title", "")), words)

    def stream(self, words: str, how: str) -> Iterator[Event]:
        """Yield the events of an answer; a refusal is a text that uses no tool."""
        usage = {"input_tokens": PROMPT_TOKENS, "output_tokens": 1}
        yield {"type": "message_start", "message": {"role": "assistant", "content": [], "usage": usage}}
        yield {"type": "ping"}
        block = {"type": "text", "text": ""} if how == "refuse" else {"type": "tool_use", "name": "answer", "input": {}}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        for piece in pieces(words):
            delta = {"type": "text_delta", "text": piece} if how == "refuse" else self._json_delta(piece)
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}
        reason = {"cut": "max_tokens", "refuse": "refusal"}.get(how, "tool_use")
        counted = {"output_tokens": _tokens(words)}
        yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": counted}
        yield {"type": "message_stop"}

    def begun(self, text: str) -> Event:
        """Return an event with some text."""
        return {"type": "content_block_delta", "index": 0, "delta": self._json_delta(text)}

    def whole(self, words: str) -> Event:
        """Return the answer to a request that wants no stream."""
        usage = {"input_tokens": PROMPT_TOKENS, "output_tokens": _tokens(words)}
        content = [{"type": "text", "text": words}]
        return {"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn", "usage": usage}

    def line(self, event: Event) -> bytes:
        """Return an event as it is sent."""
        return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

    def end(self) -> bytes:
        """Return what follows the last event."""
        return b""

    def error(self, status: int, message: str) -> Event:
        """Return the body of an error."""
        kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}

    def _json_delta(self, text: str) -> Event:
        return {"type": "input_json_delta", "partial_json": text}


OLLAMA = OllamaSpeech()
SPEECHES: dict[str, Speech] = {
    "/api/chat": OLLAMA,
    "/v1/chat/completions": OpenAISpeech(),
    "/v1/messages": AnthropicSpeech(),
}


def vector_of(text: str) -> list[float]:
    """Return a vector of length 1 that counts the words of a text: texts that share words are near. No model's."""
    counts = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        counts[zlib.crc32(word.encode()) % DIMENSIONS] += 1
    length = math.sqrt(sum(count * count for count in counts)) or 1.0
    return [count / length for count in counts]


def texts_of(body: Event) -> Sequence[str]:
    """Return the texts that a request wants vectors of."""
    texts = body.get("input")
    return [texts] if isinstance(texts, str) else [str(text) for text in texts or ()]
