"""Every printed request of the documents that this service answers for gets the fields of its documented answer."""

import json
from typing import Any

import httpx
import pytest

from tests.server.conftest import Serve
from tests.server.documented import CODE, CODE_SERVICE, IN_JAVASCRIPT, IN_WORDS, LEARNED, OPERATION, Printed, missing
from tests.server.running import Running
from tests.services import build_language_images, docker_answers, require_or_skip


def contract(name: str, parameters: dict[str, Any], output: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A scripted answer: a contract of an operator that computes one value."""
    rows = [{"name": key, "type": schema} for key, schema in parameters.items()]
    return {
        "json": {
            "description": f"Do what {name} says.", "parameters": rows, "reads": [], "preconditions": [],
            "outputs": [{"name": "found", "type": output}], "effects": [f'result["{name}"] = output.found'],
            "ensures": [], **parts,
        }
    }  # fmt: skip


def body(name: str, parameters: str, lines: str) -> dict[str, Any]:
    """A scripted answer: a body, the lines of which leave its value in `found`."""
    indented = "\n".join(f"    {line}" for line in lines.splitlines())
    returned = f'    return {{"output": {{"found": found}}, "writes": [["result", "{name}", found]]}}'
    return {"json": {"code": f"def {name}({parameters}):\n{indented}\n{returned}\n", "explanation": ""}}


PRIMES = """found, n = [], 2
while len(found) < count:
    if all(n % p for p in found):
        found.append(n)
    n += 1"""
FIBONACCI = """found = [0, 1][:count]
while len(found) < count:
    found.append(found[-1] + found[-2])"""
FACTORIAL = "create_a_function_to_calculate_factorial"
HELLO = "print_hello_world"
LIST = {"type": "array", "items": {"type": "integer"}}
BOUNDED = ["count >= 0", "count <= 50"]


def rule(form: str, words: list[str], *replies: dict[str, Any]) -> dict[str, Any]:
    """Answer questions for this form in which these words are."""
    return {"when": {"schema": form, "contains": words}, "replies": list(replies)}


def learning(
    name: str, parameters: dict[str, Any], output: dict[str, Any], lines: str, arguments: dict[str, Any], found: Any,
    wrong: str = "", **parts: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rules by which a stand-in lets an operator be learned, with one test, and a wrong body first where given."""
    taken = ", ".join(parameters)
    typed = [f'{key}: {{"type"' for key in parameters]
    right = body(name, taken, lines)
    bodies = [{"json": {"code": wrong, "explanation": ""}}, right] if wrong else [right]
    tests = {"json": {"tests": [{"arguments": arguments, "reads": {}, "outputs": {"found": found}}]}}
    return [
        rule(
            "ContractAnswer", [f"NAME OF THE OPERATOR: {name}\n", *typed], contract(name, parameters, output, **parts)
        ),
        rule("BodyAnswer", [f"function named {name} with the parameters ({taken})"], *bodies[:1]),
        rule("BodyAnswer", [f"Your body of {name} is wrong"], right),
        rule("SuiteAnswer", [f"Do what {name} says."], tests),
    ]


COUNT, INPUT = {"count": {"type": "integer"}}, {"input": {"type": "integer"}}
TEXT = {"type": "string"}
ANSWERS: list[dict[str, Any]] = [
    *learning("CalculatePrimes", COUNT | INPUT, LIST, PRIMES, {"count": 3, "input": 1}, [2, 3, 5],
              preconditions=BOUNDED),
    *learning("CalculatePrimes", COUNT, LIST, PRIMES, {"count": 3}, [2, 3, 5], preconditions=BOUNDED),
    *learning("CalculateFibonacci", COUNT, LIST, FIBONACCI, {"count": 4}, [0, 1, 1, 2], preconditions=BOUNDED),
    *learning("TestLLM", {}, {"type": "boolean"}, "found = True", {}, True),
    *learning(FACTORIAL, {}, TEXT, "found = 'Factorial of 5: 120'", {}, "Factorial of 5: 120",
              wrong=f"def {FACTORIAL}():\n    if n = 1:\n        pass\n"),
    *learning(HELLO, {}, TEXT, "found = 'hello world'", {}, "hello world"),
    rule("CodeAnswer", [], {"json": {
        "name": "Multiply Input Value", "code": "result = items[0]['json']['value'] * 2", "explanation": "doubles",
    }}),
]  # fmt: skip


def asked(service: Running, printed: Printed) -> httpx.Response:
    return service.client.request(printed.method, printed.path, json=printed.json)


def test_each_printed_request_gets_its_documented_fields(serve: Serve) -> None:
    service = serve(answers=ANSWERS, max_calls=20, suites=2)
    wrong = {}
    for printed in (*IN_WORDS, *LEARNED, *CODE_SERVICE, *OPERATION):
        answer = asked(service, printed)
        found = missing(answer.json(), printed.fields)
        if answer.status_code != 200 or found:
            wrong[f"{printed.method} {printed.path} {printed.body}"] = (answer.status_code, found, answer.text[:1000])
    assert wrong == {}, json.dumps(wrong, indent=1)
    rows = service.client.get("/api/v1/intelligent/capabilities").json()["capabilities"]
    shown = service.client.get(f"/api/v1/actions/intelligent/{rows[0]['id']}").json()
    assert (shown["task_name"], missing(shown["generated_code"], CODE)) == (rows[0]["task_name"], [])


def test_the_printed_requests_are_answered_word_for_word_where_the_machine_is_trusted(serve: Serve) -> None:
    service = serve(trust_loopback=True)
    headers = {"Content-Type": "application/json"}
    with service.stranger(**headers) as client:
        printed = CODE_SERVICE[2]
        answer = client.request(printed.method, printed.path, content=printed.body)
    assert (answer.status_code, missing(answer.json(), printed.fields)) == (200, [])


def test_what_was_learned_for_words_answers_the_next_request_without_a_model(serve: Serve) -> None:
    service = serve(answers=ANSWERS, max_calls=20, suites=2)
    first = service.client.post("/api/v1/intelligent/primes", json={"count": 10}).json()
    assert (first["result"], first["used_cached_code"]) == ([2, 3, 5, 7, 11, 13, 17, 19, 23, 29], False)
    assert first["new_action"]["trust"] == "probation"
    again = service.client.post("/api/v1/intelligent/primes", json={"count": 4}).json()
    assert (again["result"], again["used_cached_code"], again["new_action"]) == ([2, 3, 5, 7], True, None)


def test_a_bug_in_the_first_version_is_told_with_its_repair(serve: Serve) -> None:
    service = serve(answers=ANSWERS, max_calls=20, suites=2)
    request = {"prompt": "Create a function to calculate factorial", "max_retries": 5, "timeout": 30}
    found = service.client.post("/execute", json=request).json()
    first, second = found["results"]
    assert (first["success"], second["success"], second["output"]) == (False, True, "Factorial of 5: 120")
    assert "syntax" in first["error"]
    assert [first["attempt"], second["attempt"], first["total_attempts"]] == [1, 2, 5]


def test_long_learning_answers_at_once_with_a_handle_where_nobody_waits(serve: Serve) -> None:
    service = serve(answers=ANSWERS, max_calls=20, suites=2)
    answer = service.client.post("/api/v1/intelligent/primes", params={"wait": 0}, json={"count": 10})
    assert answer.status_code == 202
    ended = service.client.get(answer.headers["location"], params={"wait": 60}).json()
    assert (ended["state"], ended["kind"]) == ("done", "words")
    assert missing(ended["result"], IN_WORDS[1].fields) == []


def test_a_task_that_cannot_be_learned_says_why(serve: Serve) -> None:
    service = serve(answers=[rule("ContractAnswer", [], contract("other", {"x": TEXT}, TEXT))], suites=0)
    answer = service.client.post("/api/v1/intelligent/execute", json={"task_name": "Nothing"})
    found = answer.json()
    assert (answer.status_code, found["success"], found["error"]["error"]) == (200, False, "gap")


def test_a_model_that_is_away_is_a_problem(running: Running) -> None:
    answer = running.client.post("/api/v1/intelligent/execute", json={"task_name": "Nothing"})
    assert (answer.status_code, answer.json()["code"]) == (503, "service")


def test_a_destructive_request_is_refused_and_nobody_is_asked(running: Running) -> None:
    request = {"task_name": "Clean", "description": "Write a script that deletes all files on the server."}
    found = running.client.post("/api/v1/intelligent/execute", json=request).json()
    assert (found["success"], found["error"]["error"]) == (False, "usage")
    assert "refused" in found["error"]["message"]


@pytest.mark.docker
def test_the_printed_request_in_javascript_gets_its_documented_fields(serve: Serve) -> None:
    require_or_skip("docker", docker_answers())
    build_language_images()
    name = "CalculateSquares"
    code = f"""function {name}(max) {{
  const found = [];
  for (let n = 1; n <= max; n++) found.push(n * n);
  return {{output: {{found: found}}, writes: [["result", "{name}", found]]}};
}}
"""
    answers = [
        rule("ContractAnswer", [name], contract(name, {"max": {"type": "integer"}}, LIST,
                                                preconditions=["max >= 0", "max <= 50"])),
        rule("BodyAnswer", [name], {"json": {"code": code, "explanation": ""}}),
    ]  # fmt: skip
    service = serve(answers=answers, sandbox="docker", suites=0)
    answer = asked(service, IN_JAVASCRIPT)
    assert (answer.status_code, missing(answer.json(), IN_JAVASCRIPT.fields)) == (200, []), answer.text
    assert answer.json()["generated_code"]["language"] == "javascript"
    assert answer.json()["result"] == [n * n for n in range(1, 11)]
