"""Bodies in other languages, from the gap to the plan that uses them: real containers, scripted answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.model.standin import StandIn
from executor.settings import Settings
from htn.plan import Plan
from tests.executor.shop import says, shop, state_of, writes
from tests.services import build_language_images, docker_answers, require_or_skip

Script = Callable[..., StandIn]
Open = Callable[..., Agent]

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
def images() -> None:
    """The images of all languages; those that are missing are built."""
    require_or_skip("docker", docker_answers())
    build_language_images()


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    """Open an agent that runs bodies in containers and keeps its library in a folder of the test's own."""
    with ExitStack() as stack:

        def opened(server: StandIn, **settings: Any) -> Agent:
            chosen = {
                "ollama_endpoint": server.endpoint, "sandbox": "docker", "model": "scripted", "pool_size": 1, **settings
            }  # fmt: skip
            return stack.enter_context(Agent(Settings.load(data_dir=folder, **chosen)))

        yield opened


@pytest.mark.docker
@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("language", SUMS)
def test_a_body_in_another_language_is_learned_and_a_plan_uses_it(agent: Open, script: Script, language: str) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(ELSEWHERE[language]), writes(SUMS[language])])
    one, state = agent(server, language=language), state_of(shop())
    report = one.run(shop(), [("check_out", "tea")], state)
    assert isinstance(report.result, Plan), report.learned[0].reason
    assert report.run is not None and report.run.done
    assert (state.total["tea"], state.paid["tea"]) == (9.5, True)
    (learned,) = report.learned
    assert learned.trust == "probation"
    assert [a.verdict.failed.rung if a.verdict.failed else None for a in learned.attempts] == [8, None]
    entry, _ = one.library.find("order_total")
    assert (entry.language, entry.code) == (language, SUMS[language])
