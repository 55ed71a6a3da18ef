"""What settings, library and lessons say for closing a gap: how much evidence, in which language, which hints."""

from executor.deepen import Depth
from executor.generate import Hints
from executor.generate.language import detect_language
from executor.lessons import Lessons
from executor.sandbox import Sandbox, check_languages
from executor.settings import Settings
from executor.similar import Finder, Wanted, known_operators
from executor.validate import COMPARED, Rung, alone, ladder_of
from htn.domain import Domain
from htn.errors import ServiceMissing
from htn.failure import Gap

_MOST_LIKE = 5


def depth_of(settings: Settings) -> Depth:
    """Return how much evidence is bought."""
    return Depth(
        level=settings.depth,
        samples=settings.samples,
        suites=settings.suites,
        most_samples=max(settings.samples, settings.most_samples),
        fuzz=settings.fuzz,
        parallel=settings.model_parallel,
        thresholds=settings.thresholds,
        compared=_in_order(settings, COMPARED),
    )


def alone_of(settings: Settings) -> tuple[Rung, ...]:
    """Return what a body is asked alone, in the order of the settings and with the packages that they allow."""
    allowed = {rung.number: rung for rung in alone(settings.packages.allowed)}
    return tuple(allowed[rung.number] for rung in ladder_of(settings.ladder) if rung.number in allowed)


def language_of(settings: Settings, domain: Domain, gap: Gap) -> str:
    """Return the language of the body: the one that is set, else the one that the description asks for."""
    if settings.language != "auto":
        return settings.language
    operator = domain.operators.get(str(gap.task[0]))
    return detect_language(operator.description if operator else "")


def require_language(sandbox: Sandbox, language: str) -> None:
    """Run the smallest body in a language other than Python: whoever has no sandbox for it need not pay a model.

    ServiceMissing where it does not run: under a level that has Python only, or without the image of the language.
    """
    if language == "python":
        return
    for checked in check_languages(sandbox, [language]):
        if not checked.ok:
            raise ServiceMissing(
                f"no body in {language} can be run here: {checked.found}",
                hints=(
                    checked.hint or f"run bodies in containers: --sandbox docker, after htn sandbox build {language}",
                    "or have it written in Python: --language python",
                ),
            )


def hints_of(
    finder: Finder, lessons: Lessons, domain: Domain, gap: Gap, language: str, packages: tuple[str, ...] = ()
) -> Hints:
    """Return which operators of the library are like the one that is wanted, and what went wrong with such before.

    `packages` are those that a body may declare.
    """
    wanted = Wanted.of_gap(domain, gap)
    name = str(gap.task[0])
    alike = [s for s in finder.find(wanted, most=_MOST_LIKE + 1) if (s.domain, s.name) != (domain.name, name)]
    known, likely = known_operators(alike[:_MOST_LIKE]), lessons.likely(domain.name, language, wanted.text)
    return Hints(tuple(known), tuple(likely), packages if language == "python" else ())


def _in_order(settings: Settings, among: tuple[Rung, ...]) -> tuple[Rung, ...]:
    return tuple(rung for rung in ladder_of(settings.ladder) if rung in among)
