"""A model behind an Ollama server, asked over its native protocol.

The native protocol and not the OpenAI-compatible one, because only here can the size of the
context be set: Ollama cuts longer prompts in silence, and code written from half a prompt is wrong
without any error. For the same reason a prompt that may not fit is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from executor.model.endpoint import endpoint_url
from executor.model.protocol import ModelStatus, Request
from executor.model.provider import bytes_of, check_name, looked, seed_of
from executor.model.reply import End, Piece, Reply, collected, sendable
from executor.model.spending import Worst
from executor.model.wire import NoSuchModelError, NotSentError, Speech, StatusError, Wire
from htn.errors import LimitReached, ServiceMissing, UsageError, did_you_mean

BYTES_PER_TOKEN = 3  # fewer than in real text, so that the estimate is on the safe side
SPEECH = Speech(
    protocol="Ollama's",
    elsewhere=("start it: ollama serve", "another address: OLLAMA_ENDPOINT=host:port"),
    key_from="LLM_API_KEY",
)


@dataclass(frozen=True)
class OllamaSettings:
    """How the model is run: room for prompt and answer in tokens, freedom, time in memory."""

    num_ctx: int = 16_384
    temperature: float = 0.7
    keep_alive: str = "10m"

    def __post_init__(self) -> None:
        if self.num_ctx < 1:
            raise UsageError(f"num_ctx must be at least 1 token, not {self.num_ctx}")


class Ollama:
    """The model called `name` on the Ollama server at `endpoint`; a `Provider`."""

    provider = "ollama"

    def __init__(
        self,
        name: str,
        *,
        endpoint: str,
        api_key: str | None = None,
        timeout: float = 300.0,
        settings: OllamaSettings | None = None,
        most_answer: int | None = None,
    ) -> None:
        self.model = check_name(name)
        self._most_answer = most_answer
        self._settings = settings or OllamaSettings()
        self._wire = Wire(endpoint_url(endpoint), speech=SPEECH, api_key=api_key, timeout=timeout)
        self.url = self._wire.url
        self.clean = self._wire.clean

    def options(self) -> Mapping[str, Any]:
        """Return how the model is run."""
        return {name: value for name, value in asdict(self._settings).items() if name != "keep_alive"}

    def refuse_long(self, request: Request) -> None:
        """Raise LimitReached for a prompt that may not fit into the context."""
        size = sum(len(message.content.encode(errors="replace")) for message in request.messages)
        tokens = size // BYTES_PER_TOKEN
        if tokens >= self._settings.num_ctx:
            raise LimitReached(
                f"the prompt of about {tokens:,} tokens does not fit into the context of "
                f"{self._settings.num_ctx:,} tokens, and would be cut in silence",
                where=f"the call for {request.purpose}",
                hints=("make room, if the model has it: HTN_NUM_CTX",),
            )

    def worst(self, request: Request, schema: Mapping[str, Any]) -> Worst:
        """Return the most tokens that a question and its answer can have."""
        room = self._settings.num_ctx
        return Worst(min(bytes_of(request, schema), room), min(self._most_answer or room, room))

    def send(
        self,
        request: Request,
        schema: Mapping[str, Any],
        on_text: Callable[[str], None] | None,
        seconds: float | None = None,
    ) -> Reply:
        """Put one question and return the answer."""
        # Without a bound the server goes on beyond the context where a model does not come to an end.
        bound = {"num_predict": min(self._most_answer, self._settings.num_ctx)} if self._most_answer else {}
        body = {
            "model": self.model,
            "messages": [{"role": m.role, "content": sendable(m.content)} for m in request.messages],
            "format": dict(schema),
            "options": {**self.options(), **bound, "seed": seed_of(request)},
            "keep_alive": self._settings.keep_alive,
        }
        try:
            parts = self._wire.exchange(lambda: self._pieces(body, seconds), seconds=seconds)
            return collected(parts, self._wire, on_text)
        except NoSuchModelError as error:
            raise ServiceMissing(
                f"the server at {self.url} has no model {self.model!r}",
                hints=self._ways_to_a_model(self._models_if_told()),
            ) from error

    def status(self) -> ModelStatus:
        """Say whether the model could be asked, without asking it."""
        try:
            version = self._wire.look("/api/version")
            models = self._models()
        except NotSentError as unsent:
            return self._status(answers=False, hints=unsent.error.hints)
        except ServiceMissing as error:
            return self._status(answers=False, hints=(error.message, *error.hints))
        present = bool({self.model, f"{self.model}:latest"} & set(models))
        return self._status(
            answers=True,
            version=self.clean(str(version.get("version"))) if isinstance(version, dict) else None,
            models=models,
            present=present,
            hints=() if present else self._ways_to_a_model(models),
        )

    def look(self) -> str:
        """Say why the server does not answer, or nothing where it does."""
        return looked(self._wire, "/api/version")

    def _pieces(self, body: dict[str, Any], seconds: float | None) -> Iterator[Piece]:
        import ollama  # noqa: PLC0415 - 0.2 s that commands without a model should not pay

        client = ollama.Client(self.url, **self._wire.client_settings(seconds))
        try:
            with client:
                for part in client.chat(**body, stream=True):
                    ended: End = "cut" if part.done_reason == "length" else "whole"
                    yield Piece(
                        text=part.message.content or "",
                        prompt_tokens=part.prompt_eval_count or 0,
                        answer_tokens=part.eval_count or 0,
                        end=ended if part.done else "",
                    )
                    if part.done:
                        return
        except ollama.ResponseError as error:
            raise StatusError(error.status_code, str(error.error)) from error

    def _models(self) -> tuple[str, ...]:
        tags = self._wire.look("/api/tags")
        listed = tags.get("models") if isinstance(tags, dict) else None
        if not isinstance(listed, list):
            return ()
        return tuple(self.clean(str(entry.get("name"))) for entry in listed if isinstance(entry, dict))

    def _models_if_told(self) -> tuple[str, ...]:
        try:
            return self._models()
        except (NotSentError, NoSuchModelError, ServiceMissing):
            return ()  # the list only helps to say what is wrong; that the model is missing stays

    def _ways_to_a_model(self, models: tuple[str, ...]) -> tuple[str, ...]:
        # Whoever mistypes a name leaves out the tag, so names without tags are compared too.
        short = tuple(model.removesuffix(":latest") for model in models)
        meant = did_you_mean(self.model, short)
        there = () if meant or not short else (f"it has: {', '.join(short)}",)
        return (*meant, *there, f"get it: ollama pull {self.model}")

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
            name=f"{self.provider}:{self.model}",
            address=self.url,
            answers=answers,
            version=version,
            models=models,
            present=present,
            hints=hints,
        )
