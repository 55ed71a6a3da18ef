"""What a planning process does: load the domains once, then plan, task after task.

It opens its own connection to the library, so each plan uses what was learned up to then. Domains are the user's own
code and run here; bodies that a model wrote do not, unless a setting lets planning evaluate trusted ones.
"""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any, Literal

from executor.agent import Agent
from executor.load import line_of, load_domain, state_from
from executor.settings import Settings
from htn.dependencies import Dependencies
from htn.domain import Domain
from htn.errors import DomainError, HtnError, Trouble, UsageError, told
from htn.failure import Failure
from htn.network import Task, parse_task
from htn.plan import Plan
from htn.render import dot_tree, mermaid_tree, svg_tree, text_stages, text_tree
from htn.state import State
from htn.values import from_json, writable
from server.lent import Lent, LentAgent

Draw = Literal["text", "mermaid", "dot", "svg"]
TREES: Mapping[Draw, Callable[[Plan], str]] = {
    "text": text_tree, "mermaid": mermaid_tree, "dot": dot_tree, "svg": svg_tree,
}  # fmt: skip
_MOST_EXPLAINED = 1_000  # actions; each is looked up in the whole plan


@dataclass(frozen=True)
class Wanted:
    """A plan that is wanted, as the client wrote it. `limits` are settings of the search that differ for it."""

    domain: str
    tasks: tuple[object, ...]
    state: object
    limits: Mapping[str, Any]
    draw: Draw | None = None
    explain: bool = False


@dataclass(frozen=True)
class Planned:
    """What came of it: a JSON document, and whether there is a plan."""

    document: bytes
    exit_code: int


def read_task(written: object) -> Task:
    """Return a task that a client wrote: a text as it is typed, or a list of the name and the arguments."""
    if isinstance(written, str):
        return parse_task(written)
    if not isinstance(written, list) or not written or not isinstance(written[0], str):
        raise UsageError(
            "a task is a text such as 'travel(alice, home, park)', or a list of its name and its arguments"
        )
    head, *arguments = written
    return (parse_task(head)[0], *(from_json(argument, f"an argument of {head:.60}") for argument in arguments))


def serve(connection: Connection) -> None:
    """Answer what comes over the connection until it is closed. An answer is a `Planned` or a `Trouble`.

    What comes first are the settings, and for each domain by name where it is loaded from.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    settings, sources = connection.recv()
    known: dict[str, Domain] = {}
    with redirect_stdout(sys.stderr), Agent(settings) as own:
        lent = Lent(own.store, lambda: own.sandbox)
        for name, source in sources.items():
            known[name] = load_domain(source)
        connection.send(None)
        while True:
            try:
                wanted = connection.recv()
            except EOFError:
                return
            connection.send(_answered(wanted, settings, lent, known[wanted.domain]))


def _answered(wanted: Wanted, settings: Settings, lent: Lent, domain: Domain) -> Planned | Trouble:
    try:
        with LentAgent(settings.model_copy(update=dict(wanted.limits)), lent=lent) as agent:
            return _Planning(wanted, agent, domain).planned()
    except HtnError as error:
        return error.trouble
    except Exception as error:  # noqa: BLE001  # a bug of ours, or of the domain: the process goes on
        return Trouble("bug", 1, f"a bug of ours ({type(error).__name__})")
    except BaseException as error:  # noqa: BLE001  # a domain's function called exit()
        return DomainError(f"code of the domain ended with {told(error)}", where=line_of(error)).trouble


@dataclass
class _Planning:
    """One plan that is looked for."""

    wanted: Wanted
    agent: Agent
    domain: Domain

    @cached_property
    def tasks(self) -> list[Task]:
        tasks = [read_task(task) for task in self.wanted.tasks]
        for task in tasks:
            self.domain.check_typed(task)
        return tasks

    @cached_property
    def state(self) -> State:
        return state_from(self.domain, self.wanted.state)

    def planned(self) -> Planned:
        result = self.agent.plan(self.domain, self.tasks, self.state)
        stage = result.stage if isinstance(result, Failure) else None
        plan = stage.plan if stage else result
        document: dict[str, Any] = {
            "ok": isinstance(plan, Plan), "exit_code": 0, "plan": None, "failure": None, "stage": None, "drawing": None,
        }  # fmt: skip
        if isinstance(plan, Failure):
            document |= {"exit_code": plan.exit_code, "failure": plan.to_json()}
        else:
            document["plan"] = plan.to_json()
            document["drawing"] = TREES[self.wanted.draw](plan) if self.wanted.draw else None
        if stage:
            document["stage"] = {k: v for k, v in stage.to_json().items() if k != "plan"} | {"says": str(stage)}
        if self.wanted.explain:
            document["explanation"] = self._explanation(plan)
        return Planned(json.dumps(writable(document)).encode(), document["exit_code"])

    def _explanation(self, result: Plan | Failure) -> dict[str, Any]:
        if isinstance(result, Failure):
            return {"text": result.explain(), "actions": [], "stages": [], "critical_path": []}
        needs = self.agent.dependencies(self.domain, self.tasks, self.state, result)
        actions = [_why(needs, at) for at in range(min(len(result), _MOST_EXPLAINED))]
        return {
            "text": "\n".join([text_tree(result), text_stages(needs)]),
            "actions": actions,
            "stages": [[at + 1 for at in stage] for stage in needs.stages],
            "critical_path": [at + 1 for at in needs.critical_path],
        }


def _why(needs: Dependencies, at: int) -> dict[str, Any]:
    why = needs.why(at)
    return {
        "number": why.number,
        "action": str(why.action),
        "version": why.action.version,
        "path": [str(above) for above in why.path],
        "relies_on": list(why.relies_on or ()),
        "needed_by": list(why.needed_by or ()),
    }


if __name__ == "__main__":
    # The classes that are sent are those of the module under its own name, not of this run of it.
    from server.planning import serve as serve_here

    serve_here(Connection(int(sys.argv[1])))
