"""Who may ask the service. Every route of the OpenAPI document is tried."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope

from executor.settings import Settings
from executor.token import service_token
from htn.errors import UsageError
from server.access import OPEN, Access
from server.service import Service
from tests.server.conftest import Serve
from tests.server.running import Running

_PARTS = {"{name}": "travel", "{run_id}": "some", "{action_id}": "some", "{proposal}": "abcd"}


def routes(service: Running) -> Iterator[tuple[str, str]]:
    """Every method and path that the OpenAPI document names."""
    document: dict[str, Any] = service.client.get("/openapi.json").json()
    for template, methods in document["paths"].items():
        path = template
        for part, value in _PARTS.items():
            path = path.replace(part, value)
        assert "{" not in path
        for method in methods:
            yield method.upper(), path


def test_every_route_but_the_open_ones_needs_the_token(running: Running) -> None:
    tried, client = 0, running.stranger()
    for method, path in routes(running):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {running.token}"}):
            answer = client.request(method, path, json={}, headers=headers)
            if path in OPEN:
                assert answer.status_code == 200, path
                continue
            assert answer.status_code == 401, (method, path)
            assert answer.json()["code"] == "token"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            tried += 1
    client.close()
    assert tried > 75


def test_every_route_refuses_pages_of_others_even_with_the_token(running: Running) -> None:
    for method, path in routes(running):
        for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = running.client.request(method, path, json={}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "origin"), (method, path)


def test_every_route_refuses_to_be_asked_under_another_name(running: Running) -> None:
    for method, path in routes(running):
        answer = running.client.request(method, path, json={}, headers={"Host": "elsewhere.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "host"), (method, path)


def test_the_services_own_pages_may_ask(running: Running) -> None:
    headers = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
    assert running.client.get("/api/v1/domains", headers=headers).status_code == 200


def test_what_is_not_there_needs_the_token_too(running: Running) -> None:
    with running.stranger() as client:
        assert client.get("/api/v1/nothing").status_code == 401
    answer = running.client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown")


def test_names_and_origins_that_settings_allow_are_let_in(serve: Serve) -> None:
    service = serve(service_hosts="htn.example", service_origins="https://pages.example")
    for headers in ({"Host": "htn.example:8080"}, {"Origin": "https://pages.example"}):
        assert service.client.get("/api/v1/domains", headers=headers).status_code == 200
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with service.stranger(**asks) as browser:
        allowed = browser.options("/api/v1/runs", headers={"Origin": "https://pages.example"})
        refused = browser.options("/api/v1/runs", headers={"Origin": "https://elsewhere.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://pages.example"
    assert "access-control-allow-origin" not in refused.headers


def test_with_trust_in_the_machine_its_requests_need_no_token(serve: Serve) -> None:
    service = serve(trust_loopback=True)
    with service.stranger() as client:
        assert client.get("/api/v1/domains").status_code == 200
        assert client.get("/api/v1/domains", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
        assert client.get("/api/v1/domains", headers={"Origin": "https://elsewhere.example"}).status_code == 403
        assert client.get("/api/v1/domains", headers={"Host": "elsewhere.example"}).status_code == 403


@pytest.mark.parametrize(("address", "trusted"), [("127.0.0.1", True), ("::1", True), ("10.1.2.3", False), ("", False)])
def test_trust_ends_at_the_machine(address: str, trusted: bool) -> None:
    access = Access("x" * 32, trust_loopback=True)
    scope: Scope = {"type": "http", "path": "/api/v1/domains", "scheme": "http", "client": (address, 1),
                    "headers": [(b"host", b"localhost:8080")]}  # fmt: skip
    assert (access.refuse(scope) is None) is trusted


def test_the_token_is_that_of_the_data_folder_which_the_mcp_server_has_too(tmp_path: Path) -> None:
    assert Access.of(Settings.load(data_dir=tmp_path)).token == service_token(tmp_path)


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="less than 16"):
        Access.of(Settings.load(data_dir=tmp_path, service_token="short"))


def test_the_service_does_not_run_clients_code_without_a_sandbox(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="without a sandbox"):
        Service.of(Settings.load(data_dir=tmp_path, sandbox="local"))


def test_no_secret_is_in_an_answer_or_a_log(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    secrets = {"llm_api_key": "key-4711-do-not-tell", "service_token": "token-4711-do-not-tell"}
    service = serve(**secrets)
    said = []
    for method, path in routes(service):
        answer = service.client.request(method, path, json={"prompt": "add", "task_name": "add", "domain": "travel"})
        said.append(answer.text + json.dumps(dict(answer.headers)))
    for event in service.client.get("/api/v1/runs").json()["runs"]:
        said.append(service.client.get(event["links"]["events"]).text)
    said += capfd.readouterr()
    assert "4711" not in "".join(said)
