"""/api/v1/plans over a real server."""

import threading
from pathlib import Path
from typing import Any

from htn.plan import Plan
from tests.server.conftest import Serve
from tests.server.running import Running

TRAVEL: dict[str, Any] = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
SLOW = """
import time
from htn import Domain, State

slow = Domain("slow")


@slow.initial_state
def start():
    return State(at={"me": 0})


@slow.operator
def ponder(state, seconds):
    time.sleep(seconds)
    state.at["me"] = 1
    return state
"""


def test_a_task_is_decomposed_as_the_command_line_does_it(running: Running) -> None:
    answer = running.client.post("/api/v1/plans", json=TRAVEL | {"draw": "text"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["ok"], found["exit_code"], found["failure"]) == (True, 0, None)
    plan = Plan.from_json(found["plan"])
    assert [str(action) for action in plan] == ["call_taxi(home)", "ride(alice, home, park)", "pay(alice)"]
    assert found["drawing"].startswith("travel(alice, home, park)  by by_taxi")


def test_a_task_may_be_a_list_of_its_name_and_arguments(running: Running) -> None:
    answer = running.client.post("/api/v1/plans", json=TRAVEL | {"tasks": [["travel", "alice", "home", "park"]]})
    assert answer.json()["plan"] == running.client.post("/api/v1/plans", json=TRAVEL).json()["plan"]


def test_a_state_replaces_the_domains_own(running: Running) -> None:
    answer = running.client.post("/api/v1/plans", json=TRAVEL | {"state": {"cash": {"alice": 0}}})
    found = answer.json()
    assert (answer.status_code, found["ok"], found["exit_code"], found["plan"]) == (200, False, 3, None)
    assert "no plan" in found["failure"]["explanation"]


def test_a_gap_is_named_and_nobody_is_asked(running: Running) -> None:
    found = running.client.post("/api/v1/plans", json={"domain": "reports", "tasks": ["report(seattle)"]}).json()
    assert found["exit_code"] == 5
    assert found["failure"]["gaps"][0]["task"].startswith("column_statistics(seattle, ")


def test_an_explanation_says_what_each_action_is_for(running: Running) -> None:
    found = running.client.post("/api/v1/plans/explain", json=TRAVEL).json()["explanation"]
    assert [each["action"] for each in found["actions"]] == ["call_taxi(home)", "ride(alice, home, park)", "pay(alice)"]
    assert found["actions"][2]["relies_on"] == ["owe[alice], which 2. ride(alice, home, park) made"]
    assert found["critical_path"] == [1, 2, 3]


def test_a_mistyped_task_is_a_problem_with_a_hint(running: Running) -> None:
    answer = running.client.post("/api/v1/plans", json=TRAVEL | {"tasks": ["travle(alice)"]})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    found = answer.json()
    assert (found["code"], found["path"], found["hints"]) == ("usage", "/api/v1/plans", ["did you mean travel?"])
    assert found["request_id"] == answer.headers["x-request-id"]


def test_a_field_that_there_is_not_leads_to_the_one_that_was_meant(running: Running) -> None:
    answer = running.client.post("/api/v1/plans", json={"domain": "travel", "task": "travel(alice, home, park)"})
    assert (answer.status_code, answer.json()["code"]) == (422, "usage")
    assert answer.json()["hints"][0] == "did you mean tasks?"


def test_no_client_names_a_file(running: Running, tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    (tmp_path / "theirs.py").write_text(f"open({str(marker)!r}, 'w')")
    for name in (str(tmp_path / "theirs.py"), "../domains/travel", "travel.py"):
        answer = running.client.post("/api/v1/plans", json=TRAVEL | {"domain": name})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
    assert not marker.exists()


def test_whoever_starts_the_service_names_further_domains(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    service = serve(domains=(str(tmp_path / "slow.py"),))
    found = service.client.post("/api/v1/plans", json={"domain": "slow", "tasks": ["ponder(0)"]}).json()
    assert found["ok"]
    rows = service.client.get("/api/v1/domains").json()["domains"]
    assert "slow" in [row["name"] for row in rows]


def test_a_function_that_does_not_come_back_is_stopped_and_the_next_plan_is_found(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    service = serve(domains=(str(tmp_path / "slow.py"),))
    answer = service.client.post("/api/v1/plans", json={"domain": "slow", "tasks": ["ponder(600)"], "max_seconds": 0.1})
    assert (answer.status_code, answer.json()["code"]) == (409, "limit")
    assert service.client.post("/api/v1/plans", json=TRAVEL).json()["ok"]


def test_health_answers_while_every_planner_is_at_work(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    service = serve(domains=(str(tmp_path / "slow.py"),))
    planned: list[int] = []
    body = {"domain": "slow", "tasks": ["ponder(2)"]}
    asking = threading.Thread(
        target=lambda: planned.append(service.client.post("/api/v1/plans", json=body).status_code)
    )
    asking.start()
    with service.stranger() as client:
        while "htn_planners_busy 1.0" not in client.get("/metrics", headers={"accept": "text/plain"}).text:
            pass
        assert client.get("/health").json() == {"status": "healthy", "service": "htn"}
        assert planned == []
    asking.join()
    assert planned == [200]
