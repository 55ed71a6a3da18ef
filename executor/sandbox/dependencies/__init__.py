"""Packages that a body declares: what may be declared, what that comes to, and an image that has it.

    requirement   the texts that may be declared, and those that a setting allows
    lock          resolved with pip, outside of every sandbox: name, version and hash of each wheel
    audit         what is known to be wrong with these versions, where somebody can be asked
    wheel         a wheel as plain files; nothing of it is run
    image         the sandbox's image with these files beside it
    packages      all of it, kept: resolved once, built once

What is resolved is pinned by hash, and the pins are part of what a body runs on (`Sandbox.runs_on`). The network is
used when something is resolved, never by what runs. Only wheels are taken: to build a package is to run its code.
"""

from executor.sandbox.dependencies.image import images_with_packages, prune
from executor.sandbox.dependencies.packages import Packages, PackageSettings, UnavailableError, check_python
from executor.sandbox.dependencies.requirement import check_requirements

__all__ = [
    "PackageSettings",
    "Packages",
    "UnavailableError",
    "check_python",
    "check_requirements",
    "images_with_packages",
    "prune",
]
