"""Find a better version of code that works, and show that it behaves the same before it is offered.

A version comes from a model, which is asked again once with the counterexample where its version behaves differently,
or from the rewrites that need none. Whatever it comes from, it is offered when

- it keeps the static rules,
- it agrees with the original on every input that was tried (see `comparing.py`), and
- it is better: a lower complexity score or a shorter time, and for `robustness` fewer inputs on which it fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from executor.code.advice import suggestions
from executor.code.comparing import Seen, compare
from executor.code.complexity import complexity
from executor.code.executing import Bench, refusals
from executor.code.forms import Complexity, Equivalence, Timing
from executor.code.measuring import timing
from executor.code.prompting import CodeAnswer, improve_prompt, system_prompt
from executor.code.rewriting import rewritten
from executor.model import Message, Model

_QUESTIONS = 2
_FASTER = 1.1


@dataclass(frozen=True)
class Offer:
    """A better version; `code` is None where there is none, and then `reason` says why.

    `equivalence` is what comparing has shown, also for a version that is not offered.
    """

    code: str | None
    reason: str
    made_by: Literal["model", "rewrites"] | None = None
    explanation: str = ""
    rewrites: tuple[str, ...] = ()
    equivalence: Equivalence | None = None
    timing: Timing | None = None


def improved(
    code: str,
    language: str,
    seen: Sequence[Seen],
    bench: Bench,
    model: Model,
    *,
    task: str = "",
    aim: str = "optimize",
) -> Offer:
    """Ask a model for a better version of code that was seen to do `seen`. Raises what the model raises."""
    advice, more, offer = suggestions(code) if language == "python" else (), "", Offer(None, "")
    for number in range(_QUESTIONS):
        question = improve_prompt(code, language, advice, task=task, aim=aim, more=more)
        messages = [Message("system", system_prompt()), Message("user", question)]
        answer = model.ask(messages, CodeAnswer, purpose="better code", sample=number, seed=number).value
        offer = _weighed(code, answer.code, language, seen, bench, aim)
        offer = Offer(offer.code, offer.reason, "model", answer.explanation, (), offer.equivalence, offer.timing)
        found = offer.equivalence.counterexample if offer.equivalence else None
        if found is None:
            return offer
        more = (
            f"your last version behaves differently: for {found.subject} with {found.input!r:.600} in {found.what}; "
            f"the original: {found.original}; yours: {found.version}"
        )
    return offer


def rewritten_offer(code: str, seen: Sequence[Seen], bench: Bench) -> Offer:
    """Return the version that the rewrites make of a Python program."""
    version, rewrites = rewritten(code)
    if not rewrites:
        return Offer(None, "no rewrite applies")
    offer = _weighed(code, version, "python", seen, bench, "optimize")
    why = f"by the rewrites {', '.join(rewrites)}"
    return Offer(offer.code, offer.reason, "rewrites", why, rewrites, offer.equivalence, offer.timing)


def measured(code: str, language: str) -> Complexity | None:
    """Return the complexity of code, or None where it cannot be read or is nested too deeply."""
    try:
        return complexity(code, language)
    except (SyntaxError, RecursionError):
        return None


def _weighed(code: str, version: str, language: str, seen: Sequence[Seen], bench: Bench, aim: str) -> Offer:
    """Return whether a version can be offered."""
    if version.strip() == code.strip():
        return Offer(None, "the version is the original")
    if found := refusals(version, language):
        return Offer(None, f"the version is refused: {found[0].message}")
    compared = compare(seen, version, language, bench, may_mend=aim == "robustness")
    equivalence = compared.equivalence
    if not equivalence.same:
        return Offer(None, equivalence.reason, equivalence=equivalence)
    if aim == "robustness":
        if not compared.mended:
            return Offer(None, "it fails on as many inputs as the original", equivalence=equivalence)
        mended = f"it has a result on {compared.mended} of {len(seen)} inputs on which the original fails"
        return Offer(version, f"{equivalence.reason}; {mended}", equivalence=equivalence)
    took = _timed(code, version, language, seen, bench)
    before, after = measured(code, language), measured(version, language)
    simpler = before is not None and after is not None and after.complexity_score < before.complexity_score
    faster = took is not None and took.ratio >= _FASTER
    if not (simpler or faster):
        reason = "it behaves the same, but is neither simpler nor faster"
        return Offer(None, reason, equivalence=equivalence, timing=took)
    return Offer(version, equivalence.reason, equivalence=equivalence, timing=took)


def _timed(code: str, version: str, language: str, seen: Sequence[Seen], bench: Bench) -> Timing | None:
    """Time both versions on the inputs of the first subject that had a result."""
    valued = [each for each in seen if each.outcome.ok]
    if language != "python" or not valued:
        return None
    first = valued[0].subject
    rows = [each.row for each in valued if each.subject is first]
    return timing(code, version, rows, bench, entry_point=first.entry_point)
