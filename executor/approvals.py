"""Code that a model wrote, and whether a person has allowed it to be run.

With `approve = always` no such code is run that nobody has looked at: not in a trial, not in a step, not while
planning. Whoever wants to run it gets a sandbox that asks first:

| what is known of the code              | what becomes of the call                                          |
|----------------------------------------|-------------------------------------------------------------------|
| it was allowed before, by anybody      | it is made                                                        |
| a person is asked, and allows it       | it is made, and the code is allowed from then on, in each process |
| a person is asked, and refuses         | CodeRefused: the gap stays open, or the step fails                |
| nobody can be asked                    | ApprovalNeeded: the code is kept, and the run waits               |

Code is told by its digest: language, form, text, the names of the packages it declares. So what was allowed in a trial
is allowed in every step, and one letter more has to be allowed anew.

What this does NOT do: say that the code is right. That is what the ladder and the contract are for.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from executor.review import ApprovalNeeded, Wait
from executor.sandbox import JSON, Outcome, Program, Sandbox, SandboxLimits, pins_of
from executor.store import Store
from htn.errors import ExecutionError, GapOpen, UsageError

DIGEST = re.compile(r"[0-9a-f]{64}")
_PACKAGE = re.compile(r"[A-Za-z0-9._-]+")
_MOST_REASON = 500


class Code(BaseModel):
    """Code as a person decides about it, and as it is kept while it waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    language: str
    form: str
    text: str
    files: dict[str, str] = {}
    packages: tuple[str, ...] = ()

    @classmethod
    def of(cls, program: Program) -> "Code":
        """Return what a person sees of a program. Packages count by their names: which wheel is used is known later."""
        names = sorted({found[0].lower() for each in program.dependencies if (found := _PACKAGE.match(each))})
        return cls(
            name=program.entry_point, language=program.language, form=program.form, text=program.code,
            files=dict(program.files), packages=tuple(names),
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """What the code is known by: 64 hexadecimal digits."""
        return sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def sections(self) -> list[tuple[str, list[str]]]:
        """Return what to show, in order: title and lines. The lines are hostile until they are made visible."""
        words = [
            f"{self.name or 'a script'}, code that a model wrote, has not been run yet",
            *([f"packages {', '.join(self.packages)}"] if self.packages else []),
            f"digest {self.digest}",
        ]
        texts = [(f"code ({self.language})", self.text), *((f"file {name}", text) for name, text in self.files.items())]
        return [("code", words), *((title, text.expandtabs().strip("\n").split("\n")) for title, text in texts)]


@dataclass(frozen=True)
class Allow:
    """Let it be run, in this and in every process."""

    who: str = ""
    why: str = ""


@dataclass(frozen=True)
class Refuse:
    """Do not run it."""

    reason: str
    who: str = ""


CodeReviewer: TypeAlias = Callable[[Code], Allow | Refuse | Wait]


class CodeRefused(GapOpen):
    """A person has refused to have code run."""


class Approvals:
    """Which code a person has allowed to be run, in one store."""

    def __init__(self, store: Store) -> None:
        self._allowed = store.allowed()

    def said(self, digest: str) -> dict[str, Any] | None:
        """Return who allowed code, when and why, or None for code that nobody has allowed."""
        text = self._allowed.said(digest)
        return None if text is None else cast("dict[str, Any]", json.loads(text))

    def allow(self, digest: str, allowed: Allow) -> None:
        """Let code be run from now on."""
        said = {
            "who": allowed.who or "somebody",
            "why": allowed.why.strip()[:_MOST_REASON],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._allowed.allow(digest, json.dumps(said))

    def keep(self, code: Code) -> None:
        """Keep code until a person decides, for thirty days."""
        self._allowed.keep(code.digest, code.model_dump_json())

    def waiting(self, digest: str) -> Code:
        """Return code that waits. UsageError where none does, ExecutionError where it is not what was kept."""
        text = self._allowed.waiting(digest) if DIGEST.fullmatch(digest) else None
        if text is None:
            raise UsageError(f"no code waits under {digest[:80]!r}", hints=("htn runs --open lists what waits",))
        try:
            code = Code.model_validate_json(text)
        except ValidationError as error:
            raise ExecutionError(f"the code that waits under {digest[:12]} cannot be read") from error
        if code.digest != digest:
            raise ExecutionError(f"the code that waits under {digest[:12]} is not what was kept: it was changed")
        return code


def approved(sandbox: Sandbox, approvals: Approvals, reviewer: CodeReviewer | None) -> Sandbox:
    """Return a sandbox that runs no code that a person has not allowed. Without `reviewer` nobody can be asked."""
    # It has all that the sandbox has, by `__getattr__`, which type checkers do not see.
    return cast("Sandbox", _ApprovedSandbox(sandbox, approvals, reviewer))


@dataclass
class _ApprovedSandbox:
    sandbox: Sandbox
    approvals: Approvals
    reviewer: CodeReviewer | None
    _known: set[str] = field(default_factory=set)
    _one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> object:
        return getattr(self.sandbox, name)

    def pins(self, program: Program) -> tuple[str, ...]:
        """What the declared packages come to; see `Pinning`."""
        return pins_of(self.sandbox, program)

    def call(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Return what came of a call of code that is allowed; see `Sandbox.call`."""
        self._require(Code.of(program))
        return self.sandbox.call(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)

    async def acall(
        self,
        program: Program,
        arguments: Mapping[str, JSON],
        *,
        limits: SandboxLimits | None = None,
        hash_seed: int = 0,
        clock: float | None = None,
    ) -> Outcome:
        """Return what came of a call of code that is allowed; see `Sandbox.acall`."""
        await asyncio.to_thread(self._require, Code.of(program))
        return await self.sandbox.acall(program, arguments, limits=limits, hash_seed=hash_seed, clock=clock)

    def _require(self, code: Code) -> None:
        """Return where code may be run. One thread asks at a time."""
        digest = code.digest
        with self._one_by_one:
            if digest in self._known or self.approvals.said(digest) is not None:
                self._known.add(digest)
                return
            decision = self.reviewer(code) if self.reviewer else Wait("nobody is there to be asked")
            if isinstance(decision, Wait):
                self.approvals.keep(code)
                raise needs_allowing(code, decision.reason)
            if isinstance(decision, Refuse):
                raise CodeRefused(
                    f"the code of {code.name or 'a script'} was refused: {decision.reason or 'no reason was given'}",
                    hints=("say in the domain what is wanted, by a description or an example, and run it again",),
                )
            self.approvals.allow(digest, decision)
            self._known.add(digest)


def needs_allowing(code: Code, reason: str) -> ApprovalNeeded:
    """Return the error that says that code waits to be run, and what to do with it."""
    return ApprovalNeeded(
        f"code that a model wrote for {code.name or 'a script'} is not run before a person has allowed it: {reason}",
        hints=(f"allow it: htn approve {code.digest} --why REASON",),
        waits_for={"code": code.digest, "name": code.name, "language": code.language},
    )
