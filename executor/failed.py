"""What a run that failed says: what failed, what was tried, what was done instead, and which command to try next.

    error[execution]: the step fetch(page) failed: the server is busy
      2 of 5 steps were done before it, and stay done
      tried for fetch(page): trying the step again: 3 times, without success
      tried for fetch(page): another known method: there is no other method that applies
      asked: recovery_strategy, without a model: …; no answer came within 120 s
      then: the run ended there (level adaptive, mode adaptive)
    hint: htn run … --level autonomous --mode creative     lets a model replace what is left by other known tasks

It is data first; a person gets it as text, a program as JSON, a document as Markdown. What any of it quotes from
outside is made visible.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from executor.hooks import Consulted
from executor.levels import Acting, Level, Mode
from executor.recovery import Tried
from executor.run import Run, StepState
from executor.told import times
from htn.errors import Trouble, visible

_MOST_TRIED = 12


@dataclass(frozen=True)
class Start:
    """How the run was started: the domain and the tasks as a person types them, its level and mode, and its id.

    `resumable` says that another process may take the run up where it ended.
    """

    domain: str
    tasks: tuple[str, ...]
    acting: Acting
    run_id: str = ""
    resumable: bool = False

    def again(self, options: str) -> str:
        """Return the command that starts the same run with other options."""
        return f"htn run {shlex.join([self.domain, *self.tasks])} {options}"


@dataclass(frozen=True)
class FailureReport:
    """A run that failed. `action` is the step that failed; `done` of `steps` steps were done."""

    start: Start
    action: str
    trouble: Trouble
    done: int
    steps: int
    retries: int = 0
    tried: tuple[Tried, ...] = ()
    consulted: tuple[Consulted[Any], ...] = ()

    @classmethod
    def of(
        cls, start: Start, run: Run, tried: Sequence[Tried] = (), consulted: Sequence[Consulted[Any]] = ()
    ) -> "FailureReport | None":
        """Return the report of a run, or None where no step of it failed."""
        step = run.failed
        if step is None:
            return None
        done = sum(each.state is StepState.DONE for each in run.steps)
        trouble = step.trouble or Trouble("execution", 4, step.detail)
        return cls(start, str(step.action), trouble, done, len(run.steps), step.retries, tuple(tried), tuple(consulted))

    @property
    def message(self) -> str:
        """What failed, in a sentence."""
        return f"the step {self.action} failed: {self.trouble.message}"

    @property
    def ended(self) -> str:
        """What was done in the end."""
        gone = [one for one in self.tried if one.came == "found"]
        after = f" after {len(gone)} other way{'' if len(gone) == 1 else 's'}" if gone else ""
        return f"the run ended there{after} ({self.start.acting})"

    def told(self) -> list[str]:
        """Return what was tried and asked, a line each, the last of many."""
        rows = [f"tried for {one.to_json()['failed']}: {one}" for one in self.tried]
        if self.retries and not any(one.remedy.name == "RETRY" for one in self.tried):
            rows.insert(0, f"tried for {self.action}: trying the step again: {times(self.retries)}")
        rows += [f"asked: {one}" for one in self.consulted]
        left_out = len(rows) - _MOST_TRIED
        return rows if left_out <= 0 else [f"{left_out:,} more were tried before", *rows[-_MOST_TRIED:]]

    def hints(self) -> tuple[str, ...]:
        """Return what to do next, the commands that apply."""
        found = list(self.trouble.hints)
        if self.trouble.code == "service":
            found.append("htn doctor     says which service does not answer")
        found += self._freer() if self.trouble.code in ("execution", "contract", "service", "answer") else []
        if self.start.resumable and self.start.run_id:
            found.append(f"htn resume {self.start.run_id}     goes on from here when the cause is gone")
        return tuple(dict.fromkeys(found))

    def _freer(self) -> list[str]:
        """Return the command that allows the next thing that was not allowed."""
        acting = self.start.acting
        if acting.mode is Mode.STRICT:
            return [self.start.again("--mode adaptive") + "     lets other known ways be tried"]
        if acting.level is Level.BASIC:
            return [self.start.again("--level adaptive") + "     lets a model say whether to wait and try again"]
        if acting.level is not Level.AUTONOMOUS or acting.mode is not Mode.CREATIVE:
            return [
                self.start.again("--level autonomous --mode creative")
                + "     lets a model replace what is left by other known tasks"
            ]
        return []

    def text(self) -> str:
        """Return it as a person reads it."""
        lines = [f"error[{self.trouble.code}]: {visible(self.message, lines=True)}".replace("\n", "\n  ")]
        if self.trouble.where:
            lines.append(f"  in {visible(self.trouble.where)}")
        lines.append(f"  {self.done:,} of {self.steps:,} steps were done before it, and stay done")
        lines += [f"  {visible(row)}" for row in self.told()]
        lines.append(f"  then: {self.ended}")
        lines += [f"hint: {visible(hint)}" for hint in self.hints()]
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return it as a document shows it: what comes from outside stands in code, so that none of it is markup."""
        rows = [("failed", self.message), ("done", f"{self.done:,} of {self.steps:,} steps")]
        rows += [("tried", row) for row in self.told()]
        rows += [("then", self.ended), *(("next", hint) for hint in self.hints())]
        table = [f"| {what} | {_code(said)} |" for what, said in rows]
        return "\n".join(["| what | said |", "|---|---|", *table]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "run_id": self.start.run_id,
            "level": str(self.start.acting.level),
            "mode": str(self.start.acting.mode),
            "failed": {"action": self.action, "retries": self.retries, **self.trouble.to_json()},
            "done": self.done,
            "steps": self.steps,
            "tried": [one.to_json() for one in self.tried],
            "asked": [one.to_json() for one in self.consulted],
            "then": self.ended,
            "next": list(self.hints()),
        }


def _code(text: str) -> str:
    """Return a text as code in a cell of a table: marks longer than any in it stand around it."""
    shown = visible(text).replace("|", "\\|")
    longest = max((len(run) for run in _runs_of_marks(shown)), default=0)
    marks = "`" * (longest + 1)
    return f"{marks} {shown} {marks}" if longest else f"{marks}{shown}{marks}"


def _runs_of_marks(text: str) -> list[str]:
    return "".join(each if each == "`" else " " for each in text).split()
