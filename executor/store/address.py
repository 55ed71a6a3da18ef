"""Where a Redis server is: the forms people write an address in, and the form that may be shown."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from htn.errors import UsageError

_SCHEMES = ("redis", "rediss", "unix")
_FORMS = "write REDIS_URL as localhost:6379, redis://host:port/0, rediss://… or unix:///path"


@dataclass(frozen=True)
class Address:
    """A server. `shown` is the address without names and passwords, for people."""

    url: str
    shown: str
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def clean(self, text: str) -> str:
        """Return a text of the server or the client without the password."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def read_address(written: str) -> Address:
    """Return the address that `written` means: `host:port` or a redis, rediss or unix URL.

    What cannot be understood is refused without quoting it, because it may hold a password.
    """
    text = written.strip()
    url = text if "://" in text else f"redis://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _not_an_address() from None
    if parts.scheme not in _SCHEMES or (parts.scheme != "unix" and not parts.hostname):
        raise _not_an_address()
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    hidden = {parts.password, query.get("password")} - {None, ""}
    # Both as written and as meant: a percent-encoded password must not appear in either form.
    secrets = {form for text in hidden if text for form in (text, unquote(text))}
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise _not_an_address()
        shown = f"unix://{parts.path}"
    else:
        if not re.fullmatch(r"/?\d*", parts.path):
            raise _not_an_address()
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        shown = f"{parts.scheme}://{host}:{port or 6379}{parts.path.rstrip('/')}"
    return Address(url=url, shown=shown, secrets=tuple(sorted(secrets, key=len, reverse=True)))


def _not_an_address() -> UsageError:
    return UsageError("REDIS_URL is not the address of a Redis server", hints=(_FORMS,))
