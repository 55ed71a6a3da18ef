"""Runs of a hundred steps whose driver, sandbox and Redis are killed at random moments, and what is left of them then.

A round is one run. While it lasts its driver is killed (SIGKILL) and begun again, or a process of its sandbox is; the
server that all rounds use is killed and started again now and then. Where nobody knows whether a step was carried out
that may not be carried out twice, the round looks at the traces, as a person would, and says.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from executor.durable import read_state
from executor.library import Library
from executor.load import load_domain
from executor.patience import Patience
from executor.run import RunState
from executor.runs import Runs
from executor.store import Store, open_store
from executor.store.address import read_address
from executor.store.connection import Connection
from executor.store.server import RemoteServer
from htn.errors import UsageError
from tests.executor.kills.driver import DOMAIN, ORDERS
from tests.executor.mortal import Mortal
from tests.executor.test_library import entry

STEPS = ORDERS * 4
ROOT = Path(__file__).parents[3]
_PATIENCE = Patience()  # the server may be killed while a round is looked at
_LONGEST = 180.0  # seconds; a round that takes longer is stuck


@dataclass
class Round:
    """What was done to a run, and what is wrong with what came of it: nothing, if all is well."""

    run_id: str
    driver_kills: int = 0
    sandbox_kills: int = 0
    settled: int = 0
    begun_twice: int = 0
    suspended_to: int = 0
    killed_at: list[float] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)
    """Seconds from the death of a driver to the next step that another one begins, with a lease of one second."""
    wrong: list[str] = field(default_factory=list)


@dataclass
class Disturbance:
    """A server, and rounds that use it."""

    folder: Path
    server: Mortal
    seed: int
    server_kills: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def prepare(self) -> None:
        """Start the server, and put the learned operator into its library."""
        self.server.start()
        with self._store() as store:
            evidence = [{"rung": 3, "name": "determinism, purity", "passed": True}]
            Library(store).admit(entry(learned_for=load_domain(str(DOMAIN))), "trusted", evidence)

    def _store(self) -> Store:
        return open_store(redis_url=self.server.url, data_dir=self.folder)

    def undisturbed(self) -> object:
        """Carry the run out once without disturbing it, and return the state that it leads to."""
        with self._start("undisturbed", 1, ()) as driver:
            if driver.wait(_LONGEST):
                raise AssertionError("the undisturbed run did not succeed")
        with self._store() as store:
            return read_state(store, "undisturbed")

    def play(self, number: int, expected: object) -> Round:
        """Play one round."""
        chance = random.Random(self.seed * 100_000 + number)
        came = Round(f"round{number}")
        parallel, settled = chance.choice([1, 1, 4]), tuple[str, ...]()
        children: set[int] = set()
        deadline = time.monotonic() + _LONGEST
        to_kill = chance.randint(1, 3)
        while True:
            with self._start(came.run_id, parallel, settled) as driver:
                settled = tuple[str, ...]()
                code = self._disturb(driver, chance, came, children, left=to_kill)
            if code == -signal.SIGKILL:
                to_kill -= 1
            if code == 0 or (code == 2 and self._is_done(came)):  # the one before was killed after it had written so
                break
            if code == 8:
                settled = self._settle(came)
            elif code not in (-signal.SIGKILL, 7):
                said = (self.folder / f"{came.run_id}.log").read_text(errors="replace")[-300:]
                came.wrong.append(f"a driver ended with {code}: {said}")
                return came
            if time.monotonic() > deadline:
                came.wrong.append("it did not come to its end")
                return came
        self._examine(came, expected)
        self._buried(came, children)
        return came

    def suspend(self, number: int, expected: object) -> Round:
        """Play a round whose driver is suspended for longer than its lease, and goes on when another one drives.

        A person who is asked whether a step was carried out sees to it first that the old driver is gone.
        """
        chance = random.Random(self.seed * 100_000 + number)
        came, settled = Round(f"suspended{number}"), tuple[str, ...]()
        with self._start(came.run_id, chance.choice([1, 4]), ()) as first:
            self._reach(came, first, "finish", chance.randint(1, 60))
            first.send_signal(signal.SIGSTOP)
            code = 8
            while code == 8:
                with self._start(came.run_id, 1, settled) as second:
                    self._reach(came, second, "resume", 1)
                    time.sleep(chance.uniform(0, 0.6))
                    first.send_signal(signal.SIGCONT)
                    code = self._wait(second, set())
                if code == 8:
                    first.kill()
                    settled = self._settle(came)
            came.suspended_to = self._wait(first, set())
            if code != 0 or came.suspended_to == 0:
                came.wrong.append(f"the drivers ended with {came.suspended_to} and {code}")
        self._examine(came, expected)
        return came

    def _reach(self, came: Round, driver: "subprocess.Popen[bytes]", kind: str, count: int) -> None:
        """Wait until there are so many events of a kind, or the driver has ended."""
        with self._patient_store() as store:
            while driver.poll() is None:
                with suppress(UsageError):  # it has not begun
                    if sum(event.kind == kind for event in Runs(store).events(came.run_id)) >= count:
                        return
                time.sleep(0.01)

    @contextmanager
    def _start(self, run_id: str, parallel: int, settled: tuple[str, ...]) -> Iterator["subprocess.Popen[bytes]"]:
        words = [
            sys.executable,
            "-m",
            "tests.executor.kills.driver",
            str(self.folder / run_id),
            self.server.url,
            run_id,
        ]
        environment = {**os.environ, "TRACES": str(self.folder / f"{run_id}.traces"), "PYTHONPATH": str(ROOT)}
        log = (self.folder / f"{run_id}.log").open("ab")
        with log, subprocess.Popen(
            [*words, str(parallel), *settled], env=environment, cwd=ROOT, stdout=log, stderr=log
        ) as driver:  # fmt: skip
            try:
                yield driver
            finally:
                driver.kill()

    def _disturb(
        self, driver: "subprocess.Popen[bytes]", chance: random.Random, came: Round, children: set[int], *, left: int
    ) -> int:
        """Wait for a driver to end, and kill it or its sandbox on the way."""
        while left > 0 and driver.poll() is None:
            end = time.monotonic() + chance.uniform(0.1, 1.5)
            begun = False
            while driver.poll() is None and not (begun and time.monotonic() > end):
                below = _children(driver.pid)
                children |= below
                if below and not begun:  # its sandbox is up, so its steps are under way
                    begun, end = True, time.monotonic() + chance.uniform(0.0, 0.8)
                time.sleep(0.01)
            if driver.poll() is not None:
                break
            found = sorted(_children(driver.pid))
            if found and chance.random() < 0.4:
                _kill(chance.choice(found))
                came.sandbox_kills += 1
                left -= 1
            else:
                driver.kill()
                came.driver_kills += 1
                came.killed_at.append(time.time())
        return self._wait(driver, children)

    def _wait(self, driver: "subprocess.Popen[bytes]", children: set[int]) -> int:
        end = time.monotonic() + _LONGEST
        while driver.poll() is None and time.monotonic() < end:
            children |= _children(driver.pid)
            time.sleep(0.05)
        driver.kill()
        return driver.wait()

    def _settle(self, came: Round) -> tuple[str, ...]:
        """Say of each unsure step whether it was carried out, by the traces."""
        traces = _traces(self.folder / f"{came.run_id}.traces")
        with self._patient_store() as store:
            steps = _PATIENCE.with_(lambda: Runs(store).show(came.run_id)).steps[-1]
        unsure = [step.key for step in steps if step.state == "unsure"]
        came.settled += len(unsure)
        return tuple(("+" if f"charge {came.run_id}/{key}" in traces else "-") + key for key in unsure)

    def _is_done(self, came: Round) -> bool:
        with self._patient_store() as store:
            return _PATIENCE.with_(lambda: Runs(store).show(came.run_id)).state is RunState.DONE

    @contextmanager
    def _patient_store(self) -> Iterator[Store]:
        """Open the store; the server may just be starting again."""
        for _ in range(100):
            try:
                store = self._store()
            except Exception:  # noqa: BLE001  # whatever keeps it from answering
                time.sleep(0.1)
                continue
            with store:
                yield store
            return
        raise AssertionError("the server did not come back")

    def _examine(self, came: Round, expected: object) -> None:
        traces = _traces(self.folder / f"{came.run_id}.traces")
        with self._patient_store() as store:
            runs = Runs(store)
            view, events, state = _PATIENCE.with_(
                lambda: (runs.show(came.run_id), runs.events(came.run_id), runs.state(came.run_id))
            )
        begun = [event.at for event in events if event.kind == "resume"]
        later = [(killed, [at for at in begun if at > killed]) for killed in came.killed_at]
        came.takeovers = [min(those) - killed for killed, those in later if those]
        done = Counter(event.data["step"] for event in events if event.kind in ("finish", "settle"))
        if view.state is not RunState.DONE:
            came.wrong.append(f"the run is {view.state}")
        if len(done) != STEPS or set(done.values()) != {1}:
            came.wrong.append(f"{len(done)} steps were committed, {sum(done.values())} times")
        if state != expected:
            came.wrong.append("the state is another than that of an undisturbed run")
        if twice := [trace for trace, count in traces.items() if count > 1 and trace.startswith("charge")]:
            came.wrong.append(f"what may happen once happened more often: {twice}")
        came.begun_twice = sum(count > 1 for count in traces.values())
        if (sent := sum(trace.startswith("send") for trace in traces)) != ORDERS:
            came.wrong.append(f"{sent} orders were sent")
        came.wrong += [f"{key} was left behind" for key in self._left_behind(came.run_id)]

    def _left_behind(self, run_id: str) -> list[str]:
        connection = Connection(RemoteServer(read_address(self.server.url)))

        def find(client: redis.Redis, again: bool) -> list[str]:
            return [str(key) for key in client.scan_iter(f"*{run_id}*", count=1000)]

        keys = _PATIENCE.with_(lambda: connection.run(find))
        connection.close()
        return sorted(set(keys) - {f"htn:run:{run_id}", f"htn:run:{run_id}:events"})

    def _buried(self, came: Round, children: set[int]) -> None:
        """Note the processes of sandboxes that outlive their drivers."""
        for _ in range(100):
            if not (alive := [pid for pid in children if _is_ours(pid)]):
                return
            time.sleep(0.1)
        came.wrong.append(f"{len(alive)} processes of a sandbox were left behind")

    def kill_the_server(self) -> None:
        """Kill the server and start it again, every few seconds, until the rounds have ended."""
        chance = random.Random(self.seed)
        while not self.ended.wait(chance.uniform(3, 8)):
            self.server.kill()
            time.sleep(chance.uniform(0, 0.5))
            self.server.start()
            self.server_kills += 1


def disturbed(count: int, folder: Path, *, seed: int, at_once: int = 4) -> tuple[list[Round], int]:
    """Play rounds, several at once; return what came of them, and how often the server was killed."""
    disturbance = Disturbance(folder, Mortal(folder), seed)
    disturbance.prepare()
    try:
        expected = disturbance.undisturbed()
        killer = threading.Thread(target=disturbance.kill_the_server)
        killer.start()
        try:
            with ThreadPoolExecutor(at_once) as pool:
                rounds = list(pool.map(lambda number: disturbance.play(number, expected), range(count)))
        finally:
            disturbance.ended.set()
            killer.join()
    finally:
        disturbance.server.kill()
    return rounds, disturbance.server_kills


def suspended(count: int, folder: Path, *, seed: int) -> list[Round]:
    """Play rounds whose driver is suspended, one after the other; return what came of them."""
    disturbance = Disturbance(folder, Mortal(folder), seed)
    disturbance.prepare()
    try:
        expected = disturbance.undisturbed()
        return [disturbance.suspend(number, expected) for number in range(count)]
    finally:
        disturbance.server.kill()


def _traces(path: Path) -> Counter[str]:
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def _children(pid: int) -> set[int]:
    """Return the processes below a process."""
    found: set[int] = set()
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        below = {int(word) for task in tasks for word in (task / "children").read_text().split()}
    except OSError:  # it has ended meanwhile
        return found
    for child in below:
        found |= {child, *_children(child)}
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _is_ours(pid: int) -> bool:
    """Say whether a process is alive and is one of a sandbox's; its number may be another's by now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return b"sandbox" in words and state != "Z"
