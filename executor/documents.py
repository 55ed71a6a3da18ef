"""What runs and learning came to, as programs read it: for the command line with `--json`, and for services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from executor.pursue import Report
from executor.run import Step
from htn.domain import Domain
from htn.errors import HtnError
from htn.failure import Failure
from htn.plan import Plan
from htn.render import text_tree
from htn.state import State
from htn.values import to_json, writable

if TYPE_CHECKING:
    from executor.learn import Learned


def changes_of(domain: Domain, state: State, before: int) -> dict[tuple[str, Any], Any]:
    """Return what a run changed since the mark `before`: of the domain's results, where it names some, else all."""
    changes = state.changes_since(before).items()
    return {at: value for at, value in changes if not domain.results or at[0] in domain.results}


def report_document(report: Report, changed: Mapping[tuple[str, Any], Any]) -> dict[str, Any]:
    """Return what came of a run that changed these places."""
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
        "changed": changed_rows(changed),
    }


def changed_rows(changed: Mapping[tuple[str, Any], Any]) -> list[dict[str, Any]]:
    """Return places that changed, and to what."""
    return [
        {
            "variable": name,
            "key": to_json(writable(key)),
            "value": None if value is State.ABSENT else to_json(writable(value)),
            "gone": value is State.ABSENT,
        }
        for (name, key), value in changed.items()
    ]


def learned_document(learned: Learned) -> dict[str, Any]:
    """Return what came of a gap."""
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


def _plan(plan: Plan) -> dict[str, Any]:
    try:
        return plan.to_json()
    except HtnError:  # an argument has no form in JSON; what was carried out is told all the same
        return {"text": text_tree(plan)}


def _step(step: Step) -> dict[str, Any]:
    found = {"action": str(step.action), "state": step.state, "seconds": round(step.seconds, 4), "detail": step.detail}
    found |= {"retries": step.retries} if step.retries else {}
    return found | ({"error": step.trouble.to_json()} if step.trouble else {})
