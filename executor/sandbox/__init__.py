"""Run code that nobody trusts: one protocol, two fences, no unsafe way.

`open_sandbox()` returns a `Sandbox`; its `call(program, arguments)` returns an `Outcome`. The
docker level runs bodies in hardened containers, the lockdown level in processes that have locked
themselves (Linux). Only this package imports the Docker client, and only when it is used.
"""

from executor.sandbox.choose import Kind, open_sandbox
from executor.sandbox.engine import EngineStatus, engine_status
from executor.sandbox.hardening import Fence
from executor.sandbox.image import ImageStatus, SandboxImage, image_status
from executor.sandbox.languages import LANGUAGE_NAMES, language_named
from executor.sandbox.languages.calls import LanguageSettings
from executor.sandbox.languages.images import LanguageImage
from executor.sandbox.languages.manage import Checked, Images, check_languages
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
    "LANGUAGE_NAMES",
    "Category",
    "Checked",
    "EngineStatus",
    "Fence",
    "Form",
    "ImageStatus",
    "Images",
    "Kind",
    "LanguageImage",
    "LanguageSettings",
    "Outcome",
    "PoolSettings",
    "Problem",
    "Program",
    "Sandbox",
    "SandboxImage",
    "SandboxLimits",
    "check_languages",
    "engine_status",
    "image_status",
    "language_named",
    "open_sandbox",
]
