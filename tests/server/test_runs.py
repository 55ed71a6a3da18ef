"""/api/v1/runs over a real server."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.forms import RunRequest
from tests.server.conftest import Serve
from tests.server.running import Running

TRAVEL: dict[str, Any] = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
STEPS = """
import time
from pathlib import Path
from htn import Domain, State

steps = Domain("steps")


@steps.initial_state
def start():
    return State(done={})


@steps.operator
def step(state, number, gate):
    state.done[number] = True
    return state


@steps.command("step")
def wait_for_the_gate(state, number, gate):
    while gate and not Path(gate).exists():
        time.sleep(0.01)
    state.done[number] = True
    return state


@steps.method("go")
def all_of_them(state, count, gate):
    return [("step", number, gate) for number in range(count)]
"""


@pytest.fixture
def stepping(serve: Serve, tmp_path: Path) -> Running:
    (tmp_path / "steps.py").write_text(STEPS)
    return serve(domains=(str(tmp_path / "steps.py"),), service_runs=1)


def sent(stream: str) -> list[dict[str, Any]]:
    """The events of a stream, each with its id."""
    found = []
    for block in stream.strip().split("\n\n"):
        rows = dict(row.split(": ", 1) for row in block.splitlines() if not row.startswith(":"))
        if rows:
            event = json.loads(rows["data"])
            assert (event["id"], event["kind"]) == (rows["id"], rows["event"])
            found.append(event)
    return found


def test_a_run_is_carried_out_and_tells_what_it_changed(running: Running) -> None:
    answer = running.client.post("/api/v1/runs", params={"wait": 30}, json=TRAVEL)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["state"], found["kind"], found["error"]) == ("done", "run", None)
    assert found["result"]["ok"]
    changed = {(row["variable"], row["key"]): row["value"] for row in found["result"]["changed"]}
    assert changed["loc", "alice"] == "park"
    assert running.client.get(found["links"]["self"]).json() == found


def test_a_run_is_answered_at_once_with_a_handle(running: Running) -> None:
    answer = running.client.post("/api/v1/runs", json=TRAVEL)
    assert answer.status_code == 202
    where = answer.headers["location"]
    assert where == answer.json()["links"]["self"]
    assert running.client.get(where, params={"wait": 30}).json()["state"] == "done"


def test_a_gap_stays_open_where_a_run_may_not_learn(running: Running) -> None:
    request = {"domain": "reports", "tasks": ["report(seattle, wind)"], "learn": "never"}
    found = running.client.post("/api/v1/runs", params={"wait": 30}, json=request).json()
    assert (found["state"], found["result"]["exit_code"], found["error"]["error"]) == ("failed", 5, "gap")


def test_a_run_says_how_it_acts_and_spends_no_more_than_the_service_allows(serve: Serve) -> None:
    service = serve(max_tokens=500)
    request = TRAVEL | {"level": "intelligent", "mode": "strict", "parallel": 2, "max_cost": 0.5, "max_tokens": 10_000}
    found = service.client.post("/api/v1/runs", params={"wait": 30}, json=request).json()
    assert (found["state"], found["choices"]["level"], found["choices"]["mode"], found["choices"]["parallel"]) == (
        "done", "intelligent", "strict", 2,
    )  # fmt: skip
    chosen = RunRequest(**request).choices(service.service.settings)
    assert (chosen["max_tokens"], chosen["max_cost"]) == (500, 0.5)


def test_no_client_chooses_the_file_that_a_domain_opens(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    service = serve(domains=(str(tmp_path / "steps.py"),), fixed=("steps.done",))
    for domain, task, state in (
        ("reports", "report(seattle, wind)", {"path": {"seattle": "/etc/passwd"}}),
        ("steps", ["go", 1, ""], {"done": {}}),
    ):
        for path in ("runs", "plans", "plans/explain"):
            body: dict[str, Any] = {"domain": domain, "tasks": [task], "state": state}
            answer = service.client.post(f"/api/v1/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "usage")
            assert "stays as it is" in answer.json()["message"]


def test_only_a_run_that_waits_is_approved(running: Running) -> None:
    run = running.client.post("/api/v1/runs", params={"wait": 30}, json=TRAVEL).json()
    answer = running.client.post(f"{run['links']['self']}/approve", json={"why": "it looks right"})
    assert (answer.status_code, answer.json()["code"]) == (409, "state")


def test_a_model_that_is_away_is_the_runs_error(running: Running) -> None:
    request = {"domain": "reports", "tasks": ["report(seattle, wind)"]}
    found = running.client.post("/api/v1/runs", params={"wait": 60}, json=request).json()
    assert (found["state"], found["error"]["error"], found["error"]["exit_code"]) == ("paused", "service", 7)


def test_a_name_is_taken_once(running: Running) -> None:
    assert running.client.post("/api/v1/runs", json=TRAVEL | {"run_id": "monday"}).status_code == 202
    answer = running.client.post("/api/v1/runs", json=TRAVEL | {"run_id": "monday"})
    assert (answer.status_code, answer.json()["code"]) == (409, "state")


def test_events_are_resumed_after_the_last_one_that_was_seen(running: Running) -> None:
    found = running.client.post("/api/v1/runs", params={"wait": 30}, json=TRAVEL).json()
    stream = {"accept": "text/event-stream"}
    answer = running.client.get(found["links"]["events"], headers=stream)
    assert answer.headers["content-type"].startswith("text/event-stream")
    every = sent(answer.text)
    assert [event["kind"] for event in every] == [
        "created", "resume", "planned", *["start", "finish"] * 3, "complete",
    ]  # fmt: skip
    for at, event in enumerate(every):
        rest = running.client.get(found["links"]["events"], headers=stream | {"Last-Event-ID": event["id"]})
        assert sent(rest.text) == every[at + 1 :] if rest.text else at == len(every) - 1
    listed = running.client.get(found["links"]["events"], params={"after": every[2]["id"]}).json()
    assert (listed["state"], listed["events"]) == ("done", every[3:])


def test_events_arrive_while_the_run_goes_on(stepping: Running, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    body = {"domain": "steps", "tasks": [["go", 2, str(gate)]]}
    run = stepping.client.post("/api/v1/runs", json=body).json()
    kinds = []
    with stepping.client.stream("GET", run["links"]["events"], headers={"accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
                if kinds[-2:] == ["planned", "start"]:
                    gate.touch()  # the first step can only end after its start was heard
    assert kinds == ["created", "resume", "planned", "start", "finish", "start", "finish", "complete"]


def test_a_run_that_waits_is_cancelled_before_it_begins_and_one_that_runs_at_its_next_event(
    stepping: Running, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    first, second = (
        stepping.client.post("/api/v1/runs", json={"domain": "steps", "tasks": [["go", 3, str(gate)]]}).json()
        for _ in range(2)
    )
    assert stepping.client.post(second["links"]["cancel"], json={"why": "not needed"}).json()["state"] == "cancelled"
    while stepping.client.get(first["links"]["self"]).json()["state"] == "created":
        pass
    assert stepping.client.post(first["links"]["cancel"]).status_code == 200
    gate.touch()
    ended = stepping.client.get(first["links"]["self"], params={"wait": 30}).json()
    assert ended["state"] == "cancelled"
    assert stepping.client.get(second["links"]["self"], params={"wait": 30}).json()["steps"] == []
    again = stepping.client.post(first["links"]["cancel"])
    assert (again.status_code, again.json()["code"]) == (409, "state")


def test_runs_are_carried_out_in_the_order_in_which_they_were_asked_for(stepping: Running, tmp_path: Path) -> None:
    body = {"domain": "steps", "tasks": [["go", 1, ""]]}
    runs = [stepping.client.post("/api/v1/runs", json=body).json() for _ in range(30)]
    ended = [stepping.client.get(run["links"]["self"], params={"wait": 30}).json() for run in runs]
    assert {run["state"] for run in ended} == {"done"}
    began = [run["began"] for run in ended]
    assert began == sorted(began)


def test_one_run_too_many_is_refused_and_the_others_are_not_lost(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    service = serve(domains=(str(tmp_path / "steps.py"),), service_runs=1, service_waiting=3)
    gate = tmp_path / "gate"
    body = {"domain": "steps", "tasks": [["go", 1, str(gate)]]}
    answers: list[httpx.Response] = []
    while not answers or answers[-1].status_code == 202:
        answers.append(service.client.post("/api/v1/runs", json=body))
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (503, "busy")
    gate.touch()
    for answer in answers[:-1]:
        assert service.client.get(answer.headers["location"], params={"wait": 30}).json()["state"] == "done"


def test_a_run_is_gone_on_with_where_it_failed(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    service = serve(domains=(str(tmp_path / "steps.py"),), answers=[])
    request = {"domain": "reports", "tasks": ["report(seattle, wind)"], "learn": "never", "run_id": "monday"}
    assert service.client.post("/api/v1/runs", params={"wait": 30}, json=request).json()["state"] == "failed"
    answer = service.client.post("/api/v1/runs/monday/resume", params={"wait": 30})
    assert (answer.status_code, answer.json()["state"]) == (200, "failed")
    assert service.client.post("/api/v1/runs", params={"wait": 30}, json=TRAVEL | {"run_id": "done"}).status_code == 200
    refused = service.client.post("/api/v1/runs/done/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "state")


def test_what_a_service_left_when_it_was_stopped_the_next_one_goes_on_with(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    gate, domains = tmp_path / "gate", (str(tmp_path / "steps.py"),)
    body = {"domain": "steps", "tasks": [["go", 3, str(gate)]]}
    with Running(folder, domains=domains, service_runs=1, lease_seconds=2) as service:
        runs = [service.client.post("/api/v1/runs", json=body).json() for _ in range(3)]
        while service.client.get(runs[0]["links"]["self"]).json()["state"] == "created":
            pass
        service.service.stopping.set()
        gate.touch()
    with Running(folder, domains=domains, lease_seconds=2) as service:
        ended = [service.client.get(run["links"]["self"], params={"wait": 30}).json() for run in runs]
        told = service.client.get(runs[0]["links"]["events"]).json()["events"]
    finished = ["start", "finish"]
    kinds = ["created", "resume", "planned", *finished, "pause", "resume", *finished * 2, "complete"]
    assert [event["kind"] for event in told] == kinds
    for run in ended:
        assert run["state"] == "done"
        assert [(row["variable"], row["key"]) for row in run["result"]["changed"]] == [("done", n) for n in range(3)]


def test_an_unknown_run_is_not_there(running: Running) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/resume")):
        answer = running.client.request(method, f"/api/v1/runs/nobody{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
