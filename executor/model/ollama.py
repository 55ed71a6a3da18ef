"""A model behind an Ollama server, asked over its native protocol.

The native protocol and not the OpenAI-compatible one, because only here can the size of the
context be set: Ollama cuts longer prompts in silence, and code written from half a prompt is wrong
without any error. For the same reason a prompt that may not fit is refused.

An answer has to have the asked form, strictly: `"7"` is no number. One that has not is shown to
the model together with what is wrong with it, at most twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from executor.model.budget import CallBudget
from executor.model.endpoint import endpoint_url
from executor.model.protocol import (
    Answer,
    Call,
    InvalidAnswer,
    Message,
    ModelStatus,
    Request,
    T,
)
from executor.model.wire import NoSuchModelError, NotSentError, Reply, Wire
from htn.errors import HtnError, LimitReached, ServiceMissing, UsageError, did_you_mean

PROVIDER = "ollama"
ATTEMPTS = 3
BYTES_PER_TOKEN = 3  # fewer than in real text, so that the estimate is on the safe side
SEEDS = 2**31
SAMPLE_STRIDE = 1_000_003  # a prime: sample 1 of seed 0 is not sample 0 of seed 1


@dataclass(frozen=True)
class OllamaSettings:
    """How the model is run: room for prompt and answer in tokens, freedom, time in memory."""

    num_ctx: int = 16_384
    temperature: float = 0.7
    keep_alive: str = "10m"

    def __post_init__(self) -> None:
        if self.num_ctx < 1:
            raise UsageError(f"num_ctx must be at least 1 token, not {self.num_ctx}")


@dataclass
class _Sent:
    """A request under way, to become a Call."""

    request: Request
    attempt: int
    began: float = field(default_factory=time.monotonic)
    reply: Reply | None = None
    problem: str = "interrupted"
    call: Call | None = None


class Ollama:
    """The model called `name` on the Ollama server at `endpoint`."""

    def __init__(
        self,
        name: str,
        *,
        endpoint: str,
        budget: CallBudget,
        api_key: str | None = None,
        timeout: float = 300.0,
        settings: OllamaSettings | None = None,
    ) -> None:
        if not name or not name.isprintable() or " " in name:
            raise UsageError(f"not a name of a model: {name!r}")
        if timeout <= 0:
            raise UsageError(f"the time limit of a model call must be positive, not {timeout:g} s")
        self.name = f"{PROVIDER}:{name}"
        self.budget = budget
        self._model = name
        self._settings = settings or OllamaSettings()
        self._wire = Wire(endpoint_url(endpoint), api_key=api_key, timeout=timeout)
        self._calls: list[Call] = []

    @property
    def calls(self) -> Sequence[Call]:
        """Every request that went out, oldest first."""
        return tuple(self._calls)

    def ask(
        self,
        messages: Sequence[Message],
        out: type[T],
        *,
        purpose: str,
        sample: int = 0,
        seed: int = 0,
        variant: str = "",
        on_text: Callable[[str], None] | None = None,
    ) -> Answer[T]:
        """Return an answer of the form `out`; `on_text` hears the text as it is written.

        Raises LimitReached when the budget is used up or the question too long, InvalidAnswer when
        three answers have another form, and ServiceMissing when no answer comes.
        """
        request = Request(tuple(messages), purpose, sample, seed, variant)
        schema = out.model_json_schema()
        text = problem = ""
        for attempt in range(1, ATTEMPTS + 1):
            self._refuse_long(request)
            with self._recorded(request, attempt) as sent:
                sent.reply = self._send(request, schema, on_text)
                text = sent.reply.text
                value, problem = _read(sent.reply, out)
                sent.problem = problem
            if value is not None and sent.call is not None:
                return Answer(value=value, text=text, call=sent.call)
            request = replace(request, messages=request.messages + _correction(text, problem))
        raise InvalidAnswer(
            f"{self.name} gave no answer of the form {out.__name__} in {ATTEMPTS} attempts; "
            f"it last answered: {self._wire.clean(text)}",
            text=text,
            where=f"the call for {purpose}",
            hints=(f"what was wrong: {self._wire.clean(problem)}", "try another model"),
        )

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""
        try:
            version = self._wire.look("/api/version")
            models = self._models()
        except NotSentError as unsent:
            return self._status(answers=False, hints=unsent.error.hints)
        except ServiceMissing as error:
            return self._status(answers=False, hints=(error.message, *error.hints))
        present = bool({self._model, f"{self._model}:latest"} & set(models))
        return self._status(
            answers=True,
            version=str(version.get("version")) if isinstance(version, dict) else None,
            models=models,
            present=present,
            hints=() if present else self._ways_to_a_model(models),
        )

    def _send(self, request: Request, schema: dict[str, Any], on_text: Callable[[str], None] | None) -> Reply:
        seed = (request.seed + request.sample * SAMPLE_STRIDE) % SEEDS
        try:
            return self._wire.chat(
                self._model,
                request.messages,
                schema=schema,
                options={
                    "num_ctx": self._settings.num_ctx,
                    "temperature": self._settings.temperature,
                    "seed": seed,
                },
                keep_alive=self._settings.keep_alive,
                on_text=on_text,
            )
        except NoSuchModelError as error:
            raise ServiceMissing(
                f"the server at {self._wire.url} has no model {self._model!r}",
                hints=self._ways_to_a_model(self._models_if_told()),
            ) from error

    @contextmanager
    def _recorded(self, request: Request, attempt: int) -> Iterator[_Sent]:
        """Take a call from the budget and write down what becomes of it, unless it never left."""
        self.budget.take(request.purpose)
        sent = _Sent(request, attempt)
        try:
            yield sent
        except NotSentError as unsent:
            self.budget.give_back()
            raise unsent.error from unsent.__cause__
        except HtnError as error:
            sent.problem = error.message
            self._write_down(sent)
            raise
        except BaseException:  # an interrupt too: the request went out and has to be counted
            self._write_down(sent)
            raise
        self._write_down(sent)

    def _write_down(self, sent: _Sent) -> None:
        sent.call = Call(
            provider=PROVIDER,
            model=self._model,
            purpose=sent.request.purpose,
            seconds=time.monotonic() - sent.began,
            prompt_tokens=sent.reply.prompt_tokens if sent.reply else 0,
            answer_tokens=sent.reply.answer_tokens if sent.reply else 0,
            attempt=sent.attempt,
            ok=not sent.problem,
            problem=self._wire.clean(sent.problem),
            sample=sent.request.sample,
            seed=sent.request.seed,
            prompt_variant=sent.request.variant,
        )
        self._calls.append(sent.call)

    def _refuse_long(self, request: Request) -> None:
        size = sum(len(message.content.encode(errors="replace")) for message in request.messages)
        tokens = size // BYTES_PER_TOKEN
        if tokens >= self._settings.num_ctx:
            raise LimitReached(
                f"the prompt of about {tokens:,} tokens does not fit into the context of "
                f"{self._settings.num_ctx:,} tokens, and would be cut in silence",
                where=f"the call for {request.purpose}",
                hints=("make room, if the model has it: HTN_NUM_CTX",),
            )

    def _models(self) -> tuple[str, ...]:
        tags = self._wire.look("/api/tags")
        listed = tags.get("models") if isinstance(tags, dict) else None
        if not isinstance(listed, list):
            return ()
        return tuple(str(entry.get("name")) for entry in listed if isinstance(entry, dict))

    def _models_if_told(self) -> tuple[str, ...]:
        try:
            return self._models()
        except (NotSentError, ServiceMissing):
            return ()  # the list only helps to say what is wrong; that the model is missing stays

    def _ways_to_a_model(self, models: tuple[str, ...]) -> tuple[str, ...]:
        # Whoever mistypes a name leaves out the tag, so names without tags are compared too.
        short = tuple(model.removesuffix(":latest") for model in models)
        meant = did_you_mean(self._model, short)
        there = () if meant or not short else (f"it has: {', '.join(short)}",)
        return (*meant, *there, f"get it: ollama pull {self._model}")

    def _status(
        self,
        *,
        answers: bool,
        hints: tuple[str, ...],
        version: str | None = None,
        models: tuple[str, ...] = (),
        present: bool = False,
    ) -> ModelStatus:
        return ModelStatus(
            name=self.name,
            address=self._wire.url,
            answers=answers,
            version=version,
            models=models,
            present=present,
            hints=hints,
        )


def _read(reply: Reply, out: type[T]) -> tuple[T | None, str]:
    """Return the answer as a value, or what is wrong with it."""
    try:
        return out.model_validate_json(reply.text, strict=True), ""
    except ValidationError as error:
        cut = "the answer was cut off because the context is full; " if reply.cut else ""
        return None, cut + _wrong(error)


def _wrong(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in detail["loc"])
        lines.append(f"{place}: {detail['msg']}" if place else detail["msg"])
    return "; ".join(lines)


def _correction(text: str, problem: str) -> tuple[Message, Message]:
    return (
        Message("assistant", text),
        Message(
            "user",
            f"Your answer does not have the form that was asked for: {problem}\n"
            "Give the corrected answer as JSON only.",
        ),
    )
