"""What a kernel is, and what comes of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from executor.sandbox.jupyter.output import Error, Output, Stream
from executor.sandbox.protocol import Category, Problem

REPLIES_OF_CELLS_THAT_RAN = ("ok", "error")
"""What a kernel replies of a cell that it ran. One that was interrupted before it began gets none, or `aborted`."""


@dataclass(frozen=True)
class Cell:
    """What came of one cell.

    `outputs` are in the order in which they came. `problem` is None for a cell that ran to its end. `count` is the
    number that the kernel gave the cell, None where it gave none. `truncated` says that there was more output than
    allowed. `level` is what fenced it.
    """

    outputs: tuple[Output, ...]
    problem: Problem | None
    count: int | None
    seconds: float
    truncated: bool
    level: str

    @property
    def ok(self) -> bool:
        """Whether the cell ran to its end."""
        return self.problem is None

    @property
    def printed(self) -> str:
        """What the cell printed on its standard output."""
        return "".join(each.text for each in self.outputs if isinstance(each, Stream) and each.name == "stdout")


class Kernel(Protocol):
    """A kernel that keeps its variables from cell to cell, for one caller."""

    @property
    def level(self) -> str:
        """What fences it: docker, local or attached."""

    @property
    def description(self) -> str:
        """One sentence for people about what runs where."""

    @property
    def does_not_cover(self) -> tuple[str, ...]:
        """What this kernel does not protect from."""

    def run(self, code: str, *, seconds: float | None = None) -> Cell:
        """Run a cell, at most for so long; whatever it does is a `Cell`.

        A cell that takes too long is interrupted; where that does not help the kernel is lost, and the next cell says
        so. Raises `UsageError` when the kernel was closed.
        """

    def interrupt(self) -> None:
        """Interrupt the cell that runs, from another thread; does nothing when none does."""

    def close(self) -> None:
        """End the kernel and forget its variables. A second time does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def run_cells(kernel: Kernel, codes: Sequence[str], *, seconds: float | None = None) -> tuple[Cell, ...]:
    """Run several cells, one after the other, until one fails; return those that ran. `seconds` is for each."""
    ran: list[Cell] = []
    for code in codes:
        ran.append(kernel.run(code, seconds=seconds))
        if not ran[-1].ok:
            break
    return tuple(ran)


def problem_of(ending: str, outputs: Sequence[Output], seconds: float, most: int) -> Problem | None:
    """Return what an ending means: done, timeout, output, interrupted or dead."""
    raised = next((each for each in outputs if isinstance(each, Error)), None)
    if ending == "timeout":
        return Problem(Category.TIMEOUT, f"the cell ran longer than {seconds:g} s and was interrupted")
    if ending == "output":
        return Problem(Category.OUTPUT, f"the cell showed more than {most} bytes and was interrupted")
    if ending == "dead":
        return Problem(Category.KILLED, "the kernel ended during the cell; its variables are gone")
    if raised is None:
        if ending == "interrupted":
            return Problem(Category.RUNTIME, "KeyboardInterrupt: the cell was interrupted before it began")
        return None
    category = {
        "SyntaxError": Category.SYNTAX, "IndentationError": Category.SYNTAX, "MemoryError": Category.MEMORY,
        "ImportError": Category.IMPORT, "ModuleNotFoundError": Category.IMPORT,
    }.get(raised.name, Category.RUNTIME)  # fmt: skip
    return Problem(category, f"{raised.name}: {raised.message}", raised.traceback)
