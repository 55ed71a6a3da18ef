"""From a supervisor's reply to an outcome: what each way to end means.

ending    signal or status        category
timeout                           timeout
output                            output     it printed too much
result                            output     it returned too much
exit      with an answer          as the answer says, after the strict reader
exit      SIGXCPU                 timeout    the CPU limit
exit      SIGKILL                 memory     only the kernel does that, when memory runs out
exit      another signal          killed
exit      a status, no answer     killed
"""

import signal
from collections.abc import Mapping
from typing import Any

from executor.sandbox.protocol import Category, Outcome, Problem, SandboxLimits
from executor.sandbox.strict import RefusedError, read_strictly
from executor.sandbox.wire import Reply

# What a body's own process may claim; the rest is for the supervisor and the host to say.
_CLAIMS = (
    Category.SYNTAX,
    Category.IMPORT,
    Category.RUNTIME,
    Category.MEMORY,
    Category.PROTOCOL,
)


def read_outcome(reply: Reply, limits: SandboxLimits, level: str) -> Outcome:
    """Return what came of a call. Never raises, whatever the child answered."""
    value, arguments, problem = None, None, _ended(reply, limits)
    if problem is None:
        try:
            value, arguments, problem = _answered(read_strictly(reply.answer), reply.identity)
        except RefusedError as error:
            problem = Problem(Category.PROTOCOL, str(error))
    return Outcome(
        value=value,
        problem=problem,
        stdout=reply.stdout.decode("utf-8", "replace"),
        stderr=reply.stderr.decode("utf-8", "replace"),
        truncated=reply.ending == "output",
        seconds=reply.seconds,
        level=level,
        arguments=arguments,
        peak_memory=reply.peak_memory,
    )


def failed(category: Category, message: str, level: str, *, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a call that left nothing but a problem."""
    return Outcome(None, Problem(category, message), "", "", False, seconds, level)


def starved(reply: Reply) -> bool:
    """Whether the kernel killed the call because memory ran out."""
    return reply.ending == "exit" and reply.signalled and reply.status == signal.SIGKILL


def _ended(reply: Reply, limits: SandboxLimits) -> Problem | None:
    """Return the problem that the way of ending is, or None when there is an answer to read."""
    if reply.ending == "timeout":
        return Problem(Category.TIMEOUT, f"the call ran longer than {limits.seconds:g} s")
    if reply.ending == "output":
        printed = f"the call printed more than {limits.output_bytes} bytes"
        return Problem(Category.OUTPUT, printed)
    if reply.ending == "result":
        returned = f"the call returned more than {limits.result_bytes} bytes"
        return Problem(Category.OUTPUT, returned)
    if reply.signalled:
        return _signalled(reply.status)
    if reply.status or not reply.answer:
        without = f"the process ended without an answer (exit status {reply.status})"
        return Problem(Category.KILLED, without)
    return None


def _signalled(number: int) -> Problem:
    if number == signal.SIGXCPU:
        return Problem(Category.TIMEOUT, "the call used up its processor time")
    if number == signal.SIGKILL:  # what `starved` says
        return Problem(Category.MEMORY, "the kernel killed the call: memory ran out")
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return Problem(Category.KILLED, f"the process was ended by {name}")


def _answered(answer: Any, identity: str) -> tuple[Any, Mapping[str, Any] | None, Problem | None]:
    match answer:
        case {"id": str(found), "value": value, "arguments": dict() | None as arguments} if (
            found == identity and len(answer) == 3
        ):
            return value, arguments, None
        case {"id": str(found), "problem": [str(category), str(message), str(trace)]} if (
            found == identity and category in _CLAIMS
        ):
            return None, None, Problem(Category(category), message, trace)
    raise RefusedError("the answer is not in the form of an answer")
