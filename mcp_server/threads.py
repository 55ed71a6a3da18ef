"""Runs and learning in threads of this process (`Works`). What is learned stays; a run ends with the process.

A thread has an agent of its own, so that its budget, its sandbox and what it hears are its own. A few work at once;
what is too much is refused.
"""

from collections.abc import Mapping, Sequence
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

from executor.agent import Agent, Report, not_learned
from executor.review import Admit, ApprovalNeeded, Reject
from executor.settings import Settings
from htn.errors import GapOpen, HtnError, LimitReached, Trouble, UsageError, told
from htn.failure import Failure
from mcp_server.answers import Learnt, no_plan
from mcp_server.bounds import MOST_AT_ONCE, MOST_KEPT
from mcp_server.job import CANCELLED, Job, Stopped
from mcp_server.works import ENDED, Seen, Wanted, Works, changes_of, learnt_of

_GRACE = 10.0  # seconds that work may take to end when the server does


class Threads(Works):
    """Carries out what clients want, each in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._threads: dict[str, Thread] = {}
        self._lock = Lock()

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, wanted: Wanted, handle: str | None) -> str:
        """Begin, and return the handle. Work that has this handle already is left as it is."""
        with self._lock:
            if handle is not None and handle in self._jobs:
                job = self._jobs[handle]
                _same(job.seen, wanted)
                if job.seen.state == "waiting":  # somebody may have decided elsewhere; where not, it waits again
                    job.become("created")
                    self._begin(job)
                return handle
            if sum(thread.is_alive() for thread in self._threads.values()) >= MOST_AT_ONCE:
                raise LimitReached(
                    f"{MOST_AT_ONCE} runs are under way, which is as many as this server carries out at once",
                    hints=("call again when one has ended, or cancel one: cancel_run",),
                )
            job = Job(handle or f"{wanted.kind}-{uuid4().hex[:16]}", wanted)
            self._forget()
            self._jobs[job.handle] = job
            self._begin(job)
            return job.handle

    def seen(self, handle: str) -> Seen:
        """Say how far it is."""
        return self._job(handle).seen

    def events(self, handle: str, after: str, wait: float) -> Sequence[Mapping[str, Any]]:
        """Return what happened after an event; wait so many seconds for something to happen."""
        return self._job(handle).events(after, wait)

    def decide(self, handle: str, version: str, decision: Admit | Reject) -> None:
        """Admit or reject the proposal that the work waits for, and let it go on. UsageError where it does not wait."""
        job = self._job(handle)
        seen = job.seen
        if seen.state != "waiting" or seen.proposal != version:
            raise UsageError(f"{handle} does not wait for the approval of {version[:12]}")
        task = str(job.gap or seen.tasks[-1])
        with Agent(self._settings) as agent:
            if isinstance(decision, Reject):
                agent.proposals.reject(version, decision)
                reason = f"it was rejected: {decision.reason}"
                job.become("failed", GapOpen(f"{task}: {reason}").trouble, (Learnt(task=task, reason=reason),))
                return
            agent.proposals.admit(version, decision)
            learnt = Learnt(task=task, version=version, trust=agent.library.trust(version))
        if job.wanted.kind == "learn":
            job.become("done", learned=(learnt,))
            return
        job.become("created", learned=(learnt,))
        with self._lock:
            self._begin(job)

    def cancel(self, handle: str) -> None:
        """Let it end as soon as it can."""
        self._job(handle).stop()

    def listed(self) -> Sequence[Seen]:
        """Return all that is known, the newest first."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job.seen for job in reversed(jobs)]

    def close(self) -> None:
        """Let everything end, and wait for it a while."""
        with self._lock:
            jobs, threads = list(self._jobs.values()), list(self._threads.values())
        for job in jobs:
            job.stop()
        for thread in threads:
            thread.join(_GRACE)

    def _job(self, handle: str) -> Job:
        with self._lock:
            job = self._jobs.get(handle)
        if job is None:
            raise UsageError(
                f"there is no run {handle!r:.140}",
                hints=("a server forgets its runs when it ends; the resource htn://runs lists those that it knows",),
            )
        return job

    def _begin(self, job: Job) -> None:
        # A daemon: a search that nobody waits for any more does not keep the process from ending.
        thread = Thread(target=self._work, args=(job,), name=job.handle, daemon=True)
        self._threads[job.handle] = thread
        thread.start()

    def _forget(self) -> None:
        ended = [handle for handle, job in self._jobs.items() if job.seen.state in ENDED]
        for handle in ended[: max(0, len(self._jobs) + 1 - MOST_KEPT)]:
            del self._jobs[handle]
            self._threads.pop(handle, None)

    def _work(self, job: Job) -> None:
        job.become("running")
        try:
            with Agent(self._settings, job.listener(), job.review) as agent:
                self._learn(job, agent) if job.wanted.kind == "learn" else self._run(job, agent)
        except ApprovalNeeded as error:
            job.become("waiting", error.trouble, proposal=job.proposal)
        except Stopped:
            job.become("cancelled", CANCELLED)
        except HtnError as error:
            job.become("failed", error.trouble)
        except Exception as error:  # noqa: BLE001  # what arrives here is our own bug, and the client is told
            job.become("failed", Trouble("bug", 1, f"this is a bug of ours: {told(error)}"))

    def _run(self, job: Job, agent: Agent) -> None:
        wanted = job.wanted
        if job.began_steps:
            raise UsageError(
                "the run had begun when it came to wait, and cannot go on in this process",
                hints=("what was approved is in the library: start a new run",),
            )
        state = wanted.state.copy()
        before = state.mark()
        report = agent.run(wanted.domain, wanted.tasks, state, run_id=job.handle)
        trouble, changed = _of(report), state.changes_since(before)
        learned = tuple(map(learnt_of, report.learned))
        job.become("failed" if trouble else "done", trouble, learned, changes_of(wanted.domain, changed))

    def _learn(self, job: Job, agent: Agent) -> None:
        wanted = job.wanted
        (task,) = wanted.tasks
        version = agent.known(wanted.domain, task[0])
        if version and not wanted.again:
            raise UsageError(
                f"the library has {wanted.domain.name}.{task[0]} already, {version[:12]}",
                hints=(f"see it: show_operator {wanted.domain.name}.{task[0]}", "learn it anew: again"),
            )
        job.gap = agent.gap_of(wanted.domain, task, wanted.state)
        learned = agent.learn(wanted.domain, job.gap)
        trouble = not_learned(learned).trouble if learned.version is None else None
        job.become("failed" if trouble else "done", trouble, (learnt_of(learned),))


def _same(seen: Seen, wanted: Wanted) -> None:
    asked = Job("", wanted).seen
    if (seen.kind, seen.domain, seen.tasks) != (asked.kind, asked.domain, asked.tasks):
        raise UsageError(
            f"there is a run {seen.handle} already, for {', '.join(seen.tasks)[:200]} in {seen.domain}",
            hints=("give this one another run_id",),
        )


def _of(report: Report) -> Trouble | None:
    """Return why a run did not end well, or None."""
    if isinstance(report.result, Failure):
        if report.learned and report.learned[-1].version is None:
            return not_learned(report.learned[-1]).trouble
        return no_plan(report.result)
    if report.run is not None and report.run.failed:
        step = report.run.failed
        found = step.trouble or Trouble("execution", 4, step.detail)
        return Trouble(
            found.code, found.exit_code, f"the step {step.action} failed: {found.message}", found.where, found.hints
        )
    return None
