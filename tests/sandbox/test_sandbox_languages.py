"""Bodies in every language, in real containers: values, failures, and what must not outlive a call."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from executor.sandbox import JSON, LanguageSettings, Outcome, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.languages import LANGUAGES
from tests.sandbox import language_bodies as bodies
from tests.sandbox.language_bodies import Bodies
from tests.services import build_language_images

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("needs_docker")]

Say = Callable[..., Outcome]
COMPILED = [name for name, language in LANGUAGES.items() if language.compile is not None]


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artefacts")


@pytest.fixture(scope="module")
def polyglot(needs_docker: None, artefacts: Path) -> Iterator[Sandbox]:
    """A sandbox in which every language has its image; those that are missing are built."""
    build_language_images()
    with open_sandbox(kind="docker", languages=LanguageSettings(artefacts=artefacts)) as opened:
        yield opened


@pytest.fixture(scope="module", params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    """One language after the other: a container for each call of another one would take its time."""
    name: str = request.param
    return name


@pytest.fixture
def say(polyglot: Sandbox, language: str) -> Iterator[Say]:
    """Call a body in a language; after the test, the next call in it is as good as the first."""

    def call(
        code: Bodies | str,
        *arguments: JSON,
        seconds: float = 10.0,
        files: dict[str, str] | None = None,
        clock: float | None = None,
    ) -> Outcome:
        text = code if isinstance(code, str) else code[language]
        named = {f"a{at}": value for at, value in enumerate(arguments)}
        program = Program(text, "body", language, files=files or {})
        return polyglot.call(program, named, limits=SandboxLimits(seconds=seconds), clock=clock)

    yield call
    after = call(bodies.ECHO, "after")
    assert after.value == "after", after


def category(outcome: Outcome) -> str:
    assert outcome.problem is not None, outcome
    return str(outcome.problem.category)


VALUES: list[JSON] = [
    None, True, False, 0, -7, 2**53 - 1, 1.5, -2.5e-7, "x", "a \"quoted\" \\ text\n\twith lines",
    "naïve Ω 漢字 \U0001f600 \u2028", "null", [], [1, [2, ["x"]]], {}, {"b": 1, "a": {"c": [None, True]}, "": "é"},
]  # fmt: skip


def test_every_json_value_goes_in_and_comes_out(say: Say, language: str) -> None:
    for value in VALUES:
        outcome = say(bodies.ECHO, value)
        expected = None if (language, value) == ("bash", "null") else value
        assert (outcome.value, outcome.problem) == (expected, None)
        assert outcome.arguments == {"a0": value}


def test_arguments_reach_a_function_in_their_order_and_in_its_own_types(say: Say) -> None:
    outcome = say(bodies.TYPED, 1, ["x", "y"], {"a": [7]})
    assert outcome.problem is None, outcome
    assert outcome.value == {"n": 2, "joined": "x-y", "first": 7}
    assert outcome.level == "docker"
    assert outcome.peak_memory


def test_a_failure_of_the_body_is_told_in_its_own_words(say: Say) -> None:
    outcome = say(bodies.CASES, "raises")
    assert category(outcome) == "runtime"
    assert "no more" in str(outcome.problem)


def test_a_mistake_that_the_runtime_notices_is_a_runtime_problem(say: Say) -> None:
    assert category(say(bodies.CASES, "breaks")) == "runtime"


def test_code_that_cannot_be_read_is_a_syntax_problem_with_its_place(say: Say) -> None:
    outcome = say(bodies.SYNTAX)
    assert category(outcome) == "syntax"
    assert outcome.problem is not None
    assert "body" in outcome.problem.traceback


@pytest.mark.parametrize("language", COMPILED, indirect=True, scope="module")
def test_what_the_compiler_says_of_the_wrong_type_is_told_with_its_line(say: Say) -> None:
    outcome = say(bodies.WRONG_TYPES)
    assert category(outcome) == "syntax"
    assert outcome.problem is not None
    assert ":1" in outcome.problem.traceback or ":2" in outcome.problem.traceback


def test_something_that_is_not_there_is_an_import_problem(say: Say) -> None:
    assert category(say(bodies.IMPORT)) == "import"


def test_a_function_that_is_not_there_is_told(say: Say) -> None:
    outcome = say(bodies.MISSING, 1)
    assert category(outcome) in ("runtime", "syntax")
    assert outcome.problem is not None
    assert "body" in outcome.problem.message + outcome.problem.traceback


@pytest.mark.parametrize(
    "language", [name for name in LANGUAGES if name not in ("javascript", "bash")], indirect=True, scope="module"
)
def test_the_wrong_number_or_type_of_arguments_is_a_runtime_problem(say: Say) -> None:
    assert category(say(bodies.TYPED, 1)) == "runtime"
    outcome = say(bodies.TYPED, "text", ["x"], {"a": [1]})
    assert category(outcome) == "runtime"
    assert "a0" in str(outcome.problem)


@pytest.mark.parametrize("what", ["spins", "sleeps"])
def test_a_body_that_takes_too_long_is_stopped(say: Say, what: str) -> None:
    assert category(say(bodies.CASES, what, seconds=1)) == "timeout"


def test_a_body_that_wants_too_much_memory_is_stopped(say: Say) -> None:
    assert category(say(bodies.CASES, "hoards", seconds=30)) == "memory"


def test_a_body_that_prints_too_much_is_stopped(say: Say) -> None:
    outcome = say(bodies.CASES, "floods")
    assert category(outcome) == "output"
    assert outcome.truncated


def test_a_result_that_is_too_large_is_refused(say: Say) -> None:
    assert category(say(bodies.CASES, "large")) == "output"


def test_a_printed_answer_is_a_print(say: Say) -> None:
    outcome = say(bodies.CASES, "forges")
    assert outcome.value == 1
    assert '"value":2' in outcome.stdout + outcome.stderr


def test_an_answer_without_the_name_of_the_call_is_none(say: Say) -> None:
    outcome = say(bodies.CASES, "forges all")
    assert outcome.value == 1 or category(outcome) in ("protocol", "killed", "output"), outcome


def test_a_body_that_ends_the_process_has_no_value(say: Say, language: str) -> None:
    outcome = say(bodies.CASES, "leaves")
    assert category(outcome) in ("killed", "runtime", "memory")
    assert outcome.value is None


def test_no_process_outlives_a_call(say: Say, polyglot: Sandbox, language: str) -> None:
    outcome = say(bodies.CASES, "spawns")
    assert outcome.value is (language == "bash"), outcome
    if language == "bash":
        listed = say("body() { local n=0; for p in /proc/[0-9]*; do n=$((n + 1)); done; echo $n; }")
        assert listed.value == 4  # supervisor, zygote, the child of the call, this shell


def test_there_is_no_network(say: Say) -> None:
    assert say(bodies.CASES, "connects").value is False


def test_files_are_gone_with_the_call_that_wrote_them(say: Say) -> None:
    assert say(bodies.CASES, "litters").value == 0
    assert say(bodies.CASES, "litters").value == 0


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "bash"], indirect=True, scope="module")
def test_a_number_that_json_cannot_hold_is_a_protocol_problem(say: Say) -> None:
    assert category(say(bodies.CASES, "nan")) == "protocol"


@pytest.mark.parametrize("language", list(bodies.CHANGES), indirect=True, scope="module")
def test_arguments_come_back_as_the_body_left_them(say: Say) -> None:
    outcome = say(bodies.CHANGES, [1, 2], 5)
    assert outcome.arguments in ({"a0": [5, 2], "a1": 5}, {"a0": [1, 2, 5], "a1": 5})


def test_helper_files_lie_in_the_working_folder(say: Say) -> None:
    assert say(bodies.CASES, "reads", files={"notes/data.txt": "kept beside"}).value == "kept beside"


def test_nothing_of_the_host_is_in_the_environment(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    value = say(bodies.CASES, "looks").value
    assert isinstance(value, list)
    known = {"PATH", "HOME", "TMPDIR", "LANG", "PWD", "SHLVL", "_", "OLDPWD", "GOMAXPROCS", "GOMEMLIMIT",
             "RUST_BACKTRACE", "UV_THREADPOOL_SIZE", "NODE_NO_WARNINGS", "NO_COLOR"}  # fmt: skip
    assert {str(name) for name in value} <= known


def test_the_clock_can_be_set_where_it_can_and_is_refused_elsewhere(say: Say, language: str) -> None:
    if language == "javascript":
        value = say("function body() { return [Date.now(), new Date().getFullYear()]; }", clock=1e9).value
        assert isinstance(value, list)
        assert 1e12 <= value[0] < 1.01e12
        assert value[1] == 2001
    else:
        assert category(say(bodies.ECHO, 1, clock=1e9)) == "environment"


@pytest.mark.parametrize("language", COMPILED, indirect=True, scope="module")
def test_a_body_is_compiled_once_and_again_when_what_was_kept_is_damaged(say: Say, artefacts: Path) -> None:
    assert say(bodies.ECHO, 1).value == 1
    kept = {path: path.stat().st_ino for path in artefacts.iterdir()}
    assert say(bodies.ECHO, 2).value == 2
    assert {path: path.stat().st_ino for path in artefacts.iterdir()} == kept
    for path in kept:
        path.write_text(path.read_text()[:-10])
    assert say(bodies.ECHO, 3).value == 3


@pytest.mark.parametrize(
    ("language", "code", "value", "printed"),
    [
        ("javascript", "console.log(xs.length);\nconst result = await Promise.resolve(xs[0] + n);", 8, "2\n"),
        ("javascript", "result = undefined_name ?? 1", "runtime", ""),
        ("javascript", "console.log('no result')", None, "no result\n"),
        ("bash", 'echo "$n"\nresult=$(jq ".[0] + $n" <<<"$xs")', 8, "1\n"),
        ("bash", "result='two words'; exit 0", "two words", ""),
        ("bash", "echo 'no result'", None, "no result\n"),
        ("bash", "exit 4", "runtime", ""),
    ],
    indirect=["language"],
    scope="module",
)
def test_a_script_has_its_context_values_and_leaves_a_result(
    polyglot: Sandbox, language: str, code: str, value: JSON, printed: str
) -> None:
    outcome = polyglot.call(Program(code, language=language, form="script"), {"xs": [7, 8], "n": 1})
    assert (outcome.problem.category if outcome.problem else outcome.value) == value, outcome
    assert outcome.stdout == printed
    assert outcome.arguments is None


@pytest.mark.parametrize("language", ["bash"], indirect=True, scope="module")
def test_processes_that_start_each_other_without_end_are_stopped(say: Say) -> None:
    assert not say("body() { bomb() { bomb | bomb & }; bomb; sleep 60; }", seconds=1).ok


@pytest.mark.parametrize("language", ["bash"], indirect=True, scope="module")
def test_a_shell_cannot_signal_what_it_did_not_start(say: Say) -> None:
    code = "body() { for p in -1 0 1 2 3 $PPID; do kill -9 -- $p 2>/dev/null && echo killed $p; done; echo alive; }"
    assert say(code).value == "alive"


@pytest.mark.parametrize("language", ["c++"], indirect=True, scope="module")
@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("another program", 'char* w[] = {(char*)"/bin/sh", nullptr}; return execve(w[0], w, w + 1) == 0;'),
        ("limits of process 1", "struct rlimit r; return syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, 0, &r) == 0;"),
        ("a new namespace", "return unshare(CLONE_NEWUSER) == 0;"),
        ("a mount", 'return mount("none", "/tmp", "tmpfs", 0, 0) == 0;'),
        ("a trace", "return ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0;"),
        ("a key", 'return syscall(SYS_add_key, "user", "a", "b", 1, -3) >= 0;'),
        ("io_uring", "char p[120] = {}; return syscall(425, 1, p) >= 0;"),
        ("a signal to the zygote", "return kill(getppid(), 9) == 0;"),
        ("bpf", "char p[120] = {}; return syscall(SYS_bpf, 0, p, 120) >= 0;"),
    ],
)
def test_a_program_cannot_make_the_system_call(say: Say, what: str, call: str) -> None:
    headers = ["sched.h", "signal.h", "sys/mount.h", "sys/ptrace.h", "sys/resource.h", "sys/syscall.h", "unistd.h"]
    code = "".join(f"#include <{name}>\n" for name in headers) + f"bool body() {{ {call} }}"
    assert say(code).value is False
