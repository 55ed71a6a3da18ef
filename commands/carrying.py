"""How a run is drawn while it is carried out, and what is told of it at its end: `htn run`, `resume` and `approve`."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from commands.live import LiveTree
from commands.output import Outcome, is_short, note, writable
from executor.agent import Agent, Listener, Report, not_learned
from executor.run import Step
from executor.settings import Settings
from htn.errors import HtnError
from htn.failure import Failure
from htn.plan import Plan
from htn.render import text_tree
from htn.state import State
from htn.unknown import Unknown
from htn.values import show, to_json

if TYPE_CHECKING:
    from executor.approvals import CodeReviewer
    from executor.failed import FailureReport
    from executor.learn import Learned
    from executor.review import Reviewer

Changes: TypeAlias = Mapping[tuple[str, Any], Any]


@dataclass(frozen=True)
class Came:
    """What an agent's work has come to: what the run changed, and the words that begin such a run."""

    report: Report
    changed: Changes
    domain: str
    tasks: tuple[str, ...]


def carry_out(
    outcome: Outcome,
    settings: Settings,
    work: Callable[[Agent, Listener], Came],
    *,
    quiet: bool = False,
    asks: bool | None = None,
) -> int:
    """Draw what an agent does, and tell what came of it.

    `asks` says whether a person may have to be asked for approval; by default settings do.
    """
    tree = None if quiet or outcome.as_json else LiveTree()
    listener = tree.listener() if tree else Listener(note=note)
    reviewer: Reviewer | None = None
    code_reviewer: CodeReviewer | None = None
    if settings.approval != "never" if asks is None else asks:
        from commands.review import terminal_code_reviewer, terminal_reviewer  # noqa: PLC0415 - bring what learning needs

        pause = tree.paused if tree else nullcontext
        reviewer, code_reviewer = terminal_reviewer(pause), terminal_code_reviewer(pause)
    with tree or nullcontext(), Agent(settings, listener, reviewer, code_reviewer) as agent:
        outcome.cost = lambda: len(agent.calls)
        try:
            came = work(agent, listener)
        finally:  # what keeps a run from its end is told by whoever catches it, with these
            if agent.kept_run:
                outcome.document = {"run_id": agent.kept_run}
                outcome.go_on = (f"go on with it: htn resume {agent.kept_run}",)
    failed = _failure(came)
    told = {"failed": failed.to_json()} if failed else {}
    outcome.document = {**run_document(came.report, came.changed), **(outcome.document or {}), **told}
    return conclude(outcome, came.report, came.changed, failed)


def _failure(came: Came) -> "FailureReport | None":
    """Return what to say about a run in which a step failed."""
    report = came.report
    if report.run is None or not report.run.failed:
        return None
    from executor.failed import FailureReport, Start  # noqa: PLC0415 - brings what only a failure needs

    start = Start(came.domain, came.tasks, report.acting, report.run.id, report.resumable)
    return FailureReport.of(start, report.run, report.tried, report.asked)


def conclude(outcome: Outcome, report: Report, changed: Changes, failed: "FailureReport | None") -> int:
    """Show the result, or say what went wrong."""
    if isinstance(report.result, Failure):
        if report.learned and report.learned[-1].version is None:
            raise not_learned(report.learned[-1])
        return outcome.no_plan(report.result, outcome.go_on if report.run else ())
    if failed is not None:
        return outcome.fail(replace(failed.trouble, message=failed.message, hints=failed.hints()), failed.text())
    outcome.show(_readable(changed))
    return 0


def _readable(changed: Changes) -> str:
    """Return the changes as a person reads them: a place a line, a text of several lines below its name.

    A text of several lines that is the only result stands alone.
    """
    if len(changed) == 1 and (alone := _several_lines(*changed.values())):
        return alone
    rows = []
    for (variable, key), value in changed.items():
        place = variable if key is None else f"{variable}[{_shown(key)}]"
        below = _several_lines(value)
        rows.append(f"{place}:\n{below}" if below else f"{place} = {_shown(value)}")
    return "\n".join(rows) or "nothing"


def _several_lines(value: object) -> str | None:
    return value.replace("\r\n", "\n") if isinstance(value, str) and "\n" in value else None


def _shown(value: object) -> str:
    if value is State.ABSENT:
        return "gone"
    return show(_short(value), sys.maxsize)


def _short(value: Any) -> Any:
    """Return a value in which a number that Python would not write out is described instead."""
    if type(value) is int and not is_short(value):
        return Unknown(f"a number of about {int(value.bit_length() * 0.30103):,} digits")
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(map(_short, value))
    return {_short(key): _short(part) for key, part in value.items()} if isinstance(value, dict) else value


def run_document(report: Report, changed: Changes) -> dict[str, Any]:
    """Return for programs what came of a run."""
    result = report.result
    return {
        "ok": isinstance(result, Plan) and report.run is not None and report.run.done,
        "exit_code": 0,  # a failure puts its own here
        "plan": None if isinstance(result, Failure) else _plan(result),
        "failure": result.to_json() if isinstance(result, Failure) else None,
        "learned": [learned_document(one) for one in report.learned],
        "run_id": report.run.id if report.run else None,
        "steps": [_step(step) for step in (report.run.steps if report.run else ())],
        "stages": report.stages,
        "replans": [replan.to_json() for replan in report.replans],
        "tried": [one.to_json() for one in report.tried],
        "asked": [one.to_json() for one in report.asked],
        "evaluations": report.evaluations,
        "changed": [
            {
                "variable": name,
                "key": to_json(writable(key)),
                "value": None if value is State.ABSENT else to_json(writable(value)),
                "gone": value is State.ABSENT,
            }
            for (name, key), value in changed.items()
        ],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    try:
        return plan.to_json()
    except HtnError:  # an argument has no form in JSON; what was carried out is told all the same
        return {"text": text_tree(plan)}


def _step(step: Step) -> dict[str, Any]:
    found = {"action": str(step.action), "state": step.state, "seconds": round(step.seconds, 4), "detail": step.detail}
    found |= {"retries": step.retries} if step.retries else {}
    return found | ({"error": step.trouble.to_json()} if step.trouble else {})


def learned_document(learned: "Learned") -> dict[str, Any]:
    """Return for programs what came of a gap."""
    return {
        "task": str(learned.gap),
        "version": learned.version,
        "trust": learned.trust,
        "reason": learned.reason,
        "question": learned.question,
        "history": learned.history.to_json(),
        "contract": learned.contract.to_json(),
        "seconds": {stage: round(value, 4) for stage, value in learned.seconds.items()},
        "attempts": [
            {"code": a.candidate.code, "evidence": [e.to_json() for e in a.verdict.evidence]} for a in learned.attempts
        ],
    }
