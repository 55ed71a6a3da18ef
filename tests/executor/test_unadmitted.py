"""A store that goes away before the admission: nothing is half admitted, and what was learned is not lost."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from executor import unadmitted
from executor.agent import Agent, Listener
from executor.exchange import Imported, bring_in, read_file
from executor.finished import Finished
from executor.learn import LearnEvent
from executor.library import Library
from executor.model.standin import StandIn
from executor.proposals import Proposals
from executor.review import Admit, Reject, Review, Reviewer
from executor.settings import Settings
from executor.store import Store, open_store
from htn.errors import ServiceMissing, UsageError
from htn.plan import Plan
from tests.executor.mortal import Mortal
from tests.executor.shop import LARGEST, RIGHT, contract, gap_in, says, shop, state_of, writes
from tests.executor.test_deepen import BY_HALVES, GOOD, LOOP, OTHER
from tests.executor.test_library import entry

Script = Callable[..., StandIn]
Open = Callable[..., Agent]
NOBODY = "127.0.0.1:9"
TASK = ("order_total", "tea")
RECORD = {"rung": 8, "name": "contract", "passed": True, "detail": "", "trials": 5}


@pytest.fixture
def mortal(folder: Path) -> Iterator[Mortal]:
    (folder / "mortal").mkdir()
    server = Mortal(folder / "mortal")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def agent(folder: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(server: StandIn | None, reviewer: Reviewer | None = None, **settings: Any) -> Agent:
            given = {"ollama_endpoint": server.endpoint if server else NOBODY, "sandbox": "lockdown",
                     "model": "scripted", "data_dir": folder, **settings}  # fmt: skip
            listener = settings.pop("listener", None) or Listener()
            given.pop("listener", None)
            return stack.enter_context(Agent(Settings.load(**given), listener, reviewer))

        yield opened


def at(stage: str, do: Callable[[], Any], kind: str = "start") -> Listener:
    """A listener that does something, once, when a stage of learning starts or ends."""
    done: list[str] = []

    def hear(event: LearnEvent) -> None:
        if (event.kind, event.stage) == (kind, stage) and not done:
            done.append(stage)
            do()

    return Listener(learning=hear)


def file_in(folder: Path) -> Path:
    (found,) = (folder / "unadmitted").glob("*.json")
    return found


def brought(store: Store, folder: Path, path: Path) -> Imported:
    (one,) = read_file(path)
    ours = unadmitted.is_ours(folder, path)
    return bring_in(Library(store), one, who="ada", why="the store was gone", ours=ours)


def right(script: Script, *bodies: str) -> StandIn:
    return script(ContractAnswer=[says()], BodyAnswer=[writes(code) for code in bodies or (RIGHT,)])


@pytest.mark.parametrize(("stage", "kind"), [("admit", "start"), ("body", "done")])
def test_what_passed_before_the_store_was_killed_is_imported_and_planned_with_without_a_model(
    agent: Open, script: Script, mortal: Mortal, folder: Path, stage: str, kind: str
) -> None:
    one = agent(right(script, LARGEST, RIGHT), redis_url=mortal.url, listener=at(stage, mortal.kill, kind))
    with pytest.raises(ServiceMissing) as caught:
        one.learn(shop(), gap_in(shop()))
    path = file_in(folder)
    assert caught.value.exit_code == 7
    assert f"htn library import {path} --why REASON" in caught.value.hints[-1]
    assert "shop.order_total passed (probation) and was not admitted" in caught.value.message
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    mortal.start()
    with open_store(redis_url=mortal.url, data_dir=folder) as store:
        library = Library(store)
        assert library.entries() == []
        assert library.versions("shop", "order_total") == []
        found = brought(store, folder, path)
        assert (found.trust, found.current) == ("probation", True)
        kept = [(r["attempt"], r["rung"], r["passed"]) for r in library.evidence(found.version) if "attempt" in r]
        assert kept == [
            (1, 0, True), (1, 1, True), (1, 2, True), (1, 3, True), (1, 4, False),
            (2, 0, True), (2, 1, True), (2, 2, True), (2, 3, True), (2, 4, True), (2, 8, True),
        ]  # fmt: skip
    without = agent(None, redis_url=mortal.url)
    plan = without.plan(shop(), [("check_out", "tea")], state_of(shop()))
    assert isinstance(plan, Plan)
    assert plan.actions[0].version == found.version
    state = state_of(shop())
    report = without.run(shop(), [("check_out", "tea")], state)
    assert report.run is not None and report.run.done
    assert (state.total["tea"], report.calls) == (9.5, ())


def client_of(folder: Path) -> redis.Redis:
    return redis.Redis.from_url(f"unix://{folder / 'store' / 'redis.sock'}", decode_responses=True)


def test_an_embedded_store_that_cannot_be_written_to_loses_nothing(agent: Open, script: Script, folder: Path) -> None:
    def fill() -> None:
        with client_of(folder) as client:
            client.config_set("maxmemory", "1")

    one = agent(right(script), listener=at("admit", fill))
    with pytest.raises(ServiceMissing, match="out of memory"):
        one.learn(shop(), gap_in(shop()))
    with client_of(folder) as client:
        client.config_set("maxmemory", "0")
    assert one.library.versions("shop", "order_total") == []
    assert brought(one.store, folder, file_in(folder)).trust == "probation"
    assert isinstance(agent(None).plan(shop(), [TASK], state_of(shop())), Plan)


def test_an_embedded_store_that_is_killed_and_cannot_start_again_loses_nothing(
    agent: Open, script: Script, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Path:
        raise ServiceMissing("the library needs a Redis server, and this machine has none")

    def kill() -> None:
        with client_of(folder) as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)
        monkeypatch.setattr("executor.store.server.find_program", gone)

    one = agent(right(script), listener=at("admit", kill))
    with pytest.raises(ServiceMissing, match="this machine has none"):
        one.learn(shop(), gap_in(shop()))
    monkeypatch.undo()
    assert one.library.versions("shop", "order_total") == []
    assert brought(one.store, folder, file_in(folder)).trust == "probation"


def test_a_proposal_that_cannot_be_kept_is_in_the_file_too(
    agent: Open, script: Script, mortal: Mortal, folder: Path
) -> None:
    one = agent(right(script), redis_url=mortal.url, learn="ask", listener=at("given examples", mortal.kill, "rung"))
    with pytest.raises(ServiceMissing, match="was not admitted"):
        one.learn(shop(), gap_in(shop()))
    mortal.start()
    with open_store(redis_url=mortal.url, data_dir=folder) as store:
        assert Proposals(Library(store), store).listed() == []
        assert brought(store, folder, file_in(folder)).trust == "probation"


def test_the_word_of_a_person_who_agreed_is_kept_with_it(
    agent: Open, script: Script, mortal: Mortal, folder: Path
) -> None:
    def agree(review: Review) -> Admit:
        mortal.kill()
        return Admit(who="ada", why="I have read it")

    with pytest.raises(ServiceMissing):
        agent(right(script), agree, redis_url=mortal.url, learn="ask").learn(shop(), gap_in(shop()))
    mortal.start()
    with open_store(redis_url=mortal.url, data_dir=folder) as store:
        found = brought(store, folder, file_in(folder))
        assert Library(store).evidence(found.version)[-1]["detail"] == "I have read it (ada)"


def test_what_a_person_rejected_is_not_kept(agent: Open, script: Script, folder: Path) -> None:
    reject = lambda review: Reject("no", "ada")  # noqa: E731
    learned = agent(right(script), reject, learn="ask").learn(shop(), gap_in(shop()))
    assert str(learned.reason) == "it was rejected: no"
    assert not (folder / "unadmitted").exists()


def test_evidence_that_was_bought_for_an_entry_of_the_library_is_added_to_it(
    agent: Open, script: Script, mortal: Mortal, folder: Path
) -> None:
    domain = shop(promised=contract())
    first = agent(script(BodyAnswer=[writes(RIGHT)]), redis_url=mortal.url).learn(domain, gap_in(domain))
    assert first.trust == "probation"
    server = script(BodyAnswer=[writes(LOOP), writes(BY_HALVES)], SuiteAnswer=[GOOD, OTHER, GOOD])
    one = agent(server, redis_url=mortal.url, model_parallel=1, listener=at("admit", mortal.kill))
    with pytest.raises(ServiceMissing, match=r"passed \(trusted\)"):
        one.deepen(domain, gap_in(domain))
    mortal.start()
    with open_store(redis_url=mortal.url, data_dir=folder) as store:
        library = Library(store)
        assert library.trust(str(first.version)) == "probation"
        assert brought(store, folder, file_in(folder)).trust == "trusted"
        held = library.evidence(str(first.version))
        assert brought(store, folder, file_in(folder)).note.startswith("the library has this version")
        assert library.evidence(str(first.version)) == held


def finished(trust: str = "trusted", **parts: Any) -> Finished:
    return Finished(entry(**parts), trust, [RECORD])


def test_only_what_this_folder_has_written_is_believed(store: Store, folder: Path, tmp_path: Path) -> None:
    path = unadmitted.keep(folder, finished())
    for place in (tmp_path / "moved.json", path):
        place.write_bytes(path.read_bytes())
        assert unadmitted.is_ours(folder, place)
    assert not unadmitted.is_ours(tmp_path, path)
    assert not unadmitted.is_ours(folder, tmp_path / "none.json")
    assert brought(store, tmp_path, path).trust == "probation"


def test_a_file_that_was_changed_is_as_good_as_any_other_bundle(store: Store, folder: Path) -> None:
    path = unadmitted.keep(folder, finished("probation"))
    path.write_text(path.read_text().replace('"trust": "probation"', '"trust": "trusted"'))
    assert not unadmitted.is_ours(folder, path)
    found = brought(store, folder, path)
    assert found.trust == "probation"
    assert [record["rung"] for record in Library(store).evidence(found.version)] == ["import"]


def test_what_was_demoted_meanwhile_does_not_come_back(store: Store, folder: Path) -> None:
    library, found = Library(store), finished()
    version = library.admit(found.entry, "trusted", [])
    library.demote(version, {"detail": "it broke"})
    assert brought(store, folder, unadmitted.keep(folder, found)).trust == "quarantined"


def test_a_file_of_the_same_version_is_written_over_as_a_whole(folder: Path) -> None:
    first = unadmitted.keep(folder, finished("probation"))
    again = unadmitted.keep(folder, finished("trusted"))
    assert first == again
    assert json.loads(again.read_text())["entries"][0]["trust"] == "trusted"
    assert sorted(p.suffix for p in again.parent.iterdir()) == [".json", ".sha256"]


def test_a_folder_that_cannot_be_written_to_is_said_beside_what_happened(
    agent: Open, script: Script, mortal: Mortal, folder: Path
) -> None:
    (folder / "unadmitted").write_text("in the way")
    one = agent(right(script), redis_url=mortal.url, listener=at("admit", mortal.kill))
    with pytest.raises(ServiceMissing, match="does not answer") as caught:
        one.learn(shop(), gap_in(shop()))
    assert "shop.order_total passed, and is lost: it cannot be written" in caught.value.hints[-1]
    with pytest.raises(UsageError, match="cannot be written"):
        unadmitted.keep(folder, finished())
