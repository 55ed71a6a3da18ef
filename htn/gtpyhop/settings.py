"""What GTPyhop keeps in module globals: the current domain, how much is printed, how the search behaves.

There is one set for the process, as programs that set `gtpyhop.verbose` expect. A session puts its own set over it
while it works, in the context of the thread or task that it works in; so what one session sets, no other sees.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from htn.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from htn.gtpyhop.domain import Domain

COMMITTED: Final = "iterative_irrevocable_commitment"
STRATEGIES: Final = ("recursive_dfs", "iterative_greedy", "iterative_dfs_backtracking", COMMITTED)


@dataclass
class Settings:
    """How planning is done and what is printed. `strategy` is None after `reset_planning_strategy`."""

    domain: "Domain | None" = None
    verbose: int = 1
    strategy: str | None = "iterative_greedy"
    verify_goals: bool = True
    keep_idle: bool = False


@dataclass
class Process:
    """What all threads share: the settings that hold outside sessions, and the domains that were made."""

    settings: Settings = field(default_factory=Settings)
    domains: "list[Domain]" = field(default_factory=list)


PROCESS: Final = Process()
_SESSION: ContextVar[Settings | None] = ContextVar("gtpyhop_session", default=None)


def current() -> Settings:
    """Return the settings that hold here: those of the session at work, or of the process."""
    return _SESSION.get() or PROCESS.settings


@contextmanager
def overlaid(settings: Settings) -> Iterator[Settings]:
    """Let settings hold, in this context, until the block ends; assignments inside end with it too."""
    token = put_on(settings)
    try:
        yield settings
    finally:
        take_off(token)


def put_on(settings: Settings) -> Token[Settings | None]:
    """Let settings hold, in this context, until they are taken off."""
    return _SESSION.set(settings)


def take_off(token: Token[Settings | None]) -> None:
    """Let those settings hold again that held before."""
    _SESSION.reset(token)


def say(text: str = "", end: str = "\n") -> None:
    """Print: GTPyhop's programs and tests read what the planner prints."""
    print(text, end=end)  # noqa: T201  # the one place of `htn` that prints


def level(value: int) -> int:
    """Return a level of verbosity, 0 to 3. ValueError for others, as in GTPyhop."""
    if not 0 <= value <= 3:
        raise ValueError(f"verbose is 0, 1, 2 or 3, not {value!r}")
    return value


def set_verbose_level(value: int) -> None:
    """Set how much is printed: 0 nothing, 1 problem and answer, 2 every step, 3 the state after every action too."""
    current().verbose = level(value)
    say(f"Verbose level set to {value}.")


def get_verbose_level() -> int:
    """Return how much is printed."""
    return current().verbose


def set_verify_goals(value: object) -> bool:
    """Say whether a goal must hold after its method; return what was so before."""
    before, current().verify_goals = current().verify_goals, bool(value)
    return before


def get_verify_goals() -> bool:
    """Return whether a goal must hold after its method."""
    return current().verify_goals


def set_keep_idle_actions(value: object) -> bool:
    """Say whether actions that change nothing stay in the plan; return what was so before.

    GTPyhop 2 drops them; GTPyhop 1 and HDDL keep them.
    """
    before, current().keep_idle = current().keep_idle, bool(value)
    return before


def get_keep_idle_actions() -> bool:
    """Return whether actions that change nothing stay in the plan."""
    return current().keep_idle


def strategy_name(strategy: object) -> str:
    """Return the name of a strategy: True and False are GTPyhop's older way to write the first two."""
    if isinstance(strategy, bool):
        return STRATEGIES[0] if strategy else STRATEGIES[1]
    if not isinstance(strategy, str):
        raise TypeError(f"a strategy is a bool or a name, not {type(strategy).__name__}")
    if strategy not in STRATEGIES:
        raise UnknownStrategy(
            f"there is no strategy {strategy!r}",
            hints=did_you_mean(strategy, STRATEGIES) or (f"the strategies are {', '.join(STRATEGIES)}",),
        )
    return strategy


class UnknownStrategy(UsageError, ValueError):
    """A name that is no strategy; a ValueError, as in GTPyhop."""


def set_recursive_planning(strategy: bool | str, verbose_output: bool = False) -> None:
    """Choose the strategy. "recursive_dfs", "iterative_greedy" and "iterative_dfs_backtracking" are the same search.

    It is complete and needs no recursion. "iterative_irrevocable_commitment" does what its name says: the first
    method that applies is the only one that is tried. True and False mean the first and second name.
    """
    current().strategy = strategy_name(strategy)
    if verbose_output:
        say(f"Using {current().strategy}.")


def get_recursive_planning() -> bool:
    """Say whether the search goes back to other methods: it does, unless it is told to commit itself."""
    return _chosen() != COMMITTED


def reset_planning_strategy() -> None:
    """Forget the strategy: planning raises until one is set."""
    current().strategy = None


def _chosen() -> str:
    strategy = current().strategy
    if strategy is None:
        raise UsageError("no planning strategy is set", hints=("call set_recursive_planning first",))
    return strategy


def chosen_strategy() -> str:
    """Return the strategy that holds here. UsageError after `reset_planning_strategy`."""
    return _chosen()
