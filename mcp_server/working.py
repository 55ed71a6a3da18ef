"""What the thread of one piece of work does: run or go on with a run, or learn; and where the work stands after it."""

from contextlib import suppress

from executor.agent import Agent, Report, not_learned
from executor.durable import RunCancelled, StepUnsure
from executor.review import ApprovalNeeded
from executor.runs import Runs
from executor.settings import Settings
from htn.errors import ExecutionError, HtnError, LimitReached, ServiceMissing, Trouble, UsageError, told
from htn.failure import Failure
from mcp_server.answers import no_plan
from mcp_server.job import CANCELLED, INTERRUPTED, Job, Stopped
from mcp_server.stored import differences
from mcp_server.works import changes_of, learnt_of

_MAY_GO_ON = (LimitReached, ServiceMissing, StepUnsure)


def work(job: Job, settings: Settings) -> None:
    """Do the work of a job, and say where it stands afterwards. Raises nothing."""
    try:
        with Agent(settings, job.listener(), job.review) as agent:
            _learn(job, agent) if job.wanted.kind == "learn" else _run(job, agent)
    except (Stopped, RunCancelled):
        _cancelled(job, settings)
    except KeyboardInterrupt:
        job.become("paused", INTERRUPTED)
    except ApprovalNeeded as error:
        job.become("waiting", error.trouble, proposal=job.proposal)
    except HtnError as error:
        _cancelled(job, settings) if job.stopping else _failed(job, error)
    except Exception as error:  # noqa: BLE001  # what arrives here is our own bug, and the client is told
        job.become("failed", Trouble("bug", 1, f"this is a bug of ours: {told(error)}"))


def _cancelled(job: Job, settings: Settings) -> None:
    if job.wanted.kind == "run":
        # It may not have been written down, and ends all the same.
        with suppress(HtnError), Agent(settings) as agent:
            Runs(agent.store, keep_days=settings.keep_runs).cancel(job.handle, "asked for over MCP")
    job.become("cancelled", CANCELLED)


def _failed(job: Job, error: HtnError) -> None:
    if job.wanted.kind == "run" and isinstance(error, _MAY_GO_ON):
        job.become("paused", error.trouble)
    else:
        job.become("failed", error.trouble)


def _run(job: Job, agent: Agent) -> None:
    wanted = job.wanted
    first = Runs(agent.store).show(job.handle).record.first_state() if job.goes_on else wanted.state
    try:
        report = _carried_out(job, agent)
    except ExecutionError as error:
        if agent.store.runs().cancelling(job.handle) is not None:
            raise RunCancelled(f"the run {job.handle} was cancelled") from error
        raise
    trouble, learned = _trouble(report), tuple(map(learnt_of, report.learned))
    if trouble is not None:
        paused = isinstance(report.result, Failure) and isinstance(report.result.stopped, _MAY_GO_ON)
        job.become("paused" if paused else "failed", trouble, learned)
        return
    job.become("done", None, learned, changes_of(wanted.domain, differences(first, report.state)))


def _carried_out(job: Job, agent: Agent) -> Report:
    wanted = job.wanted
    if job.goes_on:
        return agent.resume(job.handle, domain=wanted.domain)
    job.goes_on = True  # from here on the run is written down
    return agent.run(wanted.domain, wanted.tasks, wanted.state.copy(), run_id=job.handle)


def _learn(job: Job, agent: Agent) -> None:
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


def _trouble(report: Report) -> Trouble | None:
    """Return why a run did not end well, or None."""
    if isinstance(report.result, Failure):
        if report.learned and report.learned[-1].version is None:
            return not_learned(report.learned[-1]).trouble
        return no_plan(report.result)
    if report.run is None or not report.run.failed:
        return None
    step = report.run.failed
    found = step.trouble or Trouble("execution", 4, step.detail)
    said = f"the step {step.action} failed: {found.message}"
    return Trouble(found.code, found.exit_code, said, found.where, found.hints)
