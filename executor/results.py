"""Results of pure bodies that are kept: a call that was made before is not made again.

A kept result stands for a call where all of this is the same: the program (code, entry point, language, form, files,
dependencies), what it runs on (`Sandbox.runs_on`: the image by content, the lock of its dependencies), the arguments,
the hash seed, the moment of the clock, and the profile of system calls. Arguments are compared in
the order in which they are given, objects in them too: a body can see that order.

Only a success is kept, and only where the body left its arguments as they were. Failures are tried again: memory and
time may have been short by chance.

What is read back is hostile until it is checked: the text goes through the strict reader, and one that has another
form, or is larger than this call allows, counts as not found.

What this does NOT do: find out whether a body is pure. The caller says so for each program; for one that draws lots
or looks at the clock the same answer would come for ever.
"""

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from executor.sandbox import JSON, Outcome, Profile, Program, RefusedError, Sandbox, SandboxLimits, read_strictly
from executor.sandbox.inside.plain import NotPlainError, as_plain
from executor.store import Results
from htn.errors import ServiceMissing

# Changes when the same call would be kept in another form.
_FORM = 1
_KEPT = ("value", "stdout", "stderr", "seconds", "level", "peak_memory")


def body_version(program: Program) -> str:
    """Return the version of a body: a hash of everything that the program says."""
    said = {each.name: getattr(program, each.name) for each in dataclasses.fields(program) if each.compare}
    return hashlib.sha256(_canonical(said).encode()).hexdigest()


def result_name(
    program: Program,
    runs_on: str,
    arguments: Mapping[str, JSON],
    *,
    hash_seed: int = 0,
    clock: float | None = None,
    profile: Profile = "strict",
) -> str:
    """Return the name under which the result of a call is kept: a hash of all that it may depend on.

    Raises `NotPlainError` for arguments that are not plain JSON.
    """
    given = as_plain(dict(arguments), "arguments")
    parts = [_FORM, body_version(program), runs_on, given, hash_seed, clock, profile]
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()


def to_text(outcome: Outcome) -> str:
    """Return what is kept of an outcome, as JSON."""
    return _canonical({name: getattr(outcome, name) for name in _KEPT})


def from_text(text: str, arguments: Mapping[str, JSON] | None, limits: SandboxLimits) -> Outcome | None:
    """Return the outcome that a kept text stands for, or None where it is none or breaks the limits of this call."""
    try:
        kept: Any = read_strictly(text.encode())
    except (RefusedError, UnicodeEncodeError):
        return None
    match kept:
        case {
            "value": value,
            "stdout": str(stdout),
            "stderr": str(stderr),
            "seconds": float(seconds),
            "level": str(level),
            "peak_memory": int() | None as peak_memory,
        } if seconds >= 0 and kept.keys() == set(_KEPT):
            printed = max(len(stdout.encode()), len(stderr.encode()))
            if printed > limits.output_bytes or len(_canonical(value)) > limits.result_bytes:
                return None
            return Outcome(value, None, stdout, stderr, False, seconds, level, arguments, peak_memory, cached=True)
    return None


class CachedSandbox:
    """A sandbox that makes no call twice for the programs that `pure` says are pure.

    A server that does not answer costs the saving, never the call: it is said once, and the calls go on without it.
    Closing this closes the sandbox below it, and leaves the store open.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        results: Results,
        *,
        pure: Callable[[Program], bool],
        on_trouble: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._sandbox = sandbox
        self._results = results
        self._pure = pure
        self._on_trouble = on_trouble
        self._said = False

    @property
    def level(self) -> str:
        """What fences a call."""
        return self._sandbox.level

    @property
    def limits(self) -> SandboxLimits:
        """What a call may use when it does not say."""
        return self._sandbox.limits

    @property
    def description(self) -> str:
        """One sentence for people about what fences a call."""
        return self._sandbox.description

    @property
    def covers(self) -> tuple[str, ...]:
        """What a body cannot do here."""
        return self._sandbox.covers

    @property
    def does_not_cover(self) -> tuple[str, ...]:
        """What this sandbox does not protect from."""
        return self._sandbox.does_not_cover

    def runs_on(self, program: Program) -> str:
        """What the program would run on, by content."""
        return self._sandbox.runs_on(program)

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Return what came of this call, now or earlier; see `Sandbox.call`."""
        allowed = limits or self.limits
        name, given = self._name(program, arguments, hash_seed, clock, allowed.profile)
        if name and (kept := self._kept(name, given, allowed)):
            return kept
        outcome = self._sandbox.call(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)
        self._keep(name, given, outcome)
        return outcome

    async def acall(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Do what `call` does without holding up the event loop; see `Sandbox.acall`."""
        allowed = limits or self.limits
        name, given = await asyncio.to_thread(self._name, program, arguments, hash_seed, clock, allowed.profile)
        if name and (kept := await asyncio.to_thread(self._kept, name, given, allowed)):
            return kept
        outcome = await self._sandbox.acall(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)
        await asyncio.to_thread(self._keep, name, given, outcome)
        return outcome

    def close(self) -> None:
        """Close the sandbox."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _name(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        hash_seed: int,
        clock: float | None,
        profile: Profile,
    ) -> tuple[str, Mapping[str, JSON] | None]:
        """Return the name of a result, and the arguments as a pure body leaves them: a script has none.

        There is no name for what is not to be kept.
        """
        if not self._pure(program):
            return "", None
        try:
            plain = as_plain(dict(arguments), "arguments")
            assert isinstance(plain, dict)
            on = self._sandbox.runs_on(program)
            name = result_name(program, on, plain, hash_seed=hash_seed, clock=clock, profile=profile)
        except (NotPlainError, ValueError):  # the sandbox says in its own words what is wrong with it
            return "", None
        return name, plain if program.form == "function" else None

    def _kept(self, name: str, given: Mapping[str, JSON] | None, limits: SandboxLimits) -> Outcome | None:
        try:
            text = self._results.get(name)
            if text is None:
                return None
            outcome = from_text(text, given, limits)
            if outcome is None:
                self._results.spoiled(name)
        except ServiceMissing as error:
            self._trouble(error)
            return None
        return outcome

    def _keep(self, name: str, given: Mapping[str, JSON] | None, outcome: Outcome) -> None:
        if not name or not outcome.ok or _canonical(outcome.arguments) != _canonical(given):
            return
        try:
            self._results.put(name, to_text(outcome))
        except ServiceMissing as error:
            self._trouble(error)

    def _trouble(self, error: ServiceMissing) -> None:
        if not self._said:
            self._said = True
            self._on_trouble(f"results are not kept: {error.message}")


def _canonical(value: object) -> str:
    """Return the one text that a JSON value has: no spaces, ASCII, the order of objects as it is."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_as_object)


def _as_object(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")
