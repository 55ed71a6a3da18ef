"""The limits of one exchange, on servers that no script describes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from executor.model import InvalidAnswer, Message, Ollama, Request
from executor.model.ollama import SPEECH
from executor.model.wire import Wire
from htn.errors import ServiceMissing

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
LINE = b'{"message": {"role": "assistant", "content": "{}"}, "done": false}\n'


@contextmanager
def saying(*parts: bytes) -> Iterator[str]:
    """A server that says `parts` to the first who asks, whatever the question is."""

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                question = connection.makefile("rb")
                head = iter(question.readline, b"\r\n")
                sizes = [line for line in head if line.lower().startswith(b"content-length:")]
                question.read(int(sizes[0].split(b":")[1]) if sizes else 0)
                for part in parts:
                    connection.sendall(part)
        except OSError:
            return  # the client has heard enough

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=10)


def chat(url: str, *, api_key: str | None = None) -> None:
    Ollama("m", endpoint=url, api_key=api_key, timeout=20.0).send(Request((Message("user", "x"),), "a"), {}, None)


def test_a_line_without_an_end_is_not_read_to_its_end() -> None:
    with (
        saying(HEAD, *[b"x" * 1_000_000] * 9) as url,
        pytest.raises(InvalidAnswer, match="longer than"),
    ):
        chat(url)


def test_an_answer_that_stops_before_its_end_is_no_answer() -> None:
    with saying(HEAD, LINE) as url, pytest.raises(ServiceMissing, match="stopped in the middle"):
        chat(url)


@pytest.mark.parametrize(
    "line", [b"[]\n", b"3\n", b"null\n", b'{"message": 3}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"]
)
def test_lines_of_another_form_are_another_protocol(line: bytes) -> None:
    with saying(HEAD, line) as url, pytest.raises(ServiceMissing, match="not speak Ollama's"):
        chat(url)


def test_a_redirect_is_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with saying(head) as url, pytest.raises(ServiceMissing, match="answered with an error 302"):
        chat(url)


def test_an_error_in_the_middle_of_an_answer_is_told() -> None:
    with (
        saying(HEAD, LINE, b'{"error": "out of video memory"}\n') as url,
        pytest.raises(ServiceMissing, match="out of video memory"),
    ):
        chat(url)


@pytest.mark.parametrize("body", [b"[]", b'{"error": ["sk-secret"]}', b"sk-secret \x1b[2J"])
def test_an_error_of_any_form_is_told_without_the_key(body: bytes) -> None:
    head = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n" % len(body)
    with saying(head, body) as url, pytest.raises(ServiceMissing) as caught:
        chat(url, api_key="sk-secret")
    assert "sk-secret" not in caught.value.explain()
    assert "\x1b" not in caught.value.explain()


def test_a_refused_key_is_said() -> None:
    head = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    with saying(head) as url, pytest.raises(ServiceMissing, match=r"refused the request \(401\)"):
        chat(url, api_key="sk-secret")


def test_a_glance_at_what_is_no_ollama_server_is_another_protocol() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    with saying(head) as url, pytest.raises(ServiceMissing, match="not speak Ollama's"):
        Wire(url, speech=SPEECH, api_key=None, timeout=20.0).look("/api/version")
