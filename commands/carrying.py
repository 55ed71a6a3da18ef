"""How a run is drawn while it is carried out, and what is told of it at its end: `htn run`, `resume` and `approve`."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from commands.live import LiveTree
from commands.output import Outcome, is_short, note
from executor.agent import Agent, Listener, Report, not_learned
from executor.documents import report_document
from executor.settings import Settings
from htn.failure import Failure
from htn.state import State
from htn.unknown import Unknown
from htn.values import show

if TYPE_CHECKING:
    from executor.approvals import CodeReviewer
    from executor.failed import FailureReport
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
        outcome.cost = lambda: agent.calls
        try:
            came = work(agent, listener)
        finally:  # what keeps a run from its end is told by whoever catches it, with these
            if agent.kept_run:
                outcome.document = {"run_id": agent.kept_run}
                outcome.go_on = (f"go on with it: htn resume {agent.kept_run}",)
    failed = _failure(came)
    told: dict[str, Any] = {"tried": [one.to_json() for one in came.report.tried]}
    told |= {"asked": [one.to_json() for one in came.report.asked]}
    told |= {"failed": failed.to_json()} if failed else {}
    outcome.document = {**report_document(came.report, came.changed), **(outcome.document or {}), **told}
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
