"""The two forms of a program, its helper files, what is measured of a call, and the asynchronous twin."""

import asyncio
from textwrap import dedent

import pytest

from executor.sandbox import JSON, Outcome, Program, Sandbox, SandboxLimits
from htn.errors import UsageError
from tests.sandbox.conftest import EVERYWHERE

LEVELS = EVERYWHERE

SLEEP = Program("import time\ndef body():\n    time.sleep(60)", "body")


def script(sandbox: Sandbox, code: str, **context: JSON) -> Outcome:
    return sandbox.call(Program(dedent(code), form="script"), context)


def with_files(sandbox: Sandbox, code: str, files: dict[str, str]) -> Outcome:
    return sandbox.call(Program(dedent(code), "body", files=files), {})


def test_a_script_sees_its_context_values_and_leaves_its_result(sandbox: Sandbox) -> None:
    outcome = script(sandbox, "print('adding')\nresult = {'sum': a + b}", a=2, b=3)
    assert outcome.value == {"sum": 5}
    assert outcome.stdout == "adding\n"
    assert outcome.arguments is None


def test_a_script_without_a_result_has_none(sandbox: Sandbox) -> None:
    outcome = script(sandbox, "x = 1")
    assert outcome.ok
    assert outcome.value is None


def test_a_script_is_the_main_module(sandbox: Sandbox) -> None:
    assert script(sandbox, "if __name__ == '__main__':\n    result = 'run'").value == "run"


def test_a_script_may_end_itself_well_and_not_otherwise(sandbox: Sandbox) -> None:
    assert script(sandbox, "import sys\nresult = 7\nsys.exit(0)").value == 7
    outcome = script(sandbox, "import sys\nresult = 7\nsys.exit('no')")
    assert outcome.problem is not None
    assert outcome.problem.category == "runtime"


def test_a_script_that_raises_says_where(sandbox: Sandbox) -> None:
    problem = script(sandbox, "a = 1\nb = a / 0").problem
    assert problem is not None
    assert problem.category == "runtime"
    assert "line 2" in problem.traceback


def test_a_script_with_a_result_that_is_not_json_breaks_the_protocol(sandbox: Sandbox) -> None:
    problem = script(sandbox, "result = {1, 2}").problem
    assert problem is not None
    assert problem.category == "protocol"


def test_nothing_of_a_script_is_left_for_the_next_call(sandbox: Sandbox) -> None:
    script(sandbox, "result = 5\nkept = 6\nimport builtins\nbuiltins.kept = 7")
    assert script(sandbox, "pass").value is None
    problem = script(sandbox, "result = kept").problem
    assert problem is not None
    assert "NameError" in problem.message


def test_helper_files_are_imported_as_modules_and_packages(sandbox: Sandbox) -> None:
    files = {
        "util.py": "def double(x): return 2 * x",
        "shapes/__init__.py": "from shapes.round import area",
        "shapes/round.py": "from util import double\ndef area(r): return double(r) * r",
        "loose/part.py": "HERE = __name__",
    }
    code = """
        import shapes, loose.part
        from util import double
        def body(): return [double(4), shapes.area(3), loose.part.HERE]
    """
    assert with_files(sandbox, code, files).value == [8, 18, "loose.part"]


def test_a_script_may_have_helper_files(sandbox: Sandbox) -> None:
    program = Program("import util\nresult = util.N + n", form="script", files={"util.py": "N = 40"})
    assert sandbox.call(program, {"n": 2}).value == 42


def test_text_beside_a_helper_module_can_be_read(sandbox: Sandbox) -> None:
    files = {"pack/__init__.py": "", "pack/words.txt": "ä b", "other.py": ""}
    code = """
        import pkgutil, other
        places = ("pack", "words.txt"), ("other", "other.py")
        def body(): return [pkgutil.get_data(*place).decode() for place in places]
    """
    assert with_files(sandbox, code, files).value == ["ä b", ""]


def test_helper_files_may_have_the_names_of_what_serves_them(sandbox: Sandbox) -> None:
    files = {"executor/__init__.py": "", "executor/sandbox.py": "MINE = 1"}
    assert with_files(sandbox, "from executor.sandbox import MINE\ndef body(): return MINE", files).value == 1


def test_a_helper_file_that_does_not_compile_is_named(sandbox: Sandbox) -> None:
    problem = with_files(sandbox, "def body(): return 1", {"util.py": "def"}).problem
    assert problem is not None
    assert problem.category == "syntax"
    assert "util.py" in problem.message


def test_an_error_in_a_helper_file_shows_its_line(sandbox: Sandbox) -> None:
    problem = with_files(
        sandbox, "import util\ndef body(): return util.f()", {"util.py": "def f():\n    return 1 / 0"}
    ).problem
    assert problem is not None
    assert "return 1 / 0" in problem.traceback
    assert "util.py" in problem.traceback


def test_helper_files_are_gone_in_the_next_call(sandbox: Sandbox) -> None:
    with_files(sandbox, "import util\ndef body(): return 1", {"util.py": ""})
    problem = with_files(sandbox, "import util\ndef body(): return 1", {}).problem
    assert problem is not None
    assert problem.category == "import"


@pytest.mark.parametrize("name", ["", "/etc/x.py", "../x.py", "a/../b.py", "./a.py", "a\\b.py", "a\0.py", "x" * 300])
def test_a_helper_file_stays_in_the_working_folder(name: str) -> None:
    with pytest.raises(UsageError, match="helper file"):
        Program("", "body", files={name: ""})


@pytest.mark.parametrize("name", ["json.py", "json/__init__.py", "body.py"])
def test_a_helper_file_hides_no_module(name: str) -> None:
    with pytest.raises(UsageError, match="hide the module"):
        Program("", "body", files={name: ""})


def test_a_program_is_a_function_or_a_script() -> None:
    with pytest.raises(UsageError, match="no poem"):
        Program("", "body", form="poem")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="entry point"):
        Program("")


def test_the_peak_memory_of_a_call_is_its_own(sandbox: Sandbox) -> None:
    small = Program("def body(): return 1", "body")
    large = Program("def body(): return len(bytearray(100_000_000))", "body")
    before, most, after = (sandbox.call(each, {}).peak_memory for each in (small, large, small))
    assert before and most and after
    assert most - before > 75_000_000
    assert after - before < 10_000_000


def test_a_call_that_is_killed_has_a_peak_memory_too_where_it_can_be_measured(sandbox: Sandbox) -> None:
    outcome = sandbox.call(SLEEP, {}, limits=SandboxLimits(seconds=0.3))
    assert outcome.problem is not None
    assert (outcome.peak_memory is None) == (sandbox.level == "wasm")


def test_calls_can_be_awaited(sandbox: Sandbox) -> None:
    async def several() -> list[Outcome]:
        echo = Program("def body(n): return n", "body")
        return await asyncio.gather(*(sandbox.acall(echo, {"n": number}) for number in range(6)))

    assert [each.value for each in asyncio.run(several())] == list(range(6))


def test_cancelling_a_call_kills_what_runs_and_the_next_call_works(own_sandbox: Sandbox) -> None:
    async def cancel() -> None:
        own_sandbox.call(Program("def body(): return 1", "body"), {})
        task = asyncio.create_task(own_sandbox.acall(SLEEP, {}, limits=SandboxLimits(seconds=60)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert own_sandbox.call(Program("def body(): return 1", "body"), {}).value == 1
