"""htn sandbox."""

from dataclasses import asdict

import click

from commands.options import Command, output_options
from commands.output import Outcome, note, tell
from executor.sandbox import (
    LANGUAGE_NAMES,
    Checked,
    Images,
    LanguageImage,
    check_languages,
    language_named,
    open_sandbox,
)
from executor.settings import SANDBOX, Settings
from htn.errors import UsageError, did_you_mean, visible


@click.group("sandbox", short_help="Build, list and try the images in which bodies run.")
def command() -> None:
    """Look after the container images in which bodies run, one for each language.

    Python's image is made when it is first needed. Those of other languages are made by `build`, from packages of
    Debian or Ubuntu, or pulled where the setting images names one. Other levels than Docker run Python only.

    \b
    htn sandbox images
    htn sandbox build javascript go
    htn sandbox check
    """


@command.command("images", cls=Command, short_help="List the image of each language.")
@output_options
@click.pass_obj
def list_images(outcome: Outcome, /, as_json: bool, debug: bool) -> int:  # debug is read by the group
    """List the image of each language: its name, its size, how it was made, or what makes it.

    \b
    htn sandbox images
    htn sandbox images --json

    Exit codes: 0 listed, also when some are missing; 2 usage; 7 no Docker engine answers.
    """
    rows = _images().rows()
    outcome.document = [asdict(row) for row in rows]
    outcome.show("\n".join(map(_row, rows)))
    return 0


@command.command("build", cls=Command, short_help="Build or pull images.")
@click.argument("languages", metavar="[LANGUAGE]...", nargs=-1)
@output_options
@click.pass_obj
def build(outcome: Outcome, /, languages: tuple[str, ...], as_json: bool, debug: bool) -> int:  # as above
    """Build the image of each LANGUAGE, or of all languages, or pull it where the setting images names one.

    An image that is there and up to date is left as it is. All together take about a minute and 1.5 GB; Docker's vfs
    driver keeps each twice. What was built before from older packages stays until `htn sandbox prune`.

    \b
    htn sandbox build go
    htn sandbox build

    Exit codes: 0 all are there; 2 usage, such as a language that does not exist; 7 Docker does not answer, or the
    packages cannot be had.
    """
    outcome.document = []
    for name, image in _images().build(_languages(languages), note):
        outcome.document.append({"language": name, **asdict(image)})
        size, spent = f"{image.megabytes:.0f} MB", f"{image.seconds:.1f} s"
        outcome.show(f"{name:<11} {image.how:<7} {image.reference}  {size}, {spent}")
    return 0


@command.command("prune", cls=Command, short_help="Remove images that nothing uses any more.")
@click.option("--packages", is_flag=True, help="Also the images with packages that bodies declared.")
@output_options
@click.pass_obj
def prune(outcome: Outcome, /, packages: bool, as_json: bool, debug: bool) -> int:  # as above
    """Remove the images that were built here and that no language uses any more.

    These are images of an older Python, of older packages, or of another version of this program. Images that were
    pulled, and those of anybody else, stay. An image with packages that is removed is built anew when a body needs it.

    \b
    htn sandbox prune
    htn sandbox prune --packages

    Exit codes: 0 removed, also when there were none; 7 no Docker engine answers.
    """
    removed, kept = _images().prune(packages=packages)
    outcome.document = {"removed": removed, "in_use": kept}
    for reference in removed:
        outcome.show(f"removed {reference}")
    for reference in kept:
        note(f"{reference} stays: a container uses it")
    if not removed and not as_json:
        tell("there is nothing to remove")
    return 0


@command.command("check", cls=Command, short_help="Run one body in each language.")
@click.argument("languages", metavar="[LANGUAGE]...", nargs=-1)
@output_options
@click.pass_obj
def check(outcome: Outcome, /, languages: tuple[str, ...], as_json: bool, debug: bool) -> int:  # as above
    """Run one body in each LANGUAGE, or in all languages, and say what is missing and what to do.

    \b
    htn sandbox check
    htn sandbox check go rust

    Exit codes: 0 all that were named ran, or all that have an image when none was named; 2 usage; 7 one of them did
    not, or no sandbox can be had.
    """
    settings = Settings.load(SANDBOX)
    found: list[Checked] = []
    with open_sandbox(
        kind=settings.sandbox,
        image=settings.image,
        docker_timeout=settings.docker_timeout,
        limits=settings.limits,
        fence=settings.fence,
        languages=settings.languages,
        on_progress=note,
    ) as sandbox:
        for checked in check_languages(sandbox, _languages(languages)):
            found.append(checked)
            outcome.show(_checked(checked))
    outcome.document = [asdict(each) for each in found]
    failed = [each for each in found if not each.ok and (languages or not each.hint or each.language == "python")]
    return 7 if failed else 0


def _images() -> Images:
    settings = Settings.load(SANDBOX)
    configured = {**settings.images, **({"python": settings.image} if settings.image else {})}
    return Images(configured, settings.docker_timeout)


def _languages(words: tuple[str, ...]) -> list[str]:
    """Return the languages that some words name, or all. Raises `UsageError`."""
    names = []
    for word in words:
        name = language_named(word)
        if name is None:
            hints = (*did_you_mean(word, LANGUAGE_NAMES), f"the languages are {', '.join(LANGUAGE_NAMES)}")
            raise UsageError(f"there is no language {word!r}", hints=hints)
        names.append(name)
    return names or list(LANGUAGE_NAMES)


def _row(row: LanguageImage) -> str:
    sign = "✓" if row.present else "✗"
    size = f"{row.megabytes:.0f} MB, " if row.present else ""
    text = f"{sign} {row.language:<11} {row.reference}  {size}{row.how}"
    return visible(text) + (f"\n{'':14}hint: {visible(row.hint)}" if row.hint else "")


def _checked(checked: Checked) -> str:
    sign = "✓" if checked.ok else "✗"
    hint = f"\n{'':14}hint: {visible(checked.hint)}" if checked.hint else ""
    return f"{sign} {checked.language:<11} {visible(checked.found)}{hint}"
