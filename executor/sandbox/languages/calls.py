"""A call of a body in another language: which image it needs, compiling it once, and what its end means.

    language                its body is                       and runs in
    javascript, bash        started as it is                  the image of the language
    java                    compiled to classes, once         the image of the language
    go, c++, rust           compiled to an executable, once   the image of Python: it holds all it needs

Compilers run in containers too, with larger limits of their own: the body decides what they do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from executor.sandbox.engine import Engine
from executor.sandbox.hardening import Room
from executor.sandbox.languages import LANGUAGES, Language, language_named
from executor.sandbox.languages.artefacts import Artefacts, artefact_key, default_folder
from executor.sandbox.languages.images import image_of
from executor.sandbox.outcome import failed
from executor.sandbox.protocol import Category, Outcome, Problem, Program, SandboxLimits
from executor.sandbox.supervised import Need
from htn.errors import ServiceMissing

_LEVEL = "docker"
COMPILING = SandboxLimits(seconds=120.0, memory_mb=1536, output_bytes=65536, result_bytes=48 * 2**20)
_COMPILER_ROOM = Room(temporary_mb=512, processes=256, processors=2.0)

# Runs one request in a supervisor that fits a need.
Run = Callable[[Need, Mapping[str, Any], SandboxLimits], Outcome]


@dataclass(frozen=True)
class LanguageSettings:
    """`images` names the image of a language where it is not to be built; `artefacts` is where compiled bodies lie."""

    images: Mapping[str, str] = field(default_factory=dict)
    artefacts: Path = field(default_factory=default_folder)


@dataclass(frozen=True)
class MadeFrom:
    """What a container for a need is made from."""

    image: str
    limits: SandboxLimits
    room: Room


class Languages:
    """The languages of one Docker sandbox."""

    def __init__(self, settings: LanguageSettings) -> None:
        self._settings = settings
        self._artefacts = Artefacts(settings.artefacts)
        self._images: dict[str, str] = {}

    def container(self, engine: Engine, need: Need, limits: SandboxLimits) -> MadeFrom:
        """Return what a container is made from. Raises `ServiceMissing` where the image of the language is missing."""
        image = self._image(engine, need.language)
        if need.compiles:
            return MadeFrom(image, COMPILING, _COMPILER_ROOM)
        more = limits.memory_mb + LANGUAGES[need.language].overhead_mb
        return MadeFrom(image, replace(limits, memory_mb=more), Room())

    def runs_on(self, engine: Engine, name: str) -> str:
        """Return the image of a language by its identity, or that it is missing."""
        language = LANGUAGES.get(language_named(name) or "")
        if language is None:
            return f"without {name:.40}"
        try:
            return f"{language.name} {self._image(engine, language.name)}"
        except ServiceMissing:
            return f"without an image for {language.name}"

    def call(
        self, engine: Engine, program: Program, request: Mapping[str, Any], limits: SandboxLimits, run: Run
    ) -> Outcome:
        """Compile the body where nobody has yet, call it, and return what came of it."""
        language = LANGUAGES.get(language_named(program.language) or "")
        if refusal := _refusal(language, program, request):
            return failed(*refusal, _LEVEL)
        assert language is not None
        artefact: str | Outcome = ""
        try:
            if language.compile is not None:
                artefact = self._artefact(engine, language, program, request, run)
            else:
                self._image(engine, language.name)
        except ServiceMissing as missing:
            return failed(Category.ENVIRONMENT, f"{missing.message}: {missing.hints[0]}", _LEVEL)
        if isinstance(artefact, Outcome):
            return artefact
        job = language.start(program, limits, artefact)
        need = Need(language="python" if language.runs_alone else language.name)
        outcome = run(need, {**request, "job": job.as_request(limits.result_bytes)}, limits)
        return _understood(outcome, language, request["arguments"], program)

    def _image(self, engine: Engine, language: str) -> str:
        """Return the image of a language, by its identity. Raises `ServiceMissing`."""
        if language not in self._images:
            image = image_of(engine, language, self._settings.images.get(language))
            if image is None:
                raise ServiceMissing(
                    f"the image for {language} is missing", hints=(f"run htn sandbox build {language}",)
                )
            self._images[language] = str(image.id)
        return self._images[language]

    def _artefact(
        self, engine: Engine, language: Language, program: Program, request: Mapping[str, Any], run: Run
    ) -> str | Outcome:
        """Return what the compiler makes of a body, or the outcome that says why it makes nothing."""
        assert language.compile is not None
        job = language.compile(program).as_request(COMPILING.result_bytes)
        key = artefact_key(job, self._image(engine, language.name))
        if found := self._artefacts.get(key):
            return found
        need = Need(language=language.name, compiles=True)
        outcome = run(need, {**request, "arguments": {}, "job": job}, COMPILING)
        if isinstance(outcome.value, str) and outcome.ok:
            self._artefacts.put(key, outcome.value)
            return outcome.value
        problem = outcome.problem or Problem(Category.ENVIRONMENT, "the compiler made nothing")
        if problem.category == Category.KILLED:  # not the body's doing: it does not run yet
            problem = Problem(
                Category.ENVIRONMENT, f"the compiler did not run: {outcome.stderr.strip() or problem.message}"
            )
        return replace(outcome, problem=_of_the_compiler(problem, language))


def _refusal(language: Language | None, program: Program, request: Mapping[str, Any]) -> tuple[Category, str] | None:
    """Return why a program cannot be called at all, or None."""
    if language is None:
        known = ", ".join(("python", *LANGUAGES))
        return Category.ENVIRONMENT, f"there is no language {program.language}: {known}"
    if program.form not in language.forms:
        return Category.ENVIRONMENT, f"a body in {language.name} is a function; only {_scripted()} have scripts"
    if request["clock"] is not None and not language.clock:
        return Category.ENVIRONMENT, f"the clock of a body in {language.name} cannot be set"
    if not re.fullmatch(r"[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*", program.entry_point or "result"):
        return Category.RUNTIME, f"{program.entry_point[:80]!r} is not the name of a function"
    return None


def _scripted() -> str:
    return ", ".join(("python", *(name for name, each in LANGUAGES.items() if "script" in each.forms)))


def _of_the_compiler(problem: Problem, language: Language) -> Problem:
    if problem.category == Category.TIMEOUT:
        return replace(problem, message=f"compiling took longer than {COMPILING.seconds:g} s")
    if problem.category == Category.MEMORY:
        return replace(problem, message="the compiler ran out of memory")
    if problem.category == Category.SYNTAX:
        return replace(problem, category=_told_by(problem.traceback, language.compile_signs) or problem.category)
    return problem


def _understood(outcome: Outcome, language: Language, arguments: Mapping[str, Any], program: Program) -> Outcome:
    """Say what the end of a program means, and which arguments it left as they were."""
    if outcome.ok:
        after = None if program.form == "script" else {**arguments, **(outcome.arguments or {})}
        return replace(outcome, arguments=after)
    problem = outcome.problem
    if problem is None or problem.category != Category.KILLED:
        return outcome
    category = _told_by(outcome.stderr, language.run_signs)
    if category is None:
        return outcome
    if category == Category.MEMORY:
        meant = Problem(category, "the body needs more memory than its limit", outcome.stderr[-4000:])
    else:
        first = next((line for line in outcome.stderr.splitlines() if _told_by(line, language.run_signs)), "")
        meant = Problem(category, first[:2000], outcome.stderr[-4000:])
    return replace(outcome, problem=meant)


def _told_by(text: str, signs: Mapping[str, str]) -> Category | None:
    """Return the category that the first sign in a text tells of."""
    return next((Category(category) for sign, category in signs.items() if re.search(sign, text, re.MULTILINE)), None)
