"""htn code."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from commands import code_text as text
from commands.options import Command, model_options, output_options, sandbox_option, service_options, waiting
from commands.output import Outcome, note, tell
from executor import code as service
from executor.agent import Agent, Listener
from executor.code.requests import MOST_SECONDS
from executor.sandbox import LANGUAGE_NAMES
from executor.settings import CACHE, SANDBOX, Settings
from executor.store import Results
from htn.errors import ServiceMissing, UsageError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MOST_BYTES = 1_000_000


@click.group("code", short_help="Write, run, check, better and explain code that is no operator.")
def command() -> None:
    """Have code written for a task, run it in the sandbox, check it, better it, explain it.

    A script has the values of its context as variables and leaves its value in the variable result. FILE is a file
    with code, or - for standard input.

    \b
    htn code execute triple.py --context '{"x": 5}'
    htn code generate 'multiply the value by 2' --input-example '{"value": 5}' --expect '{"result": 10}'
    """


def _about_code(function: _Function) -> _Function:
    """Add FILE and --language."""
    return click.argument("file", metavar="FILE|-")(_language(function))


def _language(function: _Function) -> _Function:
    names = ", ".join(LANGUAGE_NAMES)
    return click.option("--language", metavar="NAME", help=f"{names}; by default found out.")(function)


def _timed(function: _Function) -> _Function:
    limit = click.FloatRange(0, MOST_SECONDS, min_open=True)
    return click.option("--timeout", type=limit, metavar="SECONDS", help="The most seconds for one run.")(function)


@command.command("execute", cls=Command, short_help="Run code once in the sandbox.")
@_about_code
@click.option("--context", metavar="JSON", default="{}", help="The variables of the script, as a JSON object.")
@click.option("--entry-point", metavar="NAME", help="Call this function with them instead.")
@click.option("--no-cache", is_flag=True, help="Run it although the result of the same run is kept; keep nothing.")
@_timed
@sandbox_option
@service_options
@output_options
@click.pass_obj
def execute(
    outcome: Outcome,
    /,
    *,
    file: str,
    language: str | None,
    context: str,
    entry_point: str | None,
    no_cache: bool,
    timeout: float | None,
    as_json: bool,
    debug: bool,  # read by the group
    **flags: Any,
) -> int:
    """Run the code in FILE once in the sandbox, if the static rules let it.

    The result of a script that keeps the rules is kept: the same script with the same context is not run again.

    \b
    htn code execute triple.py --context '{"x": 5}'
    echo 'result = 6 * 7' | htn code execute - --json

    Exit codes: 0 it ran; 2 usage, or code that cannot be read or is refused; 4 it failed; 7 the sandbox cannot run it.
    """
    fields = _given(code=_read(file), language=language, timeout=timeout, entry_point=entry_point)
    fields |= {"context": _context(context), "use_cache": not no_cache}
    request = service.read_request(service.ExecuteRequest, fields)
    settings = Settings.load(SANDBOX | CACHE, **flags)
    with Agent(settings, Listener(note=note)) as agent, waiting("running"):
        results = None if no_cache else _results(agent)
        response = service.execute(request, service.Bench(agent.sandbox, settings.limits, results))
    outcome.document = response.model_dump(mode="json")
    outcome.show(text.executed(response))
    if response.error is None:
        return 0
    return 2 if response.error.type in ("syntax", "security") else 7 if response.error.category == "environment" else 4


@command.command("validate", cls=Command, short_help="Hold code to the static rules; run nothing.")
@_about_code
@output_options
@click.pass_obj
def validate(outcome: Outcome, /, file: str, language: str | None, as_json: bool, debug: bool) -> int:  # as above
    """Say whether the code in FILE can be read and keeps the static rules. Nothing is run.

    \b
    htn code validate triple.py
    htn code validate --json - < triple.py

    Exit codes: 0 it is valid; 2 it is not, or usage.
    """
    request = service.read_request(service.ValidateRequest, _given(code=_read(file), language=language))
    response = service.validate(request)
    outcome.document = response.model_dump(mode="json")
    outcome.show(text.validated(response))
    return 0 if response.valid else 2


@command.command("generate", cls=Command, short_help="Have a model write code, and try it on an example.")
@click.argument("task", metavar="TEXT")
@_language
@click.option("--input-example", metavar="JSON", help="An input that the code has to get right.")
@click.option("--expect", metavar="JSON", help="What it is to give for this input.")
@click.option("--focus", type=click.Choice(["fix_errors", "optimize", "robustness"]), default="fix_errors",
              help="Ask for one more round when the code works.")  # fmt: skip
@click.option("--max-retries", type=click.IntRange(1, 20), help="The most versions, the first and its repairs.")
@click.option("--force-regenerate", is_flag=True, help="Ask although code for the same request is kept.")
@_timed
@model_options
@service_options
@output_options
@click.pass_obj
def generate(
    outcome: Outcome,
    /,
    *,
    task: str,
    language: str | None,
    input_example: str | None,
    expect: str | None,
    focus: str,
    max_retries: int | None,
    force_regenerate: bool,
    timeout: float | None,
    as_json: bool,
    debug: bool,  # as above
    **flags: Any,
) -> int:
    """Have a model write code for the task TEXT, try it against an example, and repair it.

    The code goes to standard output; what was shown of it, and what was not, to standard error.

    \b
    htn code generate 'multiply the value by 2' --input-example '{"value": 5}' --expect '{"result": 10}'
    htn code generate 'the first ten Fibonacci numbers, in JavaScript' --json

    Exit codes: 0 it passes its tests; 2 usage, or a request that is refused; 5 no version passes; 6 the calls of the
    model were used up before there was one; 7 the model, the sandbox or the language is missing.
    """
    fields = _given(language=language, timeout=timeout, max_retries=max_retries)
    fields |= {"task_description": task, "focus": focus, "force_regenerate": force_regenerate}
    fields |= {"input_example": _json(input_example, "--input-example")} if input_example is not None else {}
    fields |= {"expected_output": _json(expect, "--expect")} if expect is not None else {}
    request = service.read_request(service.GenerateRequest, fields)
    settings = Settings.load(**flags)
    if max_retries is None:
        request = request.model_copy(update={"max_retries": settings.max_retries})
    response = service.refusal(request) or _generated(outcome, request, settings)
    outcome.document = response.model_dump(mode="json")
    if response.success:
        outcome.show(response.code.rstrip("\n"))
    if not as_json:
        tell(text.generated(response), lines=True)
    return 0 if response.success else 2 if response.refused else 5


@command.command("optimize", cls=Command, short_help="Say what could be better; offer what behaves the same.")
@_about_code
@click.option("--context", metavar="JSON", default="{}", help="An example of the variables that the script reads.")
@click.option("--entry-point", metavar="NAME", help="The function to call, in a language that has no scripts.")
@_timed
@model_options
@output_options
@click.pass_obj
def optimize(
    outcome: Outcome,
    /,
    *,
    file: str,
    language: str | None,
    context: str,
    entry_point: str | None,
    timeout: float | None,
    as_json: bool,
    debug: bool,  # as above
    **flags: Any,
) -> int:
    """Say what could be better in FILE and where its time goes; offer a version that is shown to behave the same.

    Without --model a few safe rewrites are tried. With it, that model is asked for a version. Either is run on the
    same inputs as the original, and offered only when result, printed output and failures agree on all of them.

    \b
    htn code optimize slow.py
    htn code optimize slow.py --context '{"words": ["a", "b"]}' --model ollama:qwen2.5-coder:7b

    Exit codes: 0 done, also when there is nothing to offer; 2 usage, or code that cannot be read or is refused; 6 the
    calls of the model were used up; 7 the model or the sandbox is missing.
    """
    fields = _given(code=_read(file), language=language, timeout=timeout, entry_point=entry_point)
    fields |= {"context": _context(context)}
    request = service.read_request(service.OptimizeRequest, fields)
    asks = flags.get("model") is not None
    settings = Settings.load(None if asks else SANDBOX, **flags)
    with Agent(settings, Listener(note=note)) as agent, waiting("comparing"):
        outcome.cost = (lambda: agent.calls) if asks else None
        bench = service.Bench(agent.sandbox, settings.limits)
        response = service.optimize(request, bench, agent.model if asks else None, on_note=note)
    outcome.document = response.model_dump(mode="json")
    outcome.show(text.optimized(response))
    return 0 if response.success else 2


@command.command("explain", cls=Command, short_help="Say what code does, and how complex it is.")
@_about_code
@model_options
@output_options
@click.pass_obj
def explain(
    outcome: Outcome, /, *, file: str, language: str | None, as_json: bool, debug: bool, **flags: Any
) -> int:  # as above
    """Say what the code in FILE does: inputs, results, functions, effects, complexity. Nothing is run.

    With --model that model also says it in its words, which are its opinion.

    \b
    htn code explain slow.py

    Exit codes: 0 said; 2 usage, or code that cannot be read; 6 the calls of the model were used up; 7 it is missing.
    """
    asks = flags.get("model") is not None
    fields = _given(code=_read(file), language=language) | {"use_model": asks}
    request = service.read_request(service.ExplainRequest, fields)
    settings = Settings.load(None if asks else (), **flags)
    with Agent(settings) as agent:
        outcome.cost = (lambda: agent.calls) if asks else None
        response = service.explain(request, agent.model if asks else None)
    outcome.document = response.model_dump(mode="json")
    outcome.show(text.explained(response))
    return 0 if response.success else 2


def _generated(outcome: Outcome, request: service.GenerateRequest, settings: Settings) -> service.GenerateResponse:
    with Agent(settings, Listener(note=note)) as agent, waiting("asking"):
        outcome.cost = lambda: agent.calls
        bench = service.Bench(agent.sandbox, settings.limits, _results(agent))
        return service.generate(request, agent.model, bench, on_note=note)


def _results(agent: Agent) -> Results | None:
    """Return where results are kept, or None where there is no such place; then everything is run."""
    try:
        return agent.results
    except ServiceMissing as error:
        note(f"results are not kept: {error.message}")
        return None


def _read(file: str) -> str:
    """Return the code in a file, or on standard input. Raises `UsageError`."""
    try:
        data = sys.stdin.buffer.read(_MOST_BYTES) if file == "-" else Path(file).read_bytes()[:_MOST_BYTES]
        return data.decode()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text in UTF-8: {error.reason}") from error


def _json(written: str, option: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{option} is not JSON: {error}", hints=("put it in single quotes for the shell",)) from error


def _context(written: str) -> dict[str, Any]:
    value = _json(written, "--context")
    if not isinstance(value, dict):
        raise UsageError(
            "--context is not a JSON object: it gives each variable of the script a value",
            hints=("""write it as '{"x": 5}'""",),
        )
    return value


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}
