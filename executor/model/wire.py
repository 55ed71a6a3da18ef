"""One exchange with an Ollama server, within a time and a size, and its failures in words.

Rules:

- an exchange ends at its deadline, whatever the server does: the bytes are read by a thread of
  their own, and the caller waits for that thread no longer than the deadline;
- no answer takes more memory than the caps below;
- nothing is tried twice, no redirect is followed, and this machine is never asked through a proxy;
- the key travels in the Authorization header only: `Wire.clean` removes it from every text that
  may reach a person.

What it does not do: stop a server that goes on computing. An abandoned connection is closed once
its thread notices, at the latest one further time limit later.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from executor.model.endpoint import is_loopback
from executor.model.protocol import InvalidAnswer, Message, printable
from htn.errors import ServiceMissing, UsageError

if TYPE_CHECKING:
    import httpx

P = TypeVar("P")

MOST_ANSWER = 1_000_000  # characters of an answer
MOST_LINE = 8_000_000  # bytes without a line break: an answer in which each character is escaped
CONNECT_SECONDS = 5.0
GLANCE_SECONDS = 5.0  # for questions about the server, which it answers at once


class TooSlowError(Exception):
    """The deadline passed before the exchange was over."""


class TooLongError(Exception):
    """More bytes came than any answer can have."""


class NotSentError(Exception):
    """No connection came about, so that no request went out."""

    def __init__(self, error: ServiceMissing) -> None:
        super().__init__(error.message)
        self.error = error


class NoSuchModelError(Exception):
    """The server does not have the model."""


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and how the server counted it. `cut` says that it ran out of room."""

    text: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool


class Wire:
    """The way to one server."""

    def __init__(self, url: str, *, api_key: str | None, timeout: float) -> None:
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise UsageError("the api key of the model server has characters that no key has")
        self.url = url
        self._api_key = api_key or None
        self._timeout = timeout

    def clean(self, text: str) -> str:
        """Return the beginning of a text, fit to be shown to a person."""
        return printable(text.replace(self._api_key, "***") if self._api_key else text)

    def chat(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        options: Mapping[str, Any],
        keep_alive: str,
        on_text: Callable[[str], None] | None,
    ) -> Reply:
        """Send one conversation and return the whole answer."""
        import ollama  # noqa: PLC0415 - 0.2 s that commands without a model should not pay

        def parts() -> Iterator[ollama.ChatResponse]:
            client = ollama.Client(self.url, **self._client_settings(self._timeout))
            with client:
                yield from client.chat(
                    model,
                    [{"role": message.role, "content": _sendable(message.content)} for message in messages],
                    stream=True,
                    format=dict(schema),
                    options=dict(options),
                    keep_alive=keep_alive,
                )

        written: list[str] = []
        size = 0
        for part in self._exchange(self._timeout, parts):
            text = _sendable(part.message.content or "")
            size += len(text)
            if size > MOST_ANSWER:
                raise self._too_long("".join(written))
            written.append(text)
            if text and on_text is not None:
                on_text(text)
            if part.done:
                return Reply(
                    text="".join(written),
                    prompt_tokens=part.prompt_eval_count or 0,
                    answer_tokens=part.eval_count or 0,
                    cut=part.done_reason == "length",
                )
        raise ServiceMissing(
            f"the model server at {self.url} stopped in the middle of an answer",
            hints=("look at the log of the server",),
        )

    def look(self, path: str) -> Any:
        """Return the JSON that the server has at `path`; nothing is asked of a model."""
        import httpx  # noqa: PLC0415 - see chat

        seconds = min(self._timeout, GLANCE_SECONDS)

        def parts() -> Iterator[Any]:
            with httpx.Client(base_url=self.url, **self._client_settings(seconds)) as client:
                response = client.get(path)
                response.raise_for_status()
                yield response.json()

        return next(self._exchange(seconds, parts))

    def _exchange(self, seconds: float, parts: Callable[[], Iterator[P]]) -> Iterator[P]:
        # A generator, so that what the caller does with a part (call on_text) fails as itself.
        with self._failures_in_words(seconds):
            yield from _until(time.monotonic() + seconds, parts)

    def _client_settings(self, seconds: float) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 - see chat

        key = self._api_key

        def set_key(request: "httpx.Request") -> None:
            # The ollama package would take a key from the environment, whatever server it asks.
            request.headers.pop("authorization", None)
            if key is not None:
                request.headers["authorization"] = f"Bearer {key}"

        def guard(response: "httpx.Response") -> None:
            response.stream = _guarded(response.stream, time.monotonic() + seconds)

        return {
            "timeout": httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            "follow_redirects": False,
            "trust_env": not is_loopback(self.url),
            "event_hooks": {"request": [set_key], "response": [guard]},
        }

    @contextmanager
    def _failures_in_words(self, seconds: float) -> Iterator[None]:
        import httpx  # noqa: PLC0415 - see chat
        import ollama  # noqa: PLC0415 - see chat

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotSentError(self._nobody_there()) from error
        except (TooSlowError, httpx.TimeoutException) as error:
            raise ServiceMissing(
                f"the model server at {self.url} did not finish within {seconds:g} s",
                hints=("allow more time: HTN_MODEL_TIMEOUT; or use a smaller model",),
            ) from error
        except TooLongError as error:
            raise self._too_long("") from error
        except ollama.ResponseError as error:
            if error.status_code == 404 and "model" in str(error.error):
                raise NoSuchModelError from error
            self._status_in_words(error.status_code, str(error.error), error)
        except httpx.HTTPStatusError as error:
            self._status_in_words(error.response.status_code, error.response.text, error)
        except (httpx.HTTPError, OSError) as error:
            raise ServiceMissing(
                f"the connection to the model server at {self.url} broke: {self.clean(str(error))}",
                hints=("look at the log of the server",),
            ) from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            # What the client raises when the lines of an answer are not the JSON objects of the
            # protocol: not JSON, JSON of another form, or not even an object.
            raise ServiceMissing(
                f"what answers at {self.url} does not speak Ollama's protocol",
                hints=("is the address that of an Ollama server?",),
            ) from error

    def _nobody_there(self) -> ServiceMissing:
        return ServiceMissing(
            f"no model server answers at {self.url}",
            hints=("start it: ollama serve", "another address: OLLAMA_ENDPOINT=host:port"),
        )

    def _too_long(self, text: str) -> InvalidAnswer:
        return InvalidAnswer(
            f"the answer from {self.url} is longer than {MOST_ANSWER:,} characters",
            text=text,
            hints=("the model may be going round in circles: try another one",),
        )

    def _status_in_words(self, status: int, text: str, cause: Exception) -> NoReturn:
        if status in (401, 403):
            raise ServiceMissing(
                f"the model server at {self.url} refused the request ({status})",
                hints=("check the api key",),
            ) from cause
        told = "" if status < 0 else f" {status}"
        raise ServiceMissing(
            f"the model server at {self.url} answered with an error{told}: {self.clean(text)}",
            hints=("look at the log of the server",),
        ) from cause


def _sendable(text: str) -> str:
    # JSON can carry halves of characters, which no terminal, file or request can.
    return text.encode(errors="replace").decode()


def _until(deadline: float, parts: Callable[[], Iterator[P]]) -> Iterator[P]:
    """Yield what `parts` yields, which runs in a thread; raise TooSlowError at the deadline."""
    queue: Queue[P | BaseException | None] = Queue()
    abandoned = Event()

    def read() -> None:
        try:
            for part in parts():
                queue.put(part)
                if abandoned.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
            queue.put(error)

    Thread(target=read, name="model-answer", daemon=True).start()
    try:
        while True:
            try:
                part = queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise TooSlowError from None
            if part is None:
                return
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        abandoned.set()


def _guarded(stream: Any, deadline: float) -> Any:
    """Return the byte stream of a response with an end to its time and to its lines."""
    import httpx  # noqa: PLC0415 - see Wire.chat

    class Guarded(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            line = 0
            for chunk in stream:
                if time.monotonic() > deadline:
                    raise TooSlowError
                head, found, _ = chunk.rpartition(b"\n")
                line = len(chunk) - len(head) - 1 if found else line + len(chunk)
                if line > MOST_LINE:
                    raise TooLongError
                yield chunk

        def close(self) -> None:
            stream.close()

    return Guarded()
