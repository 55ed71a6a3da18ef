"""One failure, met in each mode: a plan goes across a bridge, and the bridge is closed.

    python examples/acting.py

No language model takes part. A stand-in speaks the protocol of a model's server and gives the answers that are written
in examples/acting_answers.json. docs/acting-levels.md explains what is printed.
"""

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from executor.agent import Agent, Listener, Report
from executor.failed import FailureReport, Start
from executor.load import load_domain
from executor.model.standin import StandIn
from executor.settings import Settings
from htn.errors import visible
from htn.values import show

HERE = Path(__file__).parent
TASK = ("deliver", "piano", "south")
SCRIPTED = """\
No language model takes part here. A stand-in speaks the protocol of Ollama on this machine and gives the answers that
are written in examples/acting_answers.json.
"""
RUNS = (
    ("strict", "basic", True, "The plan is followed, and the first step that fails ends the run."),
    ("adaptive", "basic", True, "Another known method is taken. No model is asked."),
    ("creative", "autonomous", True, "What is known comes first: no model is asked here either."),
    ("adaptive", "basic", False, "No ferry runs today, so no known way is left, and the run says what was tried."),
    ("adaptive", "adaptive", False, "A model is asked whether to wait and try again. It says no."),
    (
        "creative",
        "autonomous",
        False,
        "A model may name other tasks, which are planned and verified first.",
    ),
)


def main() -> int:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="htn-acting-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(StandIn(HERE / "acting_answers.json"))
        os.environ.pop("REDIS_URL", None)
        settings = Settings.load(
            data_dir=folder, model="ollama:scripted", ollama_endpoint=server.endpoint, learn="never", step_retries=1
        )
        print(SCRIPTED)
        agent = stack.enter_context(Agent(settings, Listener()))
        for number, (mode, level, ferry, what) in enumerate(RUNS, 1):
            print(f"{number}. --mode {mode} --level {level}{'' if ferry else ', without a ferry'}: {what}\n")
            print(*told(agent, mode, level, ferry=ferry), "", sep="\n")
    return 0


def told(agent: Agent, mode: str, level: str, *, ferry: bool) -> list[str]:
    """Carry the task out once, and return what came of it, a line each."""
    domain = load_domain(str(HERE / "parcels.py"))
    assert domain.make_state is not None
    state = domain.make_state()
    state.ferry["today"] = ferry
    calls = len(agent.calls)
    report = agent.run(domain, [TASK], state, level=level, mode=mode)
    assert report.run is not None
    lines = [f"   {step.state}: {step.action}" for step in report.run.steps]
    lines += [f"   {text}" for text in _failed(report)]
    lines += [f"   {variable}[piano] = {show(value)}" for variable in ("at", "told") for value in _of(state, variable)]
    return [visible(line) for line in [*lines, f"   model calls: {len(agent.calls) - calls}"]]


def _of(state: object, variable: str) -> list[object]:
    found = getattr(state, variable)
    return [found["piano"]] if "piano" in found else []


def _failed(report: Report) -> list[str]:
    assert report.run is not None
    start = Start("examples/parcels.py", ("deliver(piano, south)",), report.acting)
    failure = FailureReport.of(start, report.run, report.tried, report.asked)
    if failure is not None:
        return failure.text().splitlines()
    return [f"tried: {one}" for one in report.tried] + [f"asked: {one}" for one in report.asked]


if __name__ == "__main__":
    sys.exit(main())
