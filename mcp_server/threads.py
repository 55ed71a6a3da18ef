"""Runs and learning in threads of this process (`Works`), and the runs of other processes as their logs tell them.

| a call of `run` with the handle of | does                                                               |
|------------------------------------|--------------------------------------------------------------------|
| nothing that is known              | begins it                                                          |
| a run that waits or is paused      | goes on with it here                                               |
| a run that another process drives  | follows it; where that process is gone, goes on with it here       |
| a run that has ended               | answers what became of it                                          |

A thread has an agent of its own, so that its budget, its sandbox and what it hears are its own. A few work at once;
what is too much is refused. When the server ends, runs are paused: whoever resumes them goes on.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

from executor.agent import Agent
from executor.review import Admit, Reject
from executor.runs import Runs
from htn.errors import GapOpen, HtnError, LimitReached, UsageError
from mcp_server.answers import Learnt
from mcp_server.bounds import MOST_AT_ONCE, MOST_KEPT
from mcp_server.job import Job
from mcp_server.service import Service
from mcp_server.stored import stored, stored_events
from mcp_server.working import work
from mcp_server.works import ENDED, Seen, Wanted, Works

_GRACE = 10.0  # seconds that work may take to end when the server does
_GO_ON = ("waiting", "paused")


class Threads(Works):
    """Carries out what clients want, each in a thread."""

    def __init__(self, service: Service) -> None:
        self._service, self._settings = service, service.settings
        self._jobs: dict[str, Job] = {}
        self._threads: dict[str, Thread] = {}
        self._lock = Lock()

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, wanted: Wanted, handle: str | None) -> str:
        """Begin, and return the handle; see above for one that is known."""
        if handle is not None and (known := self._known(handle)):
            _same(known, wanted)
            if known.ended or (known.state == "running" and self._job(handle) is None):
                return handle
        with self._lock:
            job = self._jobs.get(handle or "")
            if job is not None and job.seen.state not in _GO_ON:
                return job.handle
            if sum(thread.is_alive() for thread in self._threads.values()) >= MOST_AT_ONCE:
                raise LimitReached(
                    f"{MOST_AT_ONCE} runs are under way, which is as many as this server carries out at once",
                    hints=("call again when one has ended, or cancel one: cancel_run",),
                )
            if job is None:
                self._forget()
                goes_on = handle is not None and known is not None
                job = Job(handle or f"{wanted.kind}-{uuid4().hex[:16]}", wanted, goes_on=goes_on)
                self._jobs[job.handle] = job
            self._begin(job)
            return job.handle

    def seen(self, handle: str) -> Seen:
        """Say how far it is."""
        job = self._job(handle)
        return job.seen if job else stored(self._runs(), handle, self._service.shelf.domains)

    def events(self, handle: str, after: str, wait: float) -> Sequence[Mapping[str, Any]]:
        """Return what happened after an event; wait so many seconds for something to happen."""
        job = self._job(handle)
        return job.events(after, wait) if job else stored_events(self._runs(), handle, after, wait)

    def decide(self, handle: str, version: str, decision: Admit | Reject) -> None:
        """Admit or reject the proposal that the work waits for, and let it go on. UsageError where it does not wait."""
        job = self._job(handle)
        if job is None or job.seen.state != "waiting" or job.seen.proposal != version:
            raise UsageError(f"{handle} does not wait for the approval of {version[:12]}")
        task = str(job.gap or job.seen.tasks[-1])
        with Agent(self._settings) as agent:
            if isinstance(decision, Reject):
                agent.proposals.reject(version, decision)
                reason = f"it was rejected: {decision.reason}"
                job.become("failed", GapOpen(f"{task}: {reason}").trouble, (Learnt(task=task, reason=reason),))
                self._cancel_stored(job)
                return
            agent.proposals.admit(version, decision)
            learnt = Learnt(task=task, version=version, trust=agent.library.trust(version))
        if job.wanted.kind == "learn":
            job.become("done", learned=(learnt,))
            return
        job.become("running", learned=(learnt,))
        with self._lock:
            self._begin(job)

    def cancel(self, handle: str) -> None:
        """Let it end as soon as it can."""
        job = self._job(handle)
        if job is None:
            self._runs().cancel(handle, "asked for over MCP")
            return
        job.stop()
        self._cancel_stored(job)

    def listed(self) -> Sequence[Seen]:
        """Return all that is known, the newest first: what goes on here, then what the store keeps of others."""
        with self._lock:
            jobs = list(self._jobs.values())
        here = [job.seen for job in reversed(jobs)]
        names = {seen.handle for seen in here}
        rows = [row for row in self._runs().list() if row.id not in names]
        return here + [Seen(row.id, "run", row.state.value, row.domain, row.tasks) for row in rows]

    def close(self) -> None:
        """Let runs be paused and learning end, and wait for it a while."""
        with self._lock:
            jobs, threads = list(self._jobs.values()), list(self._threads.values())
        for job in jobs:
            job.interrupt()
        for thread in threads:
            thread.join(_GRACE)

    def _runs(self) -> Runs:
        return Runs(self._service.agent().store, keep_days=self._settings.keep_runs)

    def _job(self, handle: str) -> Job | None:
        with self._lock:
            return self._jobs.get(handle)

    def _known(self, handle: str) -> Seen | None:
        try:
            return self.seen(handle)
        except UsageError:
            return None

    def _cancel_stored(self, job: Job) -> None:
        if job.wanted.kind == "run":
            with suppress(HtnError):  # it may not have been written down, and ends all the same
                self._runs().cancel(job.handle, "asked for over MCP")

    def _begin(self, job: Job) -> None:
        if job.seen.state != "running":
            job.become("running")
        # A daemon: a search that nobody waits for any more does not keep the process from ending.
        thread = Thread(target=work, args=(job, self._settings), name=job.handle, daemon=True)
        self._threads[job.handle] = thread
        thread.start()

    def _forget(self) -> None:
        ended = [handle for handle, job in self._jobs.items() if job.seen.state in ENDED]
        for handle in ended[: max(0, len(self._jobs) + 1 - MOST_KEPT)]:
            del self._jobs[handle]
            self._threads.pop(handle, None)


def _same(known: Seen, wanted: Wanted) -> None:
    asked = Job("", wanted).seen
    if (known.kind, known.domain, known.tasks) != (asked.kind, asked.domain, asked.tasks):
        raise UsageError(
            f"there is a run {known.handle} already, for {', '.join(known.tasks)[:200]} in {known.domain}",
            hints=("give this one another run_id",),
        )
