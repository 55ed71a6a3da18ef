"""The limits of one exchange, on servers that no script describes."""

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model import InvalidAnswer, Message, Ollama, OpenAI, Request
from executor.model.ollama import SPEECH
from executor.model.wire import MOST_WAIT, Wire, seconds_of
from htn.errors import ServiceMissing
from tests.model.saying import saying

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
LINE = b'{"message": {"role": "assistant", "content": "{}"}, "done": false}\n'


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


def ask_openai(url: str, *, api_key: str | None = None, timeout: float = 20.0) -> None:
    OpenAI("m", endpoint=url, api_key=api_key, timeout=timeout).send(Request((Message("user", "x"),), "a"), {}, None)


def test_a_compressed_answer_is_not_opened() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    for ask in (chat, ask_openai):
        with saying(head, bomb) as url, pytest.raises(ServiceMissing, match="does not speak"):
            ask(url)


def test_of_an_error_without_end_the_beginning_is_told() -> None:
    head = b"HTTP/1.1 503 Busy\r\n\r\n"
    for ask in (chat, ask_openai):
        with saying(head, ever=repeat(b"busy sk-secret \n" * 100)) as url, pytest.raises(ServiceMissing) as caught:
            ask(url, api_key="sk-secret")
        assert "answered with an error 503: busy *** " in caught.value.message
        assert len(caught.value.message) < 500


def test_a_stream_that_says_nothing_for_ever_ends_with_the_time_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with saying(head, ever=repeat(b": nothing yet\n\n")) as url, pytest.raises(ServiceMissing, match="did not finish"):
        ask_openai(url, timeout=0.5)


def test_a_stream_of_empty_pieces_ends_with_the_time_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with saying(head, ever=repeat(b'data: {"choices": []}\n\n')) as url, pytest.raises(ServiceMissing, match="finish"):
        ask_openai(url, timeout=0.5)


def test_a_line_of_ten_megabytes_is_not_read_to_its_end_by_any_client() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\ndata: "
    with saying(head, *[b"x" * 1_000_000] * 10) as url, pytest.raises(InvalidAnswer, match="longer than"):
        ask_openai(url)


def test_a_glance_takes_no_more_than_a_cap() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with saying(head, ever=repeat(b"x\n" * 500_000)) as url, pytest.raises(ServiceMissing):
        Wire(url, speech=SPEECH, api_key=None, timeout=20.0).look("/api/version")


def test_a_number_without_a_size_is_no_json() -> None:
    with saying(b"HTTP/1.1 200 OK\r\n\r\n", b'{"version": NaN}') as url, pytest.raises(ServiceMissing, match="speak"):
        Wire(url, speech=SPEECH, api_key=None, timeout=20.0).look("/api/version")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": "as a text"}', "as a text"),
        (b'{"error": {"message": "in an object"}}', "in an object"),
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"error": {"code": 3}}', '{"error": {"code": 3}}'),
        (b"<html>no JSON", "<html>no JSON"),
        (b"[" * 50_000, "[" * 300 + "…"),
    ],
)
def test_what_a_server_says_of_an_error_is_found_where_it_puts_it(body: bytes, told: str) -> None:
    head = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n" % len(body)
    with saying(head, body) as url, pytest.raises(ServiceMissing) as caught:
        ask_openai(url)
    assert caught.value.message.endswith(f"answered with an error 500: {told}")


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@given(st.integers(0, 10**12))
def test_a_server_may_name_seconds_to_wait_or_a_date_and_no_more_than_a_day(seconds: int) -> None:
    wait = min(seconds, MOST_WAIT)
    assert seconds_of(f" {seconds} ", NOW) == wait
    assert seconds_of(format_datetime(NOW + timedelta(seconds=wait), usegmt=True), NOW) == wait


@given(st.text(max_size=30))
def test_what_names_no_time_is_no_wait(text: str) -> None:
    assert 0 <= seconds_of(text, NOW) <= MOST_WAIT


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1e9", "٣", "Sat, 31 Jan 2026 11:00:00 GMT", "Sat, 31 Jan 2026 13:00"]
)
def test_a_time_that_is_past_or_none_is_no_wait(text: str) -> None:
    assert seconds_of(text, NOW) == 0
