"""Fill the prompt templates of the code service. What is filled in is data, between marks that data cannot forge."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from executor.check.allowed import MODULES
from executor.code.executing import has_scripts
from executor.code.forms import AttemptForm, Suggestion
from executor.code.requests import GenerateRequest
from executor.told import shortened

_MARK = re.compile(r"\b(BEGIN|END)[\s_-]+DATA\b", re.IGNORECASE)
_MOST_SAID = 4_000
_MOST_CODE = 12_000
ENTRY_POINT = "solution"
_AIMS = {
    "optimize": "Make it faster and simpler: fewer passes over the data, less that is computed twice, fewer branches.",
    "robustness": "Make it hold for inputs that are empty, missing or of an unexpected type, on which it fails so far.",
}


class CodeAnswer(BaseModel):
    """Code, as a model writes it. A field that was not asked for is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(default="", max_length=200)
    code: str = Field(max_length=100_000)
    explanation: str = Field(default="", max_length=4000)


class WordsAnswer(BaseModel):
    """An explanation, as a model writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    explanation: str = Field(max_length=4000)


def system_prompt() -> str:
    """Return what is said before every question."""
    return _template("system")


def write_prompt(request: GenerateRequest, language: str) -> str:
    """Return the question for a first version."""
    return _template("write").format(**_task(request), language=language, form=_form(request, language))


def repair_prompt(request: GenerateRequest, language: str, history: Sequence[AttemptForm]) -> str:
    """Return the question for another version, with what is wrong with the last one."""
    last = history[-1]
    assert last.error is not None
    said = [last.error.message, *(f"line {f.line or '?'}: {f.message}; {f.fix}" for f in last.findings[:8])]
    said += [last.error.traceback, f"it printed: {last.output}" if last.output else ""]
    return _template("repair").format(
        **_task(request),
        language=language,
        code=_data(last.code, _MOST_CODE),
        kind=last.error.type,
        recommendation=last.error.recommendation,
        problem=_data("\n".join(filter(None, said)), _MOST_SAID),
        attempts=_data("\n".join(map(one_line, history[:-1])) or "none", _MOST_SAID),
        form=_form(request, language),
    )


def improve_prompt(
    code: str, language: str, advice: Sequence[Suggestion], *, task: str = "", aim: str = "optimize", more: str = ""
) -> str:
    """Return the question for a better version of code that works; `more` is what was wrong with the last answer."""
    rows = [f"line {each.line}: {each.type}: {each.message}" for each in advice]
    unless = ", but that it need not fail where it fails so far" if aim == "robustness" else ""
    form = "- may use the same inputs, by the same names, and leaves its result in the same place."
    return _template("improve").format(
        language=language,
        task=_data(task or "what the code says", _MOST_SAID),
        code=_data(code, _MOST_CODE),
        advice=_data("\n".join([*rows, more]).strip() or "nothing is known", _MOST_SAID),
        aim=_AIMS[aim],
        unless=unless,
        form=form,
    )


def explain_prompt(code: str, language: str) -> str:
    """Return the question for an explanation."""
    return _template("explain").format(language=language, code=_data(code, _MOST_CODE))


def one_line(attempt: AttemptForm) -> str:
    """Return an attempt as one line for people and prompts."""
    what = attempt.error.message if attempt.error else "it works"
    return f"attempt {attempt.attempt}: {attempt.stage}: {shortened(' '.join(what.split()), 200)}"


def _task(request: GenerateRequest) -> dict[str, str]:
    given = _written(request.input_example) if request.has_input else "none is given"
    expected = _written(request.expected_output) if request.has_expected else "none is given"
    return {
        "task": _data(request.task_description, _MOST_SAID),
        "input": _data(given, _MOST_SAID),
        "expected": _data(expected, _MOST_SAID),
    }


def _form(request: GenerateRequest, language: str) -> str:
    if not has_scripts(language):
        names = ", ".join(request.input_example) if isinstance(request.input_example, dict) else "value"
        return f"- is a function named {ENTRY_POINT} with the parameters ({_data(names, 400)}), in this order;"
    rows = ["- is a script, with what it needs at its top level; it leaves its result in the variable `result`;"]
    if request.has_input:
        rows.append("- has the variable `items`, a list of objects; the input is items[0]['json'];")
    else:
        rows.append("- has no variables given;")
    if language == "python":
        rows.append(f"- imports at most: {', '.join(sorted(MODULES))};")
    if language == "bash":
        rows[-1] = "- has the variable $items, a JSON text of a list of objects; jq '.[0].json' is the input;"
    return "\n".join(rows)


def _template(name: str) -> str:
    return (files("executor.code") / "prompts" / f"{name}.md").read_text(encoding="utf-8")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _data(text: str, most: int) -> str:
    return _MARK.sub(r"\1_DATA", shortened(text, most))
