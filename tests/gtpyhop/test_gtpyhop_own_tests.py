"""GTPyhop's own checks and doctests, run on ours as they come.

Expected counts are part of the tests, so that nothing is left out in silence. Of the 842 doctests 20 say that there is
no plan where GTPyhop's default strategy, which never goes back, finds none; the complete search finds one.
"""

import doctest
import importlib
import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import htn.gtpyhop as ours
from htn.gtpyhop.settings import COMMITTED, STRATEGIES

COMPLETE = STRATEGIES[:3]
ALL_CHECKS, ALL_DOCTESTS = 65, 842

# Which of the doctests say that the strategy that never goes back has no plan.
WITHOUT_GOING_BACK = {
    "android_netrunner": ["g3", "g6"],
    "control_arena_protocols/adversarial_protocol": ["g2"],
    "control_arena_protocols/defer_to_resample_protocol": ["g2"],
    "control_arena_protocols/defer_to_trusted_protocol": ["g2", "g4", "g5"],
    "cybersecurity_attack_planning": ["g4", "g7", "g8", "g9"],
    "poetry/backtracking_poetry": ["g2"],
    "poetry/feature_space_poetry": ["g1", "g3", "g5", "g7", "g9", "g11"],
    "poetry/replanning_poetry": ["g1", "g2"],
}
# Which of the doctests count on actions that change nothing being dropped.
WITHOUT_IDLE_ACTIONS = {"android_netrunner": ["r3", "r6"]}

pytestmark = pytest.mark.usefixtures("bound")


@pytest.mark.parametrize("strategy", COMPLETE)
def test_all_regression_checks_pass_when_idle_actions_are_kept(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = _quietly(lambda: importlib.import_module("gtpyhop.test_harness"))
    checks: list[Any] = []
    check = harness.check_result

    def counted(*pair: Any) -> None:
        check(*pair)
        checks.append(pair)

    monkeypatch.setattr(harness, "check_result", counted)
    random.seed(1)  # one example acts with commands that fail by chance
    ours.verbose = 1
    ours.set_recursive_planning(strategy)
    ours.set_keep_idle_actions(True)

    _quietly(lambda: importlib.import_module("gtpyhop.examples.regression_tests").main())

    assert len(checks) == ALL_CHECKS


@pytest.mark.parametrize("strategy", COMPLETE)
def test_the_doctests_pass_but_for_those_in_which_gtpyhop_misses_a_plan(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _every_session(monkeypatch, strategy=strategy) as results:
        ran, failed = _run_doctests()

    assert ran == ALL_DOCTESTS
    assert failed == _sources(WITHOUT_GOING_BACK, "{}.success")
    for domain, state, result in results:
        with ours.PlannerSession(domain=domain).isolated_execution():
            assert not result.success or ours.validate_plan_from_goal(state, result.plan)
    assert len(results) == SEARCHES
    assert [result.error for *_, result in results if not result.success] == ["No plan found"] * NO_PLAN


# How many plans the doctests look for, and how many of these do not exist.
SEARCHES, NO_PLAN = 194, 50


def test_all_doctests_pass_when_a_session_without_a_strategy_commits_itself_as_in_gtpyhop() -> None:
    ours.set_recursive_planning(COMMITTED)

    assert _run_doctests() == (ALL_DOCTESTS, [])


def test_two_doctests_count_on_idle_actions_being_dropped() -> None:
    ours.set_recursive_planning(COMMITTED)
    ours.set_keep_idle_actions(True)

    assert _run_doctests() == (ALL_DOCTESTS, _sources(WITHOUT_IDLE_ACTIONS, "{0}.success, len({0}.plan)"))


def _quietly(deed: Callable[[], Any]) -> Any:
    with redirect_stdout(io.StringIO()):
        return deed()


def _sources(named: dict[str, list[str]], form: str) -> list[tuple[str, str]]:
    return [(module, form.format(name)) for module, names in named.items() for name in names]


@contextmanager
def _every_session(monkeypatch: pytest.MonkeyPatch, **forced: Any) -> Iterator[list[Any]]:
    """Give every session these settings, and keep what it was asked and what it found."""
    results: list[Any] = []

    class Session(ours.PlannerSession):
        def __init__(self, *names: Any, **settings: Any) -> None:
            super().__init__(*names, **{**settings, **forced})

        def find_plan(self, state: Any, *arguments: Any, **settings: Any) -> ours.PlanResult:
            before = deepcopy(state)
            result = super().find_plan(state, *arguments, **settings)
            assert state == before
            results.append((self.domain, state, result))
            return result

    monkeypatch.setattr(ours, "PlannerSession", Session)
    yield results
    monkeypatch.undo()


def _run_doctests() -> tuple[int, list[tuple[str, str]]]:
    """Return how many doctests ran, and the module and source of each that failed."""
    ran, failed = 0, []
    for name, module in _problems():
        runner = _Runner()
        for test in doctest.DocTestFinder().find(module):
            ran += runner.run(test, out=lambda _: None).attempted
        failed += [(name, source) for source in runner.failed]
    return ran, failed


class _Runner(doctest.DocTestRunner):
    def __init__(self) -> None:
        super().__init__(verbose=False)
        self.failed: list[str] = []

    def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        self.failed.append(example.source.strip())

    def report_unexpected_exception(self, out: Any, test: Any, example: doctest.Example, exc_info: Any) -> None:
        self.failed.append(f"{example.source.strip()} raised {exc_info[1]!r}")


def _problems() -> Iterator[tuple[str, ModuleType]]:
    for folder in ours.__path__:
        examples = Path(folder, "examples")
        for file in sorted(examples.rglob("problems.py")):
            if ">>>" in file.read_text(encoding="utf-8"):
                name = file.parent.relative_to(examples)
                dotted = ".".join(("gtpyhop", "examples", *name.parts, "problems"))
                yield str(name), _quietly(partial(importlib.import_module, dotted))
