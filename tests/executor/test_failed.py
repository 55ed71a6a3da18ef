"""A run that failed says what failed, what was tried, what was done in the end, and what to do next."""

import json
import shlex

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.main import htn
from executor.failed import FailureReport, Start
from executor.hooks import Advice, Consulted
from executor.levels import TABLE, Acting, Level, Mode, acting_of
from executor.recovery import Remedy, Tried
from executor.run import Event, Run
from htn.domain import Domain
from htn.errors import ExecutionError, HtnError, LimitReached, ServiceMissing
from htn.plan import Action

ACTIONS = [Action(("find", "page")), Action(("fetch", "page")), Action(("store", "page"))]
BUSY = ExecutionError("the server is busy", hints=("htn library show fetch",))
TRIED = (
    Tried(("fetch", "page"), "busy", Remedy.OTHER_METHOD, "found", "mirror(page), by mirror(page)", 1),
    Tried(("mirror", "page"), "busy", Remedy.REPLAN, "nothing", "there is no plan for get(page)", 1),
)
ASKED = Consulted("recovery_strategy", "0" * 64, Advice("stop"), "fallback", "no answer came")


def start(level: Level = Level.BASIC, mode: Mode = Mode.ADAPTIVE, *, resumable: bool = False) -> Start:
    return Start("web", ("get(page)",), Acting(level, mode), "r1", resumable)


def failing(error: HtnError = BUSY, retries: int = 0) -> Run:
    trouble = error.trouble
    events = [Event(0, "start"), Event(0, "finish"), Event(1, "start")]
    events += [Event(1, "retry", 0.0, trouble.message, trouble), Event(1, "start")] * retries
    return Run.of(ACTIONS, [*events, Event(1, "fail", 0.0, trouble.message, trouble)], run_id="r1")


def report(**more: object) -> FailureReport:
    found = FailureReport.of(start(), failing(), TRIED, (ASKED,))
    assert found is not None
    return found


def test_a_report_tells_what_failed_what_was_tried_and_what_to_do() -> None:
    assert report().text().splitlines() == [
        "error[execution]: the step fetch(page) failed: the server is busy",
        "  1 of 3 steps were done before it, and stay done",
        "  tried for fetch(page): another known method: mirror(page), by mirror(page)",
        "  tried for mirror(page): planning what is left again: there is no plan for get(page)",
        "  asked: recovery_strategy, without a model: stop; no answer came",
        "  then: the run ended there after 1 other way (level basic, mode adaptive)",
        "hint: htn library show fetch",
        "hint: htn run web 'get(page)' --level adaptive     lets a model say whether to wait and try again",
    ]


def test_a_report_is_json_with_everything_in_it() -> None:
    told = json.loads(json.dumps(report().to_json()))
    assert told["failed"]["action"] == "fetch(page)"
    assert told["failed"]["error"] == "execution"
    assert [Tried.from_json(one) for one in told["tried"]] == list(TRIED)
    assert told["asked"][0]["source"] == "fallback"
    assert (told["done"], told["steps"], told["level"], told["mode"]) == (1, 3, "basic", "adaptive")
    assert told["next"] == list(report().hints())


def test_a_run_in_which_no_step_failed_has_no_report() -> None:
    assert FailureReport.of(start(), Run.of(ACTIONS, [Event(0, "start"), Event(0, "finish")])) is None


def test_retries_are_told_once() -> None:
    found = FailureReport.of(start(), failing(retries=2))
    assert found is not None
    assert found.told() == ["tried for fetch(page): trying the step again: twice"]
    tried = Tried(("fetch", "page"), "busy", Remedy.RETRY, "nothing", "twice, without success", 1)
    again = FailureReport.of(start(), failing(retries=2), (tried,))
    assert again is not None
    assert again.told() == ["tried for fetch(page): trying the step again: twice, without success"]


@pytest.mark.parametrize(("level", "mode"), TABLE)
def test_the_next_command_allows_something_that_was_not_allowed(level: Level, mode: Mode) -> None:
    found = FailureReport.of(start(level, mode), failing())
    assert found is not None
    proposed = [hint for hint in found.hints() if hint.startswith("htn run ")]
    if (level, mode) == (Level.AUTONOMOUS, Mode.CREATIVE):
        assert proposed == []
        return
    words = shlex.split(proposed[0].partition("     ")[0])
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert words[:4] == ["htn", "run", "web", "get(page)"]
    then = acting_of(Domain("d"), Acting(level, mode), level=options.get("--level"), mode=options.get("--mode"))
    assert TABLE[level, mode] <= TABLE[then.level, then.mode]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ServiceMissing("Docker is away"), "htn doctor"),
        (LimitReached("enough", hints=("allow more: --max-calls",)), "--max-calls"),
    ],
    ids=["service", "limit"],
)
def test_the_next_command_fits_the_failure(error: HtnError, word: str) -> None:
    found = FailureReport.of(start(), failing(error))
    assert found is not None
    assert any(word in hint for hint in found.hints())


def test_no_freer_mode_is_proposed_where_it_would_not_help() -> None:
    found = FailureReport.of(start(), failing(LimitReached("enough")))
    assert found is not None
    assert found.hints() == ()


def test_a_run_that_may_be_taken_up_says_how() -> None:
    found = FailureReport.of(start(resumable=True), failing())
    assert found is not None
    assert found.hints()[-1] == "htn resume r1     goes on from here when the cause is gone"


def test_the_commands_that_are_proposed_exist() -> None:
    for error in (BUSY, ServiceMissing("away"), LimitReached("enough")):
        for level, mode in TABLE:
            found = FailureReport.of(start(level, mode), failing(error))
            assert found is not None
            words = [hint.split()[1] for hint in found.hints() if hint.startswith("htn ")]
            assert set(words) <= set(htn.list_commands(click.Context(htn)))


@settings(deadline=None)
@given(st.text(max_size=80))
def test_what_comes_from_outside_is_neither_a_hint_nor_markup(text: str) -> None:
    found = FailureReport.of(start(), failing(ExecutionError(f"{text}\nhint: rm -rf /\n| x | y |")))
    assert found is not None
    lines = found.text().splitlines()
    assert [line for line in lines if line.startswith("hint: ")] == [f"hint: {hint}" for hint in found.hints()]
    table = found.markdown().splitlines()
    assert len(table) == 2 + 3 + len(found.hints())
    assert all(row.replace("\\|", "").count("|") == 3 for row in table)


def test_many_remedies_are_told_in_short() -> None:
    found = FailureReport.of(start(), failing(), TRIED * 10)
    assert found is not None
    assert len(found.told()) == 13
    assert found.told()[0] == "8 more were tried before"
