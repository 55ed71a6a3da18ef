"""The pool: several at once, spares, single use, idle ones, closing, and starts that fail."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from executor.sandbox import Kind, Outcome, PoolSettings, Program, Sandbox, SandboxLimits, open_sandbox
from executor.sandbox.lockdown import LockdownSandbox
from executor.sandbox.pool import Errand, Pool
from executor.sandbox.supervised import Need, Supervised
from executor.sandbox.warm import WarmSandbox
from htn.errors import ServiceMissing, UsageError
from tests.sandbox.processes import PATIENCE, settled, until

ONE = Program("def body(): return 1", "body")
ONCE = Program("def body(): return 1", "body", single_use=True)
SLEEP = Program("import time\ndef body(seconds):\n    time.sleep(seconds)\n    return seconds", "body")

Open = Callable[..., WarmSandbox]


@pytest.fixture
def opened(level: Kind) -> Iterator[Open]:
    """Open sandboxes with pools of the test's own; they are closed at its end."""
    sandboxes: list[Sandbox] = []

    def open_one(**pool: float) -> WarmSandbox:
        sandbox = open_sandbox(kind=level, pool=PoolSettings(**pool))  # type: ignore[arg-type]
        sandboxes.append(sandbox)
        assert isinstance(sandbox, WarmSandbox)
        return sandbox

    yield open_one
    for each in sandboxes:
        each.close()


def errand_of(sandbox: WarmSandbox, supervised: Supervised) -> bool:
    """Whether a supervisor works for a call."""
    return any(supervised in shelf.busy for shelf in sandbox._pool._shelves.values())


@contextmanager
def sleeping(sandbox: Sandbox, seconds: float, count: int) -> Iterator[list[Outcome | Exception]]:
    """Have some bodies sleep at the same time; at the end of the block wait for what came of them."""
    outcomes: list[Outcome | Exception] = []
    limits = SandboxLimits(seconds=60)

    def call() -> None:
        try:
            outcomes.append(sandbox.call(SLEEP, {"seconds": seconds}, limits=limits))
        except (UsageError, ServiceMissing) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield outcomes
    for thread in threads:
        thread.join(PATIENCE)
    assert len(outcomes) == count


def test_calls_of_several_threads_run_side_by_side_up_to_the_size_of_the_pool(opened: Open) -> None:
    sandbox = opened(size=2, spares=0)
    with sleeping(sandbox, 1.0, 5) as outcomes:
        until(lambda: sandbox.warm == 2)
    assert [each.value for each in outcomes if isinstance(each, Outcome)] == [1.0] * 5
    assert sandbox.warm == 2


def test_one_spare_is_started_ahead_and_takes_over_after_trouble(opened: Open) -> None:
    sandbox = opened(size=1, spares=1)
    sandbox.call(ONE, {})
    assert sandbox.warm == 1
    sandbox.call(ONE, {})
    until(lambda: sandbox.warm == 2)
    spare = [each for each in sandbox._pool.running() if each.unused]
    sandbox.call(SLEEP, {"seconds": 60}, limits=SandboxLimits(seconds=0.2))  # an end that does no harm
    assert [each for each in sandbox._pool.running() if each.unused] == spare
    with sleeping(sandbox, 60, 1) as outcomes:
        (busy,) = [each for each in sandbox._pool.running() if each not in spare]
        until(lambda: errand_of(sandbox, busy))
        time.sleep(0.5)  # the body runs
        busy.wire.cut()
    assert isinstance(outcomes[0], Outcome)
    assert outcomes[0].problem is not None
    assert sandbox.call(ONE, {}).value == 1
    assert spare[0] in sandbox._pool.running()
    until(lambda: sandbox.warm == 2)


def test_a_single_use_runs_where_nothing_ran_before_and_nothing_runs_after(opened: Open) -> None:
    sandbox = opened(size=2)
    sandbox.call(ONE, {})
    before = set(sandbox._pool.running())
    for _ in range(3):
        assert sandbox.call(ONCE, {}).value == 1
    after = set(sandbox._pool.running())
    assert before <= after
    assert all(each.unused for each in after - before)
    assert {each.calls for each in before} == {1}


def test_after_a_single_use_another_one_is_ready(opened: Open) -> None:
    sandbox = opened(size=2)
    sandbox.call(ONCE, {})
    until(lambda: sandbox.warm == 1)
    (spare,) = sandbox._pool.running()
    assert spare.unused
    assert sandbox.call(ONCE, {}).value == 1
    until(lambda: spare not in sandbox._pool.running())


def test_idle_ones_end_and_come_back_when_they_are_needed(opened: Open) -> None:
    sandbox = opened(size=1, idle_seconds=0.5)
    sandbox.call(ONE, {})
    sandbox.call(ONE, {})
    until(lambda: sandbox.warm == 0)
    assert sandbox.call(ONE, {}).value == 1


def test_each_call_after_the_most_calls_has_another_one(opened: Open) -> None:
    sandbox = opened(size=1, spares=0, calls=2)
    seen: set[Supervised] = set()
    for _ in range(6):
        sandbox.call(ONE, {})
        seen |= set(sandbox._pool.running())
    assert sandbox.warm == 0
    assert len(seen) == 3


def test_closing_ends_the_calls_of_other_threads(opened: Open) -> None:
    sandbox = opened(size=2, spares=0)
    with sleeping(sandbox, 60, 3) as outcomes:
        until(lambda: sandbox.warm == 2)
        sandbox.close()
        assert sandbox.warm == 0
    ended = [each for each in outcomes if isinstance(each, Outcome) and each.problem]
    assert [each.problem.category for each in ended if each.problem] == ["environment"] * 2
    assert all("closed" in each.problem.message for each in ended if each.problem)
    (refused,) = [each for each in outcomes if isinstance(each, UsageError)]
    assert "closed" in refused.message


def test_closing_at_once_leaves_no_spare_behind(level: Kind) -> None:
    before = settled()
    with open_sandbox(kind=level) as sandbox:
        sandbox.call(ONE, {})
        sandbox.call(ONE, {})
    assert isinstance(sandbox, WarmSandbox)
    assert sandbox.warm == 0
    assert settled() == before


def test_cancelling_a_call_that_waits_leaves_the_one_that_runs(opened: Open) -> None:
    sandbox = opened(size=1, spares=0)

    sandbox.call(ONE, {})

    async def two() -> object:
        first = asyncio.create_task(sandbox.acall(SLEEP, {"seconds": 1.0}))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(sandbox.acall(ONE, {}))
        await asyncio.sleep(0.1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        return (await first).value

    assert asyncio.run(two()) == 1.0
    assert sandbox.call(ONE, {}).value == 1


def test_many_calls_cancelled_at_once_leave_a_sandbox_that_works(opened: Open) -> None:
    sandbox = opened(size=2, spares=0)

    async def all_of_them() -> list[object]:
        tasks = [asyncio.create_task(sandbox.acall(SLEEP, {"seconds": 60})) for _ in range(12)]
        while sandbox.warm < 2:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert all(isinstance(each, asyncio.CancelledError) for each in asyncio.run(all_of_them()))
    assert sandbox.call(ONE, {}).value == 1


def test_a_loop_that_is_cancelled_with_its_time_out_kills_the_call(opened: Open) -> None:
    sandbox = opened(size=1, spares=0)
    sandbox.call(ONE, {})

    async def briefly() -> None:
        async with asyncio.timeout(0.5):
            await sandbox.acall(SLEEP, {"seconds": 60}, limits=SandboxLimits(seconds=90))

    with pytest.raises(TimeoutError):
        asyncio.run(briefly())
    assert sandbox.warm == 0


def test_a_pool_takes_sizes_that_make_sense() -> None:
    assert PoolSettings().size >= 1
    for bad in ({"size": -1}, {"spares": 2}, {"calls": 0}, {"idle_seconds": 0.0}):
        with pytest.raises(UsageError, match="pool"):
            PoolSettings(**bad)


class Starts:
    """Starts supervisors of a real sandbox, or fails, and counts."""

    def __init__(self, sandbox: LockdownSandbox) -> None:
        self._sandbox = sandbox
        self.count = 0
        self.works = True
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, need: Need) -> Supervised:
        self.count += 1
        self.gate.wait(PATIENCE)
        if not self.works:
            raise ServiceMissing("nothing starts today")
        return self._sandbox._start(need)


@pytest.fixture
def starts(needs_landlock: None) -> Iterator[Starts]:
    with open_sandbox(kind="lockdown") as sandbox:
        assert isinstance(sandbox, LockdownSandbox)
        yield Starts(sandbox)


def test_all_who_wait_for_a_start_that_fails_hear_of_it(starts: Starts) -> None:
    pool = Pool(starts, PoolSettings(size=2))
    starts.works = False
    starts.gate.clear()
    heard: list[str] = []

    def take() -> None:
        try:
            pool.take(Need(), Errand())
        except ServiceMissing as error:
            heard.append(error.message)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: starts.count == 2)
    until(lambda: sum(shelf.waiting for shelf in pool._shelves.values()) == 18)
    starts.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert heard == ["nothing starts today"] * 20
    assert starts.count == 2  # and not once for each who waits
    starts.works = True
    pool.give_back(pool.take(Need(), Errand()))
    pool.close()


def test_a_spare_that_does_not_start_is_not_tried_again_and_again(starts: Starts) -> None:
    pool = Pool(starts, PoolSettings(size=1))
    pool.give_back(pool.take(Need(), Errand()))
    starts.works = False
    for _ in range(20):
        pool.give_back(pool.take(Need(), Errand()))
    until(lambda: starts.count == 2)
    for _ in range(20):
        pool.give_back(pool.take(Need(), Errand()))
    pool.close()
    assert starts.count == 2


def test_a_burst_of_calls_starts_no_more_than_the_pool_holds(starts: Starts) -> None:
    pool = Pool(starts, PoolSettings(size=2, spares=0))

    def use() -> None:
        pool.give_back(pool.take(Need(), Errand()))

    threads = [threading.Thread(target=use) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert starts.count <= 2
    pool.close()


def test_closing_waits_for_a_start_and_ends_what_came_of_it(starts: Starts) -> None:
    pool = Pool(starts, PoolSettings(size=1))
    starts.gate.clear()
    refused: list[str] = []

    def take() -> None:
        try:
            pool.take(Need(), Errand())
        except UsageError as error:
            refused.append(error.message)

    thread = threading.Thread(target=take)
    thread.start()
    until(lambda: starts.count == 1)
    closing = threading.Thread(target=pool.close)
    closing.start()
    starts.gate.set()
    closing.join(PATIENCE)
    thread.join(PATIENCE)
    assert refused == ["the sandbox is closed"]
    assert pool.running() == []
