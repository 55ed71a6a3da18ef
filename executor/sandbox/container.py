"""The docker level: a hardened container, attached before it starts, kept warm.

`hardening` says how a container is made hard. Inside it each call runs in a child that has locked
itself as well.

The stream is attached before the start, so that nothing is lost, and cut before the kill: an
engine that still has output to deliver to a reader who does not read hangs.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from executor.sandbox.dependencies import Packages, PackageSettings, UnavailableError, check_python
from executor.sandbox.engine import Engine, connect, engine_failures
from executor.sandbox.hardening import Fence, Room, check_runtime, hardening
from executor.sandbox.image import USER, SandboxImage
from executor.sandbox.languages.calls import Languages, LanguageSettings, MadeFrom
from executor.sandbox.orphans import remove, remove_orphans
from executor.sandbox.pool import Errand
from executor.sandbox.protocol import Category, Outcome, Program, SandboxLimits
from executor.sandbox.source import runner_command
from executor.sandbox.supervised import Need, PoolSettings, Supervised
from executor.sandbox.warm import WarmSandbox
from executor.sandbox.wire import LinkLateError, LinkLostError, SocketLink, Wire
from htn.errors import ServiceMissing

if TYPE_CHECKING:
    from docker.models.containers import Container

_START_SECONDS = 30.0
_STDOUT = 1
_FRAME = struct.Struct(">BxxxL")


class StreamLink(SocketLink):
    """The engine's attached stream: plain to write, in frames of stdout and stderr to read.

    The client's answer owns the connection: it must live as long as the link, because its end cuts
    it, and be closed with the link, because the descriptor stays open until both let go.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(getattr(stream, "_sock", stream))
        self._stream = stream
        self._owner = getattr(stream, "_response", stream)
        self._raw = bytearray()

    def close(self) -> None:
        """Cut the connection and forget it."""
        super().close()
        with suppress(OSError, ValueError):  # closed already, or cut before all was read
            self._owner.close()
            self._stream.close()

    def receive(self, deadline: float) -> bytes:
        """Return some bytes of the container's stdout; its stderr is dropped."""
        while True:
            while len(self._raw) >= _FRAME.size:
                stream, size = _FRAME.unpack_from(self._raw)
                if len(self._raw) < _FRAME.size + size:
                    break
                data = bytes(self._raw[_FRAME.size : _FRAME.size + size])
                del self._raw[: _FRAME.size + size]
                if stream == _STDOUT and data:
                    return data
            self._raw += super().receive(deadline)


class _WarmContainer(Supervised):
    """A running container."""

    def __init__(self, need: Need, container: Container, wire: Wire, unremoved: list[Container]) -> None:
        super().__init__(need, wire)
        self.container = container
        self._unremoved = unremoved

    def cause_of_loss(self) -> tuple[Category, str]:
        """Ask the engine how the container ended."""
        try:
            with engine_failures("asking for the state of a container"):
                self.container.reload()
                state: Mapping[str, Any] = self.container.attrs["State"]
        except ServiceMissing as error:
            return Category.ENVIRONMENT, error.message
        if state.get("OOMKilled"):
            return Category.MEMORY, "the container ran out of memory"
        ended = f"{state.get('Status')}, exit status {state.get('ExitCode')}"
        return Category.ENVIRONMENT, f"the container went away during the call: {ended}"

    def stop(self) -> None:
        """Cut the stream, then kill and remove the container."""
        self.wire.close()
        try:
            with engine_failures("removing a container"):
                remove(self.container)
        except ServiceMissing:  # the engine is gone; once more when it is back
            self._unremoved.append(self.container)


class DockerSandbox(WarmSandbox):
    """Runs bodies in hardened containers."""

    level = "docker"
    covers = (
        "the host's files, processes, users and environment",
        "network, new processes, all writing but 16 MB that is emptied after each call",
        "time, memory, output and result of a call; state from one call to the next",
    )
    does_not_cover = (
        "faults in the kernel calls that computation needs: containers share the kernel",
        "the load of the machine, beyond one processor at a time",
        "what a body says of its own call: the code that reports shares its process",
    )

    def __init__(
        self,
        engine: Engine,
        image: SandboxImage,
        limits: SandboxLimits,
        pool: PoolSettings,
        fence: Fence,
        *,
        packages: Packages | None = None,
        languages: LanguageSettings | None = None,
    ) -> None:
        super().__init__(limits, pool)
        self._languages = Languages(languages or LanguageSettings())
        check_runtime(engine, fence.runtime)
        self._engine = engine
        self._fence = fence
        self._packages = packages or Packages(PackageSettings())
        self._with_packages: dict[tuple[str, ...], str] = {}
        self._unremoved: list[Container] = []
        self.image = image
        runtime = f", runtime {fence.runtime}" if fence.runtime else ""
        self.description = (
            f"Docker {engine.version}{runtime}, image {image.reference}, no network, uid {USER.partition(':')[0]}"
        )
        remove_orphans(engine)

    def runs_on(self, program: Program) -> str:
        """The images by their content, and the pins of the packages that the program declares.

        A compiled body runs in the image of Python and is what the image of its language made of it.
        """
        if program.language != "python":
            return f"docker {self.image.content} {self._languages.runs_on(self._engine, program.language)}"
        if not program.dependencies:
            return f"docker {self.image.content}"
        try:
            return f"docker {self.image.content} {self._packages.locked(program.dependencies).digest()}"
        except UnavailableError as error:
            return f"docker {self.image.content} without its packages: {error}"

    def pins(self, program: Program) -> tuple[str, ...]:
        """What the declared packages come to; none where they cannot be had."""
        try:
            return self._packages.locked(program.dependencies).lines()
        except UnavailableError:
            return ()

    def _provide(self, program: Program) -> None:
        """Have an image with the packages that a program declares."""
        declared = program.dependencies
        if declared not in self._with_packages:
            check_python(self._engine, self.image.reference)
            base, content = self.image.reference, self.image.content
            self._with_packages[declared] = self._packages.image(self._engine, base, content, declared)

    def containers(self) -> tuple[str, ...]:
        """Return the identities of the containers that are warm."""
        return tuple(str(each.container.id) for each in self._pool.running() if isinstance(each, _WarmContainer))

    def close(self) -> None:
        """Remove the containers and leave the engine."""
        super().close()
        self._remove_what_is_left()
        self._packages.close()
        self._engine.client.close()

    def _forked(self) -> None:
        self._engine = connect(self._engine.seconds)
        self._unremoved = []

    def _start(self, need: Need) -> Supervised:
        self._remove_what_is_left()
        made_from = self._made_from(need)
        with engine_failures("starting a container"):
            container = self._engine.client.containers.create(
                made_from.image,
                list(runner_command(self.level, 0, need.profile)),
                entrypoint=["python3"],
                environment={"PYTHONHASHSEED": str(need.hash_seed)},
                **hardening(made_from.limits, self._fence, made_from.room),
            )
            try:
                wire = Wire(StreamLink(attached_stream(self._engine, container)))
                container.start()
            except BaseException:  # whatever it was, an interrupt too, leaves no container behind
                self._unremoved.append(container)
                self._remove_what_is_left()
                raise
        warm = _WarmContainer(need, container, wire, self._unremoved)
        try:
            problem = wire.hello(time.monotonic() + _START_SECONDS).get("problem")
        except (LinkLostError, LinkLateError):
            problem = f"{warm.cause_of_loss()[1]}; an image needs python3, 3.11 or newer"
        except BaseException:
            warm.stop()
            raise
        if problem:
            warm.stop()
            raise ServiceMissing(
                f"the image {made_from.image} does not start: {problem}",
                hints=("name another image, or leave it out to build one",),
            )
        return warm

    def _call_other(self, errand: Errand, program: Program, request: dict[str, Any], limits: SandboxLimits) -> Outcome:
        """Call a body in another language than Python: compile it where that must be, then run it."""

        def run(need: Need, asked: Mapping[str, Any], within: SandboxLimits) -> Outcome:
            return self._run(errand, need, asked, within, single_use=program.single_use)

        return self._languages.call(self._engine, program, request, limits, run)

    def _made_from(self, need: Need) -> MadeFrom:
        if need.language == "python":
            image = self._with_packages[need.dependencies] if need.dependencies else self.image.reference
            return MadeFrom(image, self.limits, Room())
        return self._languages.container(self._engine, need, self.limits)

    def _remove_what_is_left(self) -> None:
        """Remove the containers that could not be removed when the engine was away."""
        while True:
            try:
                container = self._unremoved.pop()
            except IndexError:  # none, or another thread has it
                return
            try:
                with engine_failures("removing a container"):
                    remove(container)
            except ServiceMissing:
                self._unremoved.append(container)
                return


def attached_stream(engine: Engine, container: Container) -> Any:
    """Return the client's stream of a container that is to start."""
    wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    return engine.client.api.attach_socket(str(container.id), params=wanted)
