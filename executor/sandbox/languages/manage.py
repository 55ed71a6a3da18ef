"""Images as a person manages them: listed, built, removed, and tried with one body in each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from executor.sandbox.dependencies import images_with_packages
from executor.sandbox.engine import Engine, connect, engine_failures
from executor.sandbox.image import SandboxImage, ensure_image, fitting_interpreter, image_status
from executor.sandbox.interpreter import Interpreter
from executor.sandbox.languages import LANGUAGES
from executor.sandbox.languages.images import LanguageImage, build_image, image_row, unwanted_images
from executor.sandbox.protocol import Program, Sandbox
from htn.errors import ServiceMissing

PYTHON = "python"
# A function that adds one, in each language: the smallest body that uses compiler, runtime and driver.
_SAMPLES = {
    PYTHON: "def add_one(n): return n + 1",
    "javascript": "function add_one(n) { return n + 1; }",
    "bash": 'add_one() { echo "$(($1 + 1))"; }',
    "go": "func add_one(n int) int { return n + 1 }",
    "java": "static int add_one(int n) { return n + 1; }",
    "c++": "int add_one(int n) { return n + 1; }",
    "rust": "fn add_one(n: i64) -> i64 { n + 1 }",
}


@dataclass(frozen=True)
class Images:
    """The images of one engine: `configured` names those that are not built here, by language, `seconds` a request."""

    configured: Mapping[str, str]
    seconds: float = 30.0

    def rows(self) -> list[LanguageImage]:
        """Say for every language which image it has, pulling and building nothing. Raises `ServiceMissing`."""
        status = image_status(self.configured.get(PYTHON), seconds=self.seconds)
        python = LanguageImage(
            PYTHON,
            status.reference,
            status.present,
            ("configured" if PYTHON in self.configured else "built") if status.present else status.how,
            status.megabytes,
            "" if status.present else f"htn sandbox build {PYTHON}",
        )
        engine = self._connect()
        try:
            interpreter = _interpreter(engine)
            return [python, *(image_row(engine, name, self.configured.get(name), interpreter) for name in LANGUAGES)]
        finally:
            engine.client.close()

    def build(self, languages: Sequence[str], on_progress: Callable[[str], None]) -> Iterator[tuple[str, SandboxImage]]:
        """Make sure of the current image of each language. Raises `ServiceMissing`."""
        engine = self._connect()
        try:
            for name in languages:
                configured = self.configured.get(name)
                if name == PYTHON:
                    yield name, ensure_image(engine, configured, on_progress)
                else:
                    yield name, build_image(engine, name, configured, on_progress)
        finally:
            engine.client.close()

    def prune(self, *, packages: bool = False) -> tuple[list[str], list[str]]:
        """Remove the images built here that nothing wants; return those, and those that a container still uses.

        With `packages`, those with packages that bodies declared too: they are built anew when a body needs them.
        """
        python = image_status(self.configured.get(PYTHON), seconds=self.seconds).reference
        engine = self._connect()
        try:
            more = images_with_packages(engine) if packages else []
            return remove_images(engine, [*more, *unwanted_images(engine, self.configured, python)])
        finally:
            engine.client.close()

    def _connect(self) -> Engine:
        return connect(max(self.seconds, 600.0))  # an import of half a gigabyte is one request


def remove_images(engine: Engine, references: Sequence[str]) -> tuple[list[str], list[str]]:
    """Remove images; return those, and those that a container still uses. Raises `ServiceMissing`."""
    from docker.errors import APIError  # noqa: PLC0415 - the client is imported when it is used

    removed: list[str] = []
    kept: list[str] = []
    for reference in references:
        try:
            with engine_failures("removing an image"):
                engine.client.images.remove(reference)
            removed.append(reference)
        except ServiceMissing as error:
            if not isinstance(error.__cause__, APIError) or error.__cause__.status_code != 409:
                raise
            kept.append(reference)
    return removed, kept


def _interpreter(engine: Engine) -> Interpreter | None:
    """Return this machine's Python, or None where no image can be made of it."""
    try:
        return fitting_interpreter(engine)
    except ServiceMissing:
        return None


@dataclass(frozen=True)
class Checked:
    """Whether a body in a language runs; if not, why, and what to do."""

    language: str
    ok: bool
    found: str
    hint: str = ""


def check_languages(sandbox: Sandbox, languages: Sequence[str]) -> Iterator[Checked]:
    """Run one body in each language."""
    for name in languages:
        outcome = sandbox.call(Program(_SAMPLES[name], "add_one", name), {"n": 1})
        if outcome.ok and outcome.value == 2:
            yield Checked(name, True, f"a body ran in {outcome.seconds * 1000:.0f} ms ({outcome.level})")
        elif outcome.problem is None:
            yield Checked(name, False, f"1 + 1 came out as {outcome.value!r:.40}", f"htn sandbox build {name}")
        else:
            message = outcome.problem.message.partition("\n")[0]
            missing = "is missing" in message or name == PYTHON
            yield Checked(name, False, message, f"htn sandbox build {name}" if missing else "")
