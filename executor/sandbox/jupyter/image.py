"""The image of a kernel: the sandbox's image, with `ipykernel` and what it needs as they are installed here.

Copied from this machine's own Python, so nothing is fetched and the versions are those that somebody installed. This
works where the image has the same Python as this machine, which the image that is built here has.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from executor.sandbox.dependencies import UnavailableError, check_python
from executor.sandbox.dependencies.image import build_image, image_name, present
from executor.sandbox.engine import Engine
from executor.sandbox.image import SandboxImage
from htn.errors import ServiceMissing

INSTALL = ("pip install 'htn-planner[jupyter]'    brings jupyter_client and ipykernel",)
_ROOTS = ("ipykernel", "jupyter_client")
# A debugger is of no use here, and larger than the rest together.
_LEFT_OUT = {"debugpy"}


def kernel_distributions() -> tuple[Distribution, ...]:
    """Return the installed packages that a kernel needs. Raises `ServiceMissing` where one is missing."""
    found: dict[str, Distribution] = {}
    wanted = list(_ROOTS)
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found or name in _LEFT_OUT:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise ServiceMissing(f"a Jupyter kernel cannot start: {name} is not installed", hints=INSTALL) from None
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return tuple(found[name] for name in sorted(found))


def kernel_image(engine: Engine, base: SandboxImage, on_progress: Callable[[str], None]) -> str:
    """Return the name of an image that a kernel can run in; build it where it is not there.

    Raises `ServiceMissing` where the packages are not installed or the image has another Python.
    """
    distributions = kernel_distributions()
    try:
        check_python(engine, base.reference)
    except UnavailableError as error:
        raise ServiceMissing(f"a Jupyter kernel cannot run in this image: {error}") from error
    pins = "\n".join(f"{each.name}=={each.version}" for each in distributions)
    digest = hashlib.sha256(f"{pins}\n{__doc__}".encode()).hexdigest()
    name = image_name(base.content, digest)
    if not present(engine, name):
        on_progress(f"building an image for Jupyter kernels from {len(distributions)} packages of this Python")
        with tempfile.TemporaryDirectory(prefix="htn-kernel-") as folder:
            for each in distributions:
                _copy(each, Path(folder))
            build_image(engine, name, base.reference, digest, Path(folder))
    return name


def _copy(package: Distribution, folder: Path) -> None:
    for source, place in _files(package):
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _files(package: Distribution) -> Iterator[tuple[Path, str]]:
    """Return the files of a package that are below the folder of packages, where they are and go."""
    for each in package.files or ():
        source = Path(str(package.locate_file(each)))
        if ".." not in each.parts and not each.is_absolute() and source.is_file():
            yield source, str(each)
