"""Evidence that is bought beyond one body: tests and bodies of other authors decide; where they cannot, it is said."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from executor.body import perform
from executor.deepen import Depth
from executor.learn import Learned, Learner
from executor.library import Library
from executor.model import Model, open_model
from executor.model.standin import StandIn
from executor.sandbox import Sandbox, SandboxLimits
from executor.validate.suites import places
from htn.domain import Domain
from tests.executor.shop import LARGEST, RETURN, RIGHT, contract, gap_in, says, shop, total_is, writes

LOOP = total_is("added", before="").replace(
    "    total = added", "    added = 0.0\n    for amount in amounts:\n        added += amount\n    total = added"
)
BY_HALVES = total_is("sum(amounts[::2]) + sum(amounts[1::2])")
ONLY_POSITIVE = total_is("sum(a for a in amounts if a > 0)")
ONLY_POSITIVE_TOO = total_is("sum(max(a, 0) for a in amounts)")


def suite(*rows: tuple[list[float], float]) -> dict[str, Any]:
    """A scripted answer: tests of a total."""
    tests = [{"arguments": {"order": "a"}, "reads": {"amounts": a}, "outputs": {"total": t}} for a, t in rows]
    return {"json": {"tests": tests}}


GOOD = suite(([1.0], 1.0), ([2.0, 3.0], 5.0), ([-1.0, 4.0], 3.0))
OTHER = suite(([1.0], 1.0), ([2.0, 3.0], 5.0), ([7.0, 7.0], 14.0))
APART = suite(([9.0], 9.0), ([8.0, 1.0], 9.0))
LARGEST_TESTED = suite(([1.0], 1.0), ([2.0, 3.0], 3.0))

Close = Callable[..., Learned]


@pytest.fixture
def close(box: Sandbox, library: Library) -> Close:
    """Close the gap of the shop with stand-ins in the place of models; each has its own list of answers."""

    def closing(*servers: StandIn, domain: Domain | None = None, max_calls: int = 30, **depth: Any) -> Learned:
        models = [opened(server, f"m{at}", max_calls) for at, server in enumerate(servers)]
        known = domain or shop(promised=contract())
        learner = Learner(
            known, models[0], box, library, limits=SandboxLimits(seconds=2.0), more_models=models[1:],
            depth=Depth(**{"fuzz": 30, "parallel": 1, **depth}),
        )  # fmt: skip
        return learner.close(gap_in(known))

    def opened(server: StandIn, name: str, max_calls: int) -> Model:
        return open_model(name, endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=max_calls)

    return closing


def script(name: str, bodies: Sequence[str], suites: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The script of a stand-in with these bodies and suites."""
    replies = {"ContractAnswer": [says()], "BodyAnswer": list(map(writes, bodies)), "SuiteAnswer": list(suites)}
    given = [{"when": {"schema": form}, "replies": rows} for form, rows in replies.items() if rows]
    return {"model": name, "answers": given}


@pytest.fixture
def models() -> Any:
    """Start a stand-in for each of several models, m0, m1, …, with its bodies and suites in the order of asking."""
    with ExitStack() as stack:

        def start(*scripts: tuple[Sequence[str], Sequence[dict[str, Any]]]) -> list[StandIn]:
            return [stack.enter_context(StandIn(script(f"m{at}", *answers))) for at, answers in enumerate(scripts)]

        yield start


def rungs(library: Library, version: str | None) -> list[tuple[Any, bool]]:
    assert version is not None
    return [(record["rung"], record["passed"]) for record in library.evidence(version)]


def test_bodies_and_tests_of_two_models_that_agree_make_an_operator_trusted(
    models: Any, close: Close, library: Library
) -> None:
    servers = models(([RIGHT, BY_HALVES], [GOOD, GOOD]), ([LOOP], [OTHER, OTHER]))
    learned = close(*servers, level="trusted")
    assert learned.trust == "trusted", learned.question
    assert rungs(library, learned.version)[-4:] == [(5, True), (6, True), (7, True), (9, True)]
    assert "samples" in library.evidence(learned.version or "")[-3]


def test_one_model_that_agrees_with_itself_is_not_enough_without_an_example(models: Any, close: Close) -> None:
    servers = models(([RIGHT, LOOP, BY_HALVES], [GOOD, OTHER, GOOD, OTHER, GOOD]))
    learned = close(*servers, domain=shop(example=False, promised=contract()), level="trusted", most_samples=3)
    assert learned.trust == "probation"
    assert "all bodies and tests are of one model" in learned.question


def test_an_example_of_the_users_is_a_second_voice(models: Any, close: Close) -> None:
    servers = models(([RIGHT, LOOP, BY_HALVES], [GOOD, OTHER, GOOD]))
    assert close(*servers, level="trusted").trust == "trusted"


def test_without_an_example_tests_of_two_writers_bring_probation(models: Any, close: Close) -> None:
    servers = models(([RIGHT], [GOOD, OTHER]))
    learned = close(*servers, domain=shop(example=False, promised=contract()))
    assert learned.trust == "probation"
    assert len(servers[0].requests) == 3


def test_tests_that_no_two_writers_share_prove_nothing(models: Any, close: Close) -> None:
    servers = models(([RIGHT], [GOOD, APART]))
    learned = close(*servers, domain=shop(example=False, promised=contract()))
    assert learned.trust == "quarantined"
    assert "no two of 2 writers assert a value for the same input" in learned.question


def test_a_body_that_breaks_an_agreed_test_is_repaired_with_the_smallest_input(
    models: Any, close: Close, library: Library
) -> None:
    servers = models(([LARGEST, RIGHT], [GOOD, OTHER]))
    learned = close(*servers, domain=shop(example=False, promised=contract()))
    repair = servers[0].requests[-1]["body"]["messages"][-1]["content"]
    assert "amounts = [2.0, 3.0]" in repair
    assert "total[a] = 5.0" in repair
    assert learned.trust == "probation"
    assert [attempt.repair for attempt in learned.attempts] == [0, 1]
    assert [kept.origin for kept in library.counterexamples("shop", "order_total")] == ["rung 5, independent tests"]


def test_the_body_of_the_majority_takes_the_place_of_one_that_is_outvoted(
    models: Any, close: Close, library: Library
) -> None:
    """The first body forgets what is negative; the tests that all writers share do not show it, the other bodies do."""
    silent = suite(([1.0], 1.0), ([2.0, 3.0], 5.0))
    lone = suite(([1.0], 1.0), ([2.0, 3.0], 5.0), ([-1.0, 4.0], 3.0))
    servers = models(([ONLY_POSITIVE, BY_HALVES], [silent, lone]), ([LOOP], [silent, silent]))
    learned = close(*servers, level="trusted")
    assert learned.version is not None
    assert library.entry(learned.version).code != ONLY_POSITIVE
    assert learned.trust == "trusted"


def test_bodies_that_only_fuzzed_inputs_tell_apart_leave_a_question(models: Any, close: Close) -> None:
    silent = suite(([1.0], 1.0), ([2.0, 3.0], 5.0))
    servers = models(
        ([ONLY_POSITIVE, ONLY_POSITIVE_TOO, ONLY_POSITIVE], [silent] * 3),
        ([RIGHT, LOOP], [silent] * 3),
    )
    learned = close(*servers, level="trusted", samples=2, most_samples=3)
    assert learned.trust == "probation"
    assert "answer differently" in learned.question
    assert "amounts = " in learned.question


def test_what_was_bought_counts_when_the_calls_are_used_up(models: Any, close: Close) -> None:
    servers = models(([RIGHT, LOOP, BY_HALVES], [GOOD, OTHER, GOOD]))
    learned = close(*servers, level="trusted", max_calls=2)
    assert learned.trust == "probation"


def test_what_was_bought_counts_when_the_calls_are_used_up_in_the_middle_of_a_repair(models: Any, close: Close) -> None:
    """The repaired body does not even run, and there is no call left to repair that one."""
    servers = models(([LARGEST, total_is("amounts[99]")], [GOOD, OTHER]))
    learned = close(*servers, domain=shop(example=False, promised=contract()), max_calls=4)
    assert learned.version is None
    assert "rung 5" in (learned.reason or "")


def test_tests_that_decide_nothing_at_first_do_not_keep_it_buying_once_there_are_enough(
    models: Any, close: Close
) -> None:
    servers = models(([RIGHT, BY_HALVES], [APART, GOOD, OTHER]), ([LOOP], [GOOD, OTHER, GOOD]))
    learned = close(*servers, domain=shop(example=False, promised=contract()), level="trusted", samples=3)
    assert learned.trust == "trusted", learned.question
    assert sum(len(server.requests) for server in servers) == 3 + 3


def test_a_body_that_was_repaired_is_on_probation_at_most(models: Any, close: Close) -> None:
    servers = models(([LARGEST, RIGHT, BY_HALVES], [GOOD, GOOD]), ([LOOP], [OTHER, OTHER]))
    learned = close(*servers, level="trusted", samples=2, most_samples=2)
    assert learned.trust == "probation"
    assert learned.attempts[1].repair == 1


def test_an_entry_on_probation_is_made_trusted_later(models: Any, close: Close, library: Library, box: Sandbox) -> None:
    domain = shop(promised=contract())
    first = close(*models(([RIGHT], [])), domain=domain)
    assert first.trust == "probation"
    assert first.version is not None
    servers = models(([LOOP, BY_HALVES], [GOOD, GOOD]), ([LOOP, BY_HALVES], [OTHER, OTHER]))
    asked = [
        open_model(f"m{at}", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=9)
        for at, server in enumerate(servers)
    ]
    learner = Learner(domain, asked[0], box, library, more_models=asked[1:], depth=Depth(fuzz=30, parallel=1))
    deepened = learner.deepen(gap_in(domain), first.version)
    assert deepened.version == first.version
    assert library.trust(first.version) == "trusted"
    assert library.versions("shop", "order_total") == [first.version]


def test_an_entry_that_most_others_contradict_gives_way_to_theirs_and_its_evidence_says_so(
    models: Any, close: Close, library: Library, box: Sandbox
) -> None:
    domain = shop(promised=contract())
    first = close(*models(([ONLY_POSITIVE], [])), domain=domain)
    assert first.version is not None
    silent = suite(([1.0], 1.0), ([2.0, 3.0], 5.0))
    lone = suite(([1.0], 1.0), ([2.0, 3.0], 5.0), ([-1.0, 4.0], 3.0))
    asked = [
        open_model(f"m{at}", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=9)
        for at, server in enumerate(models(([BY_HALVES], [silent, lone]), ([LOOP], [silent, silent])))
    ]
    learner = Learner(domain, asked[0], box, library, more_models=asked[1:], depth=Depth(fuzz=30, parallel=1))
    better = learner.deepen(gap_in(domain), first.version)
    assert better.version != first.version
    assert library.in_plans(domain, "order_total") == better.version
    assert "took its place" in library.evidence(first.version)[-1]["detail"]
    assert library.entry(str(better.version)).provenance.calls == sum(len(model.calls) for model in asked)


def test_a_body_that_behaves_as_one_in_the_library_adds_to_its_evidence(
    models: Any, close: Close, library: Library, box: Sandbox
) -> None:
    domain = shop(promised=contract())
    first = close(*models(([RIGHT], [])), domain=domain)
    (server,) = models(([LOOP], []))
    again = open_model("m0", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=9)
    learned = Learner(domain, again, box, library, instead_of=first.version).close(gap_in(domain))
    assert learned.version == first.version
    assert library.evidence(first.version or "")[-1]["name"] == "merged"


def test_bodies_that_leave_nothing_to_compute_need_no_tests(models: Any, close: Close) -> None:
    fixed = contract(outputs=[], effects=["total[order] = len(amounts)"], ensures=[])
    counts = RIGHT.replace("sum(amounts)", "len(amounts)").replace(RETURN, RETURN.replace('{"total": total}', "{}"))
    domain = shop(example=False, promised=fixed)
    domain.example("order_total", "b", given={"cart": {"b": [2.0, 5.0]}}, then={"total": {"b": 2}})
    servers = models(([counts], []))
    assert close(*servers, domain=domain, level="trusted").trust == "trusted"
    assert len(servers[0].requests) == 1


def test_tests_are_kept_with_all_who_assert_them_and_can_be_run_again(
    models: Any, close: Close, library: Library, box: Sandbox
) -> None:
    learned = close(*models(([RIGHT], [GOOD, OTHER])), domain=shop(example=False, promised=contract()))
    assert learned.version is not None
    kept = library.tests(learned.version)
    assert {tuple(t.inputs["state"]["cart"]["a"]): len(t.origin) for t in kept} == {
        (1.0,): 2, (2.0, 3.0): 2, (-1.0, 4.0): 1, (7.0, 7.0): 1,
    }  # fmt: skip
    assert {name for t in kept for name in t.origin} == {"ollama:m0 #0", "ollama:m0 #1"}
    learned_entry = library.entry(learned.version)
    for test in kept:
        state, arguments = test.given
        seen = perform(learned_entry.program(), learned_entry.promise(), state, arguments, box)
        assert places(seen.after) == test.expected
