"""Where a model server is: the forms people write an address in, as one URL."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from htn.errors import UsageError

OLLAMA_PORT = 11434
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def endpoint_url(endpoint: str, *, port: int | None = OLLAMA_PORT) -> str:
    """Return `endpoint` as a URL without a trailing slash.

    Accepted are `host`, `host:port` (http, and `port` when none is written; by default Ollama's) and
    `http[s]://host[:port][/path]`. Names and passwords in the address are refused, because
    addresses are shown in errors.
    """
    written = endpoint.strip()
    if "@" in written:
        raise UsageError(
            "the address of the model server contains a name or a password",
            hints=("give a key as the api key instead; addresses are shown in errors",),
        )
    bare = "://" not in written
    try:
        parts = urlsplit(f"http://{written}" if bare else written)
        written_port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise _not_an_address(endpoint) from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.query:
        raise _not_an_address(endpoint)
    if written_port is None and bare:
        written_port = port
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if written_port is None else f":{written_port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    """Say whether `url` points at this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_an_address(endpoint: str) -> UsageError:
    return UsageError(
        f"not an address of a model server: {endpoint!r}",
        hints=("write it as localhost:11434 or http://host:port",),
    )
