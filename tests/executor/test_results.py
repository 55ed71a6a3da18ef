"""Kept results: when a call is made, and when an earlier one stands for it."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.results import CachedSandbox, body_version, from_text, result_name, to_text
from executor.sandbox import Outcome, Program, Sandbox, SandboxLimits, open_sandbox
from executor.store import Results, Store, open_store
from htn.errors import UsageError
from tests.services import landlock_works, redis_url, require_or_skip

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
LIMITS = SandboxLimits()
LOTS = Program("import random\ndef body(**more): return random.random()", "body")
DOUBLE = Program("def body(x):\n    print('doubling')\n    return 2 * x", "body")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    require_or_skip("landlock", landlock_works())
    with open_sandbox(kind="lockdown") as opened:
        yield opened


@pytest.fixture
def store() -> Iterator[Store]:
    url = redis_url()
    require_or_skip("redis", url is not None)
    prefix = f"test_{os.urandom(8).hex()}"
    with open_store(redis_url=url, data_dir=Path(tempfile.gettempdir()), prefix=prefix) as opened:
        yield opened
        opened.results().clear()


@pytest.fixture
def results(store: Store) -> Results:
    return store.results()


@pytest.fixture
def cached(sandbox: Sandbox, results: Results) -> CachedSandbox:
    return CachedSandbox(sandbox, results, pure=lambda program: True)


def test_a_call_is_made_once(cached: CachedSandbox, results: Results) -> None:
    first, again = cached.call(LOTS, {}), cached.call(LOTS, {})
    assert first.value == again.value
    assert (first.cached, again.cached) == (False, True)
    assert results.statistics().hit_rate == 0.5


def test_a_kept_outcome_is_the_outcome(cached: CachedSandbox) -> None:
    first, again = cached.call(DOUBLE, {"x": [1, "ü"]}), cached.call(DOUBLE, {"x": [1, "ü"]})
    for name in ("value", "problem", "stdout", "stderr", "truncated", "seconds", "level", "arguments", "peak_memory"):
        assert getattr(first, name) == getattr(again, name)
    assert again.stdout == "doubling\n"


@pytest.mark.parametrize(
    "other",
    [
        {"arguments": {"x": 2}},
        {"arguments": {"x": 1.0}},
        {"arguments": {"x": True}},
        {"arguments": {"x": "1"}},
        {"arguments": {"x": 1, "y": 1}},
        {"hash_seed": 1},
        {"clock": 1e9},
        {"limits": SandboxLimits(profile="wide")},
        {"program": Program(LOTS.code + " ", "body")},
    ],
)
def test_another_call_is_another_call(cached: CachedSandbox, other: dict[str, Any]) -> None:
    given: dict[str, Any] = {"program": LOTS, "arguments": {"x": 1}}
    cached.call(**given)
    assert not cached.call(**given | other).cached


def test_the_order_of_an_object_counts_because_a_body_can_see_it(cached: CachedSandbox) -> None:
    keys = Program("def body(d): return list(d)", "body")
    assert cached.call(keys, {"d": {"a": 1, "b": 2}}).value == ["a", "b"]
    assert cached.call(keys, {"d": {"b": 2, "a": 1}}).value == ["b", "a"]


def test_a_body_that_nobody_calls_pure_is_always_called(sandbox: Sandbox, results: Results) -> None:
    cached = CachedSandbox(sandbox, results, pure=lambda program: program != LOTS)
    assert cached.call(LOTS, {}).value != cached.call(LOTS, {}).value
    assert results.statistics().misses == 0


@pytest.mark.parametrize(
    "code",
    [
        "def body(xs): raise ValueError('no')",
        "def body(xs): return {1}",
        "def body(xs",
        "import os\ndef body(xs): os._exit(1)",
    ],
)
def test_a_failure_is_not_kept(cached: CachedSandbox, results: Results, code: str) -> None:
    for _ in range(2):
        outcome = cached.call(Program(code, "body"), {"xs": []})
        assert not outcome.ok
        assert not outcome.cached
    assert results.statistics().entries == 0


@pytest.mark.parametrize("change", ["xs.append(1)", "xs[0] = 1.0", "xs[0] = True"])
def test_a_body_that_changes_its_arguments_is_not_kept(cached: CachedSandbox, results: Results, change: str) -> None:
    program = Program(f"def body(xs): {change}", "body")
    assert cached.call(program, {"xs": [1]}).ok
    assert results.statistics().entries == 0


def test_arguments_that_are_not_plain_are_refused_in_the_words_of_the_sandbox(cached: CachedSandbox) -> None:
    cached.call(LOTS, {"x": {"1": 2}})
    with pytest.raises(UsageError, match="plain JSON"):
        cached.call(LOTS, {"x": {1: 2}})  # type: ignore[dict-item]


FORGED = [
    "",
    "null",
    "[]",
    "{}",
    "\ud800",
    '{"value":1}',
    '{"value":NaN,"stdout":"","stderr":"","seconds":0.1,"level":"docker","peak_memory":null}',
    '{"value":1,"value":2,"stdout":"","stderr":"","seconds":0.1,"level":"docker","peak_memory":null}',
    '{"value":1,"stdout":"","stderr":"","seconds":-1.0,"level":"docker","peak_memory":null}',
    '{"value":1,"stdout":7,"stderr":"","seconds":0.1,"level":"docker","peak_memory":null}',
    '{"value":1,"stdout":"","stderr":"","seconds":0.1,"level":"docker","peak_memory":1.5}',
    '{"value":'
    + "[" * 5000
    + "]" * 5000
    + ',"stdout":"","stderr":"","seconds":0.1,"level":"docker","peak_memory":null}',
    '{"value":' + "9" * 5000 + ',"stdout":"","stderr":"","seconds":0.1,"level":"docker","peak_memory":null}',
]


@pytest.mark.parametrize("text", FORGED)
def test_a_text_that_is_no_result_stands_for_nothing(text: str) -> None:
    assert from_text(text, {}, LIMITS) is None


@pytest.mark.parametrize("text", [text for text in FORGED if text.isascii()])
def test_a_forged_result_is_not_believed_and_the_call_is_made(
    cached: CachedSandbox, results: Results, text: str
) -> None:
    name = result_name(DOUBLE, cached.runs_on(DOUBLE), {"x": 4})
    results.put(name, text)
    outcome = cached.call(DOUBLE, {"x": 4})
    assert (outcome.value, outcome.cached) == (8, False)
    assert cached.call(DOUBLE, {"x": 4}).cached


def test_a_kept_result_that_is_larger_than_a_call_allows_is_not_taken(cached: CachedSandbox) -> None:
    long = Program("def body(): return 'x' * 10_000", "body")
    assert cached.call(long, {}).ok
    outcome = cached.call(long, {}, limits=SandboxLimits(result_bytes=100))
    assert outcome.problem is not None
    assert outcome.problem.category == "output"


def test_a_server_that_is_gone_costs_the_saving_and_not_the_call(sandbox: Sandbox) -> None:
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="htn-") as folder:
        store = open_store(redis_url=None, data_dir=Path(folder))
        cached = CachedSandbox(sandbox, store.results(), pure=lambda program: True, on_trouble=said.append)
        assert cached.call(DOUBLE, {"x": 1}).value == 2
        store.results().clear()
        client = store._connection._client
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
        assert [cached.call(DOUBLE, {"x": 1}).value for _ in range(2)] == [2, 2]
        store.close()
    assert len(said) == 1
    assert "out of memory" in said[0]


def test_it_is_a_sandbox(sandbox: Sandbox, cached: CachedSandbox) -> None:
    same: Sandbox = cached
    assert same.level == sandbox.level
    assert same.description == sandbox.description
    assert same.covers == sandbox.covers
    assert same.does_not_cover == sandbox.does_not_cover
    assert same.limits == sandbox.limits


@given(value=PLAIN, stdout=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_kept_comes_back_as_it_was(value: Any, stdout: str) -> None:
    outcome = Outcome(value, None, stdout, "", False, 0.25, "docker", {"x": 1}, 7)
    back = from_text(to_text(outcome), {"x": 1}, LIMITS)
    assert back is not None
    assert json.dumps(back.value) == json.dumps(value)
    assert (back.stdout, back.seconds, back.level, back.cached) == (stdout, 0.25, "docker", True)
    assert back.peak_memory == 7


def test_every_part_of_a_program_is_part_of_the_version_of_the_body() -> None:
    programs = [
        Program("a", "b"), Program("ab", "", form="script"), Program("a", "", form="script"), Program("a", "c"),
        Program("a", "b", "bash"), Program("a", "b", files={"c": "d"}), Program("a", "b", dependencies=("attrs",)),
    ]  # fmt: skip
    assert len({body_version(program) for program in programs}) == len(programs)


def test_what_a_program_runs_on_is_part_of_the_name() -> None:
    assert result_name(DOUBLE, "image 1", {}) != result_name(DOUBLE, "image 2", {})


def test_a_script_is_kept_too(cached: CachedSandbox) -> None:
    script = Program("import random\nresult = random.random() + x", form="script")
    first, again = cached.call(script, {"x": 1}), cached.call(script, {"x": 1})
    assert (first.value, first.arguments) == (again.value, again.arguments)
    assert again.cached
    assert not cached.call(script, {"x": 2}).cached


def test_a_call_that_is_awaited_is_made_once_too(cached: CachedSandbox) -> None:
    async def twice() -> list[Outcome]:
        return [await cached.acall(LOTS, {}) for _ in range(2)]

    first, again = asyncio.run(twice())
    assert first.value == again.value
    assert again.cached


def test_a_first_run_is_the_same_body(cached: CachedSandbox) -> None:
    assert body_version(replace(DOUBLE, single_use=True)) == body_version(DOUBLE)
