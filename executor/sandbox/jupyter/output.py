"""What a cell shows: a message of the Jupyter protocol as a typed value.

Of a thing that is shown in several forms the richest is taken, in this order: PNG, SVG, LaTeX, HTML, JSON, text. The
plain text stands beside it. Messages come from code that nobody trusts: what has not the form that it claims is left
out. HTML and SVG are data here; whoever shows them in a page must clean them first.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from executor.sandbox.inside.plain import JSON, NotPlainError, as_plain

_MOST_TRACE = 20_000


@dataclass(frozen=True)
class Stream:
    """Printed text."""

    name: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True)
class Text:
    """A value as plain text."""

    text: str


@dataclass(frozen=True)
class Image:
    """A picture: the bytes of a PNG file, or the text of an SVG file in UTF-8."""

    format: Literal["png", "svg"]
    data: bytes
    text: str = ""


@dataclass(frozen=True)
class Html:
    """A piece of HTML, as the cell wrote it."""

    html: str
    text: str = ""


@dataclass(frozen=True)
class Latex:
    """A formula."""

    latex: str
    text: str = ""


@dataclass(frozen=True)
class Json:
    """A value that was shown as JSON."""

    value: JSON
    text: str = ""


@dataclass(frozen=True)
class Error:
    """An exception that ended the cell. The traceback has the colours of a terminal."""

    name: str
    message: str
    traceback: str


Output = Stream | Text | Image | Html | Latex | Json | Error

_PNG = b"\x89PNG\r\n\x1a\n"


def read_output(kind: str, content: Mapping[str, Any]) -> Output | None:
    """Return what a message shows, or None for one that shows nothing or has not the form that it claims."""
    match kind, content:
        case "stream", {"name": "stdout" | "stderr" as name, "text": str(text)}:
            return Stream(name, text)
        case (("display_data" | "execute_result" | "update_display_data"), {"data": dict(data)}):
            return _shown(data)
        case "error", {"ename": str(name), "evalue": str(message), "traceback": list(lines)}:
            return Error(name, message, "\n".join(map(str, lines))[-_MOST_TRACE:])
    return None


def _shown(data: Mapping[str, Any]) -> Output | None:
    plain = _text(data.get("text/plain"))
    if isinstance(encoded := data.get("image/png"), str) and (picture := _png(encoded)):
        return Image("png", picture, plain)
    if svg := _text(data.get("image/svg+xml")):
        return Image("svg", svg.encode("utf-8", "replace"), plain)
    if latex := _text(data.get("text/latex")):
        return Latex(latex, plain)
    if html := _text(data.get("text/html")):
        return Html(html, plain)
    if "application/json" in data:
        try:
            return Json(as_plain(data["application/json"]), plain)
        except NotPlainError:
            return None
    return Text(plain) if "text/plain" in data else None


def _png(encoded: str) -> bytes:
    """Return the picture, or nothing where it is none."""
    try:
        picture = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return picture if picture.startswith(_PNG) else b""


def _text(value: object) -> str:
    if isinstance(value, list):  # the protocol allows a list of lines
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
