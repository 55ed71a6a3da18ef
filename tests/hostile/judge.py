"""Whether a program was held: its ending is one that is allowed, the next call is right, the host is as it was."""

from dataclasses import dataclass

from executor.sandbox import JSON, Category, Outcome, Program, Sandbox, SandboxLimits
from htn.errors import ServiceMissing
from tests.hostile.host import Host
from tests.hostile.program import ABSENT, CONTAINED, REFUSED, VALUE, Hostile
from tests.hostile.programs.languages import ORDINARY

# Levels whose Python is a whole one of Linux: there, "absent" would be a slip of the program that tries.
_WHOLE = ("docker", "lockdown")
# What WebAssembly has something of its own for, which leads nowhere: files and descriptors of its own memory, sockets
# that connect to nothing, a name server that says the name back, an environment of the interpreter's three variables;
# and the answer does not travel by a descriptor that could be closed.
_STAND_INS = frozenset({
    "another mode for its folder", "closing all descriptors", "the answer's descriptor closed",
    "other descriptors than its own", "a name by DNS", "a socket of the file system", "a pair of sockets",
    "the environment",
})  # fmt: skip

# What a call sees that nothing happened before: a result that depends on much of the interpreter, and what could be
# left. The first answer of a fresh sandbox is what every later one must be.
PROBE = """
import builtins, decimal, json, math, os, re, sys, warnings
def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return None
def body(given):
    marks = [hasattr(each, "mark") for each in (builtins, math, json, sys)]
    found = {"files": [names("/tmp"), names("/dev/shm")], "marks": marks}
    found["processes"] = len([name for name in names("/proc") or [] if name.isdigit()])
    found["modules"] = ["mark" in sys.modules, "/mark" in sys.path, sys.modules.get("json") is json]
    found["environment"] = dict(os.environ)
    found["settings"] = [sys.getrecursionlimit(), decimal.getcontext().prec, len(warnings.filters)]
    found["work"] = [sorted(given), re.sub("a+", "b", "caat"), math.factorial(20), 7 + 0, str(None), json.dumps(given)]
    print("printed")
    return found
"""
_GIVEN = [3, 1, 2]
_WORK: JSON = [[1, 2, 3], "cbt", 2432902008176640000, 7, "None", "[3, 1, 2]"]


@dataclass(frozen=True)
class Seen:
    """What was observed of one program: how it ended, and why it is not held when it is not."""

    ended: str
    why: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether all was well."""
        return not self.why


def probe(sandbox: Sandbox) -> JSON:
    """Make an ordinary call; return all of it that must be the same each time."""
    outcome = sandbox.call(Program(PROBE, "body"), {"given": _GIVEN})
    return {
        "value": outcome.value,
        "problem": str(outcome.problem) if outcome.problem else None,
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
        "arguments": dict(outcome.arguments or {}),
    }


def is_right(first: JSON) -> bool:
    """Say whether the answer of a fresh sandbox is what the probe computes."""
    match first:
        case {"value": {"work": work}, "problem": None, "stdout": "printed\n", "stderr": "", "arguments": arguments}:
            return work == _WORK and arguments == {"given": _GIVEN}
    return False


def run(hostile: Hostile, sandbox: Sandbox, host: Host) -> Outcome:
    """Run a program; an argument that names a place on the host becomes that place."""
    given = {name: host.places.get(v, v) if isinstance(v, str) else v for name, v in hostile.arguments.items()}
    limits = SandboxLimits(seconds=hostile.seconds)
    return sandbox.call(Program(hostile.code, "body", hostile.language), given, limits=limits)


def judge(hostile: Hostile, outcome: Outcome, level: str) -> Seen:
    """Say how a program ended, and what about it must not be."""
    wrong: list[str] = []
    ended = VALUE if outcome.problem is None else str(outcome.problem.category)
    if level not in _WHOLE:
        return _judged_elsewhere(hostile, outcome, ended)
    if ended not in hostile.ends_allowed(level):
        allowed = " or ".join(hostile.ends_allowed(level))
        wrong.append(f"it ended with {ended} ({outcome.problem or outcome.value!r:.200}) and not with {allowed}")
    elif ended == VALUE and outcome.value != hostile.value:
        wrong.append(f"it got {outcome.value!r:.200}")
    for what, expected, printed in (
        ("stdout", hostile.stdout, outcome.stdout),
        ("stderr", hostile.stderr, outcome.stderr),
    ):
        if expected is not None and printed != expected:
            wrong.append(f"{what} is {printed!r:.200}")
    if ended == VALUE and outcome.value in (REFUSED, ABSENT, CONTAINED):
        ended = str(outcome.value)
    return Seen(ended, tuple(wrong))


def _judged_elsewhere(hostile: Hostile, outcome: Outcome, ended: str) -> Seen:
    """Say how a program ended where there is no operating system to attack: a failure of its own is as good as any.

    What it got, if it got something, must be nothing of the host's.
    """
    if ended != VALUE or outcome.value in (REFUSED, ABSENT, CONTAINED, hostile.value):
        return Seen(str(outcome.value) if outcome.value in (REFUSED, ABSENT, CONTAINED) else ended)
    if hostile.name in _STAND_INS:
        return Seen("stand-in")
    return Seen(ended, (f"it got {outcome.value!r:.200}",))


def runs(sandbox: Sandbox, language: str) -> bool:
    """Say whether a sandbox runs ordinary programs of a language; False where it cannot have the language here."""
    try:
        outcome = sandbox.call(Program(ORDINARY[language], "body", language), {})
    except ServiceMissing:
        return False
    if outcome.problem is not None and outcome.problem.category == Category.ENVIRONMENT:
        return False
    assert outcome.value == 42, outcome
    return True
