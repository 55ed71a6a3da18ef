"""Processes that look for plans: one that is killed is replaced, and none outlives its service."""

import os
import signal

from server.pool import Planner
from tests.server.conftest import Serve

TASK = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}


def pid_of(planner: Planner) -> int:
    assert planner._process is not None
    return planner._process.pid


def test_a_process_that_was_killed_is_replaced_when_a_plan_is_wanted(serve: Serve) -> None:
    service = serve()
    assert service.client.post("/api/v1/plans", json=TASK).json()["ok"]
    (planner,) = service.service.planners.planners
    first = planner._process
    os.kill(pid_of(planner), signal.SIGKILL)
    assert first is not None and first.wait() == -signal.SIGKILL
    assert service.client.post("/api/v1/plans", json=TASK).json()["ok"]
    assert pid_of(planner) != first.pid


def test_a_stopped_planner_is_not_started_again(serve: Serve) -> None:
    service = serve()
    assert service.client.post("/api/v1/plans", json=TASK).json()["ok"]
    (planner,) = service.service.planners.planners
    process = planner._process
    planner.stop(for_good=True)
    assert process is not None and process.poll() is not None
    answer = service.client.post("/api/v1/plans", json=TASK)
    assert (answer.status_code, answer.json()["code"]) == (503, "service")
