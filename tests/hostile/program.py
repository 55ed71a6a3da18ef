"""A hostile program: what it is, what must happen to it, and helpers that write the many short ones.

A program ends with a value or with a category of problem. Each allowed ending is a word: `value` or the category. One
that tries something forbidden returns "refused" when it was refused, "absent" when its Python has no such thing,
"contained" when it got a little and no more, and else what it got. Whatever it does, the next call must be right and
the host must be as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent, indent

from executor.sandbox import JSON

REFUSED, ABSENT, CONTAINED = "refused", "absent", "contained"
VALUE = "value"


@dataclass(frozen=True)
class Hostile:
    """One program. `ends` are the ways in which it may end; with a value, it must be `value`.

    `ends_at` replaces `ends` at a level that ends it in another way. `stdout` and `stderr` are what must have been
    printed, where that is asked. `not_held` says why a level does not hold it: such a program must then not be held,
    and the table in the documents says so. In the arguments a text that is a key of `Host.places` stands for its value.
    """

    name: str
    code: str
    ends: tuple[str, ...] = (VALUE,)
    value: JSON = REFUSED
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    seconds: float = 3.0
    language: str = "python"
    ends_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stdout: str | None = None
    stderr: str | None = None
    not_held: Mapping[str, str] = field(default_factory=dict)

    def ends_allowed(self, level: str) -> tuple[str, ...]:
        """Return the ways in which it may end at a level."""
        return self.ends_at.get(level, self.ends)


def tries(name: str, attempt: str, setup: str = "pass", **settings: JSON) -> Hostile:
    """Return a program that tries one expression. Refused: the operating system says no."""
    code = f"""
def body({", ".join(settings)}):
    try:
{indent(dedent(setup).strip(), " " * 8)}
        got = {attempt}
    except OSError:
        return "refused"
    except (ImportError, NotImplementedError):
        return "absent"
    except AttributeError as error:
        if type(error.obj).__name__ != "module":
            raise
        return "absent"
    return repr(got)[:300]
"""
    return Hostile(name, code, arguments=settings)


def program(name: str, code: str, *ends: str, value: JSON = None, seconds: float = 3.0, **arguments: JSON) -> Hostile:
    """Return a program of several lines that must end in one of these ways; without any, with `value`."""
    return Hostile(name, dedent(code).strip() + "\n", ends or (VALUE,), value, arguments, seconds)


def endless(name: str, code: str) -> Hostile:
    """Return a program that must be stopped by the clock, within well under a second."""
    return program(name, code, "timeout", seconds=0.25)
