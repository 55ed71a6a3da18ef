"""/api/v1/proposals over a real server: approval of what a run has learned."""

from typing import Any

from tests.server.conftest import Serve
from tests.server.documented import Printed
from tests.server.running import Running
from tests.server.test_documented_requests import ANSWERS, asked

FIBONACCI = Printed(
    "POST", "/api/v1/intelligent/execute", '{"task_name": "CalculateFibonacci", "context": {"count": 5}}', {}
)


def waiting(service: Running) -> dict[str, Any]:
    """Ask for something that has to be learned, and return what waits then."""
    answer = asked(service, FIBONACCI).json()
    assert (answer["success"], answer["error"]["error"], answer["error"]["exit_code"]) == (False, "approval", 8)
    (row,) = service.client.get("/api/v1/proposals").json()["proposals"]
    found: dict[str, Any] = row
    return found


def test_what_is_admitted_answers_the_next_request(serve: Serve) -> None:
    service = serve(answers=ANSWERS, learn="ask", suites=2, max_calls=20)
    row = waiting(service)
    shown = service.client.get(f"/api/v1/proposals/{row['version'][:12]}").json()
    assert shown["entry"]["code"].startswith("def CalculateFibonacci(count):")
    done = service.client.post(f"/api/v1/proposals/{row['version']}/admit", json={"why": "read it", "who": "ada"})
    assert done.json() == {"version": row["version"], "done": "admitted", "trust": "probation"}
    again = asked(service, FIBONACCI).json()
    assert (again["success"], again["used_cached_code"], again["result"]) == (True, True, [0, 1, 1, 2, 3])


def test_what_is_rejected_is_not_offered_again(serve: Serve) -> None:
    service = serve(answers=ANSWERS, learn="ask", suites=2, max_calls=20)
    version = waiting(service)["version"]
    done = service.client.post(f"/api/v1/proposals/{version}/reject", json={"why": "it is slow"})
    assert done.json()["done"] == "rejected"
    assert service.client.get("/api/v1/proposals").json() == {"proposals": []}
    gone = service.client.post(f"/api/v1/proposals/{version}/admit", json={"why": "after all"})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown")
    assert asked(service, FIBONACCI).json()["error"]["error"] == "gap"
