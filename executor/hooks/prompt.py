"""Fill the prompt templates of the questions. What is filled in is data (see `executor.generate.marked`)."""

import dataclasses
from importlib.resources import files

from executor.generate.marked import as_part
from executor.hooks.answers import MOST_TASKS
from executor.hooks.questions import Question
from executor.told import shortened
from htn.errors import visible

# In characters; together well below what the smallest context of a model holds (16,384 tokens).
_MOST_PART = 3_000


def system_prompt() -> str:
    """Return what is said before every question about a run."""
    return _template("system")


def prompt_of(question: Question) -> str:
    """Return a question as it is put: the same text for the same situation."""
    said = {field.name: getattr(question, field.name) for field in dataclasses.fields(question)}
    return _template(question.hook).format(most=MOST_TASKS, **{name: _written(part) for name, part in said.items()})


def _written(part: object) -> str:
    text = part if isinstance(part, str) else "\n".join(f"- {row}" for row in part) if isinstance(part, tuple) else ""
    written_out = visible(shortened(text, _MOST_PART), lines=True)  # which may be longer
    return as_part(written_out or "nothing", _MOST_PART)


def _template(name: str) -> str:
    return (files("executor.hooks") / "prompts" / f"{name}.md").read_text(encoding="utf-8")
