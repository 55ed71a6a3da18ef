"""Run code that nobody trusts: one protocol, two fences, no unsafe way.

`open_sandbox()` returns a `Sandbox`; its `call(program, arguments)` returns an `Outcome`. The
docker level runs bodies in hardened containers, the lockdown level in processes that have locked
themselves (Linux). Only this package imports the Docker client, and only when it is used.
"""

from executor.sandbox.choose import Kind, open_sandbox
from executor.sandbox.engine import EngineStatus, engine_status
from executor.sandbox.hardening import Fence
from executor.sandbox.image import ImageStatus, SandboxImage, image_status
from executor.sandbox.languages.calls import LanguageSettings
from executor.sandbox.protocol import (
    JSON,
    Category,
    Form,
    Outcome,
    Problem,
    Program,
    Sandbox,
    SandboxLimits,
)
from executor.sandbox.supervised import PoolSettings

__all__ = [
    "JSON",
    "Category",
    "EngineStatus",
    "Fence",
    "Form",
    "ImageStatus",
    "Kind",
    "LanguageSettings",
    "Outcome",
    "PoolSettings",
    "Problem",
    "Program",
    "Sandbox",
    "SandboxImage",
    "SandboxLimits",
    "engine_status",
    "image_status",
    "open_sandbox",
]
