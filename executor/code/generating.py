"""Have a model write code for a task: refuse, ask, check, run, repair, and say what that has shown.

    request --refused--> no
       │
     write ─▶ rules ─▶ run on the example ─▶ the expected result? ─▶ the same again? ─▶ answer
       ▲                                   │
       └───────── repair, with what failed ┘

It ends when a version passes, when the attempts are used up, when a version repeats an earlier one word for word, when
it fails in a way that was seen before, and when two in a row get no further than the best so far. Code that was made
for the same request before is tried again instead of asking, unless the request forbids it.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import ValidationError

from executor.check import Finding, check_request
from executor.code.advice import suggestions
from executor.code.comparing import Seen, observe
from executor.code.examples import context_of
from executor.code.executing import Bench
from executor.code.forms import (
    AttemptForm,
    CodeFinding,
    GenerateResponse,
    Metrics,
    Node,
    Stopped,
    TestResults,
    Validation,
)
from executor.code.improving import improved, measured
from executor.code.problems import refused_request
from executor.code.prompting import ENTRY_POINT, CodeAnswer, one_line, repair_prompt, system_prompt, write_prompt
from executor.code.quality import failures, quality
from executor.code.requests import Focus, GenerateRequest
from executor.code.trying import Tried, as_attempt, repairs_of, try_out
from executor.code.validating import PURITY, findings_of
from executor.generate.language import detect_language
from executor.model import InvalidAnswer, Message, Model
from htn.errors import LimitReached, ServiceMissing, visible

ATTEMPTS = 3
_KEPT_FORM = 1
_STALLED = 2
# Which languages a Code node of n8n can hold, and how it names them.
_NODE_LANGUAGES = {"python": "python", "javascript": "javaScript"}


@dataclass
class _Work:
    """The versions so far, the words that came with them, and the time that was spent."""

    request: GenerateRequest
    language: str
    most: int
    tries: list[Tried] = field(default_factory=list)
    explanations: list[str] = field(default_factory=list)
    focuses: list[Focus] = field(default_factory=list)
    name: str = ""
    asking: list[float] = field(default_factory=list)
    answer: CodeAnswer = field(default_factory=lambda: CodeAnswer(code=""))

    def add(self, tried: Tried, explanation: str, focus: Focus = "fix_errors") -> None:
        self.tries.append(tried)
        self.explanations.append(explanation)
        self.focuses.append(focus)

    @property
    def history(self) -> tuple[AttemptForm, ...]:
        rows, before = [], ""
        for at, each in enumerate(self.tries):
            rows.append(as_attempt(each, at + 1, self.most, before, explanation=self.explanations[at],
                                   focus=self.focuses[at]))  # fmt: skip
            before = each.code
        return tuple(rows)


def generate(
    request: GenerateRequest, model: Model, bench: Bench, *, on_note: Callable[[str], None] = lambda text: None
) -> GenerateResponse:
    """Return code for a task, with its tests and the whole history; or why there is none.

    Raises `UsageError` for an example that cannot be an input, and what the model raises where not even one version
    came: `LimitReached`, `InvalidAnswer`, `ServiceMissing`.
    """
    if refused := refusal(request):
        return refused
    language = request.language or detect_language(request.task_description)
    bench = bench.given(request.timeout)
    begun, calls = time.perf_counter(), len(model.calls)
    work = _Work(request, language, request.max_retries or ATTEMPTS)
    if reused := _kept(work, model.name, bench):
        stopped: Stopped = "it works"
        on_note("code that was made for this request before still passes its tests")
    else:
        stopped = _search(work, model, bench, on_note)
        if work.tries[-1].passed and request.focus != "fix_errors":
            _improve(work, model, bench, on_note)
        _keep(work, model.name, bench)
    metrics = _metrics(work, time.perf_counter() - begun, len(model.calls) - calls)
    return _response(work, stopped, metrics, bench, reused=reused)


def refusal(request: GenerateRequest) -> GenerateResponse | None:
    """Return the answer to a request that asks to destroy something, or None; no service is needed to know."""
    found = check_request(request.task_description)
    language = request.language or detect_language(request.task_description)
    return _refusal(language, tuple(_finding(each) for each in found)) if found else None


def _search(work: _Work, model: Model, bench: Bench, on_note: Callable[[str], None]) -> Stopped:
    """Ask and repair until a version passes or a reason to stop is there."""
    stalled = 0
    while True:
        if not _ask(work, model, on_note):
            return "the model gave no further version"
        last = try_out(work.answer.code, work.language, work.request, bench)
        earlier = list(work.tries)
        work.add(last, work.answer.explanation)
        on_note(one_line(work.history[-1]))
        if last.passed:
            return "it works"
        if last.code in {each.code for each in earlier}:
            return "a version repeats an earlier one"
        furthest = max((each.rank for each in earlier), default=(-1, 0))
        stalled = 0 if last.rank > furthest else stalled + 1
        seen = any((e.stage, _said(e)) == (last.stage, _said(last)) for e in earlier)
        if seen or stalled >= _STALLED:
            return "the versions do not get better"
        if len(work.tries) >= work.most:
            return "the attempts are used up"


def _ask(work: _Work, model: Model, on_note: Callable[[str], None]) -> bool:
    """Ask for the next version. False when none came after a first one had."""
    request, language = work.request, work.language
    question = repair_prompt(request, language, work.history) if work.tries else write_prompt(request, language)
    purpose, number = "repair of code" if work.tries else "code", len(work.tries)
    begun = time.perf_counter()
    try:
        messages = [Message("system", system_prompt()), Message("user", question)]
        work.answer = model.ask(messages, CodeAnswer, purpose=purpose, sample=number, seed=number).value
    except (LimitReached, InvalidAnswer, ServiceMissing) as error:
        if not work.tries:
            raise
        on_note(error.message)
        return False
    finally:
        work.asking.append(time.perf_counter() - begun)
    work.name = work.name or work.answer.name
    return True


def _improve(work: _Work, model: Model, bench: Bench, on_note: Callable[[str], None]) -> None:
    """Ask for a better version of code that works, and take it where it is better and passes the tests too."""
    if len(work.tries) >= work.most:
        on_note("no attempt is left for an improvement")
        return
    best, request = work.tries[-1], work.request
    begun = time.perf_counter()
    try:
        offer = improved(
            best.code,
            work.language,
            _observed(work, best.code, bench),
            bench,
            model,
            task=request.task_description,
            aim=request.focus,
        )
    except (LimitReached, InvalidAnswer, ServiceMissing) as error:
        on_note(error.message)
        return
    finally:
        work.asking.append(time.perf_counter() - begun)
    if offer.code is None:
        on_note(f"no better version: {offer.reason}")
        return
    better = try_out(offer.code, work.language, request, bench)
    if better.passed:
        work.add(better, offer.explanation, request.focus)
        on_note(f"a better version ({request.focus}): {offer.reason}")


def _observed(work: _Work, code: str, bench: Bench) -> tuple[Seen, ...]:
    given = (context_of(work.request.input_example, work.language),) if work.request.has_input else ()
    return observe(code, work.language, bench, given, entry_point=ENTRY_POINT)


def _said(tried: Tried) -> str:
    return tried.error.message if tried.error else ""


def _response(work: _Work, stopped: Stopped, metrics: Metrics, bench: Bench, *, reused: bool) -> GenerateResponse:
    last = max(work.tries, key=lambda each: each.rank) if not work.tries[-1].passed else work.tries[-1]
    is_python = work.language == "python"
    advice = suggestions(last.code) if is_python else ()
    how_complex = None if last.stage == "syntax" else measured(last.code, work.language)
    runs = failures(_observed(work, last.code, bench)) if last.passed else None
    return GenerateResponse(
        success=last.passed,
        language=work.language,
        node=_node(work, last.code) if last.passed else None,
        code=last.code,
        test_results=last.tests,
        complexity=how_complex,
        validation=Validation(
            syntax_valid=last.stage != "syntax",
            security_valid=last.stage not in ("syntax", "security"),
            tests_passed=last.passed,
        ),
        history=work.history,
        explanation=work.explanations[work.tries.index(last)],
        error=last.error,
        findings=last.findings,
        suggestions=advice,
        quality=quality(last.findings, advice, how_complex, runs),
        stopped_because=stopped,
        shown=_shown(work, last, runs),
        not_shown=_not_shown(work, last),
        reused=reused,
        metrics=metrics,
    )


def _shown(work: _Work, last: Tried, runs: tuple[int, int] | None) -> tuple[str, ...]:
    """Say what is known of the code, in the words of what was done."""
    if last.stage in ("syntax", "security"):
        return ("it was not run",)
    rows = ["it keeps the static rules"]
    example = "1 example" if work.request.has_input else "no input"
    rows.append(f"it ran against {example}")
    rows += [f"{'passed' if test.passed else 'failed'}: it {test.name}" for test in last.tests.tests]
    if runs and runs[0] > 1:
        rows.append(f"of {runs[0]} inputs, most of them drawn, it failed on {runs[1]}; no result of these was compared")
    return tuple(rows)


def _not_shown(work: _Work, last: Tried) -> tuple[str, ...]:
    if not last.passed:
        return ("it does not do what was asked for",)
    rows = []
    if any(each.code == PURITY for each in findings_of(last.code, work.language)):
        rows.append("its result may change from run to run: it looks at the clock")
    if not work.request.has_expected:
        rows.append("no expected output was given: that it does what was asked for is not shown")
    rows.append("inputs other than the example were not compared with anything")
    return tuple(rows)


def _node(work: _Work, code: str) -> Node | None:
    if work.language not in _NODE_LANGUAGES:
        return None
    words = (work.name or work.request.task_description).split()
    name = visible(" ".join(words))[:60]
    parameters = {"code": code, "language": _NODE_LANGUAGES[work.language]}
    return Node(id=str(uuid.uuid4()), name=name, parameters=parameters)


def _metrics(work: _Work, whole: float, calls: int) -> Metrics:
    efficiency, reduction = repairs_of(work.tries)
    return Metrics(
        generation_time=round(work.asking[0] if work.asking else 0.0, 4),
        execution_time=round(sum(each.seconds for each in work.tries), 4),
        improvement_time=round(sum(work.asking[1:]), 4),
        total_time=round(whole, 4),
        model_calls=calls,
        improvement_efficiency=efficiency,
        error_reduction=reduction,
    )


def _finding(found: Finding) -> CodeFinding:
    return CodeFinding(code=found.code, rule=found.rule, message=found.message, line=found.line or None, fix=found.fix)


def _refusal(language: str, findings: tuple[CodeFinding, ...]) -> GenerateResponse:
    return GenerateResponse(
        success=False,
        refused=True,
        language=language,
        test_results=TestResults.of(()),
        validation=Validation(syntax_valid=False, security_valid=False, tests_passed=False),
        error=refused_request(findings),
        findings=findings,
        stopped_because="the request is refused",
        shown=("no model was asked, and nothing was run",),
        metrics=Metrics(generation_time=0, execution_time=0, improvement_time=0, total_time=0, model_calls=0),
    )


def _key(work: _Work, model: str) -> str:
    said = work.request.model_dump(include={"task_description", "input_example", "expected_output", "focus"})
    given = [work.request.has_input, work.request.has_expected]
    text = json.dumps([_KEPT_FORM, "code", model, work.language, said, given], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _kept(work: _Work, model: str, bench: Bench) -> bool:
    """Try the code that was made for the same request before; whether it is there and passes."""
    if bench.results is None or work.request.force_regenerate:
        return False
    try:
        kept = CodeAnswer.model_validate_json(bench.results.get(_key(work, model)) or "{}")
    except (ValidationError, ServiceMissing):
        return False
    again = try_out(kept.code, work.language, work.request, bench)
    if again.passed:
        work.name = kept.name
        work.add(again, kept.explanation)
    return again.passed


def _keep(work: _Work, model: str, bench: Bench) -> None:
    last = work.tries[-1]
    if bench.results is None or not last.passed:
        return
    kept = CodeAnswer(name=work.name, code=last.code, explanation=work.explanations[-1])
    with suppress(ServiceMissing):  # it is asked for again then
        bench.results.put(_key(work, model), kept.model_dump_json())
