"""The script of the stand-in: which scripted answer belongs to which request.

A script is a JSON object:

    {"model": "scripted", "note": "what this script is for",
     "answers": [{"purpose": "a label for the log",
                  "when": {"schema": "Contract", "contains": ["primes"], "lacks": ["wrong"], "model": "scripted"},
                  "replies": [{"json": {"n": 1}}, {"text": "no JSON"}, {"behave": "hang"},
                              {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "7"}}}],
                  "once": false}]}

The first rule that matches a request and has a reply left answers it. `schema` is the title of the
JSON schema that the request asks for (not where it stands in the words alone); `contains` and `lacks`
are texts in its messages; `model` is the name that it asks, where one server answers for several: those in
`more_models` beside `model`. The replies of a rule are given in order; the last one repeats, unless the
rule is `once`, in which case the rule is used up. An error has the form of the protocol that was
spoken; `{key}` in its message becomes the key that came with the request. A request for vectors is
answered by the rules for the schema "embed"; without one, see standin_protocols.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from htn.errors import UsageError

Behaviour = Literal["hang", "error500", "garbage", "slow", "disconnect", "huge", "cut", "refuse", "nothing", "redirect"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class When(_Part):
    """Which requests a rule answers; what is left out matches every request."""

    schema_title: str | None = Field(default=None, alias="schema")
    contains: list[str] = []
    lacks: list[str] = []
    model: str | None = None

    def matches(self, title: str, prompt: str, model: str) -> bool:
        """Say whether a request that asks `model` for schema `title` with the words `prompt` is meant."""
        return (
            self.schema_title in (None, title)
            and self.model in (None, model)
            and all(text in prompt for text in self.contains)
            and not any(text in prompt for text in self.lacks)
        )


class Failing(_Part):
    """An error that the server answers with."""

    status: int = Field(ge=300, le=599)
    message: str = ""
    headers: dict[str, str] = {}


class Reply(_Part):
    """One scripted answer: a JSON value, a text as it stands, an error, or a way to misbehave."""

    value: Any = Field(default=None, alias="json")
    text: str | None = None
    behave: Behaviour | None = None
    error: Failing | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Reply":
        if len(self.model_fields_set) != 1:
            raise ValueError("a reply has exactly one of json, text, behave and error")
        return self

    def words(self) -> str:
        """Return what the model is to write; nothing for a reply that misbehaves."""
        return json.dumps(self.value) if "value" in self.model_fields_set else self.text or ""


class Rule(_Part):
    """Replies to the requests that `when` describes."""

    purpose: str = ""
    when: When = When()
    replies: list[Reply] = Field(min_length=1)
    once: bool = False


class Script(_Part):
    """All that the stand-in can say, and the names of the models that it says it as."""

    model: str = Field(default="scripted", min_length=1)
    more_models: list[str] = []
    note: str = ""
    answers: list[Rule] = []

    def named(self, name: object) -> str | None:
        """Return the model that a request names, with or without its tag, or None for one that is not there."""
        return next((each for each in (self.model, *self.more_models) if name in (each, f"{each}:latest")), None)


@dataclass(frozen=True)
class Chosen:
    """The reply to one request and the rule that it comes from, as "answers[0] (purpose)"."""

    reply: Reply
    rule: str


class Director:
    """Goes through a script: knows which replies of which rule were given already."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._given: Counter[int] = Counter()
        self._lock = Lock()

    def choose(self, title: str, prompt: str, model: str) -> Chosen | None:
        """Return the reply to a request for schema `title` with these words, or None when no rule matches."""
        with self._lock:
            for number, rule in enumerate(self.script.answers):
                given = self._given[number]
                used_up = rule.once and given >= len(rule.replies)
                if used_up or not rule.when.matches(title, prompt, model):
                    continue
                self._given[number] += 1
                label = f" ({rule.purpose})" if rule.purpose else ""
                reply = rule.replies[min(given, len(rule.replies) - 1)]
                return Chosen(reply, f"answers[{number}]{label}")
        return None

    def start_again(self) -> None:
        """Forget which replies were given."""
        with self._lock:
            self._given.clear()


def load_script(source: str | Path | Mapping[str, Any]) -> Script:
    """Return the script in a file or a mapping; raise UsageError that names the bad place."""
    if isinstance(source, Mapping):
        return _script(dict(source), "the script")
    path = Path(source)
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the script {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"the script {path} is not JSON: {error}") from error
    return _script(written, str(path))


def _script(written: Any, where: str) -> Script:
    try:
        return Script.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise UsageError(
            f"{place or 'the script'}: {first['msg']}",
            where=where,
            hints=("the form of a script is described in executor/model/standin_script.py",),
        ) from error
