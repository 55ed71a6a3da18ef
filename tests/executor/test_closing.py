"""Two that close the same gap at once: one asks the model, the other waits and takes what it has learned."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from executor.learn import Learned, Learner, LearnEvent
from executor.library import Library
from executor.model import open_model
from executor.model.standin import StandIn
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import LeaseTimes, Store
from htn.domain import Domain
from tests.executor.shop import RIGHT, gap_in, says, shop, writes

Script = Callable[..., StandIn]
QUICK = LeaseTimes(lifetime=0.5, look=0.02)


def learner(server: StandIn, store: Store, box: Sandbox, domain: Domain, **more: Any) -> Learner:
    model = open_model("scripted", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=8)
    limits = SandboxLimits(seconds=1.0)
    return Learner(domain, model, box, Library(store, lease_times=QUICK), limits=limits, **more)


def both(server: StandIn, store: Store, box: Sandbox, domain: Domain) -> tuple[list[Learned], list[str]]:
    """Close one gap in two threads; the second begins when the first is about to ask the model."""
    learned: list[Learned] = []
    notes: list[str] = []
    second = threading.Thread(
        target=lambda: learned.append(learner(server, store, box, domain, on_note=notes.append).close(gap_in(domain)))
    )
    asked = threading.Event()
    waits = threading.Event()

    def first_asks(event: LearnEvent) -> None:
        if not asked.is_set():
            asked.set()
            second.start()
            waits.wait(0.3)

    learned.append(learner(server, store, box, domain, on_event=first_asks).close(gap_in(domain)))
    second.join()
    return learned, notes


def test_two_threads_that_close_one_gap_end_with_one_entry(script: Script, store: Store, box: Sandbox) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    learned, notes = both(server, store, box, shop())
    assert [one.version for one in learned] == Library(store).versions("shop", "order_total") * 2
    assert len(server.requests) == 2
    assert "another process is closing the gap order_total" in notes[0]


def test_one_that_waited_takes_even_what_is_good_for_this_request_only(
    script: Script, store: Store, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    learned, _ = both(server, store, box, shop(example=False))
    assert {one.trust for one in learned} == {"quarantined"}
    assert len(Library(store).versions("shop", "order_total")) == 1
    assert len(server.requests) == 4  # two of them for tests, which the stand-in does not have


CLOSES = """
import json, sys
from pathlib import Path
from executor.learn import Learner
from executor.library import Library
from executor.model import open_model
from executor.sandbox import SandboxLimits, open_sandbox
from executor.store import LeaseTimes, open_store
from tests.executor.shop import gap_in, shop

folder, endpoint, hang = json.loads(sys.argv[1])
def event(said):
    if hang:
        print("asking", flush=True)
        sys.stdin.readline()
with open_store(redis_url=None, data_dir=Path(folder)) as store, open_sandbox(kind="lockdown") as box:
    model = open_model("scripted", endpoint=endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=8)
    library = Library(store, lease_times=LeaseTimes(lifetime=1.0, look=0.05))
    learner = Learner(shop(), model, box, library, limits=SandboxLimits(seconds=2.0), on_event=event)
    learned = learner.close(gap_in(shop()))
    print(json.dumps([learned.version, len(model.calls)]), flush=True)
"""


def closes(folder: Path, server: StandIn, *, hang: bool = False) -> "subprocess.Popen[str]":
    arguments = json.dumps([str(folder), server.endpoint, hang])
    return subprocess.Popen(
        [sys.executable, "-c", CLOSES, arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_two_processes_that_close_one_gap_end_with_one_entry(
    script: Script, store: Store, folder: Path, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    said = [process.communicate(timeout=120) for process in [closes(folder, server) for _ in range(2)]]
    answers = [json.loads(out) for out, _ in said]
    assert sorted(calls for _, calls in answers) == [0, 2]
    assert {version for version, _ in answers} == set(Library(store).versions("shop", "order_total"))


def test_where_the_one_that_closes_a_gap_is_killed_the_next_one_closes_it(
    script: Script, store: Store, folder: Path, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    first = closes(folder, server, hang=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "asking\n"
    second = closes(folder, server)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    version, calls = json.loads(out)
    assert calls == 2
    assert Library(store).versions("shop", "order_total") == [version]


def test_one_that_was_asleep_for_too_long_does_not_write_over_what_the_next_one_has_learned(
    script: Script, store: Store, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says(), says()], BodyAnswer=[writes(RIGHT), writes(RIGHT + "\n")])
    other: list[str | None] = []
    library = Library(store)

    def asleep(event: LearnEvent) -> None:
        if event.stage == "admit" and not other:
            for key in store._connection._client.scan_iter("htn:lease:*"):  # as if it had lapsed
                store._connection._client.delete(key)
            other.append(learner(server, store, box, shop()).close(gap_in(shop())).version)

    learned = learner(server, store, box, shop(), on_event=asleep).close(gap_in(shop()))
    assert library.versions("shop", "order_total") == other
    assert learned.version == other[0]


def test_a_pinned_name_is_not_learned_anew_and_the_model_is_not_asked(
    script: Script, store: Store, box: Sandbox
) -> None:
    server = script(ContractAnswer=[says()], BodyAnswer=[writes(RIGHT)])
    domain = shop()
    version = learner(server, store, box, domain).close(gap_in(domain)).version
    assert version is not None
    library = Library(store)
    library.pointers.pin("shop", "order_total", version, "pinned", "")
    again = learner(server, store, box, domain, instead_of=version).close(gap_in(domain))
    assert "is pinned to" in str(again.reason)
    assert len(server.requests) == 2
