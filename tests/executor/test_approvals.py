"""What a person has to approve before it is admitted, or run: a run waits for it, and goes on with it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from executor.agent import Agent
from executor.approvals import Allow, Approvals, Code, CodeRefused, CodeReviewer, Refuse, approved
from executor.library import Library
from executor.model.standin import StandIn
from executor.review import ApprovalNeeded
from executor.run import RunState
from executor.runs import Runs
from executor.sandbox import Program, Sandbox
from executor.settings import Settings
from executor.store import Store
from htn.errors import ExecutionError, UsageError
from htn.network import Task
from tests.executor.shop import LARGEST, RIGHT, says, shop, state_of, writes
from tests.executor.test_library import entry

Script = Callable[..., StandIn]
Open = Callable[..., Agent]
RUN = "r"
TASKS: list[Task] = [("check_out", "tea")]
PROGRAM = Program("def f():\n    return 1\n", "f")


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(server: StandIn | None = None, asked: CodeReviewer | None = None, **settings: Any) -> Agent:
            endpoint = server.endpoint if server else "127.0.0.1:9"
            given: dict[str, Any] = {
                "ollama_endpoint": endpoint,
                "sandbox": "lockdown",
                "model": "scripted",
                "lease_seconds": 0.5,
            }
            chosen = Settings.load(data_dir=folder, **(given | settings))
            return stack.enter_context(Agent(chosen, code_reviewer=asked))

        yield opened


def granted(one: Agent, run_id: str = RUN) -> None:
    Runs(one.store).approve(run_id, one.library, who="ada", why="I have read it")


def test_code_that_nobody_has_allowed_is_not_run_and_once_allowed_is_run_by_everybody(
    store: Store, box: Sandbox
) -> None:
    guarded = approved(box, Approvals(store), None)
    with pytest.raises(ApprovalNeeded) as needed:
        guarded.call(PROGRAM, {})
    digest = needed.value.waits_for["code"]
    assert (needed.value.exit_code, Approvals(store).waiting(digest)) == (8, Code.of(PROGRAM))
    Approvals(store).allow(digest, Allow("ada", "I have read it"))
    assert approved(box, Approvals(store), None).call(PROGRAM, {}).value == 1
    said = Approvals(store).said(digest)
    assert said is not None and (said["who"], said["why"]) == ("ada", "I have read it")


def test_a_person_is_asked_once_for_the_same_code_and_again_for_one_letter_more(store: Store, box: Sandbox) -> None:
    seen: list[Code] = []

    def ask(code: Code) -> Allow:
        seen.append(code)
        return Allow("ada")

    guarded = approved(box, Approvals(store), ask)
    more = Program(f"{PROGRAM.code}\n", "f")
    assert [guarded.call(each, {}).value for each in (PROGRAM, PROGRAM, more, PROGRAM)] == [1, 1, 1, 1]
    assert [code.text for code in seen] == [PROGRAM.code, more.code]


def test_code_that_is_refused_is_not_run_and_not_remembered_as_allowed(store: Store, box: Sandbox) -> None:
    guarded = approved(box, Approvals(store), lambda code: Refuse("it reads too much"))
    with pytest.raises(CodeRefused, match="the code of f was refused: it reads too much"):
        guarded.call(PROGRAM, {})
    assert Approvals(store).said(Code.of(PROGRAM).digest) is None


def test_a_digest_stands_for_language_text_files_and_the_names_of_packages() -> None:
    def digest(**parts: Any) -> str:
        return Code.of(Program(**{"code": "x", "entry_point": "f", **parts})).digest

    pinned = digest(dependencies=("numpy==2.0.1",))
    others = [digest(), digest(code="y"), digest(language="bash"), digest(files={"a.py": ""}), pinned]
    assert len({*others}) == len(others)
    assert pinned == digest(dependencies=("numpy",))


def test_waiting_code_that_was_changed_in_the_store_is_not_shown_as_what_was_kept(store: Store) -> None:
    kept = Code.of(PROGRAM)
    store.allowed().keep(kept.digest, kept.model_copy(update={"text": "evil"}).model_dump_json())
    with pytest.raises(ExecutionError, match="is not what was kept"):
        Approvals(store).waiting(kept.digest)
    store.allowed().keep(kept.digest, "nonsense")
    with pytest.raises(ExecutionError, match="cannot be read"):
        Approvals(store).waiting(kept.digest)
    with pytest.raises(UsageError, match="no code waits under"):
        Approvals(store).waiting("0" * 64)


def test_with_always_a_run_waits_for_each_body_and_asks_the_model_nothing_twice(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(LARGEST), writes(RIGHT)])
    one = agent(server, approve="always")
    with pytest.raises(ApprovalNeeded):
        one.run(shop(), TASKS, state_of(shop()), run_id=RUN)
    for body in (LARGEST, RIGHT):
        view = Runs(one.store).show(RUN)
        assert view.state is RunState.WAITING and view.waits_for is not None
        assert Approvals(one.store).waiting(view.waits_for["code"]).text == body.strip() + "\n"
        granted(one)
        assert Runs(one.store).show(RUN).state is RunState.PAUSED
        with pytest.raises(ApprovalNeeded):
            agent(server).resume(RUN, domain=shop())
    # The third time it is the entry: who approves code approves what is admitted, too.
    view = Runs(one.store).show(RUN)
    assert view.waits_for is not None and "proposal" in view.waits_for
    granted(one)
    report = agent(server).resume(RUN, domain=shop())
    assert report.run is not None and report.run.done
    assert report.state.total["tea"] == 9.5
    assert len(server.requests) == 3


def test_with_always_a_step_waits_too_and_nothing_of_it_is_done_before(agent: Open) -> None:
    one = agent(approve="always", learn="never")
    one.library.admit(entry(), "trusted", [])
    with pytest.raises(ApprovalNeeded):
        one.run(shop(), TASKS, state_of(shop()), run_id=RUN)
    runs = Runs(one.store)
    assert [e.kind for e in runs.events(RUN)][-3:] == ["start", "release", "wait"]
    granted(one)
    report = agent().resume(RUN, domain=shop())
    assert report.run is not None and report.run.done
    assert report.state.paid["tea"] is True


@pytest.mark.parametrize("settings", [{"approve": "admit"}, {"learn": "ask"}], ids=str)
def test_a_run_that_waits_for_what_was_learned_goes_on_when_it_is_admitted(
    agent: Open, script: Script, settings: dict[str, str]
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one = agent(server, **settings)
    with pytest.raises(ApprovalNeeded):
        one.run(shop(), TASKS, state_of(shop()), run_id=RUN)
    view = Runs(one.store).show(RUN)
    assert (view.state, view.record.choices.approve) == (RunState.WAITING, "admit")
    granted(one)
    assert [e.data["who"] for e in Runs(one.store).events(RUN) if e.kind == "approve"] == ["ada"]
    last = agent()
    assert last.resume(RUN, domain=shop()).state.paid["tea"] is True
    assert not last.calls


def test_what_was_admitted_by_hand_meanwhile_is_approved_all_the_same(agent: Open, script: Script) -> None:
    one = agent(script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)]), approve="admit")
    with pytest.raises(ApprovalNeeded) as needed:
        one.run(shop(), TASKS, state_of(shop()), run_id=RUN)
    from executor.review import Admit  # noqa: PLC0415

    one.proposals.admit(needed.value.waits_for["proposal"], Admit(who="ada", why="good"))
    granted(one)
    assert agent().resume(RUN, domain=shop()).state.paid["tea"] is True


def test_a_run_that_waits_for_nothing_cannot_be_approved(agent: Open) -> None:
    one = agent(learn="never")
    one.run(shop(), [("pay", "tea")], state_of(shop()), run_id=RUN)
    with pytest.raises(UsageError, match="it waits for nobody"):
        granted(one)


def test_a_body_that_may_not_be_tried_leaves_its_gap_open(agent: Open, script: Script) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    one = agent(server, lambda code: Refuse("no"), approve="always")
    with pytest.raises(CodeRefused):
        one.run(shop(), TASKS, state_of(shop()), run_id=RUN)
    assert Runs(one.store).show(RUN).state is RunState.FAILED


def test_with_never_nobody_is_asked(agent: Open, library: Library) -> None:
    one = agent(asked=lambda code: Refuse("no"), learn="never")
    one.library.admit(entry(), "trusted", [])
    assert one.run(shop(), TASKS, state_of(shop()), run_id=RUN).state.paid["tea"] is True
