"""Bodies in other languages, from the gap to the plan that uses them: real containers, scripted answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.actor import Actor
from executor.agent import Agent
from executor.body import perform
from executor.check import Candidate
from executor.library import Library
from executor.model.standin import StandIn
from executor.sandbox import LANGUAGE_NAMES, Program, Sandbox, SandboxLimits, cannot_be_given, open_sandbox
from executor.settings import Settings
from executor.validate import ALONE, Trial, climb
from htn import find_plan
from htn.errors import ServiceMissing
from htn.network import Task
from htn.plan import Plan
from htn.state import State
from tests.executor.conftest import FOR_ALL_TESTS
from tests.executor.shop import RIGHT, bare, contract, says, shop, state_of, writes
from tests.executor.test_library import entry
from tests.sandbox.wheels import make_wheel
from tests.services import build_language_images, docker_answers, landlock_works, require_or_skip

Script = Callable[..., StandIn]
Open = Callable[..., Agent]
TASKS: list[Task] = [("check_out", "tea")]

SUMS = {
    "javascript": """
        function order_total(order, amounts) {
          const total = amounts.reduce((sum, amount) => sum + amount, 0);
          return { output: { total }, writes: [["total", order, total]] };
        }
    """,
    "bash": """
        order_total() {
          jq -cn --arg order "$1" --argjson amounts "$2" \\
            '($amounts | add) as $total | {output: {total: $total}, writes: [["total", $order, $total]]}'
        }
    """,
    "go": """
        func order_total(order string, amounts []float64) map[string]any {
            total := 0.0
            for _, amount := range amounts { total += amount }
            return map[string]any{
                "output": map[string]any{"total": total},
                "writes": [][]any{{"total", order, total}},
            }
        }
    """,
}
# Each writes into a variable that the contract does not name, once an order has one item only.
ELSEWHERE = {
    "javascript": SUMS["javascript"].replace(
        "return {", 'if (amounts.length === 1) return { output: { total }, writes: [["total", order, total], '
        '["paid", order, true]] };\n          return {', 1,
    ),
    "bash": SUMS["bash"].replace(
        '[["total", $order, $total]]',
        '([["total", $order, $total]] + (if ($amounts | length) == 1 then [["paid", $order, true]] else [] end))',
    ),
    "go": SUMS["go"].replace(
        '"writes": [][]any{{"total", order, total}}', '"writes": writes',
    ).replace(
        "return map[string]any{",
        'writes := [][]any{{"total", order, total}}\n            '
        'if len(amounts) == 1 { writes = append(writes, []any{"paid", order, true}) }\n            '
        "return map[string]any{", 1,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def polyglot() -> Iterator[Sandbox]:
    """A sandbox in which every language has its image; those that are missing are built."""
    require_or_skip("docker", docker_answers())
    build_language_images()
    with open_sandbox(kind="docker", pool=FOR_ALL_TESTS) as opened:
        yield opened


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent that keeps its library in a folder of the test's own."""
    with ExitStack() as stack:

        def opened(server: StandIn, **settings: Any) -> Agent:
            chosen = {
                "ollama_endpoint": server.endpoint, "sandbox": "docker", "model": "scripted", "pool_size": 1, **settings
            }  # fmt: skip
            return stack.enter_context(Agent(Settings.load(data_dir=folder, **chosen)))

        yield opened


def tried(language: str, code: str, sandbox: Sandbox, **parts: Any) -> Trial:
    """The shop's candidate in a language, on trial."""
    return Trial(
        Candidate(contract(**parts), code, language), sandbox, shop().variables, limits=SandboxLimits(seconds=5)
    )


@pytest.mark.docker
@pytest.mark.parametrize("language", SUMS)
def test_a_body_in_another_language_is_learned_and_a_plan_uses_it(
    agent: Open, script: Script, polyglot: Sandbox, language: str
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(SUMS[language])])
    one, state = agent(server, language=language), state_of(shop())
    report = one.run(shop(), TASKS, state)
    assert isinstance(report.result, Plan), report.learned[0].reason
    assert report.run is not None and report.run.done
    assert (state.total["tea"], state.paid["tea"]) == (9.5, True)
    entry, trust = one.library.find("order_total")
    assert (entry.language, entry.code, trust) == (language, SUMS[language], "probation")
    on = polyglot.runs_on(entry.program())
    assert language in on
    assert entry.provenance.runs_on == on
    evidence = one.library.evidence(entry.version)
    assert [(e["rung"], e.get("runs_on")) for e in evidence] == [(0, None), (1, None), *((n, on) for n in (2, 3, 4, 8))]
    assert (
        evidence[3]["detail"]
        == {
            "javascript": "same result with another clock; arguments unchanged",
            "bash": "same result twice, nothing else varied",
            "go": "same result twice, nothing else varied; arguments unchanged",
        }[language]
    )


@pytest.mark.docker
@pytest.mark.parametrize("language", SUMS)
def test_a_body_in_another_language_that_writes_elsewhere_is_refused(polyglot: Sandbox, language: str) -> None:
    right, wrong = (climb(tried(language, body[language], polyglot), ladder=[ALONE[-1]]) for body in (SUMS, ELSEWHERE))
    assert right.passed, right.failed
    assert wrong.failed is not None
    assert "the body wrote what the contract does not declare: paid[" in wrong.failed.detail


@pytest.mark.docker
@pytest.mark.parametrize("language", SUMS)
def test_a_body_in_another_language_that_breaks_its_contract_in_use_is_demoted(
    polyglot: Sandbox, library: Library, language: str
) -> None:
    version = library.admit(entry(code=ELSEWHERE[language], language=language), "trusted", [])
    domain = shop().extended_by(library.usable(shop()).operators)
    actor = Actor(domain, lambda: library, lambda: polyglot, SandboxLimits(seconds=5))
    plan = find_plan(domain, state_of(domain), [("order_total", "tea"), ("order_total", "soap")])
    assert isinstance(plan, Plan)
    state = state_of(domain)
    run = actor.act(plan, state)
    assert not run.done
    assert state.total == {"tea": 9.5}
    assert library.trust(version) == "quarantined"
    assert library.operators("shop") == []


COUNTS: dict[str, Any] = {
    "parameters": [{"name": "row", "type": {"type": "integer"}}, {"name": "seat", "type": {"type": "string"}}],
    "reads": [{"name": "cost", "from": "price[row, seat]", "type": {"type": "number"}}],
    "outputs": [{"name": "whole", "type": {"type": "integer"}}, {"name": "half", "type": {"type": "number"}}],
    "preconditions": ["cost >= -10"],
    "effects": ["whole[row, seat] = output.whole", "half[row, seat] = output.half", "del price[row, seat]"],
}
HALVES = {
    "javascript": """
        function halve(row, seat, cost) {
          const output = { whole: Math.floor(cost), half: cost / 2 };
          const at = [row, seat];
          return { output, writes: [["whole", at, output.whole], ["half", at, output.half], ["price", at, null]] };
        }
    """,
    "bash": """
        halve() {
          jq -cn --argjson row "$1" --arg seat "$2" --argjson cost "$3" \
            '[$row, $seat] as $at | {whole: ($cost | floor), half: ($cost / 2)} as $output
             | {output: $output, writes: [["whole", $at, $output.whole], ["half", $at, $output.half],
                                          ["price", $at, null]]}'
        }
    """,
    "go": """
        import "math"

        func halve(row int, seat string, cost float64) map[string]any {
            whole, half, at := int(math.Floor(cost)), cost/2, []any{row, seat}
            return map[string]any{
                "output": map[string]any{"whole": whole, "half": half},
                "writes": [][]any{{"whole", at, whole}, {"half", at, half}, {"price", at, nil}},
            }
        }
    """,
}


@pytest.mark.docker
@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize("price", [5.0, 4, 2.5, -3.0])
def test_numbers_keys_of_several_parts_and_deletions_mean_the_same_in_every_language(
    polyglot: Sandbox, language: str, price: float
) -> None:
    state = State(price={(1, "a"): price}, whole={}, half={})
    program = Program(HALVES[language], "halve", language)
    seen = perform(program, bare("halve", **COUNTS), state, (1, "a"), polyglot, limits=SandboxLimits(seconds=5))
    assert seen.ok, seen.problem
    assert seen.after == {
        ("whole", (1, "a")): int(price // 1), ("half", (1, "a")): price / 2, ("price", (1, "a")): State.ABSENT,
    }  # fmt: skip
    assert type(seen.outputs["whole"]) is int


@pytest.mark.docker
def test_a_body_in_javascript_that_asks_for_the_time_is_noticed(polyglot: Sandbox) -> None:
    code = SUMS["javascript"].replace("sum + amount, 0)", "sum + amount, new Date().getFullYear())")
    (found,) = climb(tried("javascript", code, polyglot), ladder=[ALONE[3]]).evidence
    assert (found.passed, found.detail) == (False, "two runs differ")


@pytest.mark.docker
def test_a_body_with_packages_is_learned_with_its_lock_and_runs_with_it(
    agent: Open, script: Script, tmp_path: Path
) -> None:
    require_or_skip("docker", docker_answers())
    make_wheel(tmp_path, "tally", "1.2", {"tally/__init__.py": "def up(numbers):\n    return sum(numbers)\n"})
    code = RIGHT.replace("sum(amounts)", "tally.up(amounts)")
    body = {"json": {"code": f"import tally\n\n{code}", "explanation": "", "packages": ["tally>=1,<2"]}}
    one = agent(
        script(ContractAnswer=[says()], BodyAnswer=[body]), allowed_packages="tally", wheels=tmp_path, language="python"
    )
    state = state_of(shop())
    report = one.run(shop(), TASKS, state)
    assert report.run is not None and report.run.done, report.learned[0].reason
    assert state.total["tea"] == 9.5
    entry, _ = one.library.find("order_total")
    (pin,) = entry.lock
    assert entry.packages == ("tally>=1,<2",)
    assert pin.startswith("tally==1.2 sha256:")
    assert entry.program().dependencies == (pin,)


IN_PYTHON_ONLY = "only python bodies run under lockdown, not {}"


@pytest.mark.parametrize("language", ["javascript", "bash", "go", "java", "c++", "rust"])
def test_a_level_without_the_language_says_so_before_a_model_is_asked(
    agent: Open, script: Script, language: str
) -> None:
    require_or_skip("landlock", landlock_works())
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    with pytest.raises(ServiceMissing) as caught:
        agent(server, sandbox="lockdown", language=language).run(shop(), TASKS, state_of(shop()))
    assert IN_PYTHON_ONLY.format(language) in caught.value.message
    assert f"htn sandbox build {language}" in caught.value.hints[0]
    assert server.requests == ()


@pytest.mark.docker
def test_a_missing_image_says_how_it_is_made_before_a_model_is_asked(agent: Open, script: Script) -> None:
    require_or_skip("docker", docker_answers())
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    with pytest.raises(ServiceMissing, match="the image for rust is missing") as caught:
        agent(server, language="rust", images={"rust": "htn.invalid/none:1"}).run(shop(), TASKS, state_of(shop()))
    assert caught.value.hints[0] == "htn sandbox build rust"
    assert server.requests == ()


@pytest.mark.parametrize(
    ("language", "value", "why"),
    [
        ("javascript", 2**53, "more than 53 bits"),
        ("javascript", {"a": [1, -(2**60)]}, "more than 53 bits"),
        ("bash", "a\0b", "NUL"),
    ],
)
def test_a_value_that_a_language_would_change_is_refused_and_not_blamed_on_the_body(
    box: Sandbox, language: str, value: Any, why: str
) -> None:
    promise = bare("f", parameters=[{"name": "x"}], effects=["done[1] = true"])
    seen = perform(Program("", "f", language), promise, State(done={}), (value,), box)
    assert seen.refused
    assert why in str(seen.problem)


@given(st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_characters="\0")))
def test_every_other_value_can_be_given(value: int | str) -> None:
    assert {cannot_be_given(language, {"x": value}) for language in LANGUAGE_NAMES} == {""}
