"""What an entry costs in calls of a model, and its second use: the real client, ladder and library.

A stand-in server speaks Ollama's protocol and gives recorded programs and suites as answers; no model runs.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.learning_bodies import body_of, contract_of, domain_of, plain_inputs
from benchmarks.learning_programs import Head, Problem, literal, load
from executor.actor import Actor
from executor.deepen import Depth
from executor.learn import Learner
from executor.library import Library
from executor.model import Model, open_model
from executor.model.standin import StandIn
from executor.sandbox import Sandbox, SandboxLimits, open_sandbox
from executor.store import open_store
from htn.errors import HtnError
from htn.failure import Gap
from htn.plan import Plan
from htn.search import find_plan

WRITER = "gpt-3.5-turbo-1106"
_MOST_CALLS = 40


@dataclass(frozen=True)
class Cost:
    """The calls of a model for one problem: to learn it, and to use it once more. `level` is the trust it came to."""

    task: str
    level: str
    calls: int
    second: int


def costs(folder: Path, problems: Sequence[Problem], count: int = 16) -> Iterator[Cost]:
    """Yield what learning some problems costs, and what using them again does."""
    rows = {row["task_id"]: row for row in load(folder, "problems")}
    limits = SandboxLimits(seconds=2)
    with tempfile.TemporaryDirectory(prefix="htn-") as place, open_sandbox(kind="lockdown") as box:
        for problem in problems[:count]:
            for level in ("probation", "trusted"):
                data = Path(place) / f"{problem.task.replace('/', '-')}-{level[0]}"
                if (cost := _cost(rows[problem.task], problem, level, data, box, limits)) is not None:
                    yield cost


def _cost(
    row: dict[str, Any], problem: Problem, level: str, data: Path, box: Sandbox, limits: SandboxLimits
) -> Cost | None:
    suites = problem.tests[WRITER]
    inputs = [i for suite in suites.values() for i, _ in suite]
    contract = contract_of(row, [list(v) for v, _ in _all(suites, row)])
    domain, types = domain_of(contract), {p.name: p.type for p in contract.parameters}
    if not inputs:
        return None
    written = [
        [
            {"arguments": dict(zip(types, arguments, strict=True)), "reads": {}, "outputs": {"value": value}}
            for arguments, value in plain_inputs(list(suite), types)
        ]
        for suite in suites.values()
    ]
    tests = [{"json": {"tests": rows[:40]}} for rows in written if rows]
    given = plain_inputs([t for suite in suites.values() for t in suite], types)
    if len(tests) < 3 or not given:
        return None
    names = list(types)
    bodies = [
        {"json": {"code": body_of(program.code, row["entry_point"], names), "explanation": ""}}
        for program in sorted(problem.programs, key=lambda p: p.model)
    ]
    promise = {key: value for key, value in contract.to_json().items() if key != "name"}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(StandIn({"model": name, "answers": [
                {"when": {"schema": "ContractAnswer"}, "replies": [{"json": promise}]},
                {"when": {"schema": "BodyAnswer"}, "replies": mine},
                {"when": {"schema": "SuiteAnswer"}, "replies": tests},
            ]}))
            for name, mine in (("first", bodies[::2]), ("second", bodies[1::2]))
        ]  # fmt: skip
        models: list[Model] = [
            open_model(n, endpoint=s.endpoint, api_key=None, timeout=30, num_ctx=65_536, max_calls=_MOST_CALLS)
            for n, s in zip(("first", "second"), servers, strict=True)
        ]
        library = Library(stack.enter_context(open_store(redis_url=None, data_dir=data)))
        task = (contract.name, *given[0][0])
        assert domain.make_state is not None
        state = domain.make_state()
        learner = Learner(
            domain, models[0], box, library, limits=limits, more_models=models[1:], depth=Depth(level=level)
        )
        try:
            learned = learner.close(Gap(task, (), state.copy(), declared=True, remaining=0))
        except HtnError:
            return None
        before = sum(len(server.requests) for server in servers)
        if learned.version is None or learned.trust not in ("probation", "trusted"):
            return None
        known = domain.extended_by(library.usable(domain).operators)
        plan = find_plan(known, state, [task])
        assert isinstance(plan, Plan)
        Actor(known, lambda: library, lambda: box, limits).act(plan, state)
        second = sum(len(server.requests) for server in servers) - before
        return Cost(problem.task, str(learned.trust), before, second)


def _all(suites: Any, row: dict[str, Any]) -> list[tuple[list[Any], Any]]:
    names = Head(row).names
    rows = [(literal(i), v) for suite in suites.values() for i, v in suite]
    return [(arguments, v) for arguments, v in rows if len(arguments) == len(names)]
