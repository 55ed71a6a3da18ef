"""Carry out runs, and requests in words, as work of the desk: what happens is told, what came of it is a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.agent import Listener
from executor.documents import changes_of, report_document
from executor.learn import LearnEvent
from executor.pursue import Report
from executor.run import Event
from htn.domain import Domain
from htn.failure import Failure, Gap
from htn.network import Task
from htn.plan import Plan
from htn.stage import Stage
from htn.state import State
from server.service import Service
from server.work import Work


class ServiceStopped(KeyboardInterrupt):
    """The service is stopping: what runs ends after its step, as it would by Ctrl-C."""


def told_by(work: Work, service: Service | None = None) -> Listener:
    """Return a listener that tells a piece of work what an agent does.

    Where the `service` is stopping, the work ends after its step, as an interrupt ends it: a run is paused.
    """

    def planned(result: Plan | Failure) -> None:
        if isinstance(result, Plan):
            work.tell("planned", actions=[str(action) for action in result][:1000], count=len(result))
        else:
            work.tell("planned", actions=[], count=0, explanation=result.explain())

    def step(event: Event) -> None:
        trouble = event.trouble.to_json() if event.trouble else None
        more = {"error": trouble} if trouble else {}
        work.tell(event.kind, step=event.step, seconds=round(event.seconds, 4), detail=event.detail, **more)
        if event.kind == "finish" and service and service.stopping.is_set():
            raise ServiceStopped

    def learning(event: LearnEvent) -> None:
        if event.kind != "text":
            work.tell("learning", what=event.kind, stage=event.stage, detail=event.detail, ok=event.ok,
                      seconds=round(event.seconds, 4))  # fmt: skip

    def gap(found: Gap) -> None:
        work.tell("gap", task=str(found))

    def stage(found: Stage) -> None:
        work.tell("stage", detail=str(found))

    return Listener(
        planned=planned, gap=gap, learning=learning, step=step, note=lambda text: work.tell("note", detail=text),
        stage=stage, replanned=lambda replan: work.tell("replan", **replan.to_json()),
    )  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """Tasks of a domain that are to be carried out, from a state, with settings that differ."""

    service: Service
    domain: Domain
    tasks: tuple[Task, ...]
    state: State
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: str | None = None
    mode: str | None = None

    def __call__(self, work: Work) -> tuple[bool, dict[str, Any]]:
        """Carry them out. Return whether that went well, and what came of it."""
        before = self.state.mark()
        with self.service.agent(self.settings, told_by(work)) as agent:
            report = agent.run(
                self.domain, list(self.tasks), self.state, run_id=work.id, level=self.level, mode=self.mode
            )
        document = report_document(report, changes_of(self.domain, self.state, before))
        document["exit_code"] = exit_code(report)
        document["model_calls"] = len(report.calls)
        self.service.metrics.executed("run", ok=document["ok"], attempts=1 + retries_of(report))
        return document["ok"], document


def exit_code(report: Report) -> int:
    """Return the exit code that the command line has for what came of a run."""
    if isinstance(report.result, Failure):
        return report.result.exit_code
    failed = report.run.failed if report.run else None
    if failed is None:
        return 0
    return failed.trouble.exit_code if failed.trouble else 4


def retries_of(report: Report) -> int:
    """Return how often steps of a run were tried again."""
    return sum(step.retries for step in report.run.steps) if report.run else 0
