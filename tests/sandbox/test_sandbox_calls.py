import math
from collections.abc import Callable

import pytest

from executor.sandbox import Category, Kind, Outcome, Problem, Program, Sandbox, SandboxLimits
from htn.errors import UsageError
from tests.sandbox.conftest import EVERYWHERE

LEVELS = EVERYWHERE
Run = Callable[..., Outcome]


def category(problem: Problem | None) -> str:
    assert problem is not None
    return problem.category


def test_a_body_returns_its_value(run: Run) -> None:
    outcome = run("def body(a, b): return {'sum': a + b}", a=1, b=2)
    assert outcome.ok
    assert outcome.value == {"sum": 3}
    assert outcome.problem is None


def test_an_outcome_says_what_fenced_it(run: Run, level: Kind) -> None:
    outcome = run("def body(): return None")
    assert outcome.level == level
    assert outcome.seconds > 0


def test_arguments_are_passed_by_name(run: Run) -> None:
    outcome = run("def body(*, first, second=2): return [first, second]", first=1)
    assert outcome.value == [1, 2]


def test_a_wrong_argument_is_a_runtime_problem(run: Run) -> None:
    outcome = run("def body(first): return first", other=1)
    assert category(outcome.problem) == "runtime"
    assert "other" in str(outcome.problem)


def test_integers_and_floats_stay_what_they_are(run: Run) -> None:
    outcome = run("def body(x): return [1, 1.0, -0.0, True, x]", x=2.0)
    assert repr(outcome.value) == "[1, 1.0, -0.0, True, 2.0]"


def test_text_of_any_script_survives(run: Run) -> None:
    text = "naïve Ω 漢字 \U0001f600 \u2028 \x00"
    outcome = run("def body(text): return text", text=text)
    assert outcome.value == text
    assert outcome.arguments == {"text": text}


def test_a_tuple_comes_back_as_a_list_and_a_counter_as_an_object(run: Run) -> None:
    outcome = run("from collections import Counter\ndef body(): return (1, (2,)), Counter('aab')")
    assert outcome.value == [[1, [2]], {"a": 2, "b": 1}]


def test_the_arguments_come_back_as_the_body_left_them(run: Run) -> None:
    kept = run("def body(xs): return sorted(xs)", xs=[2, 1])
    changed = run("def body(xs): xs.sort(); return xs[0]", xs=[2, 1])
    assert kept.arguments == {"xs": [2, 1]}
    assert changed.arguments == {"xs": [1, 2]}


def test_arguments_that_are_no_longer_json_are_a_protocol_problem(run: Run) -> None:
    outcome = run("def body(xs): xs.append({1})", xs=[])
    assert category(outcome.problem) == "protocol"
    assert "arguments" in str(outcome.problem)


def test_large_arguments_and_results_arrive_whole(run: Run) -> None:
    numbers = list(range(200_000))
    outcome = run("def body(numbers): return numbers[::-1]", numbers=numbers)
    assert outcome.value == numbers[::-1]
    assert outcome.arguments == {"numbers": numbers}


def test_stdout_and_stderr_are_kept_apart(run: Run) -> None:
    outcome = run("import sys\ndef body():\n    print('out')\n    print('err', file=sys.stderr)")
    assert (outcome.stdout, outcome.stderr) == ("out\n", "err\n")
    assert not outcome.truncated


def test_what_was_printed_before_a_problem_is_kept(run: Run) -> None:
    outcome = run("def body():\n    print('so far')\n    raise ValueError('no')")
    assert outcome.stdout == "so far\n"
    assert category(outcome.problem) == "runtime"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_more_output_than_allowed_is_cut_and_ends_the_call(sandbox: Sandbox, stream: str) -> None:
    code = f"import sys\ndef body():\n    sys.{stream}.write('x' * 3000)\n    return 1"
    limits = SandboxLimits(output_bytes=1000)
    outcome = sandbox.call(Program(code, "body"), {}, limits=limits)
    assert category(outcome.problem) == "output"
    assert outcome.truncated
    assert getattr(outcome, stream) == "x" * 1000
    assert outcome.value is None


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ("syntax", "def body(:"),
        ("syntax", "def body(): return '\0'"),
        ("import", "import no_such_module"),
        ("import", "def body():\n    from math import no_such_name"),
        ("runtime", "def body(): return 1 / 0"),
        ("runtime", "def body(): raise SystemExit(3)"),
        ("runtime", "def body(): raise KeyboardInterrupt"),
        ("runtime", "def body(): return body()"),
        ("runtime", "other = 1"),
        ("runtime", "body = 1"),
        ("timeout", "def body():\n    while True: pass"),
        ("timeout", "import time\ndef body(): time.sleep(60)"),
        ("memory", "def body(): return bytearray(10**9)"),
        ("output", "def body(): return 'x' * 10**7"),
        ("killed", "import os\ndef body(): os._exit(0)"),
        ("killed", "import os\ndef body(): os._exit(7)"),
        ("killed", "import ctypes\ndef body(): ctypes.string_at(0)"),
        ("protocol", "def body(): return {1, 2}"),
    ],
)
def test_each_way_to_fail_has_its_category(run: Run, level: Kind, expected: str, code: str) -> None:
    if level == "wasm" and "ctypes" in code:
        expected = "import"  # there is none
    outcome = run(code, seconds=1)
    assert category(outcome.problem) == expected
    assert not outcome.ok
    assert outcome.value is None
    assert outcome.arguments is None
    assert outcome.problem is not None
    assert outcome.problem.message


def test_a_language_that_does_not_exist_here_is_a_problem_of_the_environment(sandbox: Sandbox) -> None:
    outcome = sandbox.call(Program("puts 1", "body", "ruby"), {})
    assert category(outcome.problem) == "environment"
    assert "python" in str(outcome.problem)


def test_a_traceback_shows_the_lines_of_the_body_and_nothing_around_them(run: Run) -> None:
    outcome = run("def helper(x):\n    return x['missing']\ndef body():\n    return helper({})")
    assert outcome.problem is not None
    assert outcome.problem.message == "KeyError: 'missing'"
    assert "return x['missing']" in outcome.problem.traceback
    assert "executor" not in outcome.problem.traceback


def test_dataclasses_with_textual_annotations_work(run: Run) -> None:
    code = """
        from __future__ import annotations
        from dataclasses import asdict, dataclass
        @dataclass
        class Point:
            x: int
        def body():
            return asdict(Point(1))
    """
    assert run(code).value == {"x": 1}


def test_threads_work_but_in_webassembly_which_has_none(run: Run, level: Kind) -> None:
    code = """
        from concurrent.futures import ThreadPoolExecutor
        def body():
            with ThreadPoolExecutor(3) as pool:
                return list(pool.map(abs, [-1, -2]))
    """
    outcome = run(code)
    if level == "wasm":
        assert category(outcome.problem) == "runtime"
    else:
        assert outcome.value == [1, 2]


@pytest.mark.parametrize("module", ["json", "re", "decimal", "datetime", "statistics", "sqlite3", "zlib", "uuid"])
def test_the_standard_library_can_be_imported(run: Run, module: str) -> None:
    assert run(f"import {module}\ndef body(): return {module}.__name__").value == module


def test_random_numbers_differ_from_call_to_call(run: Run) -> None:
    code = "import random\ndef body(): return random.random()"
    assert run(code).value != run(code).value


ORDER_OF_A_SET = "def body(): return list({str(n) for n in range(50)})"


def test_the_same_hash_seed_gives_the_same_order_and_another_one_another(run: Run, level: Kind) -> None:
    first, again, other = (run(ORDER_OF_A_SET, hash_seed=seed).value for seed in (0, 0, 1))
    assert first == again
    assert (first != other) == (level != "wasm")  # there the order is always the same, and the level says so


def test_a_call_at_another_moment_sees_another_clock_everywhere(run: Run) -> None:
    code = """
        import datetime, time, uuid
        from datetime import datetime as moment
        def body():
            return [
                time.time(), time.time_ns() / 1e9, time.clock_gettime(time.CLOCK_REALTIME),
                time.mktime(time.localtime()), datetime.datetime.now().timestamp(),
                datetime.datetime.now(datetime.timezone.utc).timestamp(), moment.now().timestamp(),
                datetime.datetime.today().timestamp(),
            ], [
                time.gmtime().tm_year, int(time.strftime("%Y")), int(time.ctime()[-4:]),
                int(time.asctime()[-4:]), datetime.date.today().year,
                datetime.datetime.utcnow().year,
            ]
    """
    outcome = run(code, clock=1e9)
    assert isinstance(outcome.value, list)
    moments, years = outcome.value
    assert all(1e9 - 1 <= moment < 1e9 + 60 for moment in moments)
    assert set(years) == {2001}


def test_dates_of_a_shifted_clock_are_still_dates(run: Run) -> None:
    code = """
        import copy, datetime
        def body():
            now, day = datetime.datetime.now(), datetime.date.today()
            one = datetime.timedelta(days=1)
            return [
                isinstance(now, datetime.datetime), isinstance(now, datetime.date),
                isinstance(day, datetime.date), isinstance(day, datetime.datetime),
                isinstance(now.date(), datetime.date), now + one > now, day + one > day,
                now.date() == day, copy.deepcopy(now) == now,
                datetime.date(2020, 1, 2).isoformat(), type(now).__name__,
            ]
    """
    yes = [True, True, True, False, True, True, True, True, True]
    assert run(code, clock=1e9).value == [*yes, "2020-01-02", "datetime"]


def test_without_a_moment_the_clock_is_the_machines(run: Run) -> None:
    value = run("import time\ndef body(): return time.time()").value
    assert isinstance(value, float)
    assert value > 1.6e9


@pytest.mark.parametrize("value", [math.nan, math.inf, {1: 2}, {1, 2}, b"x", "\ud800", object()])
def test_arguments_that_are_not_json_are_refused_before_anything_runs(sandbox: Sandbox, value: object) -> None:
    with pytest.raises(UsageError, match="plain JSON"):
        sandbox.call(Program("def body(x): return x", "body"), {"x": value})  # type: ignore[dict-item]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_hash_seed_out_of_range_is_refused(sandbox: Sandbox, seed: int) -> None:
    with pytest.raises(UsageError, match="hash seed"):
        sandbox.call(Program("", "body"), {}, hash_seed=seed)


@pytest.mark.parametrize("moment", [-1.0, math.nan, math.inf, 1e12])
def test_a_clock_out_of_range_is_refused(sandbox: Sandbox, moment: float) -> None:
    with pytest.raises(UsageError, match="clock"):
        sandbox.call(Program("", "body"), {}, clock=moment)


def test_a_call_cannot_have_more_memory_than_its_sandbox(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match="512 MB"):
        sandbox.call(Program("", "body"), {}, limits=SandboxLimits(memory_mb=512))


@pytest.mark.parametrize(
    ("name", "value"),
    [("seconds", 0), ("seconds", math.nan), ("memory_mb", 1), ("output_bytes", -1)],
)
def test_limits_that_make_no_sense_cannot_be_made(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        SandboxLimits(**{name: value})  # type: ignore[arg-type]


def test_the_categories_are_those_that_are_stored() -> None:
    names = "syntax import runtime timeout memory output killed protocol environment"
    assert [str(each) for each in Category] == names.split()


def test_a_sandbox_describes_itself_and_what_it_does_not_cover(sandbox: Sandbox) -> None:
    assert sandbox.description.lower().startswith(sandbox.level)
    assert sandbox.covers
    assert sandbox.does_not_cover
