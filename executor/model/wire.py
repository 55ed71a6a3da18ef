"""One exchange with a model's server, within a time and a size, and its failures in words.

Rules:

- an exchange ends at its deadline, whatever the server does: the bytes are read by a thread of
  their own, and the caller waits for that thread no longer than the deadline;
- no answer takes more memory than the caps below, and none comes compressed: a small compressed
  one may be as large as it likes when it is opened;
- nothing is tried twice, no redirect is followed, and this machine is never asked through a proxy;
- the key travels in its header only: `Wire.clean` removes it from every text that may reach a
  person.

What it does not do: stop a server that goes on computing. An abandoned connection is closed once
its thread notices, at the latest one further time limit later.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from executor.model.endpoint import is_loopback
from executor.model.protocol import InvalidAnswer, printable
from executor.model.reply import MOST_ANSWER, Piece
from htn.errors import ServiceMissing, UsageError

if TYPE_CHECKING:
    import httpx

P = TypeVar("P")

MOST_LINE = 8_000_000  # bytes without a line break: an answer in which each character is escaped
MOST_WHOLE = 64_000_000  # bytes of an answer that comes in one piece: the vectors of many texts
MOST_ERROR = 64_000  # bytes of what a server says about an error
CONNECT_SECONDS = 5.0
GLANCE_SECONDS = 5.0  # for questions about the server, which it answers at once
WAITING_PARTS = 256  # what is read ahead of whoever listens
NOTICE_SECONDS = 0.5
MOST_WAIT = 86_400  # seconds that a server may ask to wait


class TooSlowError(Exception):
    """The deadline passed before the exchange was over."""


class TooLongError(Exception):
    """More bytes came than any answer can have."""


class StatusError(Exception):
    """The server answered with a status that is no success. `text` is what it said about it."""

    def __init__(self, status: int, text: str, retry_after: str = "") -> None:
        super().__init__(f"{status}")
        self.status = status
        self.text = text
        self.retry_after = retry_after


class NotSentError(Exception):
    """No connection came about, so that no request went out."""

    def __init__(self, error: ServiceMissing) -> None:
        super().__init__(error.message)
        self.error = error


class RefusedError(ServiceMissing):
    """The server answered with a status that is no success. `told` is what it said about it.

    `retry_after` are the seconds that it asks to wait, 0 where it does not.
    """

    def __init__(
        self, message: str, *, status: int, told: str, hints: tuple[str, ...], retry_after: float = 0.0
    ) -> None:
        super().__init__(message, hints=hints)
        self.status = status
        self.told = told
        self.retry_after = retry_after


class NoSuchModelError(RefusedError):
    """The server does not have the model."""


@dataclass(frozen=True)
class Speech:
    """What is particular to the servers of one provider.

    `protocol` is its name in the genitive, as in "does not speak Ollama's protocol". The key is
    sent in the header `key_header`, after the word `key_word`. `elsewhere` are the ways out where
    nobody answers, `key_from` is where a key is set.
    """

    protocol: str
    elsewhere: tuple[str, ...]
    key_from: str
    key_header: str = "authorization"
    key_word: str = "Bearer "
    headers: tuple[tuple[str, str], ...] = ()


class Wire:
    """The way to one server. Many threads may use it at once."""

    def __init__(self, url: str, *, speech: Speech, api_key: str | None, timeout: float) -> None:
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise UsageError("the api key of the model server has characters that no key has")
        if timeout <= 0:
            raise UsageError(f"the time limit of a model call must be positive, not {timeout:g} s")
        self.url = url
        self.speech = speech
        self._api_key = api_key or None
        self._timeout = timeout

    def clean(self, text: str) -> str:
        """Return the beginning of a text, fit to be shown to a person."""
        return printable(text.replace(self._api_key, "***") if self._api_key else text)

    def events(
        self, path: str, body: Mapping[str, Any], read: Callable[[Any], Piece], *, seconds: float | None = None
    ) -> Iterator[Piece]:
        """Send a question and yield what `read` makes of each event of the answer, until its end.

        The events are server-sent ones whose data is JSON; `[DONE]` ends them.
        """

        def parts() -> Iterator[Piece]:
            with (
                self._client(seconds or self._timeout) as client,
                client.stream("POST", path, json=dict(body)) as response,
            ):
                _refuse_failure(response)
                for line in _lines(response):
                    name, _, data = line.partition(b":")
                    if name != b"data" or not data.strip():
                        continue  # the name of an event, which its data says too, or a sign of life
                    if data.strip() == b"[DONE]":
                        return
                    yield read(strictly(data))

        return self.exchange(parts, seconds=seconds)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a question and return the JSON that answers it in one piece."""
        return self._whole("POST", path, self._timeout, dict(body))

    def look(self, path: str) -> Any:
        """Return the JSON that the server has at `path`; nothing is asked of a model."""
        return self._whole("GET", path, min(self._timeout, GLANCE_SECONDS), None)

    def exchange(self, parts: Callable[[], Iterator[P]], *, seconds: float | None = None) -> Iterator[P]:
        """Yield what `parts` yields, which runs in a thread; failures come in words."""
        limit = seconds or self._timeout
        # A generator, so that what the caller does with a part (call on_text) fails as itself.
        with self._failures_in_words(limit):
            yield from _until(time.monotonic() + limit, parts)

    def client_settings(self, seconds: float | None = None, *, most_line: int = MOST_LINE) -> dict[str, Any]:
        """Return what makes a client of httpx keep the rules, for an exchange of so many seconds."""
        import httpx  # noqa: PLC0415 - 0.1 s that commands without a model should not pay

        limit = seconds or self._timeout
        header, key = self.speech.key_header, self._api_key

        def dress(request: "httpx.Request") -> None:
            # The ollama package would take a key from the environment, whatever server it asks.
            request.headers.pop("authorization", None)
            if key is not None:
                request.headers[header] = f"{self.speech.key_word}{key}"
            request.headers["accept-encoding"] = "identity"
            request.headers.update(dict(self.speech.headers))

        def guard(response: "httpx.Response") -> None:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("the answer is compressed, which was not asked for")
            most = None if response.is_success else MOST_ERROR
            response.stream = _guarded(response.stream, time.monotonic() + limit, most_line=most_line, most=most)
            if response.headers.get("retry-after"):  # the ollama package would lose it
                _refuse_failure(response)

        return {
            "timeout": httpx.Timeout(limit, connect=min(limit, CONNECT_SECONDS)),
            "follow_redirects": False,
            "trust_env": not is_loopback(self.url),
            "event_hooks": {"request": [dress], "response": [guard]},
        }

    def too_long(self, text: str) -> InvalidAnswer:
        """Return the error for an answer that goes on for too long; `text` is its beginning."""
        return InvalidAnswer(
            f"the answer from {self.url} is longer than {MOST_ANSWER:,} characters",
            text=text,
            hints=("the model may be going round in circles: try another one",),
        )

    def refused(self, text: str) -> InvalidAnswer:
        """Return the error for a model that declines to answer; `text` is what it says instead."""
        said = f": {self.clean(text)}" if text else ""
        return InvalidAnswer(
            f"the model at {self.url} declines to answer{said}",
            text=text,
            hints=("put the task in other words, or try another model",),
        )

    def broken_off(self) -> ServiceMissing:
        """Return the error for an answer that has no end."""
        return ServiceMissing(
            f"the model server at {self.url} stopped in the middle of an answer",
            hints=("look at the log of the server",),
        )

    def failed(self, told: str) -> ServiceMissing:
        """Return the error for a server that tells of one in the middle of an answer."""
        return ServiceMissing(
            f"the model server at {self.url} answered with an error: {self.clean(told)}",
            hints=("look at the log of the server",),
        )

    def _whole(self, method: str, path: str, seconds: float, body: dict[str, Any] | None) -> Any:
        def parts() -> Iterator[Any]:
            with (
                self._client(seconds, most_line=MOST_WHOLE) as client,
                client.stream(method, path, json=body) as response,
            ):
                yield _whole_json(response)

        return next(self.exchange(parts, seconds=seconds))

    def _client(self, seconds: float, *, most_line: int = MOST_LINE) -> "httpx.Client":
        import httpx  # noqa: PLC0415 - see client_settings

        return httpx.Client(base_url=self.url, **self.client_settings(seconds, most_line=most_line))

    @contextmanager
    def _failures_in_words(self, seconds: float) -> Iterator[None]:
        import httpx  # noqa: PLC0415 - see client_settings

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotSentError(self._nobody_there(error)) from error
        except (TooSlowError, httpx.TimeoutException) as error:
            raise ServiceMissing(
                f"the model server at {self.url} did not finish within {seconds:g} s",
                hints=("allow more time: HTN_MODEL_TIMEOUT; or use a smaller model",),
            ) from error
        except TooLongError as error:
            raise self.too_long("") from error
        except StatusError as error:
            self._status_in_words(error)
        except (httpx.HTTPError, OSError) as error:
            raise ServiceMissing(
                f"the connection to the model server at {self.url} broke: {self.clean(str(error))}",
                hints=("look at the log of the server",),
            ) from error
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            # What reading raises when an answer does not consist of the JSON objects of the
            # protocol: not JSON, JSON of another form, or not even an object.
            raise ServiceMissing(
                f"what answers at {self.url} does not speak {self.speech.protocol} protocol",
                hints=(f"is the address that of a server with {self.speech.protocol} protocol?",),
            ) from error

    def _nobody_there(self, error: Exception) -> ServiceMissing:
        why = () if is_loopback(self.url) else (f"the connection says: {self.clean(str(error))}",)
        return ServiceMissing(f"no model server answers at {self.url}", hints=(*self.speech.elsewhere, *why))

    def _status_in_words(self, error: StatusError) -> NoReturn:
        told, status, kind = self.clean(error.text), error.status, RefusedError
        hints: tuple[str, ...] = ("look at the log of the server",)
        message = f"answered with an error{'' if status < 0 else f' {status}'}: {told}"
        if status == 404 and "model" in error.text.lower():
            kind = NoSuchModelError
        elif status in (401, 403):
            message, hints = f"refused the request ({status})", (f"check the api key: {self.speech.key_from}",)
        elif status == 429:
            message = f"wants fewer requests (429): {told}"
            after = (f"it asks to wait: Retry-After {self.clean(error.retry_after)}",) if error.retry_after else ()
            hints = (*after, "ask more slowly: HTN_REQUESTS_PER_MINUTE, HTN_MODEL_PARALLEL")
        asked = seconds_of(error.retry_after, datetime.now(UTC))
        raise kind(
            f"the model server at {self.url} {message}", status=status, told=error.text, hints=hints, retry_after=asked
        ) from error


def seconds_of(retry_after: str, now: datetime) -> float:
    """Return the seconds that a server asks to wait, at most a day; it names them, or a date. 0 for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), MOST_WAIT))
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, LookupError):  # what reading a hostile date raises
        return 0.0
    if then.tzinfo is None:
        return 0.0
    return min(max(0.0, (then - now).total_seconds()), MOST_WAIT)


def strictly(text: str | bytes) -> Any:
    """Return the value of a JSON text; ValueError also for NaN and Infinity, which are no JSON."""

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _refuse_failure(response: "httpx.Response") -> None:
    if response.is_success:
        return
    text = response.read().decode(errors="replace")
    raise StatusError(response.status_code, _message(text), response.headers.get("retry-after", ""))


def _lines(response: "httpx.Response") -> Iterator[bytes]:
    """Yield lines that end with a line feed, and the rest. httpx would also divide at what JSON may hold in a text."""
    begun: list[bytes] = []
    for chunk in response.iter_bytes():
        first, *others = chunk.split(b"\n")
        begun.append(first)
        if not others:
            continue
        yield b"".join(begun)
        *whole, rest = others
        yield from whole
        begun = [rest]
    yield b"".join(begun)


def _whole_json(response: "httpx.Response") -> Any:
    _refuse_failure(response)
    size, chunks = 0, []
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MOST_WHOLE:
            raise TooLongError
        chunks.append(chunk)
    return strictly(b"".join(chunks))


def _message(text: str) -> str:
    """Return what an error says: servers put it under "error", as a text or with a message of its own."""
    try:
        found = strictly(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(found, list) and found:
        found = found[0]  # as Gemini's servers do
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else text


def _until(deadline: float, parts: Callable[[], Iterator[P]]) -> Iterator[P]:
    """Yield what `parts` yields, which runs in a thread; raise TooSlowError at the deadline."""
    queue: Queue[P | BaseException | None] = Queue(WAITING_PARTS)
    abandoned = Event()

    def hand_over(part: P | BaseException | None) -> None:
        while not abandoned.is_set():
            with suppress(Full):
                queue.put(part, timeout=NOTICE_SECONDS)
                return

    def read() -> None:
        try:
            for part in parts():
                hand_over(part)
                if abandoned.is_set():
                    return
            hand_over(None)
        except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
            hand_over(error)

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


def _guarded(stream: Any, deadline: float, *, most_line: int, most: int | None) -> Any:
    """Return the byte stream of a response with an end to its time and to its lines, and an end after `most` bytes."""
    import httpx  # noqa: PLC0415 - see client_settings

    class Guarded(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            line = size = 0
            for chunk in stream:
                if time.monotonic() > deadline:
                    raise TooSlowError
                head, found, _ = chunk.rpartition(b"\n")
                line = len(chunk) - len(head) - 1 if found else line + len(chunk)
                if line > most_line:
                    raise TooLongError
                size += len(chunk)
                if most is not None and size > most:
                    yield chunk[: most - size]
                    return
                yield chunk

        def close(self) -> None:
            stream.close()

    return Guarded()
