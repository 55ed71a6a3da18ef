"""/api/v1/operators over a real server."""

from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.running import Running
from tests.server.stock import stocked

WHY = {"why": "the newer one is slow", "who": "ada"}


@pytest.fixture
def stock(serve: Serve) -> tuple[Running, str, str]:
    service = serve()
    first, second = stocked(service)
    return service, first.version, second.version


def test_operators_are_listed_and_shown(stock: tuple[Running, str, str]) -> None:
    service, first, second = stock
    rows = service.client.get("/api/v1/operators").json()["operators"]
    assert rows == [{"name": "shop.settle", "version": second, "trust": "probation"}]
    assert service.client.get("/api/v1/operators", params={"domain": "travel"}).json() == {"operators": []}
    shown = service.client.get("/api/v1/operators/settle").json()
    assert (shown["version"], shown["trust"], shown["versions"]) == (second, "probation", [first, second])
    assert shown["code"].startswith("def settle(order):")
    assert [record["detail"] for record in shown["evidence"]] == ["1 of 1"]


def test_going_back_is_in_the_history_with_who_and_why(stock: tuple[Running, str, str]) -> None:
    service, first, second = stock
    done = service.client.post("/api/v1/operators/shop.settle/rollback", json=WHY | {"version": first[:12]})
    assert done.json() == {"name": "shop.settle", "version": first, "done": "plans use"}
    told = service.client.get("/api/v1/operators/settle/versions").json()
    assert told["current"] == first
    assert {"kind": "rolled back", "who": "ada", "why": WHY["why"], "before": second}.items() <= told["events"][
        -1
    ].items()


def test_versions_are_compared_by_their_texts(stock: tuple[Running, str, str]) -> None:
    service, first, _ = stock
    diff = service.client.get("/api/v1/operators/settle/diff", params={"a": first[:8]}).json()["diff"]
    assert "-" in diff and "Settle a bill, second." in diff


def test_a_pin_holds_until_it_is_taken_away(stock: tuple[Running, str, str]) -> None:
    service, first, second = stock
    assert service.client.post("/api/v1/operators/settle/pin", json=WHY).json()["version"] == second
    refused = service.client.post("/api/v1/operators/settle/rollback", json=WHY | {"version": first})
    assert (refused.status_code, refused.json()["code"]) == (409, "state")
    assert service.client.post("/api/v1/operators/settle/unpin", json=WHY).status_code == 200
    again = service.client.post("/api/v1/operators/settle/unpin", json=WHY)
    assert (again.status_code, again.json()["code"]) == (409, "state")


def test_retiring_needs_evidence_or_force(stock: tuple[Running, str, str]) -> None:
    service, _, _ = stock
    assert service.client.post("/api/v1/operators/settle/retire", json=WHY).status_code == 409
    assert (
        service.client.post("/api/v1/operators/settle/retire", json=WHY | {"force": True}).json()["done"] == "retired"
    )
    assert service.client.get("/api/v1/operators/settle").json()["trust"] == "retired"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/operators/nobody", None),
        ("GET", "/api/v1/operators/settle/diff?a=0000", None),
        ("POST", "/api/v1/operators/settle/rollback", WHY | {"version": "0000"}),
        ("POST", "/api/v1/operators/nobody/pin", WHY),
    ],
)
def test_names_and_versions_that_are_not_there_are_told_so(
    stock: tuple[Running, str, str], method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = stock[0].client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown")


@pytest.mark.parametrize("body", [{}, {"why": " "}, {"why": "x", "when": "now"}, {"why": "x", "version": "../.."}])
def test_a_deed_without_a_reason_is_refused(stock: tuple[Running, str, str], body: dict[str, str]) -> None:
    answer = stock[0].client.post("/api/v1/operators/settle/pin", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "usage")
