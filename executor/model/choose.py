"""From the name of a model to the model: which provider it belongs to, and how it is asked."""

from collections.abc import Callable, Mapping
from typing import Literal

from executor.model.anthropic import Anthropic
from executor.model.asker import Asker
from executor.model.budget import CallBudget
from executor.model.guard import Guard
from executor.model.kept import KeptAnswers
from executor.model.ollama import Ollama, OllamaSettings
from executor.model.openai import OpenAI
from executor.model.pace import LocalTurns, Pace, Turns
from executor.model.protocol import Call
from executor.model.provider import Provider
from htn.errors import UsageError

ProviderName = Literal["ollama", "openai", "anthropic"]
PROVIDERS: tuple[ProviderName, ...] = ("ollama", "openai", "anthropic")


def split_spec(spec: str, default: ProviderName = "ollama") -> tuple[ProviderName, str]:
    """Return the provider and the name of a model that is written as "provider:name" or "name".

    Names may have a colon too: "qwen3:8b" is a name and no provider.
    """
    word, colon, name = spec.partition(":")
    for provider in PROVIDERS:
        if colon and word == provider:
            return provider, _some(name, provider)
    return default, _some(spec, default)


def open_model(
    spec: str,
    *,
    endpoint: str,
    api_key: str | None,
    timeout: float,
    num_ctx: int,
    max_calls: int,
    answer_tokens: int = 8192,
    parallel: int = 2,
    requests_per_minute: int = 0,
    turns: Turns | None = None,
    kept: KeptAnswers | None = None,
    budget: CallBudget | None = None,
    guard: Callable[[Provider], Guard] | None = None,
    bounded: bool = False,
    on_call: Callable[[Call], None] = lambda call: None,
) -> Asker:
    """Return the model that `spec` names, as "provider:NAME" or as "NAME" for Ollama; nothing is sent yet.

    `endpoint` is where the provider's server is. `timeout` bounds one call in seconds, `num_ctx` its prompt and answer
    in tokens (Ollama only), `answer_tokens` its answer (Anthropic only), `max_calls` all calls together; a `budget`
    that is shared with others takes the place of `max_calls`. `parallel` questions of one `ask_all` are put at once.
    Requests go out at most `requests_per_minute` times in a minute, 0 for any number of times, counted in this process
    or by `turns`, where others take turns too. `kept` are earlier answers. `guard` gives what stands between questions
    and this model; with `bounded` each answer is held to `answer_tokens`, whoever gives it. `on_call` hears
    of each request that went out, when it has ended.
    """
    provider, name = split_spec(spec)
    makers: Mapping[ProviderName, Callable[[], Provider]] = {
        "ollama": lambda: Ollama(
            name,
            endpoint=endpoint,
            api_key=api_key,
            timeout=timeout,
            settings=OllamaSettings(num_ctx=num_ctx),
            most_answer=answer_tokens if bounded else None,
        ),
        "openai": lambda: OpenAI(
            name, endpoint=endpoint, api_key=api_key, timeout=timeout, answer_tokens=answer_tokens, bounded=bounded
        ),
        "anthropic": lambda: Anthropic(
            name, endpoint=endpoint, api_key=api_key, timeout=timeout, answer_tokens=answer_tokens
        ),
    }
    if requests_per_minute and turns is None:
        turns = LocalTurns(requests_per_minute)
    made = makers[provider]()
    return Asker(
        made,
        budget=budget or CallBudget(max_calls),
        pace=Pace(turns, patience=timeout) if turns else None,
        kept=kept,
        parallel=parallel,
        guard=guard(made) if guard else None,
        on_call=on_call,
    )


def _some(name: str, provider: str) -> str:
    if not name:
        raise UsageError("no model is named", hints=(f"write it as {provider}:NAME",))
    return name
