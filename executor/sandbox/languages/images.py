"""Images of languages other than Python: found, pulled or built, listed, and removed when nothing wants them.

    a reference is configured     the engine has it, or `build` pulls it
    none is configured            the newest image that was built by the recipe of this version, or `build` makes one

The tag of a built image holds a hash of what went into it: the recipe, the packages with their
versions, and this machine's Python. A call never pulls or builds; it says what to run.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from executor.sandbox.archive import RootArchive
from executor.sandbox.engine import Engine, engine_failures
from executor.sandbox.image import (
    CONTENT_LABEL,
    REPOSITORY,
    SandboxImage,
    find_image,
    fitting_interpreter,
    import_archive,
    megabytes,
    pull_image,
)
from executor.sandbox.interpreter import Interpreter
from executor.sandbox.languages.packages import Package, fetched, needed_packages, unpack
from executor.sandbox.languages.recipes import FORMAT, RECIPES, Recipe
from htn.errors import ServiceMissing

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

LANGUAGE_LABEL, FORMAT_LABEL = "htn.sandbox.language", "htn.sandbox.format"
_PREFIX = REPOSITORY.removesuffix("python")
_REPOSITORIES = {"c++": f"{_PREFIX}cpp"}


@dataclass(frozen=True)
class LanguageImage:
    """The image of a language as `htn sandbox images` lists it; `how` says where it comes from."""

    language: str
    reference: str
    present: bool
    how: str
    megabytes: float = 0.0
    hint: str = ""


@dataclass(frozen=True)
class _Plan:
    """What a build would make."""

    language: str
    recipe: Recipe
    packages: tuple[Package, ...]
    interpreter: Interpreter

    @property
    def digest(self) -> str:
        """A hash of all that goes into the image."""
        made_of = [
            FORMAT,
            repr(self.recipe),
            [each.file + each.hash for each in self.packages],
            self.interpreter.digest(),
        ]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    @property
    def reference(self) -> str:
        """The name of the image."""
        return f"{repository(self.language)}:{self.interpreter.machine}-{self.digest[:12]}"


def repository(language: str) -> str:
    """Return the name, without a tag, of the images of a language that are built here."""
    return _REPOSITORIES.get(language, f"{_PREFIX}{language}")


def image_of(engine: Engine, language: str, configured: str | None) -> DockerImage | None:
    """Return the image in which bodies of a language run, or None where the engine has none."""
    if configured:
        return find_image(engine, configured)
    label = [f"{LANGUAGE_LABEL}={language}", f"{FORMAT_LABEL}={FORMAT}"]
    with engine_failures("looking for the image of a language"):
        found = engine.client.images.list(filters={"label": label})
    named = [image for image in found if image.tags]
    return max(named, key=lambda image: str(image.attrs.get("Created", "")), default=None)


def build_image(
    engine: Engine, language: str, configured: str | None, on_progress: Callable[[str], None]
) -> SandboxImage:
    """Return the current image of a language; pull or build it where the engine has it not.

    Raises `ServiceMissing` when it can be neither found, pulled nor built.
    """
    started = time.monotonic()
    if configured:
        image = find_image(engine, configured)
        found = image is not None
        image = image or pull_image(engine, configured, on_progress)
        return SandboxImage(configured, "found" if found else "pulled", time.monotonic() - started, megabytes(image))
    plan = _plan(engine, language)
    image = find_image(engine, plan.reference, plan.digest)
    if image is not None:
        return SandboxImage(plan.reference, "found", time.monotonic() - started, megabytes(image))
    size = sum(package.size for package in plan.packages) / 1e6
    on_progress(f"building {plan.reference}: {len(plan.packages)} packages, {size:.0f} MB to fetch")
    image = _build(engine, plan)
    result = SandboxImage(plan.reference, "built", time.monotonic() - started, megabytes(image))
    on_progress(str(result))
    return result


def image_row(
    engine: Engine, language: str, configured: str | None, interpreter: Interpreter | None = None
) -> LanguageImage:
    """Say which image a language has; pulls and builds nothing. `interpreter` is this machine's, if it is known."""
    image = image_of(engine, language, configured)
    build = f"htn sandbox build {language}"
    if image is None:
        how = "would be pulled" if configured else "would be built from packages"
        return LanguageImage(language, configured or repository(language), False, how, hint=build)
    reference, size = configured or image.tags[0], megabytes(image)
    if configured:
        return LanguageImage(language, reference, True, "configured", size)
    try:
        current = _plan(engine, language, interpreter).reference
    except ServiceMissing:  # no lists of packages to compare with
        return LanguageImage(language, reference, True, "built", size)
    if current == reference:
        return LanguageImage(language, reference, True, "built", size)
    return LanguageImage(language, reference, True, "built from older packages or another Python", size, build)


def unwanted_images(engine: Engine, configured: Mapping[str, str], python: str) -> list[str]:
    """Return the images that were built here and that nothing uses any more: `python` is the one that Python uses."""
    wanted = {python, *configured.values()}
    for language in RECIPES:
        image = image_of(engine, language, None)
        wanted |= set(image.tags) if image is not None else set()
    ours = {REPOSITORY, *(repository(language) for language in RECIPES)}
    with engine_failures("looking for images"):
        built = engine.client.images.list(filters={"label": CONTENT_LABEL})
    tags = [tag for image in built for tag in image.tags if tag.partition(":")[0] in ours]
    nameless = [str(image.id) for image in built if not image.tags]
    return sorted(set(tags) - wanted) + nameless


def _plan(engine: Engine, language: str, interpreter: Interpreter | None = None) -> _Plan:
    recipe = RECIPES[language]
    packages = needed_packages(recipe.packages, recipe.kept, recipe.left_out)
    return _Plan(language, recipe, packages, interpreter or fitting_interpreter(engine))


def _build(engine: Engine, plan: _Plan) -> DockerImage:
    labels = {CONTENT_LABEL: plan.digest, LANGUAGE_LABEL: plan.language, FORMAT_LABEL: FORMAT}
    with fetched(plan.packages) as packages, tempfile.TemporaryFile() as stream:
        archive = RootArchive(stream)
        for package in packages:
            unpack(Path(package), archive, plan.recipe.trimmed)
        for name, target in plan.recipe.links.items():
            archive.add_link(name, f"/{archive.matching(target)}")
        plan.interpreter.add_to(archive)  # last: a library that a package has stays the package's
        archive.finish()
        return import_archive(engine, plan.reference, stream, labels)
