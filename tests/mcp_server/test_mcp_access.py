"""Over HTTP nobody gets in without the token, by another name, or from another origin; stdio has only the protocol."""

import json
import os
import signal
import stat
import subprocess
import sys
from typing import Any

import httpx2
import pytest

from tests.mcp_server.conftest import Http, Place

HELLO: dict[str, Any] = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
BOTH = {"Accept": "application/json, text/event-stream"}


def post(http: Http, token: str | None, body: bytes | None = None, **headers: str) -> httpx2.Response:
    known = {} if token is None else {"Authorization": f"Bearer {token}"}
    content = json.dumps(HELLO).encode() if body is None else body
    sent = {**BOTH, "Content-Type": "application/json", **known, **headers}
    return httpx2.post(http.url, content=content, headers=sent, timeout=30)


def test_the_token_opens_the_door(http: Http) -> None:
    assert post(http, http.token).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/", "/elsewhere", "/mcp/"])
def test_without_the_token_every_way_in_is_closed(http: Http, method: str, path: str) -> None:
    answer = httpx2.request(method, http.url.removesuffix("/mcp") + path, headers=BOTH, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    if method != "HEAD":
        assert answer.json()["error"] == "access"


def test_a_wrong_token_is_none(http: Http) -> None:
    for token in ("wrong", http.token[:-1], http.token + "x", http.token.swapcase(), f"{http.token} {http.token}"):
        assert post(http, token).status_code == 401
    assert post(http, None, Authorization=f"Basic {http.token}").status_code == 401
    assert httpx2.post(f"{http.url}?token={http.token}", json=HELLO, headers=BOTH, timeout=30).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}"]
)
def test_a_request_by_another_name_is_refused_although_it_has_the_token(http: Http, host: str) -> None:
    port = http.url.split(":")[2].split("/")[0]
    assert post(http, http.token, Host=host.format(port=port)).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil"])
def test_a_request_of_a_page_from_elsewhere_is_refused_although_it_has_the_token(http: Http, origin: str) -> None:
    assert post(http, http.token, Origin=origin).status_code == 403


def test_a_request_of_a_page_of_this_server_is_served(http: Http) -> None:
    assert post(http, http.token, Origin=http.url.removesuffix("/mcp")).status_code == 200


def test_a_body_that_is_too_large_is_refused(http: Http) -> None:
    assert post(http, http.token, b'{"a": "' + b"x" * 3_000_000 + b'"}').status_code == 413


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 50_000, b'{"jsonrpc": "2.0", "id": 1}']
)
def test_what_is_no_message_is_refused(http: Http, body: bytes) -> None:
    assert 400 <= post(http, http.token, body).status_code < 500


def test_the_token_is_the_users_alone(http: Http, place: Place) -> None:
    path = place.folder / "d" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() == http.token


def serve(place: Place, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *place.words, *more], env=place.environment, cwd=place.folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_standard_output_has_nothing_but_the_protocol(place: Place) -> None:
    place.open_gate()
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "run", "arguments": {
            "domain": "slow", "tasks": [task], "wait": 60}}}
        for number, task in ((2, "say(hello)"), (3, "wait(kettle)"))
    ]  # fmt: skip
    started = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with serve(place) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        lines = []
        for message in (HELLO, started, "no message", *calls):
            text = message if isinstance(message, str) else json.dumps(message)
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            if isinstance(message, dict) and "id" in message:
                lines.append(process.stdout.readline())
        process.stdin.close()
        lines += process.stdout.readlines()
        said = process.stderr.read().decode()
        assert process.wait(30) == 0
    found = [json.loads(line) for line in lines]
    assert {each.get("id") for each in found if "result" in each} == {1, 2, 3}
    for words in ("a domain that prints", "an operator that prints", "a command that prints"):
        assert words in said


@pytest.mark.parametrize("more", [(), ("--http", "--port", "0")], ids=["stdio", "http"])
def test_a_server_that_is_asked_to_end_ends(place: Place, more: tuple[str, ...]) -> None:
    with serve(place, *more) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        if more:
            assert b"listening on" in b"".join(process.stderr.readline() for _ in range(2))
        else:
            process.stdin.write(json.dumps(HELLO).encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) in (0, 130)
