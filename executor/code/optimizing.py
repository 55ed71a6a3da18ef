"""Say what could be better in some code, where its time goes, and offer a version that is shown to behave the same."""

from collections.abc import Callable, Sequence

from executor.code.advice import suggestions
from executor.code.comparing import Seen, observe
from executor.code.executing import Bench, checked_context
from executor.code.forms import (
    CodeFinding,
    Complexity,
    Improvement,
    OptimizationResults,
    OptimizeResponse,
    Profile,
    Suggestion,
)
from executor.code.improving import Offer, improved, measured, rewritten_offer
from executor.code.measuring import profile
from executor.code.problems import is_unreadable, refused
from executor.code.quality import failures, quality
from executor.code.requests import OptimizeRequest
from executor.code.tree import Tree
from executor.code.trying import diff
from executor.code.validating import PURITY, findings_of
from executor.generate.language import detect_language
from executor.model import Model


def optimize(
    request: OptimizeRequest,
    bench: Bench,
    model: Model | None = None,
    *,
    on_note: Callable[[str], None] = lambda text: None,
) -> OptimizeResponse:
    """Return suggestions, a profile, and a better version where one is shown to behave the same.

    Without a model only the rewrites are tried, and these are for Python. Code that the rules refuse is looked at, and
    not run. Raises `UsageError` for a context that is none, and what the model raises.
    """
    language = request.language or detect_language("", request.code)
    context = dict(checked_context(request.context))
    findings = findings_of(request.code, language)
    how_complex = measured(request.code, language) if not any(map(is_unreadable, findings)) else None
    if how_complex is None:
        error = refused(findings) if findings else None
        return OptimizeResponse(success=False, language=language, error=error, findings=findings)
    advice = suggestions(request.code) if language == "python" else ()
    results = OptimizationResults(
        original_complexity=how_complex, suggestions=advice, quality=quality(findings, advice, how_complex)
    )
    if serious := tuple(each for each in findings if each.code != PURITY):
        results = results.model_copy(update={"notes": ("the static rules refuse it, so it was not run",)})
        return OptimizeResponse(
            success=False, language=language, optimization_results=results, error=refused(serious), findings=serious
        )
    bench = bench.given(request.timeout)
    given = (context,) if context else ()
    on_note("running it on inputs that are given and drawn")
    seen = observe(request.code, language, bench, given, entry_point=request.entry_point)
    asked = model if request.use_model else None
    offer = _offer(request.code, language, seen, bench, asked, findings, on_note)
    traced = _profile(request.code, seen, bench) if language == "python" else None
    results = _results(request.code, language, how_complex, advice, offer).model_copy(
        update={
            "profile": traced,
            "quality": quality(findings, advice, how_complex, failures(seen)),
            "notes": _notes(request.code, language, asked, offer, findings, traced),
        }
    )
    return OptimizeResponse(success=True, language=language, optimization_results=results)


def _offer(
    code: str,
    language: str,
    seen: Sequence[Seen],
    bench: Bench,
    model: Model | None,
    findings: tuple[CodeFinding, ...],
    on_note: Callable[[str], None],
) -> Offer:
    """Return the model's version where it can be offered, else that of the rewrites."""
    if findings:  # only the advice about clock and dice is left here
        return Offer(None, "its result changes from run to run, so versions cannot be compared")
    asked = Offer(None, "")
    if model is not None:
        on_note(f"asking {model.name}")
        asked = improved(code, language, seen, bench, model)
        if asked.code is not None:
            return asked
        on_note(f"the model's version is not offered: {asked.reason}")
    if language != "python":
        return asked if asked.made_by else Offer(None, f"there are no rewrites for {language}")
    own = rewritten_offer(code, seen, bench)
    return own if own.code is not None or not asked.made_by else asked


def _results(
    code: str, language: str, before: Complexity, advice: tuple[Suggestion, ...], offer: Offer
) -> OptimizationResults:
    after = measured(offer.code, language) if offer.code is not None else None
    better = None
    if after is not None:
        reduction = before.complexity_score - after.complexity_score
        better = Improvement(complexity_score_reduction=reduction, timing=offer.timing)
    return OptimizationResults(
        original_complexity=before,
        suggestions=advice,
        optimized_code=offer.code,
        optimized_complexity=after,
        improvement=better,
        diff=diff(code, offer.code) if offer.code is not None else "",
        made_by=offer.made_by if offer.code is not None else None,
        rewrites=offer.rewrites,
        equivalence=offer.equivalence,
    )


def _profile(code: str, seen: Sequence[Seen], bench: Bench) -> Profile | None:
    """Trace a program on the input that shows most: the largest on which it does not fail, else the largest."""
    rows = [each for each in seen if not each.exhausted]
    if not rows:
        return None
    telling = max(rows, key=lambda each: (each.subject is rows[0].subject, each.outcome.ok, len(repr(each.row))))
    return profile(code, telling.row, bench, entry_point=telling.subject.entry_point)


def _notes(
    code: str,
    language: str,
    model: Model | None,
    offer: Offer,
    findings: tuple[CodeFinding, ...],
    traced: Profile | None,
) -> tuple[str, ...]:
    notes = [each.message for each in findings]
    if language == "python" and Tree(code).is_large:
        notes.append("it is too large to be looked through for suggestions and rewrites: take a part of it")
    if model is None:
        made = "string_building, list_building, unused_import"
        notes.append(f"no model was asked: only these rewrites were tried: {made}" if language == "python" else
                     f"no model was asked, and there are no rewrites for {language}")  # fmt: skip
    if offer.code is None and offer.reason:
        notes.append(f"no version is offered: {offer.reason}")
    if traced is None:
        why = "nothing of it ran to its end" if language == "python" else "only Python is traced"
        notes.append(f"there is no profile: {why}")
    return tuple(notes)
