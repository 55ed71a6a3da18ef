"""Carry out a request in words: plan its task, close its gap where nobody has yet, run it, and say what came of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.check import check_request
from executor.documents import changes_of
from executor.entry import TRUST, Entry
from executor.history import Attempt
from executor.learn import Learned
from executor.pursue import Report
from executor.run import Step
from executor.sandbox import language_named
from htn.domain import Domain
from htn.errors import HtnError, ServiceMissing, Trouble, UsageError
from htn.failure import Failure
from htn.state import State
from htn.values import plain
from server.carrying import exit_code, told_by
from server.lent import LentAgent
from server.service import Service
from server.words import DOMAIN, InWords
from server.work import Work


@dataclass(frozen=True)
class Request:
    """A request in words, and the settings that differ for it."""

    words: InWords
    settings: Mapping[str, Any] = field(default_factory=dict)
    force: bool = False


@dataclass
class Found:
    """What came of a request in words, so far."""

    request: Request
    report: Report | None = None
    learned: list[Learned] = field(default_factory=list)
    entry: Entry | None = None
    trust: str = ""
    result: Any = None
    trouble: Trouble | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the task was carried out."""
        return self.trouble is None

    @property
    def attempts(self) -> list[Attempt]:
        """The bodies that were tried."""
        return [attempt for learned in self.learned for attempt in learned.attempts]

    @property
    def step(self) -> Step | None:
        """The step that the task is."""
        steps = self.report.run.steps if self.report and self.report.run else ()
        return steps[-1] if steps else None


@dataclass(frozen=True)
class Intelligent:
    """A request in words, as work of the desk."""

    service: Service
    request: Request
    domain: Domain
    kind: str = "words"

    def __call__(self, work: Work) -> tuple[bool, dict[str, Any]]:
        """Carry it out, and answer in the form of `/api/v1/intelligent/execute`."""
        found = self.carried_out(work)
        return found.ok, execution_document(found, work.id)

    def carried_out(self, work: Work) -> Found:
        """Carry it out. Raises what stands in the way of every such request: a service that is missing, usage."""
        found, began = Found(self.request), time.perf_counter()
        words = f"{self.request.words.name}\n{self.request.words.description}"
        if refused := check_request(words):
            found.trouble = Trouble(
                "usage", 2, f"the request is refused: {refused[0].message}", None, (refused[0].fix,)
            )
            return found
        with self.service.agent(self.request.settings, told_by(work)) as agent:
            try:
                self._carry_out(agent, work, found)
            except (ServiceMissing, UsageError):
                raise
            except HtnError as error:
                found.trouble = error.trouble
        found.seconds = time.perf_counter() - began
        self.service.metrics.executed(self.kind, ok=found.ok, attempts=max(1, len(found.attempts)))
        return found

    def _carry_out(self, agent: LentAgent, work: Work, found: Found) -> None:
        domain, task = self.domain, self.request.words.task
        state = State(result={})
        if self.request.force:
            learned = agent.learn(domain, agent.gap_of(domain, task, state))
            found.learned.append(learned)
            if learned.version is None:
                found.trouble = _not_learned(learned)
                return
            domain = domain.extended_by([agent.library.entry(learned.version).operator()])
        before = state.mark()
        found.report = report = agent.run(domain, [task], state, run_id=work.id)
        found.learned += report.learned
        if step := found.step:
            version = step.action.version
            found.entry = agent.library.entry(version) if version else None
            found.trust = agent.library.trust(version) if version else ""
        found.trouble = _trouble(report)
        changed = changes_of(domain, state, before)
        alone = changed.get(("result", self.request.words.operator))
        if found.ok:
            found.result = plain(
                alone if len(changed) == 1 else {str(key): value for (_, key), value in changed.items()}
            )


def execution_document(found: Found, run_id: str) -> dict[str, Any]:
    """Return what came of a request in words."""
    words, step = found.request.words, found.step
    return {
        "success": found.ok,
        "result": found.result,
        "generated_code": code_document(found.entry, words.name) if found.entry else None,
        "execution_time_ms": round(step.seconds * 1000, 3) if step else 0,
        "retry_count": max(0, len(found.attempts) - 1) + (step.retries if step else 0),
        "used_cached_code": found.ok and not found.learned,
        "validation_steps": validation_steps(found),
        "new_action": action_document(found.entry, found.trust) if found.entry and found.learned and found.ok else None,
        "error": found.trouble.to_json() if found.trouble else None,
        "run_id": run_id,
        "total_time_ms": round(found.seconds * 1000, 3),
    }


def attempts_document(found: Found, run_id: str, most: int) -> dict[str, Any]:
    """Return what came of a request in words, attempt by attempt: the form of `/execute`."""
    rows = [_attempt(attempt, number, most) for number, attempt in enumerate(found.attempts, 1)]
    if found.ok and found.entry:
        if not rows:
            rows = [{"success": True, "code": found.entry.code, "error": None, "attempt": 1, "total_attempts": most}]
        step = found.step
        rows[-1] |= {"output": found.result, "execution_time": round(step.seconds, 4) if step else 0.0}
    return {
        "success": found.ok,
        "results": rows,
        "final_result": rows[-1] if rows else None,
        "total_time": round(found.seconds, 4),
        "error": found.trouble.to_json() if found.trouble else None,
        "run_id": run_id,
    }


def code_document(entry: Entry, name: str) -> dict[str, Any]:
    """Return the code of an entry."""
    return {
        "id": f"code_{entry.version[:12]}", "task_name": name, "language": entry.language, "code": entry.code,
        "created_at": entry.provenance.created, "version": entry.version,
    }  # fmt: skip


def action_document(entry: Entry, trust: str) -> dict[str, Any]:
    """Return an operator that was learned as an action: what it takes, needs and changes."""
    promise = entry.promise()
    return {
        "id": entry.version,
        "name": f"{entry.domain}.{entry.name}",
        "task_name": entry.name,
        "description": promise.description,
        "language": entry.language,
        "parameters": [{"name": p.name, "type": p.type.to_json()} for p in promise.parameters],
        "preconditions": list(entry.contract.get("preconditions", [])),
        "effects": list(entry.contract.get("effects", [])),
        "trust": trust,
        "tags": tags_of(entry, trust),
        "created_at": entry.provenance.created,
    }


def tags_of(entry: Entry, trust: str) -> list[str]:
    """Return words to look for: where it comes from, whether plans may use it, how far it is trusted, its domain."""
    tags = ["intelligent_execution"] if entry.domain == DOMAIN else []
    tags += ["validated"] if trust in TRUST[TRUST.index("probation") :] else []
    return [*tags, trust, entry.domain]


def validation_steps(found: Found) -> list[dict[str, Any]]:
    """Return what was done to know that the code is right, and what carrying it out came to, in order."""
    rows: list[dict[str, Any]] = []
    for number, attempt in enumerate(found.attempts, 1):
        for evidence in attempt.verdict.evidence:
            rows.append(
                {
                    "step": f"rung {evidence.rung}, {evidence.name}", "attempt": number, "success": evidence.passed,
                    "message": evidence.to_json()["detail"], "duration_ms": round(evidence.seconds * 1000, 3),
                }
            )  # fmt: skip
    if step := found.step:
        rows.append(
            {
                "step": "execution", "attempt": max(1, len(found.attempts)), "success": step.trouble is None,
                "message": step.detail or "it kept its contract", "duration_ms": round(step.seconds * 1000, 3),
            }
        )  # fmt: skip
    return rows


def settings_of(language: str | None, max_retries: int | None, timeout: float | None) -> dict[str, Any]:
    """Return the settings that a request in words may choose. UsageError for a language that there is not."""
    chosen: dict[str, Any] = {}
    if language:
        if (name := language_named(language)) is None:
            raise UsageError(f"there is no language {language!r:.40}")
        chosen["language"] = name
    chosen |= {"max_retries": max_retries} if max_retries is not None else {}
    return chosen | ({"execution_timeout": timeout} if timeout is not None else {})


def examples_of(examples: Sequence[Mapping[str, Any]]) -> tuple[tuple[Mapping[str, Any], Any], ...]:
    """Return the examples of a request."""
    return tuple((example["context"], example["result"]) for example in examples)


def _attempt(attempt: Attempt, number: int, most: int) -> dict[str, Any]:
    diagnosis = attempt.diagnosis
    return {
        "success": attempt.verdict.passed,
        "code": attempt.candidate.code,
        "error": diagnosis.one_line() if diagnosis else None,
        "attempt": number,
        "total_attempts": max(number, most),
    }


def _trouble(report: Report) -> Trouble | None:
    if isinstance(report.result, Failure):
        if report.learned and report.learned[-1].version is None:
            return _not_learned(report.learned[-1])
        lines = report.result.explain().splitlines()
        code = {5: "gap", 6: "limit"}.get(exit_code(report), "needs-value")
        return Trouble(code, exit_code(report), lines[0].partition(": ")[2], None, report.result.hints())
    failed = report.run.failed if report.run else None
    return None if failed is None else failed.trouble or Trouble("execution", 4, failed.detail)


def _not_learned(learned: Learned) -> Trouble:
    hints = ([learned.question] if learned.question else []) + ["describe it in more words, or give examples"]
    return Trouble("gap", 5, f"it was not learned: {learned.reason}", None, tuple(hints))
