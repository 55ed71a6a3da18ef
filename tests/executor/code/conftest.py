"""Where code is run in these tests: the real sandbox that needs no engine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from executor.code import Bench
from executor.model import Model, open_model
from executor.model.standin import StandIn
from executor.sandbox import Sandbox, SandboxLimits

Answering = Callable[..., tuple[Model, StandIn]]


@pytest.fixture
def bench(box: Sandbox) -> Bench:
    return Bench(box, SandboxLimits(seconds=5))


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Start a stand-in that gives these scripted answers to questions for code, one after the other."""
    with ExitStack() as stack:

        def start(*codes: str | dict[str, Any], max_calls: int = 8, form: str = "CodeAnswer") -> tuple[Model, StandIn]:
            replies = [{"json": code if isinstance(code, dict) else {"code": code}} for code in codes]
            server = stack.enter_context(StandIn({"answers": [{"when": {"schema": form}, "replies": replies}]}))
            model = open_model(
                "scripted", endpoint=server.endpoint, api_key=None, timeout=10, num_ctx=16_384, max_calls=max_calls
            )
            return model, server

        yield start
