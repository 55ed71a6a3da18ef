"""What is written of uses and retries is written whole, once, and by several processes at once."""

import os
import signal
from typing import Any

import pytest

from executor.store import Promotion, PutBack, Store, Use, digest
from executor.store.retries import LIFETIME
from executor.store.trust_scripts import DEMOTE, USED
from htn.errors import ServiceMissing, UsageError
from tests.store.store_places import Place
from tests.store.test_store_processes import finish, kill_server

BACK = PutBack("high", "low", "kept", "record", "note", '{"version":"{version}"}')


def promotion(records: int | None = 1) -> Promotion:
    return Promotion(3, "low", "high", "ten", "promoted", records)


def admit(store: Store, name: str, version: str, *depends: str, trust: str = "high") -> None:
    store.admit("d", name, version, version, trust=trust, evidence=["e"], depends=depends)


def demote(store: Store, name: str, version: str, **more: Any) -> bool:
    given: dict[str, Any] = {"record": "r", "event": "down", "counterexample": "c", "digest": digest("c")}
    return store.watched().demote("d", name, version, level="out", stays="gone", back=BACK, **(given | more))


USES = (
    "from executor.store import Promotion, digest\n"
    "change = Promotion(3, 'low', 'high', 'ten', 'promoted', 1)\n"
    "for n in range(20):\n"
    "    store.watched().used('v', '', digest=digest(str(n)), most=5, promotion=change)\n"
)


def test_of_several_processes_that_count_uses_one_promotes(place: Place) -> None:
    with place.open() as store:
        admit(store, "n", "v", trust="low")
        finish([place.process(USES) for _ in range(3)])
        assert (store.uses("v"), store.trust("v")) == (60, "high")
        assert store.evidence("v") == ["e", "ten"]
        assert [event.text for event in store.pointers().history("d", "n")] == ["promoted"]


def test_evidence_that_came_meanwhile_is_looked_at_before_anything_is_promoted(store: Store) -> None:
    admit(store, "n", "v", trust="low")
    store.append_evidence("v", "something was wrong")
    for n in range(6):
        used = store.watched().used("v", "", digest=digest(str(n)), most=5, promotion=promotion())
        assert used is (Use.COUNTED if n < 2 else Use.DUE)
    assert store.trust("v") == "low"
    looked = store.watched().used("v", "", digest=digest("0"), most=5, promotion=promotion(2), counted=True)
    assert (looked, store.uses("v")) == (Use.PROMOTED, 6)


def test_what_depends_on_a_version_is_found_at_the_moment_of_its_demotion(place: Place) -> None:
    """While others are admitted that depend on it: each is put back that was there before, and no other."""
    code = (
        "for n in range(40):\n"
        "    store.admit('d', f'n{n}', f'v{n}', 'x', trust='high', evidence=['e'], depends=['base'])\n"
        "    print(n, flush=True)\n"
    )
    with place.open() as store:
        admit(store, "base", "b")
        process = place.process(code)
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        demote(store, "base", "b")
        finish([process])
        levels = [store.trust(f"v{n}") for n in range(40)]
        count = levels.count("low")
        assert count >= 5
        assert levels == ["low"] * count + ["high"] * (40 - count)
        put_back = [store.evidence(f"v{n}")[1:] for n in range(40)]
        assert put_back == [["record"]] * count + [[]] * (40 - count)


def test_a_demotion_survives_the_kill_of_its_process_and_of_the_server(embedded: Place) -> None:
    code = (
        "from executor.store import PutBack\n"
        "back = PutBack('high', 'low', 'kept', 'record', 'note', 'event')\n"
        "store.watched().demote('d', 'base', 'b', level='out', stays='gone', record='r', event='down',\n"
        "    counterexample='c', digest='0' * 64, back=back)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with embedded.open() as store:
        admit(store, "base", "b")
        admit(store, "above", "a", "base")
        process = embedded.process(code)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        kill_server(embedded)
        assert (store.trust("b"), store.trust("a")) == ("out", "low")
        assert store.watched().counterexamples("d", "base") == ["c"]


@pytest.mark.parametrize(
    "key",
    ["entry:v", "evidence:v", "history:d:n", "counterexamples:d:n", "tried:v", "dependents:d:n", "history:d:a",
     "evidence:av", "tried:av"],
)  # fmt: skip
def test_a_demotion_that_fails_leaves_nothing_half_written(place: Place, key: str) -> None:
    with place.open() as store, place.client() as client:
        admit(store, "n", "v")
        admit(store, "a", "av", "n")
        kept = client.dump(f"{place.prefix}:{key}") if client.exists(f"{place.prefix}:{key}") else None
        client.delete(f"{place.prefix}:{key}")
        client.set(f"{place.prefix}:{key}", "something else")
        with pytest.raises(ServiceMissing, match="other things under the keys"):
            demote(store, "n", "v")
        client.delete(f"{place.prefix}:{key}")
        if kept is not None:
            client.restore(f"{place.prefix}:{key}", 0, kept)
        assert (store.trust("v"), store.trust("av")) == ("high", "high")
        assert store.evidence("v") == store.evidence("av") == ["e"]
        assert store.watched().counterexamples("d", "n") == []
        assert demote(store, "n", "v")


def test_a_demotion_and_a_promotion_that_are_sent_twice_happen_once(embedded: Place) -> None:
    with embedded.open() as store, embedded.client() as client:
        admit(store, "n", "v")
        admit(store, "a", "av", "n")
        keys = [f"htn:{k}" for k in ("entry:v", "evidence:v", "history:d:n", "counterexamples:d:n", "tried:v")]
        down = client.register_script(DEMOTE)
        sent = ("m" * 32, "v", "d:n", "out", "gone", "r", "down", "c", "0" * 64, "50", BACK.text(store.watched()._keys))
        assert [down(keys, sent) for _ in range(2)] == [1, 1]
        assert (store.evidence("v"), store.evidence("av")) == (["e", "r"], ["e", "record"])
        assert [e.text for e in store.pointers().history("d", "a")] == ['{"version":"av"}']
        use = client.register_script(USED)
        places = [f"htn:{k}" for k in ("entry:av", "inputs:av", "tried:av", "evidence:av")]
        used = ("u" * 32, "", "5", "0" * 64, "1", "low", "high", "ten", "promoted", "2", "htn:history:")
        assert [use(places, used) for _ in range(2)] == [2, 2]
        assert (store.uses("av"), store.evidence("av")[2:]) == (1, ["ten"])


def test_what_is_not_there_cannot_be_demoted_and_is_not_made(place: Place) -> None:
    with place.open() as store, place.client() as client:
        assert not demote(store, "n", "v")
        assert not store.watched().used("v", "x", digest=digest("x"), most=5, promotion=promotion())
        assert list(client.scan_iter(f"{place.prefix}:*")) == []


@pytest.mark.parametrize("kept", ["high", "out"])
def test_an_admission_upon_a_trust_that_has_changed_is_not_written(store: Store, kept: str) -> None:
    admit(store, "n", "v", trust="low")
    store.set_trust("v", kept, "meanwhile")
    with pytest.raises(Exception, match="the trust in v has changed meanwhile"):
        store.admit("d", "n", "v", "v", trust="low", evidence=["late"], held="low")
    assert (store.trust("v"), store.evidence("v")) == (kept, ["e", "meanwhile"])


def test_a_count_stands_where_other_programs_look_for_it_as_a_plain_number(place: Place) -> None:
    with place.open() as store, place.client() as client:
        workflow = place.prefix  # of this test alone, also on a server that is shared
        assert [store.retry_counts().count(workflow, "2-pay", most=3) for _ in range(4)] == [1, 2, 3, None]
        key = f"workflow_step_retry:{workflow}:2-pay"
        assert client.get(key) == "3"
        assert 0 < client.pttl(key) <= LIFETIME
        assert store.retry_counts().status(workflow) == {"2-pay": 3}
        store.retry_counts().clear(workflow)
        assert not client.exists(key)
        assert list(client.scan_iter(f"{place.prefix}:*")) == []


def test_steps_are_counted_apart_and_cleared_apart(place: Place) -> None:
    one, other = f"{place.prefix}.1", f"{place.prefix}.2"
    with place.open() as store:
        counts = store.retry_counts()
        for step in ("1-a", "2-b", "2-b"):
            counts.count(one, step, most=3)
        counts.count(other, "1-a", most=3)
        assert counts.status(one) == {"1-a": 1, "2-b": 2}
        counts.clear(one, "2-b")
        assert counts.status(one) == {"1-a": 1}
        assert counts.count(one, "2-b", most=3) == 1
        counts.clear(one)
        assert (counts.status(one), counts.status(other)) == ({}, {"1-a": 1})
        counts.clear(other)


def test_two_processes_that_count_at_once_never_exceed_the_limit(place: Place) -> None:
    code = "print(sum(store.retry_counts().count({w!r}, '1-a', most=50) is not None for _ in range(40)))"
    with place.open() as store:
        said = finish([place.process(code.format(w=place.prefix)) for _ in range(3)])
        assert sum(map(int, said)) == 50
        assert store.retry_counts().status(place.prefix) == {"1-a": 50}
        store.retry_counts().clear(place.prefix)


def test_a_count_survives_the_kill_of_its_process_and_of_the_server(embedded: Place) -> None:
    process = embedded.process("store.retry_counts().count('w', '1-a', most=3)\nos.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with embedded.open() as store:
        assert store.retry_counts().status("w") == {"1-a": 1}
        assert kill_server(embedded) != os.getpid()
        assert store.retry_counts().count("w", "1-a", most=3) == 2


@pytest.mark.parametrize("bad", ["", "a:b", "a b", "-a", ".a", "ä", "*", "a\n", "a" * 129])
def test_ids_that_could_reach_into_other_keys_are_refused(store: Store, bad: str) -> None:
    counts = store.retry_counts()
    for deed in (
        lambda: counts.count(bad, "1-a", most=3), lambda: counts.count("w", bad, most=3),
        lambda: counts.status(bad), lambda: counts.clear(bad),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="cannot be the id"):
            deed()


@pytest.mark.parametrize("text", ["", "many", "nan", "-1", "1e400", "3.5x"])
def test_what_another_program_wrote_and_is_no_count_is_used_up(embedded: Place, text: str) -> None:
    with embedded.open() as store, embedded.client() as client:
        store.retry_counts().count("w", "1-a", most=3)
        client.set("workflow_step_retry:w:1-a", text)
        assert store.retry_counts().count("w", "1-a", most=3) is None
        assert store.retry_counts().status("w") == {}
