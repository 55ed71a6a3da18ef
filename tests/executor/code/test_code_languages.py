"""The code service in other languages than Python, in real containers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.code import Bench, ExecuteRequest, GenerateRequest, OptimizeRequest, execute, generate, optimize
from executor.sandbox import LanguageSettings, SandboxLimits, open_sandbox
from tests.executor.code.conftest import Answering
from tests.services import build_language_images, docker_answers, require_or_skip

pytestmark = pytest.mark.docker

RIGHT = {
    "javascript": "result = items[0].json.value * 2;",
    "bash": "result=$(printf '%s' \"$items\" | jq '.[0].json.value * 2')",
    "go": "func solution(value int) int { return value * 2 }",
}


@pytest.fixture(scope="module")
def polyglot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    require_or_skip("docker", docker_answers())
    build_language_images()
    artefacts: Path = tmp_path_factory.mktemp("artefacts")
    with open_sandbox(kind="docker", languages=LanguageSettings(artefacts=artefacts)) as opened:
        yield Bench(opened, SandboxLimits(seconds=20))


@pytest.mark.parametrize(
    ("language", "code", "entry_point"),
    [
        ("javascript", "console.log(x); result = x * y;", ""),
        ("bash", 'echo "$x"; result=$((x * y))', ""),
        ("go", "func mul(x int, y int) int { return x * y }", "mul"),
    ],
)
def test_code_is_run_with_its_context(polyglot: Bench, language: str, code: str, entry_point: str) -> None:
    request = ExecuteRequest(code=code, language=language, context={"x": 5, "y": 3}, entry_point=entry_point)
    response = execute(request, polyglot)
    assert (response.success, response.result) == (True, 15), response
    assert response.stdout == ("" if language == "go" else "5\n")


@pytest.mark.parametrize("language", list(RIGHT))
def test_code_is_written_and_repaired(polyglot: Bench, answering: Answering, language: str) -> None:
    model, _ = answering(RIGHT[language].replace("2", "3"), RIGHT[language])
    request = GenerateRequest(
        task_description="double it", language=language, input_example={"value": 5}, expected_output=10
    )
    response = generate(request, model, polyglot)
    assert response.success, response
    first = response.history[0]
    assert first.error is not None
    assert first.error.message == "it gives 15; expected is 10"
    nodes = {"javascript": "javaScript"}
    assert (response.node and response.node.parameters["language"]) == nodes.get(language)


def test_a_better_version_in_javascript_is_compared_on_the_context_and_on_inputs_like_it(
    polyglot: Bench, answering: Answering
) -> None:
    slow = "let out = [];\nfor (const word of words) { if (word) { out.push(word + '!'); } }\nresult = out;"
    quick = "result = words.filter((word) => word).map((word) => word + '!');"
    model, _ = answering("result = words;", quick)
    request = OptimizeRequest(code=slow, language="javascript", context={"words": ["a", "", "b"]})
    results = optimize(request, polyglot, model).optimization_results
    assert results is not None
    assert results.optimized_code == quick
    assert results.equivalence is not None
    assert results.equivalence.with_value > 3
