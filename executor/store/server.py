"""Where the store is served: by a server that somebody runs, or by one that is started here.

The embedded server is a real Redis or Valkey in a folder of the user, shared by all processes of
the user that use that folder:

- it listens on a socket in a folder that only the user can enter, and on no port;
- every change is on the disk before it is acknowledged (append-only file, fsync always), so neither
  `kill -9` of a client nor of the server loses what was acknowledged;
- `start.lock`: one process at a time starts or stops the server;
- `clients.lock`: every client shares it while it lives; the last one to leave stops the server. A
  client that is killed leaves the server running for the next one to find;
- `server.lock`: the server process holds it as long as it lives, by inheriting the file. A second
  server can therefore never start on the same files, also when the first one hangs.

What is not covered: other programs of the same user can enter the folder, and code that may not
see the store must run where the folder is not visible. A folder on a network file system is not
safe to share between machines.
"""

import atexit
import contextlib
import os
import stat
import subprocess
import time
from pathlib import Path
from typing import IO, Literal, Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executor.store.address import Address
from executor.store.binary import find_program
from executor.store.locks import FileLock, holding
from htn.errors import ServiceMissing, UsageError

MOST_SOCKET_PATH = 103  # bytes that the path of a socket may have everywhere
STOP_SECONDS = 10.0
CONNECT_SECONDS = 3.0
PATIENCE_SECONDS = 30.0  # for a server to start, and to answer a command
MOST_LOG = 1_000_000
_POLL_SECONDS = 0.01


class Server(Protocol):
    """A Redis server, as the store needs it."""

    @property
    def kind(self) -> Literal["embedded", "server"]:
        """Whether the server was started here."""

    @property
    def address(self) -> Address:
        """Where it is."""

    def connect(self) -> redis.Redis:
        """Return a client; nothing is sent yet."""

    def keep(self) -> None:
        """Make sure that the server stays while this process uses it."""

    def revive(self) -> None:
        """Do what can be done after the connection broke."""

    def failure(self, why: str) -> ServiceMissing:
        """Return the error for a server that does not answer."""

    def close(self) -> None:
        """This process needs the server no longer."""


def _client(url: str) -> redis.Redis:
    # No hidden retries: the store itself sends once more, marked as sent again (see scripts).
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class RemoteServer:
    """A server that somebody runs."""

    kind: Literal["server"] = "server"

    def __init__(self, address: Address) -> None:
        self.address = address

    def connect(self) -> redis.Redis:
        """Return a client; nothing is sent yet."""
        try:
            return _client(self.address.url)
        except (ValueError, TypeError):
            raise UsageError(
                f"REDIS_URL has settings that cannot be used, for {self.address.shown}"
            ) from None  # the cause would show the URL with its password

    def keep(self) -> None:
        """Nothing to do: whoever runs the server keeps it."""

    def revive(self) -> None:
        """Nothing to do: a new connection may work, when the server was only restarted."""

    def failure(self, why: str) -> ServiceMissing:
        """Return the error for a server that does not answer."""
        return ServiceMissing(
            f"the Redis server at {self.address.shown} does not answer: {self.address.clean(why)}",
            hints=(
                "is it running, and is REDIS_URL its address?",
                "without REDIS_URL a server of our own is started",
            ),
        )

    def close(self) -> None:
        """Nothing to do."""


class EmbeddedServer:
    """A server of our own in the folder `store` of a data directory."""

    kind: Literal["embedded"] = "embedded"

    def __init__(
        self,
        data_dir: Path,
        *,
        program: Path | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.folder = data_dir.absolute() / "store"
        self.log = self.folder / "server.log"
        socket = self.folder / "redis.sock"
        if len(os.fsencode(socket)) > MOST_SOCKET_PATH:
            raise UsageError(
                f"the path of the store's socket is longer than {MOST_SOCKET_PATH} bytes: {socket}",
                hints=("choose a data directory with a shorter path",),
            )
        self.socket = socket
        self.address = Address(url=f"unix://{socket}", shown=f"unix://{socket}")
        self._program = program
        self._patience = patience
        self._lease: FileLock | None = None
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether somebody has started the server; nothing is started here."""
        return self.socket.exists() and self._answers()

    def connect(self) -> redis.Redis:
        """Return a client; nothing is sent yet."""
        return redis.Redis(
            unix_socket_path=str(self.socket),
            decode_responses=True,
            socket_timeout=self._patience,
            retry=Retry(NoBackoff(), 0),
        )

    def keep(self) -> None:
        """Take a lease, which keeps the server alive, and start the server if there is none.

        A forked process takes a lease of its own: the one it inherited is its parent's.
        """
        if self._owner != os.getpid():
            self.revive()

    def revive(self) -> None:
        """Start the server if it does not answer; raise ServiceMissing if that is not possible."""
        try:
            self._prepare_folder()
            with holding(self.folder / "start.lock", seconds=self._patience):
                self._take_lease()
                self._start()
        except OSError as error:
            raise ServiceMissing(
                f"the folder of the store cannot be used: {self.folder}: {error.strerror}",
                hints=("choose another data directory, or set REDIS_URL",),
            ) from error

    def failure(self, why: str) -> ServiceMissing:
        """Return the error for a server that does not answer, with the last line of its log."""
        return ServiceMissing(
            f"the embedded Redis server does not answer: {why}",
            where=str(self.log),
            hints=(f"the last line of its log: {self._last_words()}",),
        )

    def close(self) -> None:
        """Let go of the server, and stop it when no other process uses it."""
        atexit.unregister(self.close)
        lease, self._lease = self._lease, None
        mine, self._owner = self._owner == os.getpid(), 0
        if lease is None:
            return
        # A folder that somebody removed or blocks must not fail a program that is ending.
        with contextlib.suppress(OSError, ServiceMissing):
            if mine:
                with holding(self.folder / "start.lock", seconds=STOP_SECONDS):
                    if lease.take():
                        self._stop()
        lease.close()

    def _prepare_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = self.folder.stat()
        if found.st_uid != os.getuid():
            raise ServiceMissing(
                f"the folder of the store belongs to another user: {self.folder}",
                hints=("choose another data directory",),
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            self.folder.chmod(0o700)

    def _take_lease(self) -> None:
        if self._owner == os.getpid():
            return
        lease = FileLock(self.folder / "clients.lock")
        # Only a stopping client takes this lock alone, and only while it holds the start lock.
        lease.share()
        self._lease, self._owner = lease, os.getpid()
        atexit.register(self.close)

    def _start(self) -> None:
        deadline = time.monotonic() + self._patience
        started = None
        while not self._answers():
            if started is None:
                started = self._spawn()
            elif started.poll() is not None:
                raise self.failure(f"it ended as soon as it was started ({started.returncode})")
            if time.monotonic() > deadline:
                raise self.failure(f"it was waited for {self._patience:g} s")
            time.sleep(_POLL_SECONDS)

    def _spawn(self) -> "subprocess.Popen[bytes] | None":
        """Start a server, or return None while one lives that does not answer (yet)."""
        alive = FileLock(self.folder / "server.lock")
        try:
            if not alive.take():
                return None
            self.socket.unlink(missing_ok=True)
            program = self._program or find_program()
            mode = "ab" if self.log.exists() and self.log.stat().st_size < MOST_LOG else "wb"
            with self.log.open(mode) as log:
                self._process = self._run(program, log, alive.descriptor)
        finally:
            alive.close()
        return self._process

    def _run(self, program: Path, log: IO[bytes], inherited: int) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(  # noqa: S603 - our own program and arguments
                [str(program), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for the client
                pass_fds=(inherited,),
            )
        except OSError as error:
            raise ServiceMissing(
                f"the server program cannot be run: {program}: {error.strerror}",
                hints=("install another: apt-get install redis-server", "or set REDIS_URL"),
            ) from error

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "databases": "1",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _answers(self) -> bool:
        client = self.connect()
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False  # not there, or still reading its file
        finally:
            client.close()

    def _stop(self) -> None:
        client = self.connect()
        # A server that was killed before, or that hangs, is left as it is.
        with contextlib.suppress(redis.RedisError):
            client.shutdown(nosave=True)
        client.close()
        alive = FileLock(self.folder / "server.lock")
        deadline = time.monotonic() + STOP_SECONDS
        while not alive.take() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        alive.close()
        if self._process is not None:
            self._process.poll()

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "there is no log"
        return next((line.strip() for line in reversed(lines) if line.strip()), "it is empty")
