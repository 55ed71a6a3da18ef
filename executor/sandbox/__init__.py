"""Run code that nobody trusts: one protocol, several fences, no unsafe way that is not named.

`open_sandbox()` returns a `Sandbox`; its `call(program, arguments)` returns an `Outcome`. The
docker level runs bodies in hardened containers, the lockdown level in processes that have locked
themselves (Linux), the wasm level in CPython compiled to WebAssembly. The local level has no fence
and is never taken by itself. Another package can bring a level of its own (see `installed`). Only this
package imports the Docker client, and only when it is used.
"""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.sandbox.choose import Kind, check_kind, open_sandbox, sandbox_names
    from executor.sandbox.dependencies import PackageSettings
    from executor.sandbox.engine import EngineStatus, engine_status
    from executor.sandbox.hardening import Fence
    from executor.sandbox.image import ImageStatus, SandboxImage, image_status
    from executor.sandbox.languages import LANGUAGE_NAMES, language_named, settable, tells_arguments
    from executor.sandbox.languages.calls import LanguageSettings
    from executor.sandbox.languages.images import LanguageImage
    from executor.sandbox.languages.manage import Checked, Images, check_languages
    from executor.sandbox.languages.values import cannot_be_given
    from executor.sandbox.protocol import (
        JSON,
        Category,
        Form,
        Outcome,
        Problem,
        Profile,
        Program,
        Sandbox,
        SandboxLimits,
        pins_of,
    )
    from executor.sandbox.strict import RefusedError, read_strictly
    from executor.sandbox.supervised import PoolSettings
else:
    __getattr__ = later(
        __name__,
        {
            "choose": "Kind check_kind open_sandbox sandbox_names",
            "dependencies": "PackageSettings",
            "engine": "EngineStatus engine_status",
            "hardening": "Fence",
            "image": "ImageStatus SandboxImage image_status",
            "languages": "LANGUAGE_NAMES language_named settable tells_arguments",
            "languages.calls": "LanguageSettings",
            "languages.images": "LanguageImage",
            "languages.manage": "Checked Images check_languages",
            "languages.values": "cannot_be_given",
            "protocol": "JSON Category Form Outcome Problem Profile Program Sandbox SandboxLimits pins_of",
            "strict": "RefusedError read_strictly",
            "supervised": "PoolSettings",
        },
    )

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
    "PackageSettings",
    "PoolSettings",
    "Problem",
    "Profile",
    "Program",
    "RefusedError",
    "Sandbox",
    "SandboxImage",
    "SandboxLimits",
    "cannot_be_given",
    "check_kind",
    "check_languages",
    "engine_status",
    "image_status",
    "language_named",
    "open_sandbox",
    "pins_of",
    "read_strictly",
    "sandbox_names",
    "settable",
    "tells_arguments",
]
