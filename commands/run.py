"""htn run."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from commands.live import LiveTree
from commands.options import (
    TASKS_EPILOG,
    Command,
    domain_and_tasks,
    model_options,
    output_options,
    search_options,
    service_options,
)
from commands.output import Outcome, is_short, note, tell, writable
from executor.agent import Agent, Listener, Report, not_learned
from executor.load import load_domain, load_state
from executor.run import Step
from executor.settings import Settings, led_from_here
from htn.errors import HtnError
from htn.failure import Failure
from htn.levels import Level, Mode
from htn.network import parse_task
from htn.plan import Plan
from htn.render import text_tree
from htn.state import State
from htn.unknown import Unknown
from htn.values import show, to_json

if TYPE_CHECKING:
    from executor.estimate import Estimate
    from executor.failed import FailureReport
    from executor.learn import Learned

_Changes: TypeAlias = Mapping[tuple[str, Any], Any]


@click.command(
    "run", cls=Command, short_help="Plan a task, learn what is missing, and carry it out.", epilog=TASKS_EPILOG
)
@domain_and_tasks
@click.option(
    "--learn",
    type=click.Choice(["auto", "ask", "never"]),
    help="Whether gaps are closed by asking the model; with ask, a person approves what is admitted.",
)
@click.option(
    "--level",
    type=click.Choice([str(level) for level in Level]),
    help="What a model may be asked while the plan is carried out; basic: nothing.",
)
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in Mode]),
    help="What may be done about a step that fails; strict: the run ends.",
)
@click.option("--run-id", metavar="ID", help="What other processes know this run by; by default one is made.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and what a model may cost; send and run nothing.")
@click.option("--quiet", is_flag=True, help="Show only the result.")
@click.option(
    "--evaluate", flag_value="trusted", help="Run bodies of trusted operators while planning, to know what they return."
)
@search_options
@model_options
@service_options
@output_options
@click.pass_obj
def command(
    outcome: Outcome,
    /,
    *,
    domain: str,
    tasks: tuple[str, ...],
    state_file: Path | None,
    run_id: str | None,
    dry_run: bool,
    level: str | None,
    mode: str | None,
    quiet: bool,
    as_json: bool,
    debug: bool,  # read by the group, where errors are shown
    **flags: Any,
) -> int:
    """Plan TASK in DOMAIN and carry it out. Where nobody knows how to do a step, the model writes it.

    What the model wrote is checked, run in a sandbox, and kept in the library only with evidence; the next run
    uses it without a model. The result is what the run changed in the state.

    Where a value decides what comes next that only execution can know, the run plans on when it is known. Where
    a step fails, the run goes on in another way that is known, as --level and --mode allow.

    DOMAIN is a bundled domain (travel, reports) or the path of a Python file. Several tasks are done one after the
    other.

    \b
    htn run reports 'report(seattle, temp_max)'
    htn run reports 'report(new_york, wind)' --learn never
    htn run reports 'report(seattle, wind)' --dry-run
    htn run my_domain.py 'deliver(box)' --model ollama:qwen2.5-coder:7b

    Exit codes: 0 done; 2 usage; 3 there is no plan; 4 a step failed; 5 a gap stayed open; 6 a budget or limit was
    reached; 7 the model, Docker or Redis does not answer; 8 what was learned waits for approval; 130 interrupted.
    """
    known = load_domain(domain)
    wanted = [parse_task(task) for task in tasks]
    for task in wanted:
        known.check_typed(task)
    state = load_state(known, state_file)
    before = state.mark()
    settings = Settings.load(**flags)
    if dry_run:
        with Agent(settings, Listener(note=note)) as agent:
            return _priced(outcome, agent.price(known, wanted, state))
    if led := led_from_here(flags):
        note(led)
    tree = None if quiet or as_json else LiveTree()
    listener, reviewer = tree.listener() if tree else Listener(note=note), None
    if settings.learn == "ask":
        from commands.review import terminal_reviewer  # noqa: PLC0415 - brings what learning needs

        reviewer = terminal_reviewer(tree.paused if tree else nullcontext)
    with tree or nullcontext(), Agent(settings, listener, reviewer) as agent:
        outcome.cost = lambda: agent.calls
        report = agent.run(known, wanted, state, run_id=run_id, level=level, mode=mode)
    changed = {
        at: value for at, value in state.changes_since(before).items() if not known.results or at[0] in known.results
    }
    outcome.document = _document(report, changed)
    failed = _failure(report, domain, tasks)
    if failed is not None:
        outcome.document["failed"] = failed.to_json()
    return _conclude(outcome, report, changed, failed)


def _priced(outcome: Outcome, found: "Estimate") -> int:
    """Show what a run may cost."""
    outcome.document = found.to_json()
    if isinstance(found.result, Failure) and not (found.plan or found.gaps):
        return outcome.no_plan(found.result)
    if found.plan:
        outcome.show(text_tree(found.plan))
    outcome.show("\n".join(found.lines()))
    if not outcome.as_json:
        tell("nothing was sent, and nothing was run")
    return 0


def _failure(report: Report, domain: str, tasks: tuple[str, ...]) -> "FailureReport | None":
    """Return what to say about a run in which a step failed."""
    if report.run is None or not report.run.failed:
        return None
    from executor.failed import FailureReport, Start  # noqa: PLC0415 - brings what only a failure needs

    start = Start(domain, tasks, report.acting, report.run.id, report.resumable)
    return FailureReport.of(start, report.run, report.tried, report.asked)


def _conclude(outcome: Outcome, report: Report, changed: _Changes, failed: "FailureReport | None") -> int:
    """Show the result, or say what went wrong."""
    if isinstance(report.result, Failure):
        if report.learned and report.learned[-1].version is None:
            raise not_learned(report.learned[-1])
        return outcome.no_plan(report.result)
    if failed is not None:
        return outcome.fail(replace(failed.trouble, message=failed.message, hints=failed.hints()), failed.text())
    outcome.show(_readable(changed))
    return 0


def _readable(changed: _Changes) -> str:
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


def _document(report: Report, changed: _Changes) -> dict[str, Any]:
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
