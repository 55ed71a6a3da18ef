"""Many runs at a time, from a file with a request a line: they share a store, a sandbox and the workers.

    {"domain": "travel", "task": "travel(alice, home, park)"}
    {"domain": "my_domain.py", "task": ["load(box)", "deliver(box)"], "state": {"at": {"box": "yard"}}, "run_id": "b-1"}

A line that names its run can be given again: a run that is done is not run again, and one that was left is gone on
with. Fairness: a certain number of runs are under way at a time, in the order of the lines, and each may have only its
share of steps under way; workers take steps in the order in which they became ready. So no run waits for another one to
end, however many steps that has.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.agent import Agent
from executor.load import load_domain, state_from
from executor.pursue import Listener
from executor.retries import workflow_id
from executor.run import RunState
from executor.runs import Runs
from htn.domain import Domain
from htn.errors import HtnError, Trouble, UsageError
from htn.failure import Failure
from htn.network import Task, parse_task, part_to_json
from htn.state import State
from htn.values import to_json

_MOST_BYTES = 50_000_000
_LEAST_SHARE = 4  # steps of a run that may be under way, however many runs there are


class _Line(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    domain: str
    task: str | list[str]
    state: dict[str, Any] | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Request:
    """What one line asks for. `named` says that the line gives the run's id, so that it can be found again."""

    line: int
    domain: Domain
    tasks: tuple[Task, ...]
    state: State
    run_id: str
    named: bool


@dataclass(frozen=True)
class Answer:
    """What came of a line. `again` says that the run was done before, and was not run."""

    request: Request
    exit_code: int
    state: State | None = None
    steps: int = 0
    trouble: Trouble | None = None
    again: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it; `state` is what the run has come to."""
        found: dict[str, Any] = {
            "line": self.request.line, "run_id": self.request.run_id, "ok": self.exit_code == 0,
            "exit_code": self.exit_code, "steps": self.steps, "already_done": self.again,
        }  # fmt: skip
        if self.state is not None:
            names = self.request.domain.results or tuple(self.state)
            found["state"] = {name: to_json(getattr(self.state, name)) for name in names if name in self.state}
        return found | ({"error": self.trouble.to_json()} if self.trouble else {})


def read_requests(path: Path) -> list[Request]:
    """Return what a file asks for, a request a line. UsageError, with the line, for what cannot be carried out."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than {_MOST_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the requests in {path}: {error}") from error
    load = cache(load_domain)
    found = [
        _request(number, line, f"{path}:{number}", load)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]
    named = [request.run_id for request in found if request.named]
    if double := next((name for name in named if named.count(name) > 1), None):
        raise UsageError(f"two lines of {path} have the run_id {double}")
    if not found:
        raise UsageError(f"{path} has no requests", hints=('write: {"domain": "travel", "task": "…"}, one a line',))
    return found


def _request(number: int, line: str, where: str, load: Callable[[str], Domain]) -> Request:
    try:
        asked = _Line.model_validate_json(line)
        domain = load(asked.domain)
        tasks = tuple(map(parse_task, [asked.task] if isinstance(asked.task, str) else asked.task))
        for task in tasks:
            domain.check_typed(task)
        state = state_from(domain, asked.state)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"this is no request: {place} {first['msg']}".rstrip(), where=where) from error
    except UsageError as error:
        raise UsageError(error.message, where=where, hints=error.hints) from error
    return Request(number, domain, tasks, state, asked.run_id or workflow_id(), asked.run_id is not None)


@dataclass(frozen=True)
class Batch:
    """Carries requests out, `at_once` at a time. `note` hears what is good to know, behind the line it is about."""

    agent: Agent
    at_once: int
    note: Callable[[str], None]
    level: str | None = None
    mode: str | None = None

    def run(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Carry requests out, and give each answer as it comes. An interrupt pauses the runs that are under way."""
        settings = self.agent.settings
        if settings.distributed:
            share = max(_LEAST_SHARE, settings.width // self.at_once)
            settings = settings.model_copy(update={"parallel": min(share, settings.width)})
        self.agent.library  # noqa: B018  # opened once, before there are threads
        busy: dict[int, Agent] = {}
        interrupted = threading.Event()

        def answer(request: Request) -> Answer | None:
            if interrupted.is_set():
                return None
            listener = Listener(note=lambda text: self.note(f"line {request.line}: {text}"))
            with Agent(settings, listener, host=self.agent) as agent:
                busy[request.line] = agent
                try:
                    return carried_out(agent, request, level=self.level, mode=self.mode)
                except KeyboardInterrupt:
                    return None
                finally:
                    del busy[request.line]

        with ThreadPoolExecutor(self.at_once, thread_name_prefix="run") as pool:
            waiting = [pool.submit(answer, request) for request in requests]
            try:
                for future in as_completed(waiting):
                    if (found := future.result()) is not None:
                        yield found
            except BaseException:
                interrupted.set()
                for agent in list(busy.values()):
                    agent.interrupt()
                raise


def carried_out(agent: Agent, request: Request, *, level: str | None = None, mode: str | None = None) -> Answer:
    """Carry one request out, or go on with its run. What goes wrong is part of the answer."""
    try:
        known = _known(agent, request) if request.named else None
        if known is RunState.DONE:
            runs = Runs(agent.store)
            return Answer(request, 0, runs.state(request.run_id), len(runs.show(request.run_id).every_step), again=True)
        if known is None:
            report = agent.run(
                request.domain, list(request.tasks), request.state.copy(), run_id=request.run_id, level=level, mode=mode
            )
        else:
            report = agent.resume(request.run_id, domain=request.domain)
    except HtnError as error:
        return Answer(request, error.exit_code, trouble=error.trouble)
    steps = report.run.steps if report.run else ()
    if isinstance(report.result, Failure):
        failure = report.result
        code = failure.stopped.code if failure.stopped else "no-plan"
        why = failure.explain().partition("\n")[0].partition(": ")[2]
        return Answer(
            request, failure.exit_code, None, len(steps),
            Trouble(code, failure.exit_code, why, None, failure.hints()),
        )  # fmt: skip
    failed = report.run.failed if report.run else None
    if failed is not None:
        trouble = failed.trouble or Trouble("execution", 4, failed.detail)
        return Answer(request, trouble.exit_code, report.state, len(steps), trouble)
    return Answer(request, 0, report.state, len(steps))


def _known(agent: Agent, request: Request) -> RunState | None:
    """Return where the run of a line stands; None where there is none yet. UsageError where it is another line's."""
    if agent.store.runs().record(request.run_id) is None:
        return None
    view = Runs(agent.store).show(request.run_id)
    if view.record.domain != request.domain.name or view.record.tasks != list(map(part_to_json, request.tasks)):
        raise UsageError(
            f"there is a run {request.run_id} already, and it is of other tasks", hints=("choose another run_id",)
        )
    return view.state
