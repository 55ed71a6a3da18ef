"""What whoever runs the service sees of it: log lines, metrics, traces, health, and what a signal leaves."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from executor.agent import Agent
from executor.run import RunState
from executor.runs import Runs
from executor.settings import Settings
from server.logs import log_to_standard_error, secrets_of
from server.traces import ENDPOINT, OtelTraces, Traces, open_traces
from tests.commands.shell import Shell
from tests.executor.shop import RIGHT, says, writes
from tests.server.conftest import Serve
from tests.server.running import Running

TRAVEL: dict[str, Any] = {"domain": "travel", "tasks": ["travel(alice, home, park)"]}
SHOP: dict[str, Any] = {"domain": "shop", "tasks": ["check_out(tea)"], "run_id": "tea"}
ANSWERS = [
    {"when": {"schema": "ContractAnswer"}, "replies": [says()]},
    {"when": {"schema": "BodyAnswer"}, "replies": [writes(RIGHT)]},
]
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

@steps.command("step", delivery="at least once")
def wait_for_the_gate(state, number, gate):
    while number and not Path(gate).exists():
        time.sleep(0.01)
    state.done[number] = True
    return state

@steps.method("go")
def all_of_them(state, count, gate):
    return [("step", number, gate) for number in range(count)]
"""


@pytest.fixture
def shop_file(tmp_path: Path) -> str:
    (tmp_path / "the_shop.py").write_text("from tests.executor.shop import shop as made\n\nshop = made()\n")
    return str(tmp_path / "the_shop.py")


def figures(service: Running) -> dict[tuple[str, ...], float]:
    """Every figure of the metrics: its name and the values of its labels, and how much it is."""
    text = service.client.get("/metrics", headers={"accept": "text/plain"}).text
    families = text_string_to_metric_families(text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_a_run_that_waits_is_approved_and_everything_it_did_is_counted_and_traced(serve: Serve, shop_file: str) -> None:
    service, kept = serve(domains=(shop_file,), answers=ANSWERS, max_calls=20), InMemorySpanExporter()
    service.service.traces = OtelTraces(SimpleSpanProcessor(kept))
    asked = SHOP | {"approve": "admit"}
    run = service.client.post("/api/v1/runs", params={"wait": 60}, json=asked).json()
    assert (run["state"], "proposal" in run["waits_for"]) == ("waiting", True)
    answer = service.client.post(run["links"]["approve"], params={"wait": 60}, json={"why": "I have read it"})
    assert (answer.status_code, answer.json()["state"]) == (200, "done")
    told = figures(service)
    assert told["htn_runs_total", "run", "done"] == 1
    assert told["htn_steps_total", "finish"] == 2
    assert told["htn_errors_total", "approval"] >= 1
    assert told["htn_stage_seconds_count", "body"] == 1
    assert told["htn_stage_seconds_count", "model"] == 2
    spans = {span.name: span for span in kept.get_finished_spans()}
    assert {"run", "step", "model call", "body"} <= spans.keys()
    step, whole = spans["step"], spans["run"]
    assert step.parent is not None and whole.context is not None and step.parent.span_id == whole.context.span_id
    assert (whole.attributes or {})["htn.run_id"] == "tea"


def test_what_the_store_and_the_ledger_know_is_told_beside_what_was_counted(serve: Serve) -> None:
    service = serve()
    assert service.client.post("/api/v1/plans", json=TRAVEL).json()["ok"]
    assert service.client.post("/api/v1/plans", json=TRAVEL | {"tasks": ["travle(alice)"]}).status_code == 422
    service.client.get("/api/v1/health/detailed")
    told = figures(service)
    assert told["htn_plans_total", "plan"] == told["htn_stage_seconds_count", "plan"] == 1
    assert told["htn_errors_total", "usage"] == 1
    assert told["htn_health", "redis"] > 0
    assert told["htn_health", "default"] == 0  # no model answers here
    assert told["htn_breaker", "ollama:scripted", "closed"] == 1
    assert told["htn_open_runs", "running"] == told["htn_plans_waiting",] == told["htn_runs_waiting",] == 0


def test_nothing_that_makes_spans_is_imported_where_nobody_wants_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    assert type(open_traces(Settings.load())) is Traces
    program = "import sys, server.serving; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    wanted = open_traces(Settings.load(otel_endpoint="http://127.0.0.1:9"))
    assert isinstance(wanted, OtelTraces)
    wanted.close()


def test_log_lines_are_json_and_hold_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    settings = Settings.load(llm_api_key="key-4711", redis_url="redis://:word-4711@127.0.0.1:9/0")
    try:
        log_to_standard_error(secrets_of(settings, "token-4711"))
        try:
            raise ValueError("it was sent with token-4711")
        except ValueError:
            structlog.get_logger().exception("key-4711", parts=["word-4711", {"a": "token-4711"}])
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert json.loads(said)["event"] == "[secret]"
    assert "4711" not in said


def address(errors: IO[str] | None) -> str:
    assert errors is not None
    for line in errors:
        if found := re.search(r"htn answers at (\S+);", line):
            return found[1]
    raise AssertionError("the service has not started")


def test_a_run_that_a_signal_met_is_gone_on_with_by_the_next_service_to_the_same_state(
    htn: Shell, tmp_path: Path
) -> None:
    file, gate = htn.write("steps.py", STEPS), tmp_path / "gate"
    htn.environment.update(HTN_LEASE_SECONDS="1", HTN_SERVICE_STOP_SECONDS="0.3")
    words = ("serve", "--port", "0", "--domain", file, "--trust-loopback")
    first = htn.start(*words)
    url = address(first.stderr)
    body = {"domain": "steps", "tasks": [["go", 3, str(gate)]]}
    run = httpx.post(f"{url}/api/v1/runs", json=body, timeout=60).json()
    where = f"/api/v1/runs/{run['id']}"
    while "finish" not in [e["kind"] for e in httpx.get(f"{url}{where}/events", timeout=60).json()["events"]]:
        pass
    first.send_signal(signal.SIGTERM)  # in the middle of the second step
    _, said = first.communicate(timeout=60)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {line["event"] for line in lines if line.get("run_id") == run["id"]} >= {"request", "run begins", "step"}
    assert all("request_id" in line for line in lines if line["event"] in ("request", "step", "run begins"))
    gate.touch()
    second = htn.start(*words)
    url = address(second.stderr)
    ended = httpx.get(f"{url}{where}", params={"wait": 60}, timeout=90).json()
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=60)
    assert ended["state"] == str(RunState.DONE)
    with Agent(Settings.load(data_dir=htn.environment["HTN_DATA_DIR"])) as agent:
        assert Runs(agent.store).state(run["id"]).to_json()["done"] == [[n, True] for n in range(3)]
