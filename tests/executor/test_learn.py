"""The whole way from a gap to an entry in the library, with scripted answers; and every way to end without one."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.deepen import Depth
from executor.entry import specification
from executor.learn import Learned, Learner, LearnEvent
from executor.library import Library
from executor.model import open_model
from executor.model.standin import StandIn
from executor.sandbox import Sandbox, SandboxLimits, open_sandbox
from executor.store import open_store
from htn.contract import Contract
from htn.domain import Domain
from htn.errors import GapOpen, LimitReached, ServiceMissing, UsageError
from tests.executor.shop import FIRST, LARGEST, LAST, RIGHT, contract, gap_in, says, shop, total_is, writes
from tests.executor.test_library import entry

Script = Callable[..., StandIn]
Learn = Callable[..., Learned]


@pytest.fixture
def learn(library: Library, box: Sandbox) -> Learn:
    """Close the gap of a shop with what a stand-in says."""

    def close(
        server: StandIn, *, domain: Domain | None = None, repairs: int = 2, max_calls: int = 8, **more: Any
    ) -> Learned:
        known = domain or shop()
        model = open_model(
            "scripted", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=max_calls
        )
        given: dict[str, Any] = {"sandbox": box, "limits": SandboxLimits(seconds=1.0), **more}
        return Learner(known, model, library=library, repairs=repairs, **given).close(gap_in(known))

    return close


def holds_nothing(library: Library) -> bool:
    return library.entries() == [] and library.versions("shop", "order_total") == []


def test_a_wrong_first_body_is_caught_by_the_example_and_its_repair_is_admitted(
    script: Script, learn: Learn, library: Library
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    learned = learn(server)
    assert learned.reason is None
    assert learned.trust == "probation"
    assert [a.verdict.passed for a in learned.attempts] == [False, True]
    assert learned.version is not None
    entry = library.entry(learned.version)
    assert entry.code == RIGHT
    assert entry.promise() == contract()
    assert (entry.provenance.calls, entry.provenance.repairs, entry.provenance.model) == (3, 1, "ollama:scripted")
    assert entry.provenance.task == "order_total(tea)"
    assert [e["then"] for e in entry.examples] == [{"total": {"books": 10.0}}]


def test_the_evidence_of_every_rung_of_every_attempt_is_kept(script: Script, learn: Learn, library: Library) -> None:
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)]))
    assert learned.version is not None
    kept = library.evidence(learned.version)
    assert [(e["attempt"], e["rung"], e["passed"]) for e in kept] == [
        (1, 0, True), (1, 1, True), (1, 2, True), (1, 3, True), (1, 4, False),
        (2, 0, True), (2, 1, True), (2, 2, True), (2, 3, True), (2, 4, True), (2, 8, True),
    ]  # fmt: skip
    assert "expected: total[books] = 10.0" in kept[4]["counterexample"]


def test_a_repair_is_asked_for_with_the_counterexample_and_the_diagnoses(script: Script, learn: Learn) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(FIRST), writes(RIGHT)])
    learn(server)
    repair = server.requests[3]["body"]["messages"][-1]["content"]
    for part in (
        FIRST.strip(),
        "expected: total[books] = 10.0",
        "got:      total[books] = 2.0",
        "1. failed at given examples, logical: ",
        "2. failed at given examples, logical: ",
    ):
        assert part in repair


def test_the_contract_stays_the_same_through_all_repairs(script: Script, learn: Learn) -> None:
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(FIRST), writes(RIGHT)]))
    assert {a.candidate.contract.hash for a in learned.attempts} == {learned.contract.hash}


def test_a_repair_that_repeats_an_earlier_body_ends_the_work_without_being_tried_again(
    script: Script, learn: Learn, library: Library
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(FIRST), writes(LARGEST)])
    learned = learn(server, repairs=9)
    assert learned.version is None
    assert len(learned.attempts) == 2
    assert "the repaired body repeats that of attempt 1" in str(learned.reason)
    assert len(server.requests) == 4
    assert holds_nothing(library)


def test_a_model_that_is_never_right_ends_in_an_abstention(script: Script, learn: Learn, library: Library) -> None:
    bodies = [writes(total_is(f"max(amounts) + {n}")) for n in range(9)]
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=bodies), repairs=2)
    assert learned.version is None
    assert len(learned.attempts) == 3
    assert str(learned.reason) == (
        "its body fails at rung 4, given examples: an example of the user's comes out differently; "
        "it fails after 2 repairs"
    )
    assert holds_nothing(library)


def test_without_repairs_the_first_body_is_the_last(script: Script, learn: Learn) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LAST)])
    assert str(learn(server, repairs=0).reason).endswith("after 0 repairs")
    assert len(server.requests) == 2


def test_without_an_example_the_entry_is_quarantined_and_no_plan_uses_it(
    script: Script, learn: Learn, library: Library
) -> None:
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), domain=shop(example=False))
    assert learned.trust == "quarantined"
    assert library.operators("shop") == []
    assert [o.version for o in library.operators("shop", least="quarantined")] == [learned.version]


def test_without_an_example_a_better_entry_is_not_replaced(script: Script, learn: Learn, library: Library) -> None:
    first = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), domain=shop(example=False))
    assert first.version is not None
    library.admit(library.entry(first.version), "probation", [])  # somebody has looked at it and trusts it
    second = learn(
        script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST)]),
        domain=shop(example=False), instead_of=first.version,
    )  # fmt: skip
    assert second.version is None
    assert "without an example of yours it is no better" in str(second.reason)
    assert [o.version for o in library.operators("shop")] == [first.version]


def test_a_used_up_budget_is_an_error_and_leaves_nothing(script: Script, learn: Learn, library: Library) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    with pytest.raises(LimitReached, match="the budget of 2 model calls is used up"):
        learn(server, max_calls=2)
    assert holds_nothing(library)


MISBEHAVIOUR = ["error500", "disconnect", "garbage"]


@pytest.mark.parametrize("behaviour", MISBEHAVIOUR)
@pytest.mark.parametrize("stage", ["contract", "body", "repair"])
def test_a_model_that_dies_in_the_middle_is_an_error_and_leaves_nothing(
    script: Script, learn: Learn, library: Library, behaviour: str, stage: str
) -> None:
    dead = {"behave": behaviour}
    server = script(
        ContractAnswer=[dead if stage == "contract" else says()],
        BodyAnswer=[dead] if stage == "body" else [writes(LARGEST), dead],
    )
    with pytest.raises(ServiceMissing):
        learn(server)
    assert holds_nothing(library)


def test_a_model_that_never_gives_a_usable_contract_leaves_the_gap_open(
    script: Script, learn: Learn, library: Library
) -> None:
    with pytest.raises(GapOpen):
        learn(script(ContractAnswer=[says(effects=["no_such[order] = 1"])]))
    assert holds_nothing(library)


def test_a_sandbox_that_is_gone_is_not_blamed_on_the_body(script: Script, learn: Learn, library: Library) -> None:
    gone = open_sandbox(kind="lockdown")
    gone.close()
    with pytest.raises(UsageError, match="the sandbox is closed"):
        learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), sandbox=gone)
    assert holds_nothing(library)


IMPOSSIBLE: dict[str, Any] = {"preconditions": ["len(amounts) > 3", "len(amounts) < 2"]}
NONE_HOLD = "no situation could be made in which the preconditions hold"


def test_a_contract_that_cannot_be_tried_goes_back_before_a_body_is_asked_for(script: Script, learn: Learn) -> None:
    server = script(ContractAnswer=[says(**IMPOSSIBLE), says()], BodyAnswer=[writes(RIGHT)])
    learned = learn(server, domain=shop(example=False), depth=Depth(suites=0))
    assert learned.version is not None
    assert len(server.requests) == 3
    assert NONE_HOLD in server.requests[1]["body"]["messages"][-1]["content"]


def test_a_model_that_gives_no_contract_that_can_be_tried_leaves_the_gap_open(
    script: Script, learn: Learn, library: Library
) -> None:
    server = script(ContractAnswer=[says(**IMPOSSIBLE)], BodyAnswer=[writes(RIGHT)])
    with pytest.raises(GapOpen, match=NONE_HOLD):
        learn(server, domain=shop(example=False))
    assert len(server.requests) == 3
    assert holds_nothing(library)


def test_a_declared_contract_that_cannot_be_tried_is_given_up_at_once(script: Script, learn: Learn) -> None:
    server = script(BodyAnswer=[writes(RIGHT)])
    learned = learn(server, domain=shop(example=False, promised=contract(**IMPOSSIBLE)))
    assert str(learned.reason) == f"its contract cannot be tried: {NONE_HOLD}"
    assert len(server.requests) == 1


def test_a_body_that_writes_everywhere_is_repaired_with_a_counterexample_that_can_be_read(
    script: Script, learn: Learn
) -> None:
    everywhere = (
        "def order_total(order, amounts):\n"
        "    more = [['total', f'{n} ' + 'x' * 20, n] for n in range(50_000)]\n"
        "    return {'output': {'total': sum(amounts)}, 'writes': [['total', order, sum(amounts)], *more]}\n"
    )
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(everywhere), writes(RIGHT)])
    learned = learn(server)
    assert learned.trust == "probation"
    failed = learned.attempts[0].verdict.failed
    assert failed is not None
    assert len(json.dumps(failed.to_json())) < 5_000
    assert "and 49,992 more places" in str(failed.counterexample)
    assert len(server.requests[2]["body"]["messages"][-1]["content"]) < 20_000


def test_an_entry_keeps_what_it_was_learned_from(script: Script, learn: Learn, library: Library) -> None:
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    assert learned.version is not None
    kept = library.entry(learned.version)
    assert kept.declared["description"] == "Add up what an order costs."
    assert kept.declared["parameters"] == [{"name": "order", "type": {"type": "string"}}]
    assert kept.specification == specification(shop(), "order_total")


def test_what_another_process_learned_before_is_used_and_no_model_is_asked(
    script: Script, learn: Learn, library: Library
) -> None:
    first = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    server, notes = script(), list[str]()
    second = learn(server, on_note=notes.append)
    assert (second.version, second.trust, second.contract) == (first.version, "probation", first.contract)
    assert server.requests == ()
    assert notes == [f"another process has learned order_total: its entry {str(first.version)[:12]} is used"]


def test_what_came_into_the_library_meanwhile_is_used_instead_of_ones_own(
    script: Script, learn: Learn, library: Library
) -> None:
    others: list[str] = []

    def overtaken(event: LearnEvent) -> None:
        if (event.kind, event.stage) == ("done", "body") and not others:
            others.append(library.admit(entry(code=total_is("0 + sum(amounts)")), "probation", []))

    notes = list[str]()
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    learned = learn(server, on_event=overtaken, on_note=notes.append)
    assert learned.version == others[0]
    assert library.versions("shop", "order_total") == [learned.version]
    assert len(learned.attempts) == 1
    assert len(notes) == 1


def test_learning_anew_replaces_what_plans_used(script: Script, learn: Learn, library: Library) -> None:
    first = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    otherwise = total_is("sum(a for a in amounts if a > 0)")
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(otherwise)])
    second = learn(server, instead_of=first.version)
    assert len(server.requests) == 2
    assert library.versions("shop", "order_total") == [first.version, second.version]


def test_the_same_body_learned_anew_is_the_same_version(script: Script, learn: Learn, library: Library) -> None:
    first = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    second = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), instead_of=first.version)
    assert second.version == first.version
    assert library.versions("shop", "order_total") == [first.version]
    assert len(library.evidence(str(first.version))) == 12


def test_a_body_that_broke_its_contract_in_use_is_not_admitted_again(
    script: Script, learn: Learn, library: Library
) -> None:
    first = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    library.demote(str(first.version), {"detail": "it wrote something else"})
    again = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    assert again.version is None
    assert "broke its contract in use before" in str(again.reason)
    assert library.trust(str(first.version)) == "quarantined"


def test_a_declared_contract_saves_the_first_question(script: Script, learn: Learn) -> None:
    server = script(BodyAnswer=[writes(RIGHT)])
    promised = contract(ensures=["output.total == sum(amounts)"])
    learned = learn(server, domain=shop(promised=promised))
    assert learned.trust == "probation"
    assert len(server.requests) == 1


def test_what_happens_is_told_in_order(script: Script, learn: Learn) -> None:
    heard: list[LearnEvent] = []
    learn(script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)]), on_event=heard.append)
    told = [f"{e.kind} {e.stage}" for e in heard if e.kind != "text"]
    climb = ["rung form", "rung static", "rung smoke", "rung determinism, purity", "rung given examples"]
    assert told == [
        "start contract", "done contract", "start body", "done body", *climb,
        "start repair", "done repair", *climb, "rung contract", "start admit", "done admit",
    ]  # fmt: skip
    assert [e.ok for e in heard if e.stage == "given examples"] == [False, True]
    assert "".join(e.detail for e in heard if e.kind == "text").count("explanation") == 2


def test_each_stage_is_timed_and_the_times_are_kept(script: Script, learn: Learn, library: Library) -> None:
    ticks = iter(range(1000))
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), clock=lambda: float(next(ticks)))
    assert learned.seconds == {"contract": 1.0, "body": 1.0, "ladder": 1.0, "admit": 1.0}
    assert learned.version is not None
    assert library.entry(learned.version).provenance.seconds == {"contract": 1.0, "body": 1.0, "ladder": 1.0}


def test_a_contract_that_could_not_be_read_back_is_not_admitted(script: Script, learn: Learn, library: Library) -> None:
    promised = contract()
    long = Contract(
        promised.name, promised.parameters, promised.reads, promised.outputs, promised.preconditions,
        promised.effects, description=promised.description,
        ensures=tuple(contract(ensures=["output.total == sum(amounts)"]).ensures * 40),
    )  # fmt: skip
    with pytest.raises(UsageError, match="ensures must be a list of at most 32"):
        learn(script(BodyAnswer=[writes(RIGHT)]), domain=shop(promised=long))
    assert holds_nothing(library)


KILLED = """
import json, os, signal, sys
from pathlib import Path
from executor.learn import Learner
from executor.library import Library
from executor.model import open_model
from executor.sandbox import open_sandbox
from executor.store import open_store
from tests.executor.shop import gap_in, shop

folder, endpoint = sys.argv[1:]

def hear(event):
    if (event.kind, event.stage) == ("done", "admit"):
        os.kill(os.getpid(), signal.SIGKILL)

model = open_model("scripted", endpoint=endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=8)
library = Library(open_store(redis_url=None, data_dir=Path(folder)))
Learner(shop(), model, open_sandbox(kind="lockdown"), library, on_event=hear).close(gap_in(shop()))
"""


def test_an_entry_survives_the_killing_of_the_process_that_learned_it(
    script: Script, folder: Path, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), server.endpoint],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    with open_store(redis_url=None, data_dir=folder) as store:
        (operator,) = Library(store).operators("shop")
        assert operator.contract == contract()
        assert len(Library(store).evidence(str(operator.version))) == 6


def test_what_was_learned_can_be_written_as_json(script: Script, learn: Learn) -> None:
    learned = learn(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]))
    assert json.loads(json.dumps([e.to_json() for a in learned.attempts for e in a.verdict.evidence]))
