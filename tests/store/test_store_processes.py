"""Several processes on one store, and processes and servers that are killed."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from executor.store.locks import FileLock
from tests.store.store_places import Place

ADMIT = "store.admit('travel', 'pay', {version!r}, {version!r}, trust='trusted', evidence=['e'])"


def finish(processes: Sequence["subprocess.Popen[str]"]) -> list[str]:
    said = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        said.append(out.strip())
    return said


def server_runs(folder: Path) -> bool:
    """The server holds this lock for as long as it lives."""
    lock = FileLock(folder / "store" / "server.lock")
    try:
        return not lock.take()
    finally:
        lock.close()


def kill_server(place: Place) -> int:
    with place.client() as client:
        number = int(client.info("server")["process_id"])
    os.kill(number, signal.SIGKILL)
    return number


def test_two_processes_that_admit_at_once_lose_nothing(place: Place) -> None:
    code = "for n in range(20): store.admit('travel', 'pay', f'{tag}{n}', f'{tag}{n}', {rest})"
    rest = "trust='trusted', evidence=['one', 'two']"
    processes = [place.process(f"tag = {tag!r}\n" + code.replace("{rest}", rest)) for tag in ("a", "b")]
    finish(processes)
    with place.open() as store:
        versions = store.versions("travel", "pay")
        assert sorted(versions) == sorted(f"{tag}{n}" for tag in "ab" for n in range(20))
        assert store.current("travel", "pay") == versions[-1]
        assert all(store.document(version) == version for version in versions)
        assert all(store.evidence(version) == ["one", "two"] for version in versions)


def test_of_two_processes_that_move_the_pointer_one_wins(place: Place) -> None:
    with place.open() as store:
        for version in ("a", "b", "start"):
            store.admit("travel", "pay", version, version, trust="trusted", evidence=[])
        processes = [
            place.process(f"print(store.pointers().move('travel', 'pay', {version!r}, expected='start'))")
            for version in ("a", "b")
        ]
        said = finish(processes)
        assert sorted(said) == ["False", "True"]
        assert store.current("travel", "pay") == "ab"[said.index("True")]


def test_what_was_admitted_survives_the_kill_of_its_process(place: Place) -> None:
    code = ADMIT.format(version="v1") + "\nos.kill(os.getpid(), signal.SIGKILL)"
    process = place.process(code)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with place.open() as store:
        assert store.current("travel", "pay") == "v1"
        assert store.evidence("v1") == ["e"]


def test_the_server_of_a_killed_client_is_found_by_the_next_one(embedded: Place) -> None:
    process = embedded.process("os.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=60)
    assert server_runs(embedded.data_dir)
    with embedded.client() as client:
        before = client.info("server")["process_id"]
        with embedded.open():
            assert client.info("server")["process_id"] == before
    assert not server_runs(embedded.data_dir)


def test_a_living_process_starts_a_killed_server_again(embedded: Place) -> None:
    with embedded.open() as store:
        store.admit("travel", "pay", "v1", "one", trust="trusted", evidence=["e"])
        killed = kill_server(embedded)
        assert store.current("travel", "pay") == "v1"
        assert kill_server(embedded) != killed
        store.append_evidence("v1", "after the second kill")
        assert store.evidence("v1") == ["e", "after the second kill"]


def test_what_was_admitted_survives_the_kill_of_the_server(embedded: Place) -> None:
    with embedded.open() as store:
        for number in range(20):
            store.admit("travel", "pay", f"v{number}", "d", trust="trusted", evidence=["e"])
        kill_server(embedded)
    with embedded.open() as store:
        assert len(store.versions("travel", "pay")) == 20
        assert store.current("travel", "pay") == "v19"


def test_four_processes_that_start_at_once_start_one_server(embedded: Place) -> None:
    code = (
        "with store._connection.server.connect() as client:\n"
        "    print(client.info('server')['process_id'], flush=True)\n"
        "sys.stdin.readline()"
    )
    processes = [embedded.process(code) for _ in range(4)]
    numbers = set()
    for process in processes:
        assert process.stdout is not None
        numbers.add(process.stdout.readline())
    assert len(numbers) == 1 and numbers != {""}
    finish(processes)
    assert not server_runs(embedded.data_dir)


def test_the_last_client_stops_the_server(embedded: Place) -> None:
    first, second = embedded.open(), embedded.open()
    first.close()
    assert server_runs(embedded.data_dir)
    assert second.names() == []
    second.close()
    assert not server_runs(embedded.data_dir)
    with pytest.raises(redis.ConnectionError):
        embedded.client().ping()


def test_a_program_that_just_ends_stops_the_server(embedded: Place) -> None:
    finish([embedded.process(ADMIT.format(version="v1"))])
    assert not server_runs(embedded.data_dir)
    with embedded.open() as store:
        assert store.document("v1") == "v1"


def test_a_forked_process_keeps_the_server_when_its_parent_leaves(embedded: Place) -> None:
    code = (
        "told, tell = os.pipe()\n"
        "child = os.fork()\n"
        "if child:\n"
        "    os.read(told, 1)\n"
        "else:\n"
        "    store.append_evidence('v1', 'child')\n"
        "    os.write(tell, b'1')\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    store.append_evidence('v1', 'later')\n"
        "    store.close()\n"
        "    os._exit(0)"
    )
    process = embedded.process(ADMIT.format(version="v1") + "\n" + code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert process.wait(timeout=60) == 0
    assert server_runs(embedded.data_dir)
    process.communicate("\n", timeout=60)
    with embedded.open() as store:
        assert store.evidence("v1") == ["e", "child", "later"]
    assert not server_runs(embedded.data_dir)
